/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (libcrypto) of bytes, streams and files, and its hex form. */
#ifndef AX_HASH_H
#define AX_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"

#define AX_HEX_LEN 64

struct ax_digest {
	uint8_t b[32];
};

struct ax_sha;

struct ax_sha *ax_sha_new(void);
void ax_sha_add(struct ax_sha *s, const void *bytes, size_t n);
/* Ends the hash, frees the state. */
struct ax_digest ax_sha_end(struct ax_sha *s);
void ax_sha_free(struct ax_sha *s);

struct ax_digest ax_hash_bytes(const void *bytes, size_t n);
/* Reads the file once, to its end. `size` (may be NULL) gets the byte count. */
int ax_hash_file(struct ax_digest *out, uint64_t *size, const char *path,
		 struct ax_err *err);
/* `out` takes AX_HEX_LEN + 1 bytes. Returns out. */
char *ax_hex(char *out, const struct ax_digest *d);
/* Exactly 64 lower-case hex digits, else -1. */
int ax_unhex(struct ax_digest *out, const char *hex);
bool ax_digest_eq(const struct ax_digest *a, const struct ax_digest *b);

#endif
