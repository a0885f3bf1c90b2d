/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/png.h"

#include "artifacts/base/io.h"
#include "artifacts/zip.h"

#define MAX_SIDE 32768
#define MAX_STORED 65535

static void
put32(struct ax_str *s, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
			(uint8_t)(v >> 8), (uint8_t)v};

	ax_str_addn(s, b, 4);
}

static void
chunk(struct ax_str *out, const char *type, const void *data, size_t n)
{
	size_t start;

	put32(out, (uint32_t)n);
	start = out->len;
	ax_str_addn(out, type, 4);
	ax_str_addn(out, data, n);
	put32(out, ax_crc32(out->buf + start, n + 4));
}

static uint32_t
adler32(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	while (n-- > 0) {
		a = (a + *p++) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

/* A zlib stream of stored blocks. */
static void
store(struct ax_str *out, const uint8_t *p, size_t n)
{
	uint32_t sum = adler32(p, n);

	ax_str_addn(out, "\x78\x01", 2);
	do {
		size_t k = AX_MIN(n, (size_t)MAX_STORED);
		uint8_t head[5] = {n == k, (uint8_t)k, (uint8_t)(k >> 8),
				   (uint8_t)~k, (uint8_t)(~k >> 8)};

		ax_str_addn(out, head, 5);
		ax_str_addn(out, p, k);
		p += k;
		n -= k;
	} while (n);
	put32(out, sum);
}

int
ax_png_save(const char *path, size_t width, size_t height, unsigned channels,
	    const uint8_t *pixels, struct ax_err *err)
{
	struct ax_str out = AX_STR_INIT, head = AX_STR_INIT, data = AX_STR_INIT;
	size_t row = width * channels, y;
	uint8_t *lines;
	int rc;

	if (width == 0 || height == 0 || width > MAX_SIDE ||
	    height > MAX_SIDE || (channels != 1 && channels != 3))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: no picture of %zu x %zu with %u "
				  "channels",
				  path, width, height, channels);
	/* each line begins with its filter: 0, none */
	lines = ax_calloc(height, row + 1);
	for (y = 0; y < height; y++)
		memcpy(lines + y * (row + 1) + 1, pixels + y * row, row);
	store(&data, lines, height * (row + 1));
	put32(&head, (uint32_t)width);
	put32(&head, (uint32_t)height);
	ax_str_addc(&head, 8);
	ax_str_addc(&head, channels == 3 ? 2 : 0);
	ax_str_addn(&head, "\0\0\0", 3);
	ax_str_addn(&out, "\x89PNG\r\n\x1a\n", 8);
	chunk(&out, "IHDR", head.buf, head.len);
	chunk(&out, "IDAT", data.buf, data.len);
	chunk(&out, "IEND", "", 0);
	rc = ax_write_plain(path, out.buf, out.len, err);
	free(lines);
	ax_str_free(&out);
	ax_str_free(&head);
	ax_str_free(&data);
	return rc;
}
