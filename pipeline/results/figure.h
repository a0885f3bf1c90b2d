/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures: points from node metrics, CSV outputs or literal numbers, drawn by
 * gnuplot as SVG (docs/manifest.md, "Figures").
 */
#ifndef AX_FIGURE_H
#define AX_FIGURE_H

#include "pipeline/run/run.h"

struct ax_figure {
	char *name, *title;
	char *svg;  /* NULL when nothing could be drawn */
	char *csv;  /* the points: series,x,y */
	char *note; /* what is missing, or NULL */
	size_t points;
};

/* Draws the figure at index i of the manifest. Missing values leave a note,
 * not an error; a gnuplot that fails is an error (exit 3). */
int ax_figure_draw(struct ax_figure *out, const struct ax_run *r, size_t i,
		   struct ax_err *err);
void ax_figure_free(struct ax_figure *f);

#endif
