/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/formats.h"
#include "artifacts/netlist/logic.h"

/* The gate-level cells of Yosys (simcells.v), inputs in the order of `in`. */
static const struct {
	const char *type;
	uint8_t n;
	const char *in; /* one letter a pin */
	uint64_t tt;
} prims[] = {
	{"$_BUF_", 1, "A", 0x2},        {"$_NOT_", 1, "A", 0x1},
	{"$_AND_", 2, "AB", 0x8},       {"$_NAND_", 2, "AB", 0x7},
	{"$_OR_", 2, "AB", 0xe},        {"$_NOR_", 2, "AB", 0x1},
	{"$_XOR_", 2, "AB", 0x6},       {"$_XNOR_", 2, "AB", 0x9},
	{"$_ANDNOT_", 2, "AB", 0x2},    {"$_ORNOT_", 2, "AB", 0xb},
	{"$_MUX_", 3, "ABS", 0xca},     {"$_NMUX_", 3, "ABS", 0x35},
	{"$_AOI3_", 3, "ABC", 0x07},    {"$_OAI3_", 3, "ABC", 0x1f},
	{"$_AOI4_", 4, "ABCD", 0x0777}, {"$_OAI4_", 4, "ABCD", 0x111f},
};

#define MAX_BIT 100000000

struct reader {
	struct ax_json json;
	struct ax_build *b;
	const struct ax_liberty *lib;
	struct ax_str *warn;
	uint32_t *net; /* of each bit number */
	size_t bits;
	const char *file;
	struct ax_err *err;
	bool warned;
};

static int
fail(struct reader *r, const char *what, const char *name)
{
	return ax_err_set(r->err, AX_EXIT_STAGE, "%s: %s%s%.200s", r->file,
			  what, name ? ": " : "", name ? name : "");
}

/* A bit is a number from 2 up, or "0", "1", "x", "z". */
static int
bit_net(struct reader *r, const json_t *bit, uint32_t *out)
{
	const char *s = json_string_value(bit);
	json_int_t k = json_integer_value(bit);

	if (s && (ax_streq(s, "0") || ax_streq(s, "1"))) {
		*out = ax_build_const(r->b, *s == '1');
		return 0;
	}
	if (s && (ax_streq(s, "x") || ax_streq(s, "z"))) {
		if (r->warn && !r->warned)
			ax_str_addf(r->warn,
				    "%s: undefined bits (x, z) read as 0\n",
				    r->file);
		r->warned = true;
		*out = ax_build_const(r->b, false);
		return 0;
	}
	if (!json_is_integer(bit) || k < 0 || k > MAX_BIT)
		return fail(r, "a bit is neither a number nor 0, 1, x, z",
			    NULL);
	if ((size_t)k >= r->bits) {
		size_t n = AX_MAX((size_t)k + 1, r->bits * 2);

		r->net = ax_realloc(r->net, n, sizeof(*r->net));
		for (size_t i = r->bits; i < n; i++)
			r->net[i] = AX_NO_NET;
		r->bits = n;
	}
	if (r->net[k] == AX_NO_NET)
		r->net[k] = ax_build_anon(r->b, 0);
	*out = r->net[k];
	return 0;
}

/* Names from "netnames", so that messages can name a net. */
static int
names(struct reader *r, const json_t *module)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(module, "netnames"), name, value)
	{
		json_t *bits = json_object_get(value, "bits"), *bit;
		size_t n = json_array_size(bits), i;

		json_array_foreach(bits, i, bit)
		{
			uint32_t id;
			char *full;

			if (!json_is_integer(bit))
				continue;
			if (bit_net(r, bit, &id) < 0)
				return -1;
			full = n == 1 ? ax_strdup(name)
				      : ax_asprintf("%s[%zu]", name, i);
			ax_build_name(r->b, id, full);
			free(full);
		}
	}
	return 0;
}

