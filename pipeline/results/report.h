/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report: one HTML file that opens offline, with claims, figures, graph,
 * the reason why each node ran, timeline, metrics and provenance of a run.
 * Readable without its script, which sorts the tables.
 */
#ifndef AX_REPORT_H
#define AX_REPORT_H

#include "pipeline/run/run.h"

/* Writes the report to `path` (folders are made). Needs gnuplot and dot; where
 * one is missing, the section says so instead of failing the report. */
int ax_report_write(const struct ax_run *r, const char *path,
		    struct ax_err *err);

#endif
