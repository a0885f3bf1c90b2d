/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

#define PEM_MAX 65536
#define BODY_MAX ((size_t)256 << 20)

struct ax_key {
	EVP_PKEY *pkey;
};

static struct ax_key *
wrap(EVP_PKEY *pkey)
{
	struct ax_key *k;

	if (!pkey)
		return NULL;
	/* nothing else is known here */
	if (EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519 &&
	    (EVP_PKEY_base_id(pkey) != EVP_PKEY_EC ||
	     EVP_PKEY_get_bits(pkey) != 256)) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k = ax_calloc(1, sizeof(*k));
	k->pkey = pkey;
	return k;
}

struct ax_key *
ax_key_new(void)
{
	return wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

/* A key under a password is not read: there would be nobody to ask. */
static int
no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

struct ax_key *
ax_key_public(const char *pem, size_t n)
{
	BIO *b;
	EVP_PKEY *pkey;

	if (n > PEM_MAX)
		return NULL;
	b = BIO_new_mem_buf(pem, (int)n);
	pkey = b ? PEM_read_bio_PUBKEY(b, NULL, no_password, NULL) : NULL;
	BIO_free(b);
	return wrap(pkey);
}

int
ax_key_load(struct ax_key **out, const char *path, bool private_too,
	    struct ax_err *err)
{
	struct ax_key *k = NULL;
	struct stat st;
	char *text;
	size_t n;
	BIO *b;

	*out = NULL;
	if (ax_read_file(&text, &n, path, PEM_MAX, err) < 0)
		return -1;
	b = BIO_new_mem_buf(text, (int)n);
	if (b)
		k = wrap(PEM_read_bio_PrivateKey(b, NULL, no_password, NULL));
	BIO_free(b);
	if (k && private_too && stat(path, &st) == 0 &&
	    (st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH))) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "%s: a private key that others can read; chmod 600 "
			   "it",
			   path);
		ax_key_free(k);
		k = NULL;
		goto out;
	}
	if (k && private_too && EVP_PKEY_base_id(k->pkey) != EVP_PKEY_ED25519) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "%s: not an Ed25519 key; `axpipe key new` makes one",
			   path);
		ax_key_free(k);
		k = NULL;
		goto out;
	}
	if (!k && !private_too)
		k = ax_key_public(text, n);
	if (!k)
		ax_err_set(err, AX_EXIT_USAGE,
			   "%s: no %s key in PEM; `axpipe key new` makes a "
			   "pair",
			   path, private_too ? "private" : "public");
out:
	explicit_bzero(text, n);
	free(text);
	*out = k;
	return k ? 0 : -1;
}

int
ax_key_save(const struct ax_key *k, const char *path, struct ax_err *err)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int fd, rc = 0;

	if (!b || PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL,
						NULL) != 1) {
		BIO_free(b);
		return ax_err_set(err, AX_EXIT_ENV,
				  "libcrypto cannot write the key");
	}
	n = BIO_get_mem_data(b, &text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = ax_err_set(err,
				errno == EEXIST ? AX_EXIT_USAGE : AX_EXIT_ENV,
				"%s: cannot create:", path);
	else if (ax_write_all(fd, text, (size_t)n) < 0 || fsync(fd) < 0)
		rc = ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", path);
	if (fd >= 0)
		close(fd);
	explicit_bzero(text, (size_t)n);
	BIO_free(b);
	return rc;
}

void
ax_key_pem(struct ax_str *out, const struct ax_key *k)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (b && PEM_write_bio_PUBKEY(b, k->pkey) == 1) {
		n = BIO_get_mem_data(b, &text);
		ax_str_addn(out, text, (size_t)n);
	}
	BIO_free(b);
}

struct ax_digest
ax_key_id(const struct ax_key *k)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);
	struct ax_digest d = ax_hash_bytes(der, n > 0 ? (size_t)n : 0);

	OPENSSL_free(der);
	return d;
}

void
ax_key_free(struct ax_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

int
ax_sign(const struct ax_key *k, const void *bytes, size_t n,
	unsigned char out[64], struct ax_err *err)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = 64;
	bool good = c && EVP_PKEY_base_id(k->pkey) == EVP_PKEY_ED25519 &&
		    EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(c, out, &len, bytes, n) == 1 && len == 64;

	EVP_MD_CTX_free(c);
	return good ? 0
		    : ax_err_set(err, AX_EXIT_ENV,
				 "libcrypto cannot sign with this key");
}

/* r and s in one row, as DER. The caller frees *der with OPENSSL_free. */
static int
raw_to_der(unsigned char **der, const unsigned char *sig, size_t n)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, (int)(n / 2), NULL);
	BIGNUM *t = BN_bin2bn(sig + n / 2, (int)(n / 2), NULL);
	int len = -1;

	*der = NULL;
	if (s && r && t && ECDSA_SIG_set0(s, r, t) == 1) {
		len = i2d_ECDSA_SIG(s, der);
	} else {
		BN_free(r);
		BN_free(t);
	}
	ECDSA_SIG_free(s);
	return len;
}

