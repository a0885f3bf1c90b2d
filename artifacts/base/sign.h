/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: Ed25519 (RFC 8032) by libcrypto, and the DSSE envelope
 * (github.com/secure-systems-lab/dsse, protocol 1.0.0) around what is signed.
 * ECDSA over P-256 is verified as well, signatures as r and s in one row.
 */
#ifndef AX_SIGN_H
#define AX_SIGN_H

#include <jansson.h>

#include "artifacts/base/hash.h"
#include "artifacts/base/str.h"

struct ax_key;

/* A new Ed25519 pair. */
struct ax_key *ax_key_new(void);
/* From a PEM file: PKCS #8 "PRIVATE KEY" (as `openssl genpkey -algorithm
 * ed25519` writes it) or "PUBLIC KEY". Errors: not there (3), no such key (2);
 * a private key that others can read is refused (2). */
int ax_key_load(struct ax_key **out, const char *path, bool private_too,
		struct ax_err *err);
/* From the text of a "PUBLIC KEY"; NULL when it is none. */
struct ax_key *ax_key_public(const char *pem, size_t n);
/* Writes the private key, mode 0600; an existing file is an error (2). */
int ax_key_save(const struct ax_key *k, const char *path, struct ax_err *err);
/* Appends the public key as PEM. */
void ax_key_pem(struct ax_str *out, const struct ax_key *k);
/* SHA-256 over the public key's DER (SubjectPublicKeyInfo): its name. */
struct ax_digest ax_key_id(const struct ax_key *k);
void ax_key_free(struct ax_key *k);

/* 64 bytes. Only for an Ed25519 pair. */
int ax_sign(const struct ax_key *k, const void *bytes, size_t n,
	    unsigned char out[64], struct ax_err *err);
bool ax_sign_verify(const struct ax_key *k, const void *bytes, size_t n,
		    const unsigned char *sig, size_t nsig);

void ax_base64(struct ax_str *out, const void *bytes, size_t n);
/* Standard or URL-safe alphabet, padded or not. -1 when it is neither. */
int ax_unbase64(struct ax_str *out, const char *text);

/* PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
void ax_dsse_pae(struct ax_str *out, const char *type, const void *body,
		 size_t n);
/* The envelope as JSON. New reference, or NULL with err. */
json_t *ax_dsse_sign(const char *type, const void *body, size_t n,
		     const struct ax_key *k, struct ax_err *err);
/* 1 the envelope has a signature of this key over its payload, which goes to
 * `body`; 0 it has not; -1 it is no envelope. The keyid is not looked at. */
int ax_dsse_verify(const json_t *envelope, const char *type,
		   const struct ax_key *k, struct ax_str *body);

#endif
