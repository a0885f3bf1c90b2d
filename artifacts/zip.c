/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/zip.h"

#include "artifacts/base/io.h"

#define MAX_NAME 1024
enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50 };
enum { END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, END64_SIZE = 56 };
enum { LOCATOR64_SIZE = 20, FLAG_ENCRYPTED = 1, FLAG_DESCRIPTOR = 8 };

struct reader {
	const char *name;
	const uint8_t *b;
	size_t len;
	uint64_t dir, dir_len, entries; /* the central directory */
};

static uint16_t
u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
u32(const uint8_t *p)
{
	return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t
u64(const uint8_t *p)
{
	return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

uint32_t
ax_crc32(const void *bytes, size_t len)
{
	static _Thread_local uint32_t table[8][256];
	static _Thread_local bool ready;
	const uint8_t *p = bytes;
	uint32_t crc = 0xffffffff, i, k;

	if (!ready) {
		for (i = 0; i < 256; i++) {
			uint32_t c = i;

			for (k = 0; k < 8; k++)
				c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
			table[0][i] = c;
		}
		for (k = 1; k < 8; k++)
			for (i = 0; i < 256; i++)
				table[k][i] = table[k - 1][i] >> 8 ^
					      table[0][table[k - 1][i] & 255];
		ready = true;
	}
	/* eight bytes a step ("slicing by 8") */
	for (; len >= 8; p += 8, len -= 8) {
		uint32_t a = crc ^ u32(p), b = u32(p + 4);

		crc = table[7][a & 255] ^ table[6][a >> 8 & 255] ^
		      table[5][a >> 16 & 255] ^ table[4][a >> 24] ^
		      table[3][b & 255] ^ table[2][b >> 8 & 255] ^
		      table[1][b >> 16 & 255] ^ table[0][b >> 24];
	}
	for (; len; p++, len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
	return ~crc;
}

static int
bad(const struct reader *r, struct ax_err *err, size_t at, const char *what)
{
	return ax_err_set(err, AX_EXIT_STAGE, "%s: zip, offset %zu: %s",
			  r->name, at, what);
}

/* The record at the end, and its 64-bit form when there is one. */
static int
find_directory(struct reader *r, struct ax_err *err)
{
	size_t at, back;
	const uint8_t *e = NULL;

	for (back = END_SIZE; back <= r->len && back <= END_SIZE + 65535;
	     back++) {
		const uint8_t *p = r->b + r->len - back;

		/* its comment must end exactly with the file */
		if (u32(p) == END && u16(p + 20) == back - END_SIZE) {
			e = p;
			break;
		}
	}
	if (!e)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: not a whole zip file: no end record in "
				  "its %zu bytes (truncated?)",
				  r->name, r->len);
	at = (size_t)(e - r->b);
	if (u16(e + 4) || u16(e + 6) || u16(e + 8) != u16(e + 10))
		return bad(r, err, at, "split over several disks");
	r->entries = u16(e + 10);
	r->dir_len = u32(e + 12);
	r->dir = u32(e + 16);
	if (at >= LOCATOR64_SIZE && u32(e - LOCATOR64_SIZE) == LOCATOR64) {
		const uint8_t *l = e - LOCATOR64_SIZE, *q;
		uint64_t where = u64(l + 8);

		if (at < LOCATOR64_SIZE + END64_SIZE ||
		    where > at - LOCATOR64_SIZE - END64_SIZE || u32(l + 4) ||
		    u32(l + 16) != 1)
			return bad(r, err, at - LOCATOR64_SIZE,
				   "bad zip64 locator");
		q = r->b + where;
		if (u32(q) != END64 || u64(q + 4) < END64_SIZE - 12 ||
		    u32(q + 16) || u32(q + 20) || u64(q + 24) != u64(q + 32))
			return bad(r, err, (size_t)where,
				   "bad zip64 end record");
		/* where the short record is not at its limit they must agree */
		if ((r->entries != 0xffff && r->entries != u64(q + 32)) ||
		    (r->dir_len != 0xffffffff && r->dir_len != u64(q + 40)) ||
		    (r->dir != 0xffffffff && r->dir != u64(q + 48)))
			return bad(r, err, (size_t)where,
				   "the two end records do not agree");
		r->entries = u64(q + 32);
		r->dir_len = u64(q + 40);
		r->dir = u64(q + 48);
		at = (size_t)where;
	}
	if (r->dir > at || r->dir_len != at - r->dir)
		return bad(r, err, at,
			   "the central directory does not end where the end "
			   "record begins");
	if (r->entries > AX_ZIP_ENTRIES ||
	    r->entries * CENTRAL_SIZE > r->dir_len)
		return bad(r, err, at, "more members than can be there");
	return 0;
}

/* A 64-bit value in an extra field stands in for each that is at its limit. */
static int
zip64_extra(const uint8_t *p, size_t n, uint64_t *usize, uint64_t *csize,
	    uint64_t *offset)
{
	while (n >= 4) {
		size_t id = u16(p), size = u16(p + 2);

		if (size > n - 4)
			return -1;
		if (id == 1) {
			const uint8_t *q = p + 4, *end = q + size;
			uint64_t *want[3] = {usize, csize, offset};
			int i;

			for (i = 0; i < 3; i++) {
				if (!want[i] || *want[i] != 0xffffffff)
					continue;
				if (end - q < 8)
					return -1;
				*want[i] = u64(q);
				q += 8;
			}
			return 0;
		}
		p += 4 + size;
		n -= 4 + size;
	}
	return 0;
}

static int
read_member(struct reader *r, struct ax_zip_entry *e, const uint8_t *c,
	    struct ax_err *err)
{
	size_t at = (size_t)(c - r->b), name_len = u16(c + 28);
	uint64_t csize = u32(c + 20), usize = u32(c + 24), header = u32(c + 42);
	uint64_t lcs, lus, data;
	uint16_t flags = u16(c + 8), lname, lextra;
	const uint8_t *l;

	if (flags & FLAG_ENCRYPTED)
		return bad(r, err, at, "an encrypted member");
	if (u16(c + 10) != 0)
		return bad(r, err, at,
			   "a compressed member (only stored ones are read: "
			   "numpy.savez, not savez_compressed)");
	if (u16(c + 34) != 0 ||
	    zip64_extra(c + CENTRAL_SIZE + name_len, u16(c + 30), &usize,
			&csize, &header) < 0)
		return bad(r, err, at, "a bad member of the directory");
	if (name_len == 0 || name_len > MAX_NAME ||
	    memchr(c + CENTRAL_SIZE, 0, name_len))
		return bad(r, err, at, "a member without a proper name");
	e->name = ax_strndup((const char *)c + CENTRAL_SIZE, name_len);
	if (!ax_path_is_inside(e->name))
		return bad(r, err, at, "a member's name leaves the archive");
	if (csize != usize || header > r->dir ||
	    r->dir - header < LOCAL_SIZE + name_len)
		return bad(r, err, at, "a member outside of the file");
	l = r->b + header;
	lname = u16(l + 26);
	lextra = u16(l + 28);
	if (u32(l) != LOCAL || u16(l + 8) != 0 || lname != name_len ||
	    memcmp(l + LOCAL_SIZE, e->name, name_len) != 0)
		return bad(r, err, (size_t)header,
			   "local header and directory do not agree");
	data = header + LOCAL_SIZE + name_len + lextra;
	if (data > r->dir || usize > r->dir - data)
		return bad(r, err, (size_t)header,
			   "a member reaches beyond the data (truncated?)");
	lcs = u32(l + 18);
	lus = u32(l + 22);
	if (zip64_extra(l + LOCAL_SIZE + name_len, lextra, &lus, &lcs, NULL) <
	    0)
		return bad(r, err, (size_t)header, "bad extra field");
	/* with a data descriptor the local sizes may be left out */
	if ((lcs != csize || lus != usize) &&
	    !((u16(l + 6) & FLAG_DESCRIPTOR) && lcs == 0 && lus == 0))
		return bad(r, err, (size_t)header,
			   "local header and directory give other sizes");
	e->header = (size_t)header;
	e->data = r->b + data;
	e->len = (size_t)usize;
	e->crc = u32(c + 16);
	return 0;
}

/* After the test for overlaps: no byte is then summed twice. */
static int
check_sums(const struct reader *r, const struct ax_zip *z, struct ax_err *err)
{
	size_t i;

	for (i = 0; i < z->n; i++)
		if (ax_crc32(z->entries[i].data, z->entries[i].len) !=
		    z->entries[i].crc)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: zip member '%s': checksum does "
					  "not hold (damaged file)",
					  r->name, z->entries[i].name);
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct ax_zip_entry *x = *(const struct ax_zip_entry *const *)a;
	const struct ax_zip_entry *y = *(const struct ax_zip_entry *const *)b;

	return x->header < y->header ? -1 : x->header > y->header;
}

static int
check_overlap(const struct reader *r, const struct ax_zip *z,
	      struct ax_err *err)
{
	const struct ax_zip_entry **sorted =
		ax_calloc(z->n + 1, sizeof(*sorted));
	size_t i, end = 0;
	int rc = 0;

	for (i = 0; i < z->n; i++)
		sorted[i] = &z->entries[i];
	qsort(sorted, z->n, sizeof(*sorted), by_place);
	for (i = 0; i < z->n && rc == 0; i++) {
		if (sorted[i]->header < end)
			rc = bad(r, err, sorted[i]->header, "members overlap");
		end = (size_t)(sorted[i]->data - r->b) + sorted[i]->len;
	}
	free(sorted);
	return rc;
}

int
ax_zip_parse(struct ax_zip *out, const char *name, const void *bytes,
	     size_t len, struct ax_err *err)
{
	struct reader r = {.name = name, .b = bytes, .len = len};
	const uint8_t *c, *end;
	uint64_t i;

	memset(out, 0, sizeof(*out));
	if (find_directory(&r, err) < 0)
		return -1;
	c = r.b + r.dir;
	end = c + r.dir_len;
	out->entries = ax_calloc((size_t)r.entries + 1, sizeof(*out->entries));
	for (i = 0; i < r.entries; i++) {
		struct ax_zip_entry *e = &out->entries[out->n++];
		size_t size;

		if (end - c < CENTRAL_SIZE || u32(c) != CENTRAL) {
			bad(&r, err, (size_t)(c - r.b),
			    "a member of the directory is expected");
			goto fail;
		}
		size = (size_t)CENTRAL_SIZE + u16(c + 28) + u16(c + 30) +
		       u16(c + 32);
		if (size > (size_t)(end - c)) {
			bad(&r, err, (size_t)(c - r.b),
			    "the directory is cut short");
			goto fail;
		}
		if (read_member(&r, e, c, err) < 0)
			goto fail;
		if (ax_map_set(&out->index, e->name, e)) {
			bad(&r, err, (size_t)(c - r.b),
			    "a member's name is there twice");
			goto fail;
		}
		c += size;
	}
	if (c != end) {
		bad(&r, err, (size_t)(c - r.b),
		    "bytes after the last member of the directory");
		goto fail;
	}
	if (check_overlap(&r, out, err) < 0 || check_sums(&r, out, err) < 0)
		goto fail;
	return 0;
fail:
	ax_zip_free(out);
	return -1;
}

void
ax_zip_free(struct ax_zip *z)
{
	size_t i;

	for (i = 0; i < z->n; i++)
		free(z->entries[i].name);
	free(z->entries);
	ax_map_free(&z->index);
	memset(z, 0, sizeof(*z));
}

const struct ax_zip_entry *
ax_zip_get(const struct ax_zip *z, const char *name)
{
	return ax_map_get(&z->index, name);
}
