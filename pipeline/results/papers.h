/* SPDX-License-Identifier: Apache-2.0 */
/* The papers of a bundle: what it says of the run, apart from the bytes. */
#ifndef AX_PAPERS_H
#define AX_PAPERS_H

#include "pipeline/results/bundle.h"

#define AX_INTOTO_TYPE "application/vnd.in-toto+json"

struct ax_papers {
	const struct ax_run *r;
	const struct ax_claims *claims;
	const struct ax_bundle_options *o;
	const char *run_id;    /* of the last run that was recorded, or NULL */
	const json_t *run;     /* its run.json, or NULL */
	double started, ended; /* over all nodes; 0 when none has times */
	/* Whether the bytes lie in the bundle. */
	bool (*packed)(const void *arg, const struct ax_digest *d);
	const void *arg;
	char license[128]; /* SPDX name or address; "" not known */
};

/* "objects/ab/cdef...". Caller frees. */
char *ax_papers_object(const struct ax_digest *d);
/* Time as "2026-01-02T03:04:05.678Z". Returns out. */
char *ax_papers_time(char out[32], double t);
bool ax_papers_has(const struct ax_outcome *o); /* its outputs are known */

/* crate.c: ro-crate-metadata.json. `parts` names the other files of the
 * bundle (array of strings). New reference. */
json_t *ax_papers_crate(const struct ax_papers *p, const json_t *parts);
/* attest.c: in-toto Statements v1 over contents.sha256. New references. */
json_t *ax_papers_provenance(const struct ax_papers *p,
			     const struct ax_digest *contents);
json_t *ax_papers_test_result(const struct ax_papers *p,
			      const struct ax_digest *contents);
/* appendix.c. */
void ax_papers_readme(struct ax_str *s, const struct ax_papers *p);
void ax_papers_appendix(struct ax_str *s, const struct ax_papers *p);
void ax_papers_citation(struct ax_str *s, const struct ax_papers *p);
json_t *ax_papers_env(const struct ax_papers *p);
json_t *ax_papers_reproduce(const struct ax_papers *p);

#endif
