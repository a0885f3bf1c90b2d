/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that no node makes: where they are, and how they come. */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "pipeline/run/engine.h"
#include "pipeline/fetch/fetch.h"

bool
ax_obtain_outside(const struct ax_source *s)
{
	return s->kind == AX_SOURCE_FILE &&
	       (!s->pinned || access(s->path, F_OK) == 0);
}

int
ax_obtain_digest(struct ax_run *r, const struct ax_source *s, bool soft,
		 struct ax_err *err)
{
	struct ax_err local = AX_ERR_INIT;
	struct ax_digest d;
	bool tree;
	int rc;

	if (soft && ax_obtain_outside(s) && access(s->path, R_OK) < 0)
		return 0;
	rc = ax_fetch_known(r->store, s, &d, &tree, &local);
	if (rc == 1) {
		r->source_digests[s->index] = d;
		r->source_tree[s->index] = tree;
		r->source_known[s->index] = true;
	} else if (rc < 0) {
		/* a file that is not there is the manifest's mistake */
		int code = ax_obtain_outside(s) && access(s->path, F_OK) < 0
				   ? AX_EXIT_USAGE
				   : local.exit;

		if (s->file && s->pointer)
			ax_json_error(err, s->file, s->pointer, 0,
				      "input %s: %s", s->name, local.text);
		else
			ax_err_set(err, code, "input %s: %s", s->name,
				   local.text);
		if (err)
			err->exit = code;
	}
	return rc;
}

bool
ax_obtain_at_hand(struct ax_run *r, const struct ax_digest *d)
{
	return ax_store_has(r->store, d) ||
	       ax_mirror_has(r->store, r->options.mirrors, r->options.nmirrors,
			     d, 0);
}

int
ax_obtain_source(struct ax_run *r, const struct ax_source *s,
		 struct ax_digest *out, bool *tree, struct ax_err *err)
{
	struct ax_fetch_options o = {.mirrors = r->options.mirrors,
				     .nmirrors = r->options.nmirrors,
				     .offline = r->options.offline};

	return ax_fetch(r->store, s, &o, out, tree, err);
}

int
ax_obtain_object(struct ax_run *r, const struct ax_digest *d,
		 struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];
	int rc;

	rc = ax_mirror_find(r->store, r->options.mirrors, r->options.nmirrors,
			    d, 0, err);
	if (rc == 0)
		rc = ax_err_set(
			err, AX_EXIT_ENV,
			"object %s is neither in the store nor in a mirror",
			ax_hex(hex, d));
	else if (rc == 1)
		rc = ax_store_sync(r->store, err);
	return rc;
}
