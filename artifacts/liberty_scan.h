/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of Liberty, for the files that read it (liberty.c the cells,
 * liberty_timing.c their tables): name ( args ) { ... } | name ( args ) ; |
 * name : value ; Groups that matter are walked, all others are skipped, which
 * still finds their end past strings and comments.
 */
#ifndef AX_LIBERTY_SCAN_H
#define AX_LIBERTY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "artifacts/base/err.h"

struct ax_lib_scan {
	const char *name;
	const char *text;
	size_t len, at;
	size_t counted; /* lines up to here are counted */
	unsigned line;
	struct ax_err *err;
};

struct ax_lib_span {
	size_t from, to;
};

enum ax_lib_statement_kind {
	AX_LIB_END,
	AX_LIB_GROUP,
	AX_LIB_COMPLEX,
	AX_LIB_SIMPLE
};

struct ax_lib_statement {
	enum ax_lib_statement_kind kind;
	size_t start;
	struct ax_lib_span name,
		args; /* args: what is in the parentheses, or value */
};

unsigned ax_lib_scan_line(struct ax_lib_scan *s, size_t at);
/* Sets "name:line: what"; -1. */
int ax_lib_scan_fail(struct ax_lib_scan *s, size_t at, const char *what);
/* From just behind '{' to just behind its '}'. */
int ax_lib_scan_skip(struct ax_lib_scan *s);
/* Reads one statement; of a group only its head, up to behind '{'. AX_LIB_END
 * at the '}' that closes the group around, which is consumed, or at the end of
 * the text when `top`. */
int ax_lib_scan_next(struct ax_lib_scan *s, struct ax_lib_statement *st,
		     bool top);
bool ax_lib_scan_is(const struct ax_lib_scan *s, struct ax_lib_span p,
		    const char *word);
/* Caller frees. */
char *ax_lib_scan_copy(const struct ax_lib_scan *s, struct ax_lib_span p);
/* `other` where there is no finite number. */
double ax_lib_scan_number(const struct ax_lib_scan *s, struct ax_lib_span p,
			  double other);

#endif
