/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of a planned run as text that other programs read: DOT for
 * Graphviz, Mermaid, JSON, and a folder that plain ninja builds. */
#ifndef AX_DRAWING_H
#define AX_DRAWING_H

#include "pipeline/run/run.h"

/* Append. With `entries`, one box for each entry of the manifest instead of
 * one for each node. */
void ax_draw_dot(struct ax_str *s, const struct ax_run *r, bool entries);
void ax_draw_mermaid(struct ax_str *s, const struct ax_run *r, bool entries);
/* {"axpipe_graph": 1, "manifest", "inputs": [...], "nodes": [{"name", "entry",
 * "stage", "coords", "state", "key", "inputs": [{"port", "from", "output"}]}]}
 */
void ax_draw_json(struct ax_str *s, const struct ax_run *r);
/* Writes `dir`/build.ninja and, for each node, `dir`/<node>/request.json, so
 * that `ninja -C dir` runs the same programs on the same inputs in the same
 * environment, and their outputs lie in `dir`/<node>/out/. Inputs that are not
 * files outside must be in the store. */
int ax_draw_ninja(const char *dir, struct ax_run *r, struct ax_err *err);

#endif
