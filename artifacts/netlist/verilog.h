/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the Verilog reader share: signals (verilog_sig.c),
 * expressions (verilog_expr.c), items and modules (verilog.c). */
#ifndef AX_VERILOG_H
#define AX_VERILOG_H

#include "artifacts/base/map.h"
#include "artifacts/netlist/build.h"
#include "artifacts/netlist/formats.h"
#include "artifacts/netlist/verilog_lex.h"
#include "artifacts/netlist/verilog_mods.h"

/* Nets, lowest bit first. */
struct ax_v_nets {
	uint32_t *net;
	uint32_t n;
	bool loose; /* a number without a size: fits any width */
};

enum ax_v_dir { AX_V_DIR_NONE, AX_V_DIR_INPUT, AX_V_DIR_OUTPUT };

struct ax_v_sig {
	char *name;
	enum ax_v_dir dir;
	bool range; /* declared with [msb:lsb] */
	int32_t msb, lsb;
	struct ax_v_nets bits;
	unsigned line;
};

struct ax_verilog {
	struct ax_vlex lex;
	const struct ax_liberty *lib;
	struct ax_build *b;
	struct ax_str *warn;
	struct ax_map by_name; /* 1 + index into sig */
	struct ax_v_sig *sig;
	size_t n_sig, cap_sig;
	size_t *port; /* in the order of the header */
	size_t n_port, cap_port;
	size_t bits; /* of all signals, for the cap */
	unsigned depth;
	bool warned;
	struct ax_vmods *mods;
	unsigned level;
	const char *prefix; /* of names in messages: "u1." */
};

/* Of the token at hand; all return -1 with an error that names file and line.
 */
static inline int
ax_v_fail(struct ax_verilog *v, const char *what, const char *name)
{
	return ax_vlex_fail(&v->lex, what, name);
}

static inline int
ax_v_next(struct ax_verilog *v)
{
	return ax_vlex_next(&v->lex);
}

static inline bool
ax_v_at(const struct ax_verilog *v, const char *text)
{
	return ax_vlex_at(&v->lex, text);
}

static inline int
ax_v_expect(struct ax_verilog *v, const char *text)
{
	if (!ax_v_at(v, text))
		return ax_vlex_expected(&v->lex, text);
	return ax_v_next(v);
}

struct ax_v_nets ax_v_nets(uint32_t n);

struct ax_v_sig *ax_v_find(struct ax_verilog *v, const char *name);
struct ax_v_sig *ax_v_add_sig(struct ax_verilog *v, const char *name);
/* Nets for the bits of a signal whose range is known. */
int ax_v_make_bits(struct ax_verilog *v, struct ax_v_sig *s);
int ax_v_integer(struct ax_verilog *v, int32_t *out);
/* Attributes and type words after input, output or wire; a range. */
int ax_v_type_of(struct ax_verilog *v, bool *has, int32_t *msb, int32_t *lsb);
int ax_v_declare(struct ax_verilog *v, enum ax_v_dir dir, bool has, int32_t msb,
		 int32_t lsb, bool header);

/* Each makes out->net, which the caller frees, also after an error. */
int ax_v_expression(struct ax_verilog *v, struct ax_v_nets *out);
int ax_v_name(struct ax_verilog *v, struct ax_v_nets *out);
int ax_v_concat(struct ax_verilog *v, struct ax_v_nets *out);
/* A number without a size takes the width it meets. */
void ax_v_fit(struct ax_verilog *v, struct ax_v_nets *x, uint32_t n);

#endif