static int
ports(struct reader *r, const json_t *module)
{
	const char *name;
	json_t *port;

	json_object_foreach(json_object_get(module, "ports"), name, port)
	{
		const char *dir =
			json_string_value(json_object_get(port, "direction"));
		json_t *bits = json_object_get(port, "bits"), *bit;
		size_t n = json_array_size(bits), i;
		json_int_t lsb =
			json_integer_value(json_object_get(port, "offset"));
		uint32_t *nets;
		bool out = dir && ax_streq(dir, "output");
		int rc = 0;

		if (!dir || (!out && !ax_streq(dir, "input")))
			return fail(r, "port is neither input nor output",
				    name);
		if (n == 0 || n > AX_NET_MAX_PORTS)
			return fail(r, "port without bits, or with too many",
				    name);
		if (lsb < -1000000 || lsb > 1000000)
			return fail(r, "impossible offset of port", name);
		nets = ax_calloc(n, sizeof(*nets));
		json_array_foreach(bits, i, bit)
		{
			if (rc == 0)
				rc = bit_net(r, bit, &nets[i]);
		}
		if (rc == 0)
			rc = ax_build_port(r->b, out, name, (uint32_t)n,
					   (int32_t)lsb, n == 1 && lsb == 0,
					   nets, 0, r->err);
		free(nets);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
pin(struct reader *r, const json_t *conn, const char *name, size_t i,
    const char *cell, uint32_t *out)
{
	const json_t *bits = json_object_get(conn, name);

	if (i >= json_array_size(bits))
		return fail(r, "a pin is not connected on cell", cell);
	return bit_net(r, json_array_get(bits, i), out);
}

static int
primitive(struct reader *r, size_t k, const json_t *conn, const char *cell)
{
	uint32_t in[AX_NODE_FANIN], out;
	char name[2] = {0};

	for (unsigned i = 0; i < prims[k].n; i++) {
		name[0] = prims[k].in[i];
		if (pin(r, conn, name, 0, cell, &in[i]) < 0)
			return -1;
	}
	if (pin(r, conn, "Y", 0, cell, &out) < 0)
		return -1;
	if (prims[k].tt == 0x2 && prims[k].n == 1)
		return ax_build_wire(r->b, out, in[0], 0, r->err);
	return ax_build_gate(r->b, prims[k].n, in, prims[k].tt, out, 0, r->err);
}

/* $lut: WIDTH inputs in A, LUT is a string of bits, highest first. */
static int
lut(struct reader *r, const json_t *cell, const json_t *conn, const char *name)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(cell, "parameters"), "LUT"));
	size_t n = json_array_size(json_object_get(conn, "A"));
	uint32_t in[AX_NODE_FANIN], out;
	uint64_t tt = 0;
	size_t len;

	if (n > AX_NODE_FANIN)
		return fail(r, "$lut of more than 6 inputs", name);
	len = text ? strlen(text) : 0;
	if (len != (size_t)1 << n)
		return fail(r,
			    "$lut whose LUT parameter is no string of "
			    "2^WIDTH bits",
			    name);
	for (size_t i = 0; i < len; i++)
		tt |= (uint64_t)(text[len - 1 - i] == '1') << i;
	for (size_t i = 0; i < n; i++) {
		if (pin(r, conn, "A", i, name, &in[i]) < 0)
			return -1;
	}
	if (pin(r, conn, "Y", 0, name, &out) < 0)
		return -1;
	return ax_build_gate(r->b, (unsigned)n, in, tt, out, 0, r->err);
}

static int
library_cell(struct reader *r, const char *type, const json_t *conn,
	     const char *cell)
{
	const char *pins[64], *name;
	uint32_t nets[64];
	unsigned n = 0;
	json_t *bits;

	json_object_foreach((json_t *)(uintptr_t)conn, name, bits)
	{
		if (n == AX_LEN(pins))
			return fail(r, "a cell with over 64 pins", cell);
		if (json_array_size(bits) == 0)
			continue;
		if (json_array_size(bits) != 1)
			return fail(r,
				    "a library cell with a pin of several "
				    "bits",
				    cell);
		pins[n] = name;
		if (bit_net(r, json_array_get(bits, 0), &nets[n++]) < 0)
			return -1;
	}
	return ax_cell_connect(r->b, r->lib, type, n, pins, nets, r->file, 0,
			       r->err);
}

