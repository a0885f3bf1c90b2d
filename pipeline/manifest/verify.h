/* SPDX-License-Identifier: Apache-2.0 */
/* Figures and claims of a manifest, checked as it is loaded. */
#ifndef AX_VERIFY_H
#define AX_VERIFY_H

#include "pipeline/manifest/manifest.h"

/* Fills g->figures, g->claims and where they stand: structure, variables,
 * expressions, coordinates, outputs. Needs the nodes. */
int ax_verify(struct ax_graph *g, const struct ax_manifest *m,
	      struct ax_err *err);

#endif
