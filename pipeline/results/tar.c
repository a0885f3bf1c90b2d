/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/tar.h"

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

#define BLOCK 512
#define SIZE_MAX_TAR (UINT64_C(1) << 33) /* eleven octal digits */
#define MAX_FILES 2000000

/* Where to cut a name into prefix and name: SIZE_MAX cannot be, 0 not cut. */
static size_t
cut(const char *name)
{
	size_t n = strlen(name);

	if (n <= 100)
		return 0;
	if (n > AX_TAR_NAME)
		return SIZE_MAX;
	/* the latest slash that leaves at most 155 before it */
	for (size_t i = AX_MIN(n - 1, (size_t)155); i > 0; i--)
		if (name[i] == '/' && n - i - 1 <= 100 && n - i - 1 > 0)
			return i;
	return SIZE_MAX;
}

bool
ax_tar_name_ok(const char *name)
{
	return ax_path_is_inside(name) && cut(name) != SIZE_MAX;
}

static void
octal(char *out, size_t n, uint64_t v)
{
	out[--n] = '\0';
	while (n) {
		out[--n] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

static void
header(char out[BLOCK], const char *name, bool exec, uint64_t size)
{
	size_t at = cut(name);
	unsigned sum = 0;

	memset(out, 0, BLOCK);
	memcpy(out, name + (at ? at + 1 : 0), strlen(name) - (at ? at + 1 : 0));
	memcpy(out + 345, name, at);
	octal(out + 100, 8, exec ? 0755 : 0644);
	octal(out + 108, 8, 0);
	octal(out + 116, 8, 0);
	octal(out + 124, 12, size);
	octal(out + 136, 12, 0);
	out[156] = '0';
	memcpy(out + 257, "ustar", 6);
	memcpy(out + 263, "00", 2);
	octal(out + 329, 8, 0);
	octal(out + 337, 8, 0);
	memset(out + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)out[i];
	octal(out + 148, 7, sum);
	out[155] = ' ';
}

/* Writing -------------------------------------------------------------------
 */

void
ax_tar_begin(struct ax_tar_out *t, FILE *f, const char *shown)
{
	memset(t, 0, sizeof(*t));
	t->f = f;
	t->shown = shown;
}

static int
put(struct ax_tar_out *t, const void *bytes, size_t n, struct ax_err *err)
{
	if (n && fwrite(bytes, 1, n, t->f) != n)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot write:", t->shown);
	return 0;
}

int
ax_tar_file(struct ax_tar_out *t, const char *name, bool exec, uint64_t size,
	    struct ax_err *err)
{
	char block[BLOCK];

	if (!ax_tar_name_ok(name) || strcmp(name, t->last) <= 0 || t->left ||
	    size >= SIZE_MAX_TAR)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: the archive cannot hold the file %s",
				  t->shown, name);
	header(block, name, exec, size);
	snprintf(t->last, sizeof(t->last), "%s", name);
	t->left = size;
	t->pad = (unsigned)(-size % BLOCK);
	return put(t, block, BLOCK, err);
}

int
ax_tar_bytes(struct ax_tar_out *t, const void *bytes, size_t n,
	     struct ax_err *err)
{
	static const char zeros[BLOCK];

	if (n > t->left)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: %s grew while it was packed", t->shown,
				  t->last);
	if (put(t, bytes, n, err) < 0)
		return -1;
	t->left -= n;
	if (t->left == 0 && n) {
		n = t->pad;
		t->pad = 0;
		return put(t, zeros, n, err);
	}
	return 0;
}

int
ax_tar_end(struct ax_tar_out *t, struct ax_err *err)
{
	static const char zeros[2 * BLOCK];

	if (t->left)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: %s became shorter while it was packed",
				  t->shown, t->last);
	if (put(t, zeros, sizeof(zeros), err) < 0)
		return -1;
	if (fflush(t->f) != 0)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot write:", t->shown);
	return 0;
}

/* Reading -------------------------------------------------------------------
 */