/* A parameter or attribute of Yosys: a number, or a string of bits. */
static bool
says(const json_t *module, const char *attribute)
{
	const json_t *v = json_object_get(json_object_get(module, "attributes"),
					  attribute);

	return json_is_string(v) ? strchr(json_string_value(v), '1') != NULL
				 : json_integer_value(v) != 0;
}

/* A module of this file, with insides, whose name is no cell's? */
static bool
whole(const struct reader *r, const char *type)
{
	const json_t *m =
		json_object_get(json_object_get(r->json.root, "modules"), type);
	struct ax_cell_model cell;

	return m && !says(m, "blackbox") && !says(m, "whitebox") &&
	       ax_cell_find(&cell, r->lib, type, r->file, 0, NULL) < 0;
}

static int
cells(struct reader *r, const json_t *module)
{
	const char *name;
	json_t *cell;

	json_object_foreach(json_object_get(module, "cells"), name, cell)
	{
		const char *type =
			json_string_value(json_object_get(cell, "type"));
		const json_t *conn = json_object_get(cell, "connections");
		size_t k;
		int rc;

		if (!type)
			return fail(r, "cell without a type", name);
		for (k = 0; k < AX_LEN(prims); k++) {
			if (ax_streq(type, prims[k].type))
				break;
		}
		if (k < AX_LEN(prims))
			rc = primitive(r, k, conn, name);
		else if (ax_streq(type, "$lut"))
			rc = lut(r, cell, conn, name);
		else if (ax_streq(type, "$scopeinfo"))
			rc = 0;
		else if (type[0] == '$')
			rc = ax_err_set(r->err, AX_EXIT_STAGE,
					"%s: unknown cell %s (%.200s): not a "
					"combinational gate; run synth, or "
					"techmap and abc, before write_json",
					r->file, type, name);
		else if (whole(r, type))
			rc = fail(r,
				  "a module within the netlist; run flatten "
				  "before write_json",
				  type);
		else
			rc = library_cell(r, type, conn, name);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* The module that is marked as top, or the only one that is no library cell's
 * outline (which write_json puts beside the netlist). */
static const json_t *
choose(struct reader *r, const char **name)
{
	json_t *modules = json_object_get(r->json.root, "modules");
	const json_t *top = NULL, *plain = NULL;
	const char *key, *top_name = NULL, *plain_name = NULL;
	unsigned tops = 0, plains = 0;
	json_t *module;

	json_object_foreach(modules, key, module)
	{
		if (says(module, "top")) {
			top = module;
			top_name = key;
			tops++;
		} else if (!says(module, "blackbox") &&
			   !says(module, "whitebox")) {
			plain = module;
			plain_name = key;
			plains++;
		}
	}
	if (tops == 1 || (tops == 0 && plains == 1)) {
		*name = tops ? top_name : plain_name;
		return tops ? top : plain;
	}
	fail(r,
	     "expected one module, or one with the attribute top; run "
	     "hierarchy -top and flatten before write_json",
	     NULL);
	return NULL;
}

int
ax_netlist_read_json(struct ax_netlist **out, const char *name,
		     const char *text, size_t len, const struct ax_liberty *lib,
		     struct ax_str *warn, struct ax_err *err)
{
	struct reader r = {.lib = lib, .warn = warn, .file = name, .err = err};
	const char *top = NULL;
	const json_t *module;
	int rc;

	if (ax_json_parse(&r.json, name, text, len, err) < 0) {
		if (err)
			err->exit = AX_EXIT_STAGE;
		return -1;
	}
	module = choose(&r, &top);
	if (!module) {
		ax_json_free(&r.json);
		return -1;
	}
	r.b = ax_build_new(name, top, warn);
	rc = names(&r, module) < 0 || ports(&r, module) < 0 ||
			     cells(&r, module) < 0
		     ? -1
		     : 0;
	if (rc == 0)
		rc = ax_build_finish(out, r.b, true, err);
	else
		ax_build_free(r.b);
	free(r.net);
	ax_json_free(&r.json);
	return rc;
}
