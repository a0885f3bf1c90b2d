/* SPDX-License-Identifier: Apache-2.0 */
/* The two pictures of a report that are not figures: graph and timeline. */
#ifndef AX_REPORT_SVG_H
#define AX_REPORT_SVG_H

#include "pipeline/run/run.h"

/* The graph by Graphviz: a box per entry of the manifest, with the number of
 * its nodes. Without dot on PATH, or when it fails: -1 with a message. */
int ax_report_graph(struct ax_str *svg, const struct ax_run *r,
		    struct ax_err *err);
/* A bar per node, in the order in which they ran; idle gaps are cut. Appends
 * nothing when no node has times. */
void ax_report_timeline(struct ax_str *svg, const struct ax_run *r);
/* Makes the ids of an SVG its own within a page that holds several, and lets
 * its black follow the text colour of the page. Appends to s. */
void ax_report_embed(struct ax_str *s, const char *svg, const char *prefix);

#endif
