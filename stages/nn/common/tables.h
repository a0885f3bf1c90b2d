/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a stage's layers after what its parameters make of it. */
#ifndef AX_NN_TABLES_H
#define AX_NN_TABLES_H

#include "stages/nn/common/setup.h"

/* Products made for single layers; free with ax_tables_free once the model is
 * done with. Begin with {0}. */
struct ax_tables {
	struct ax_product *of;
	size_t n;
};

void ax_tables_free(struct ax_tables *x);
/*
 * Parameter zero_exact: entries with a zero operand are made right. Parameter
 * remap: weight codes are chosen anew for the table, "global" by one map for
 * all layers, "layer" by one for each, under the input `histogram`. Call after
 * ax_setup_products with a table; sets the metrics remapped (codes that
 * changed, mean over the layers) and zero_exact.
 */
int ax_setup_tables(struct ax_tables *x, struct ax_model *m, struct ax_task *t,
		    struct ax_err *err);

#endif
