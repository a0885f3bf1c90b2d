/* SPDX-License-Identifier: Apache-2.0 */
/* The readers behind ax_netlist_parse, one file each. Undriven nets read as 0
 * with a warning, but in a dump, where they are an error. */
#ifndef AX_FORMATS_H
#define AX_FORMATS_H

#include "artifacts/netlist/netlist.h"

/* CircuitsDNA dump: INPUT n<k>, v<j>_0 = GATE(x, y), OUT<k> = x. An even
 * number of inputs becomes the buses A and B, the outputs become OUT. */
int ax_netlist_read_txt(struct ax_netlist **out, const char *name,
			const char *text, size_t len, struct ax_str *warn,
			struct ax_err *err);
/* BLIF: .model .inputs .outputs .names .gate .subckt .end; models used by
 * others are flattened into the first. Latches are refused. */
int ax_netlist_read_blif(struct ax_netlist **out, const char *name,
			 const char *text, size_t len,
			 const struct ax_liberty *lib, struct ax_str *warn,
			 struct ax_err *err);
/* One flat module of instances with named ports, assigns of bitwise
 * expressions, and the primitive gates. */
int ax_netlist_read_verilog(struct ax_netlist **out, const char *name,
			    const char *text, size_t len,
			    const struct ax_liberty *lib, struct ax_str *warn,
			    struct ax_err *err);
/* Yosys JSON: gates of the $_NAND_ kind, $lut, library cells. One module, or
 * the one with the attribute top. */
int ax_netlist_read_json(struct ax_netlist **out, const char *name,
			 const char *text, size_t len,
			 const struct ax_liberty *lib, struct ax_str *warn,
			 struct ax_err *err);

#endif
