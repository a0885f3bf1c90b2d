/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/synth/elaborated.h"

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"

static const char *
refused(const char *type)
{
	if (strstr(type, "latch"))
		return "a latch: some path through the process leaves a value "
		       "unassigned; assign it on every path";
	if (strstr(type, "ff") && type[0] == '$' && !strstr(type, "$_TBUF"))
		return "a flip-flop: the circuit must be combinational";
	if (ax_starts(type, "$mem") || ax_starts(type, "$_mem"))
		return "a memory: the circuit must be combinational";
	if (ax_starts(type, "$tribuf"))
		return "a tri-state driver";
	if (ax_starts(type, "$assert") || ax_starts(type, "$assume") ||
	    ax_starts(type, "$cover") || ax_starts(type, "$fsm"))
		return "a construct that has no gates";
	return NULL;
}

/* A name of the module for any bit of the cell's output, NULL if none. */
static const char *
net_name(json_t *module, json_t *cell)
{
	json_t *q = json_object_get(json_object_get(cell, "connections"), "Q");
	json_t *bit = json_array_get(q, 0), *net, *b;
	const char *name;
	size_t i;

	if (!json_is_integer(bit))
		return NULL;
	json_object_foreach(json_object_get(module, "netnames"), name, net)
	{
		if (json_is_true(json_object_get(net, "hide_name")) ||
		    json_integer_value(json_object_get(net, "hide_name")))
			continue;
		json_array_foreach(json_object_get(net, "bits"), i,
				   b) if (json_equal(b, bit)) return name;
	}
	return NULL;
}

/* Ports of the top module; false when it is in order. */
static bool
bad_ports(json_t *module, struct ax_err *err)
{
	const char *name;
	json_t *port;
	bool out = false;

	json_object_foreach(json_object_get(module, "ports"), name, port)
	{
		const char *way =
			json_string_value(json_object_get(port, "direction"));

		if (way && ax_streq(way, "inout")) {
			ax_err_set(err, AX_EXIT_STAGE,
				   "port %s is an inout; make it an input or "
				   "an output",
				   name);
			return true;
		}
		out |= way && ax_streq(way, "output");
	}
	if (!out)
		ax_err_set(err, AX_EXIT_STAGE,
			   "the top module has no output: nothing is left to "
			   "synthesise");
	return !out;
}

int
ax_elaborated_check(const char *path, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	const char *mname, *cname;
	json_t *module, *cell;
	struct ax_json j;
	unsigned found = 0;
	size_t from;

	if (ax_json_load(&j, path, err) < 0)
		return ax_err_wrap(err, "the elaborated design");
	json_object_foreach(json_object_get(j.root, "modules"), mname, module)
	{
		json_object_foreach(json_object_get(module, "cells"), cname,
				    cell)
		{
			const char *type = json_string_value(
				json_object_get(cell, "type"));
			const char *src = json_string_value(json_object_get(
				json_object_get(cell, "attributes"), "src"));
			const char *why = type ? refused(type) : NULL;
			const char *net;

			if (!why || found++ >= 10)
				continue;
			net = net_name(module, cell);
			from = s.len;
			ax_str_addf(&s, "\n  %s: %s%s%s%s", src ? src : mname,
				    net ? "'" : "", net ? net : "",
				    net ? "' is " : "", why);
			/* a memory has an element for each of its ports */
			if (from &&
			    strstr(s.buf, s.buf + from) < s.buf + from) {
				s.len = from;
				s.buf[from] = '\0';
				found--;
			}
		}
	}
	json_object_foreach(json_object_get(j.root, "modules"), mname, module)
	{
		if (!found &&
		    json_object_get(json_object_get(module, "attributes"),
				    "top") &&
		    bad_ports(module, err)) {
			ax_json_free(&j);
			ax_str_free(&s);
			return -1;
		}
	}
	ax_json_free(&j);
	if (found)
		ax_err_set(err, AX_EXIT_STAGE,
			   "the design holds %u element%s that cannot become "
			   "gates of a combinational circuit (in/rtl/0 is the "
			   "first file of input rtl):%s",
			   found, found == 1 ? "" : "s", s.buf);
	ax_str_free(&s);
	return found ? -1 : 0;
}
