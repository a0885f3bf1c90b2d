/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters against the JSON Schema fragments of stage.json
 * (docs/stages.md, "params"): the fragments themselves, values, defaults.
 */
#ifndef AX_PARAMS_H
#define AX_PARAMS_H

#include "pipeline/manifest/place.h"

/* Checks that a fragment uses only what axpipe understands, and that its
 * default fits it. `name` is the parameter's, for messages. */
int ax_schema_check(const json_t *fragment, const struct ax_place *at,
		    const char *name, struct ax_err *err);
/*
 * Checks a value. *out is a new reference to the value in canonical form: for
 * an integer parameter 1.0 becomes 1; everything that needs no change is shared
 * with `value`. `name` is the parameter's ("params.layers" of nested values is
 * worked out from `at`).
 */
int ax_param_check(json_t **out, const json_t *fragment, json_t *value,
		   const struct ax_place *at, const char *name,
		   struct ax_err *err);
/* Equal as JSON values, with 1 and 1.0 the same. */
bool ax_json_same(const json_t *a, const json_t *b);

#endif
