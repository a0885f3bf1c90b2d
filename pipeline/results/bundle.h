/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: all of a run in one archive (tar.h), for a reader on another
 * machine (docs/sharing.md). What lies in it:
 *
 *   manifest.json            the resolved manifest; manifest/ as it was written
 *   lock.json, run.json      what provenance keeps of the run
 *   objects/ab/cdef...       bytes under their SHA-256 (a tree's listing: 0755)
 *   records/ab/cdef...       action records, as the store has them
 *   stages/<name>/           code of stages that axpipe does not bring
 *   stage-descriptions/      stage.json of every stage
 *   ro-crate-metadata.json, attestation.*, test-result.*, reproduce.json,
 *   env.json, appendix.md, README.md, CITATION.cff
 *   contents.sha256          what is above, but the attestations: their subject
 *   SHA256SUMS               every file but itself
 */
#ifndef AX_BUNDLE_H
#define AX_BUNDLE_H

#include "artifacts/base/sign.h"
#include "pipeline/results/claims.h"
#include "pipeline/run/run.h"

enum ax_bundle_inputs {
	AX_INPUTS_FIXED, /* files; what an address or git fixes, by hash only */
	AX_INPUTS_ALL,
	AX_INPUTS_NONE /* all by hash only */
};

struct ax_bundle_options {
	const char *path; /* of the archive */
	enum ax_bundle_inputs inputs;
	const struct ax_key *key;     /* signs; NULL: not signed */
	const char *author, *license; /* or NULL */
};

struct ax_bundle_result {
	size_t files, nodes;
	uint64_t bytes;
	struct ax_digest contents; /* of contents.sha256: names the bundle */
};

/* Writes the bundle of a planned run, of which every node that it needs must be
 * in the store. Same store, same bytes. Errors: something has not run (1), a
 * damaged object or a full disk (3). */
int ax_bundle_write(struct ax_run *r, const struct ax_claims *claims,
		    const struct ax_bundle_options *o,
		    struct ax_bundle_result *result, struct ax_err *err);

/* What a bundle shows when it is read. */
struct ax_bundle_facts {
	char *name, *run;    /* of the manifest and of its run */
	size_t files, nodes; /* nodes: those with a record */
	uint64_t bytes;
	struct ax_digest contents;
	bool is_signed, trusted; /* trusted: by a key that was given */
	struct ax_digest signer; /* ax_key_id */
	size_t holds, claims;    /* by its test result */
};
void ax_bundle_facts_free(struct ax_bundle_facts *f);

/* Reads all of it and believes nothing: form of the archive, every digest, the
 * records' own checksums, the statements' subjects and signatures. `trust` are
 * keys of which one must have signed (ntrust 0: any, or none). Errors: 4 for
 * whatever does not fit, 3 where it cannot be read. */
int ax_bundle_verify(const char *path, struct ax_key *const *trust,
		     size_t ntrust, struct ax_bundle_facts *facts,
		     struct ax_err *err);

/* A bundle laid out to be run. */
struct ax_bundle_home {
	char *manifest; /* path of its manifest.json */
	char *stages;   /* path of its stages/, or NULL */
	json_t *lock;   /* lock.json */
};
/* Verifies, then brings its objects (and, with `records`, what was made of
 * them) into the store. */
int ax_bundle_open(struct ax_bundle_home *out, const char *path,
		   struct ax_store *s, bool records, struct ax_err *err);
void ax_bundle_home_free(struct ax_bundle_home *h);
/* Fixes the graph's inputs to the bytes that the bundle names. */
void ax_bundle_pin(const struct ax_bundle_home *h, struct ax_graph *g);
/* Lets explain know what each node rested on in the bundle's run. */
void ax_bundle_remember(const struct ax_bundle_home *h, struct ax_store *s,
			const char *manifest);
/* Compares what was made here with the bundle: appends a line for each output
 * that differs; returns how many do. */
size_t ax_bundle_compare(const struct ax_bundle_home *h, const struct ax_run *r,
			 struct ax_str *lines);

#endif