bool
ax_tar_is(const char *path)
{
	char block[BLOCK] = "";
	FILE *f = ax_is_file(path) ? fopen(path, "rbe") : NULL;
	bool good;

	if (!f)
		return false;
	good = fread(block, 1, BLOCK, f) == BLOCK &&
	       memcmp(block + 257, "ustar", 5) == 0;
	fclose(f);
	return good;
}

int
ax_tar_open(struct ax_tar_in *t, const char *path, struct ax_err *err)
{
	memset(t, 0, sizeof(*t));
	t->shown = path;
	t->f = fopen(path, "rbe");
	if (!t->f)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", path);
	return 0;
}

void
ax_tar_close(struct ax_tar_in *t)
{
	if (t->f)
		fclose(t->f);
	t->f = NULL;
}

static int
wrong(const struct ax_tar_in *t, const char *what, struct ax_err *err)
{
	return ax_err_set(err, AX_EXIT_CLAIM,
			  "%s: %s after file %zu (%s); it was damaged or "
			  "changed",
			  t->shown, what, t->n, t->n ? t->name : "the start");
}

static int
get(struct ax_tar_in *t, void *buf, size_t n, struct ax_err *err)
{
	if (fread(buf, 1, n, t->f) == n)
		return 0;
	if (ferror(t->f))
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot read:", t->shown);
	return wrong(t, "cut off", err);
}

static bool
all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* What remains of the file, and the zeros that fill its last block. */
static int
skip(struct ax_tar_in *t, struct ax_err *err)
{
	char buf[65536];
	size_t pad = (size_t)(-t->size % BLOCK);
	long got;

	while (t->left) {
		got = ax_tar_read(t, buf, sizeof(buf), err);
		if (got < 0)
			return -1;
	}
	if (pad && get(t, buf, pad, err) < 0)
		return -1;
	if (!all_zero(buf, pad))
		return wrong(t, "bytes between two files", err);
	t->size = 0;
	return 0;
}

static int
end(struct ax_tar_in *t, struct ax_err *err)
{
	char block[BLOCK];

	if (get(t, block, BLOCK, err) < 0)
		return -1;
	if (!all_zero(block, BLOCK))
		return wrong(t, "no end", err);
	if (fgetc(t->f) != EOF)
		return wrong(t, "bytes after the end", err);
	return 0;
}

static bool
read_octal(uint64_t *out, const char *p, size_t n)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '7')
			return false;
		*out = *out << 3 | (uint64_t)(p[i] - '0');
	}
	return true;
}

int
ax_tar_next(struct ax_tar_in *t, struct ax_err *err)
{
	char block[BLOCK], again[BLOCK], last[AX_TAR_NAME + 2];
	size_t prefix, name;
	uint64_t mode, size;

	if (t->n && skip(t, err) < 0)
		return -1;
	if (get(t, block, BLOCK, err) < 0)
		return -1;
	if (all_zero(block, BLOCK))
		return end(t, err);
	memcpy(last, t->name, sizeof(last));
	prefix = strnlen(block + 345, 155);
	name = strnlen(block, 100);
	snprintf(t->name, sizeof(t->name), "%.*s%s%.*s", (int)prefix,
		 block + 345, prefix ? "/" : "", (int)name, block);
	if (!read_octal(&mode, block + 100, 7) ||
	    !read_octal(&size, block + 124, 11) || size >= SIZE_MAX_TAR ||
	    !ax_tar_name_ok(t->name)) {
		memcpy(t->name, last, sizeof(last));
		return wrong(t, "no header of a file", err);
	}
	t->exec = mode == 0755;
	header(again, t->name, t->exec, size);
	if (memcmp(block, again, BLOCK) != 0 || strcmp(t->name, last) <= 0 ||
	    t->n >= MAX_FILES) {
		memcpy(t->name, last, sizeof(last));
		return wrong(t, "not the header that belongs there", err);
	}
	t->size = t->left = size;
	t->total += size;
	t->n++;
	return 1;
}

long
ax_tar_read(struct ax_tar_in *t, void *buf, size_t n, struct ax_err *err)
{
	n = (size_t)AX_MIN((uint64_t)n, t->left);
	if (n == 0)
		return 0;
	if (get(t, buf, n, err) < 0)
		return -1;
	t->left -= n;
	return (long)n;
}
