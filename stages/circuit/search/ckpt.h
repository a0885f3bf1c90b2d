/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoint files: a header that says for which run they are, a payload, and
 * its hash. What does not match the run is as if it were not there: a search
 * then starts from its beginning, and ends with the same bytes.
 */
#ifndef AX_SEARCH_CKPT_H
#define AX_SEARCH_CKPT_H

#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"
#include "stages/circuit/search/problem.h"

/* Appends numbers, little-endian. */
void ax_ck_put(struct ax_str *s, uint64_t v, unsigned bytes);
void ax_ck_put_double(struct ax_str *s, double v);

struct ax_ck_reader {
	const uint8_t *at, *end;
	bool bad; /* read beyond the end, or a value out of range */
};

uint64_t ax_ck_get(struct ax_ck_reader *r, unsigned bytes);
double ax_ck_get_double(struct ax_ck_reader *r);
/* A number of at most `max`; marks the reader bad otherwise. */
uint64_t ax_ck_get_max(struct ax_ck_reader *r, unsigned bytes, uint64_t max);

/* Publishes `payload` as dir/state for the run `key`. */
int ax_ck_save(const char *dir, const struct ax_digest *key,
	       const struct ax_str *payload, struct ax_err *err);
/*
 * Reads it back: 1 with *bytes (caller frees) and *n, or 0 when there is none
 * for this key; `why` then says what was there instead ("" if nothing).
 */
int ax_ck_load(char **bytes, size_t *n, const char *dir,
	       const struct ax_digest *key, const char **why);

/* A circuit of the problem's ports; what is read is checked, except that the
 * function may be any. */
void ax_circuit_put(struct ax_str *s, const struct ax_circuit *c);
void ax_circuit_get(struct ax_ck_reader *r, const struct ax_problem *p,
		    struct ax_circuit *c);
void ax_ck_put_errors(struct ax_str *s, const struct ax_errors *e);
void ax_ck_get_errors(struct ax_ck_reader *r, struct ax_errors *e);

#endif
