/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the netlist readers share: nets by name, gates in any order, wires; and
 * the step that makes a checked netlist of them: undriven nets, two drivers and
 * loops are found here, and named with their lines.
 */
#ifndef AX_BUILD_H
#define AX_BUILD_H

#include "artifacts/netlist/netlist.h"

struct ax_build;

/* `file` stands in messages; borrowed, as is `warn` (may be NULL). */
struct ax_build *ax_build_new(const char *file, const char *model,
			      struct ax_str *warn);
void ax_build_free(struct ax_build *b);

#define AX_NO_NET UINT32_MAX

/* The net of that name, made at its first mention (`line` is kept for
 * messages). */
uint32_t ax_build_net(struct ax_build *b, const char *name, unsigned line);
/* AX_NO_NET when the name was not mentioned yet. */
uint32_t ax_build_find(const struct ax_build *b, const char *name);
/* A new net without a name. */
uint32_t ax_build_anon(struct ax_build *b, unsigned line);
/* Names a net for messages, unless it has a name. */
void ax_build_name(struct ax_build *b, uint32_t net, const char *name);
uint32_t ax_build_const(struct ax_build *b, bool value);
size_t ax_build_gates(const struct ax_build *b);

/*
 * Port bits, in order. Names of the form x[3] or x<3> join the bus x while the
 * index goes on by one (first the lowest); others are scalars. A port given as
 * a whole by name and width uses the second form, nets[i] being its bit i.
 */
int ax_build_port_bit(struct ax_build *b, bool output, const char *name,
		      unsigned line, struct ax_err *err);
int ax_build_port(struct ax_build *b, bool output, const char *name,
		  uint32_t width, int32_t lsb, bool scalar,
		  const uint32_t *nets, unsigned line, struct ax_err *err);

/* A gate whose output drives a net. -1 if that has a driver already. */
int ax_build_gate(struct ax_build *b, unsigned n, const uint32_t *in,
		  uint64_t tt, uint32_t out, unsigned line, struct ax_err *err);
/* The last gate added is output `pin` of that cell and instance. */
void ax_build_mark(struct ax_build *b, uint32_t cell, uint32_t inst,
		   unsigned pin);
/* dst is driven by src: a wire, no gate. */
int ax_build_wire(struct ax_build *b, uint32_t dst, uint32_t src, unsigned line,
		  struct ax_err *err);
/* Registers a library cell, once for each name; returns 1 + its index. Copies
 * what it is given. */
uint32_t ax_build_cell(struct ax_build *b, const struct ax_net_cell *cell);
uint32_t ax_build_instance(struct ax_build *b);

/*
 * The netlist. Gates keep their order wherever it is topological already. Nets
 * that are used but not driven read as 0 with a warning when `undriven_zero`,
 * else they are an error. Frees the builder in any case.
 */
int ax_build_finish(struct ax_netlist **out, struct ax_build *b,
		    bool undriven_zero, struct ax_err *err);

#endif
