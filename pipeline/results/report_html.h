/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of HTML that the report's sections share: cells, tables that can be
 * sorted. All text is escaped here. Appends to s throughout. */
#ifndef AX_REPORT_HTML_H
#define AX_REPORT_HTML_H

#include "pipeline/run/run.h"

/* An element with text (NULL: empty) and a class (or NULL). */
void ax_html(struct ax_str *s, const char *tag, const char *class_,
	     const char *text);

struct ax_head {
	const char *text;
	bool number;      /* to the right */
	const char *unit; /* small, below; may be NULL */
	const char *hint; /* what it means; may be NULL */
};

/* A table in a frame that scrolls, also by keyboard; `label` names it for who
 * cannot see it. Rows follow, then the end. */
void ax_html_table(struct ax_str *s, const char *label,
		   const struct ax_head *heads, size_t n);
void ax_html_table_end(struct ax_str *s);
/* A cell for a number: shown as `fmt` says, sorted by `sort` (NULL: by what is
 * shown), which is also told on hovering. */
void ax_html_number(struct ax_str *s, const char *sort, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "2026-11-27 12:00:01" in UTC, as a cell; empty where t <= 0. */
void ax_html_time(struct ax_str *s, double t);

/* report_nodes.c: each writes whole sections. */
void ax_report_nodes(struct ax_str *s, const struct ax_run *r);
void ax_report_metrics(struct ax_str *s, const struct ax_run *r);
void ax_report_provenance(struct ax_str *s, const struct ax_run *r);

#endif