bool
ax_sign_verify(const struct ax_key *k, const void *bytes, size_t n,
	       const unsigned char *sig, size_t nsig)
{
	bool ec = EVP_PKEY_base_id(k->pkey) == EVP_PKEY_EC, good;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int len;

	if (nsig != 64 || !c) {
		EVP_MD_CTX_free(c);
		return false;
	}
	if (ec) {
		len = raw_to_der(&der, sig, nsig);
		sig = der;
		nsig = len > 0 ? (size_t)len : 0;
	}
	good = nsig &&
	       EVP_DigestVerifyInit(c, NULL, ec ? EVP_sha256() : NULL, NULL,
				    k->pkey) == 1 &&
	       EVP_DigestVerify(c, sig, nsig, bytes, n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(c);
	return good;
}

/* Base 64 -------------------------------------------------------------------
 */

void
ax_base64(struct ax_str *out, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = bytes;
	uint32_t v;
	char quad[4];

	for (size_t i = 0; i < n; i += 3) {
		v = (uint32_t)p[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		for (int k = 0; k < 4; k++)
			quad[k] = digits[v >> (18 - 6 * k) & 63];
		if (i + 2 >= n)
			quad[3] = '=';
		if (i + 1 >= n)
			quad[2] = '=';
		ax_str_addn(out, quad, 4);
	}
}

static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

int
ax_unbase64(struct ax_str *out, const char *text)
{
	size_t n = strlen(text);
	uint32_t v = 0;
	int bits = 0, d;

	if (n % 4 == 0 && n && text[n - 1] == '=')
		n -= text[n - 2] == '=' ? 2 : 1;
	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		d = digit_value(text[i]);
		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ax_str_addc(out, (char)(v >> bits & 0xff));
		}
	}
	/* one text for one value: what is left over must be zero */
	return v & ((1u << bits) - 1) ? -1 : 0;
}

/* DSSE ----------------------------------------------------------------------
 */

void
ax_dsse_pae(struct ax_str *out, const char *type, const void *body, size_t n)
{
	ax_str_addf(out, "DSSEv1 %zu ", strlen(type));
	ax_str_add(out, type);
	ax_str_addf(out, " %zu ", n);
	ax_str_addn(out, body, n);
}

json_t *
ax_dsse_sign(const char *type, const void *body, size_t n,
	     const struct ax_key *k, struct ax_err *err)
{
	struct ax_str pae = AX_STR_INIT, payload = AX_STR_INIT;
	struct ax_str text = AX_STR_INIT;
	struct ax_digest id = ax_key_id(k);
	char hex[AX_HEX_LEN + 1];
	unsigned char sig[64];
	json_t *o = NULL;

	ax_dsse_pae(&pae, type, body, n);
	if (ax_sign(k, pae.buf, pae.len, sig, err) == 0) {
		ax_base64(&payload, body, n);
		ax_base64(&text, sig, sizeof(sig));
		o = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "payload",
			      payload.buf ? payload.buf : "", "payloadType",
			      type, "signatures", "keyid", ax_hex(hex, &id),
			      "sig", text.buf);
	}
	ax_str_free(&pae);
	ax_str_free(&payload);
	ax_str_free(&text);
	return o;
}

int
ax_dsse_verify(const json_t *envelope, const char *type, const struct ax_key *k,
	       struct ax_str *body)
{
	const char *payload =
		json_string_value(json_object_get(envelope, "payload"));
	const char *its =
		json_string_value(json_object_get(envelope, "payloadType"));
	const json_t *list = json_object_get(envelope, "signatures");
	struct ax_str pae = AX_STR_INIT;
	const char *text;
	bool found = false;
	size_t i;

	ax_str_clear(body);
	if (!payload || strlen(payload) > BODY_MAX || !ax_streq(its, type) ||
	    !json_is_array(list) || ax_unbase64(body, payload) < 0)
		return -1;
	ax_dsse_pae(&pae, type, body->buf ? body->buf : "", body->len);
	for (i = 0; !found && i < json_array_size(list) && i < 16; i++) {
		struct ax_str sig = AX_STR_INIT;

		text = json_string_value(
			json_object_get(json_array_get(list, i), "sig"));
		found = text && strlen(text) < 1024 &&
			ax_unbase64(&sig, text) == 0 &&
			ax_sign_verify(k, pae.buf, pae.len,
				       (const unsigned char *)sig.buf, sig.len);
		ax_str_free(&sig);
	}
	ax_str_free(&pae);
	return found;
}
