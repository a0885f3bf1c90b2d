/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated from stage.json: the manual of a stage, the JSON Schema of
 * manifests. */
#ifndef AX_DESCRIBE_H
#define AX_DESCRIBE_H

#include "pipeline/manifest/stage.h"

/* Manual page of a stage for a terminal. Appends. */
void ax_describe_text(struct ax_str *out, const struct ax_stage *s);
/* The same as a section of Markdown. Appends. */
void ax_describe_markdown(struct ax_str *out, const struct ax_stage *s);
/* JSON Schema (2020-12) of the manifests that these stages allow. New
 * reference. */
json_t *ax_schema_manifest(const struct ax_stages *stages);

#endif
