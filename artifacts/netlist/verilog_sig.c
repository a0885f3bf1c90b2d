/* SPDX-License-Identifier: Apache-2.0 */
/* The Verilog reader's signals: their declarations, ranges and bits. */
#include "artifacts/netlist/verilog.h"

struct ax_v_nets
ax_v_nets(uint32_t n)
{
	struct ax_v_nets x = {ax_calloc(n + 1u, sizeof(uint32_t)), n, false};

	return x;
}

struct ax_v_sig *
ax_v_find(struct ax_verilog *v, const char *name)
{
	uintptr_t i = (uintptr_t)ax_map_get(&v->by_name, name);

	return i ? &v->sig[i - 1] : NULL;
}

struct ax_v_sig *
ax_v_add_sig(struct ax_verilog *v, const char *name)
{
	struct ax_v_sig *s;

	AX_GROW(v->sig, v->n_sig, v->cap_sig);
	s = &v->sig[v->n_sig++];
	memset(s, 0, sizeof(*s));
	s->name = ax_strdup(name);
	s->line = v->lex.line;
	ax_map_set(&v->by_name, name, (void *)(uintptr_t)v->n_sig);
	return s;
}

int
ax_v_make_bits(struct ax_verilog *v, struct ax_v_sig *s)
{
	int64_t width = s->msb >= s->lsb ? (int64_t)s->msb - s->lsb + 1
					 : (int64_t)s->lsb - s->msb + 1;

	v->bits += (size_t)width;
	if (width > AX_NET_MAX_PORTS || v->bits > AX_NET_MAX_NODES)
		return ax_v_fail(v, "too many bits in", s->name);
	s->bits = ax_v_nets((uint32_t)width);
	for (uint32_t i = 0; i < s->bits.n; i++) {
		int index =
			s->msb >= s->lsb ? s->lsb + (int)i : s->lsb - (int)i;
		char *name = s->range ? ax_asprintf("%s%s[%d]", v->prefix,
						    s->name, index)
				      : ax_asprintf("%s%s", v->prefix, s->name);

		s->bits.net[i] = ax_build_anon(v->b, s->line);
		ax_build_name(v->b, s->bits.net[i], name);
		free(name);
	}
	return 0;
}

int
ax_v_integer(struct ax_verilog *v, int32_t *out)
{
	bool minus = ax_v_at(v, "-");
	int64_t value = 0;

	if (minus && ax_v_next(v) < 0)
		return -1;
	if (v->lex.kind != AX_V_NUMBER || strchr(v->lex.text, '\''))
		return ax_vlex_expected(&v->lex, "a plain number");
	for (const char *p = v->lex.text; *p; p++) {
		if (*p != '_')
			value = value * 10 + (*p - '0');
		if (value > 1000000)
			return ax_v_fail(
				v, "an index over a million:", v->lex.text);
	}
	*out = (int32_t)(minus ? -value : value);
	return ax_v_next(v);
}

static int
range(struct ax_verilog *v, int32_t *msb, int32_t *lsb)
{
	if (ax_v_expect(v, "[") < 0 || ax_v_integer(v, msb) < 0 ||
	    ax_v_expect(v, ":") < 0 || ax_v_integer(v, lsb) < 0 ||
	    ax_v_expect(v, "]") < 0)
		return -1;
	return 0;
}

int
ax_v_type_of(struct ax_verilog *v, bool *has, int32_t *msb, int32_t *lsb)
{
	*has = false;
	*msb = *lsb = 0;
	while (ax_v_at(v, "wire") || ax_v_at(v, "signed") ||
	       ax_v_at(v, "logic") || ax_v_at(v, "tri")) {
		if (ax_v_next(v) < 0)
			return -1;
	}
	if (ax_v_at(v, "reg"))
		return ax_v_fail(v,
				 "a register: only combinational netlists can "
				 "be read",
				 NULL);
	if (!ax_v_at(v, "["))
		return 0;
	*has = true;
	return range(v, msb, lsb);
}

int
ax_v_declare(struct ax_verilog *v, enum ax_v_dir dir, bool has, int32_t msb,
	     int32_t lsb, bool header)
{
	struct ax_v_sig *s;

	if (v->lex.kind != AX_V_NAME)
		return ax_vlex_expected(&v->lex, "a name");
	s = ax_v_find(v, v->lex.text);
	if (!s)
		s = ax_v_add_sig(v, v->lex.text);
	if (header) {
		for (size_t i = 0; i < v->n_port; i++) {
			if (&v->sig[v->port[i]] == s)
				return ax_v_fail(v, "two ports are called",
						 s->name);
		}
		AX_GROW(v->port, v->n_port, v->cap_port);
		v->port[v->n_port++] = (size_t)(s - v->sig);
	}
	if (s->bits.net) {
		if (s->range != has || s->msb != msb || s->lsb != lsb ||
		    (dir && s->dir && s->dir != dir))
			return ax_v_fail(
				v, "declared again, differently:", s->name);
	} else if (dir || !header) {
		s->range = has;
		s->msb = msb;
		s->lsb = lsb;
		if (ax_v_make_bits(v, s) < 0)
			return -1;
	}
	if (dir)
		s->dir = dir;
	return ax_v_next(v);
}
