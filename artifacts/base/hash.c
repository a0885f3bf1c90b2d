/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "artifacts/base/base.h"

struct ax_sha {
	EVP_MD_CTX *ctx;
};

struct ax_sha *
ax_sha_new(void)
{
	/* fetched once: an implicit fetch per hash costs more than the hash */
	static EVP_MD *md;
	struct ax_sha *s = ax_malloc(sizeof(*s));

	/* without memory for its start, libcrypto goes on and crashes */
	if (!md && OSSL_LIB_CTX_get0_global_default())
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->ctx = EVP_MD_CTX_new();
	if (!md || !s->ctx || EVP_DigestInit_ex2(s->ctx, md, NULL) != 1) {
		fprintf(stderr, "axpipe: libcrypto has no SHA-256, or no "
				"memory to start\n");
		_exit(AX_EXIT_ENV);
	}
	return s;
}

void
ax_sha_add(struct ax_sha *s, const void *bytes, size_t n)
{
	EVP_DigestUpdate(s->ctx, bytes, n);
}

struct ax_digest
ax_sha_end(struct ax_sha *s)
{
	struct ax_digest d;

	EVP_DigestFinal_ex(s->ctx, d.b, NULL);
	ax_sha_free(s);
	return d;
}

void
ax_sha_free(struct ax_sha *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->ctx);
	free(s);
}

struct ax_digest
ax_hash_bytes(const void *bytes, size_t n)
{
	struct ax_sha *s = ax_sha_new();

	ax_sha_add(s, bytes, n);
	return ax_sha_end(s);
}

int
ax_hash_file(struct ax_digest *out, uint64_t *size, const char *path,
	     struct ax_err *err)
{
	struct ax_sha *s;
	uint64_t total = 0;
	char *buf;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", path);
	buf = ax_malloc(1 << 18);
	s = ax_sha_new();
	for (;;) {
		n = read(fd, buf, 1 << 18);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		ax_sha_add(s, buf, (size_t)n);
		total += (uint64_t)n;
	}
	if (n < 0)
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot read:", path);
	close(fd);
	free(buf);
	*out = ax_sha_end(s);
	if (size)
		*size = total;
	return n < 0 ? -1 : 0;
}

char *
ax_hex(char *out, const struct ax_digest *d)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < 32; i++) {
		out[2 * i] = digits[d->b[i] >> 4];
		out[2 * i + 1] = digits[d->b[i] & 15];
	}
	out[AX_HEX_LEN] = '\0';
	return out;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
ax_unhex(struct ax_digest *out, const char *hex)
{
	size_t i;
	int hi, lo;

	if (strnlen(hex, AX_HEX_LEN + 1) != AX_HEX_LEN)
		return -1;
	for (i = 0; i < 32; i++) {
		hi = nibble(hex[2 * i]);
		lo = nibble(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		out->b[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

bool
ax_digest_eq(const struct ax_digest *a, const struct ax_digest *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
