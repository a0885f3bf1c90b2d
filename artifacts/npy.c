/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/npy.h"

#include "artifacts/base/io.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_LEN 6
#define MAX_HEADER 65536
#define MAX_FILE ((size_t)8 << 30)

/* NumPy's spelling of each type; the elements in memory are little-endian. */
static const struct {
	const char *descr;
	enum ax_dtype dtype;
} descrs[] = {
	{"<f4", AX_F32}, {"<f8", AX_F64}, {"|i1", AX_I8},  {"|u1", AX_U8},
	{"<i2", AX_I16}, {"<u2", AX_U16}, {"<i4", AX_I32}, {"<i8", AX_I64},
	{"|b1", AX_U8},  {"<i1", AX_I8},  {"<u1", AX_U8},
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are kept as little-endian bytes; this CPU is big-endian"
#endif

/* The header is the text of a Python dict literal with three known keys. */
struct header {
	const char *name;
	const char *p, *end;
	const char *start;
	enum ax_dtype dtype;
	bool fortran;
	unsigned ndim;
	size_t dim[AX_TENSOR_DIMS];
};

static int
bad(const struct header *h, struct ax_err *err, const char *what)
{
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: .npy header, character %zu: %s", h->name,
			  (size_t)(h->p - h->start), what);
}

static void
blanks(struct header *h)
{
	while (h->p < h->end && (*h->p == ' ' || *h->p == '\n' ||
				 *h->p == '\t' || *h->p == '\r'))
		h->p++;
}

static bool
take(struct header *h, char c)
{
	blanks(h);
	if (h->p >= h->end || *h->p != c)
		return false;
	h->p++;
	return true;
}

/* A quoted string without escapes, into `out`. */
static int
string(struct header *h, char *out, size_t size, struct ax_err *err)
{
	size_t n = 0;
	char quote;

	blanks(h);
	if (h->p >= h->end || (*h->p != '\'' && *h->p != '"'))
		return bad(h, err, "a quoted string is expected");
	quote = *h->p++;
	while (h->p < h->end && *h->p != quote) {
		if (n + 1 >= size || *h->p == '\\' || *h->p < ' ')
			return bad(h, err, "not a type or key that is known");
		out[n++] = *h->p++;
	}
	if (h->p >= h->end)
		return bad(h, err, "a string does not end");
	h->p++;
	out[n] = '\0';
	return 0;
}

static int
word(struct header *h, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(h->end - h->p) < n || memcmp(h->p, w, n) != 0)
		return 0;
	h->p += n;
	return 1;
}

static int
shape(struct header *h, struct ax_err *err)
{
	if (!take(h, '('))
		return bad(h, err, "the shape must be a tuple");
	while (!take(h, ')')) {
		size_t v = 0;
		int digits = 0;

		blanks(h);
		while (h->p < h->end && *h->p >= '0' && *h->p <= '9') {
			if (v > AX_TENSOR_MAX)
				return bad(h, err, "a dimension is too large");
			v = v * 10 + (size_t)(*h->p++ - '0');
			digits++;
		}
		if (!digits)
			return bad(h, err, "a dimension is not a number");
		if (h->ndim == AX_TENSOR_DIMS)
			return bad(h, err, "more than 8 dimensions");
		h->dim[h->ndim++] = v;
		/* Python 2 wrote long integers as 3L */
		if (h->p < h->end && *h->p == 'L')
			h->p++;
		if (!take(h, ',')) {
			if (!take(h, ')'))
				return bad(h, err, "the shape does not end");
			break;
		}
	}
	return 0;
}

static int
descr(struct header *h, struct ax_err *err)
{
	char text[16];
	size_t i;

	blanks(h);
	if (h->p < h->end && *h->p == '[')
		return bad(h, err, "structured types are not supported");
	if (string(h, text, sizeof(text), err) < 0)
		return -1;
	for (i = 0; i < AX_LEN(descrs); i++)
		if (ax_streq(text, descrs[i].descr)) {
			h->dtype = descrs[i].dtype;
			return 0;
		}
	if (strchr(text, 'O'))
		return bad(h, err, "arrays of Python objects are refused");
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: elements of type '%s' are not supported; use "
			  "<f4 <f8 |i1 |u1 <i2 <u2 <i4 or <i8",
			  h->name, text);
}

static int
header(struct header *h, struct ax_err *err)
{
	enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
	unsigned seen = 0;

	if (!take(h, '{'))
		return bad(h, err, "a dict is expected");
	while (!take(h, '}')) {
		char key[16];
		unsigned bit;

		if (string(h, key, sizeof(key), err) < 0)
			return -1;
		if (!take(h, ':'))
			return bad(h, err, "':' is expected after a key");
		if (ax_streq(key, "descr")) {
			bit = DESCR;
			if (descr(h, err) < 0)
				return -1;
		} else if (ax_streq(key, "fortran_order")) {
			bit = ORDER;
			blanks(h);
			h->fortran = word(h, "True");
			if (!h->fortran && !word(h, "False"))
				return bad(h, err, "True or False is expected");
		} else if (ax_streq(key, "shape")) {
			bit = SHAPE;
			if (seen & SHAPE)
				return bad(h, err, "a key is given twice");
			if (shape(h, err) < 0)
				return -1;
		} else {
			return bad(h, err, "unknown key");
		}
		if (seen & bit)
			return bad(h, err, "a key is given twice");
		seen |= bit;
		if (!take(h, ',')) {
			if (!take(h, '}'))
				return bad(h, err, "the dict does not end");
			break;
		}
	}
	if (seen != (DESCR | ORDER | SHAPE))
		return bad(h, err, "descr, fortran_order or shape is missing");
	blanks(h);
	if (h->p != h->end)
		return bad(h, err, "text after the dict");
	return 0;
}

/* Copies Fortran order (first dimension fastest) to C order. */
static void
from_fortran(struct ax_tensor *t, const uint8_t *src)
{
	size_t size = ax_dtype_size(t->dtype), stride[AX_TENSOR_DIMS];
	size_t at[AX_TENSOR_DIMS] = {0}, from = 0, i, s = 1;
	uint8_t *dst = t->data;
	unsigned d;

	for (d = 0; d < t->ndim; d++) {
		stride[d] = s;
		s *= t->dim[d];
	}
	for (i = 0; i < t->n; i++) {
		memcpy(dst + i * size, src + from * size, size);
		for (d = t->ndim; d-- > 0;) {
			from += stride[d];
			if (++at[d] < t->dim[d])
				break;
			from -= stride[d] * t->dim[d];
			at[d] = 0;
		}
	}
}

int
ax_npy_parse(struct ax_tensor *out, const char *name, const void *bytes,
	     size_t len, struct ax_err *err)
{
	const uint8_t *b = bytes;
	struct header h = {.name = name};
	size_t head, start, n, want;

	memset(out, 0, sizeof(*out));
	if (len < 10 || memcmp(b, MAGIC, MAGIC_LEN) != 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: not a .npy file (it does not begin "
				  "with \\x93NUMPY)",
				  name);
	if (b[6] == 1) {
		head = b[8] | (size_t)b[9] << 8;
		start = 10;
	} else if ((b[6] == 2 || b[6] == 3) && len >= 12) {
		head = b[8] | (size_t)b[9] << 8 | (size_t)b[10] << 16 |
		       (size_t)b[11] << 24;
		start = 12;
	} else {
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: .npy version %d.%d is not supported "
				  "(1.0 to 3.0 are)",
				  name, b[6], b[7]);
	}
	if (head > MAX_HEADER || head > len - start)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: .npy header of %zu bytes at offset %zu "
				  "in a file of %zu",
				  name, head, start, len);
	h.start = h.p = (const char *)b + start;
	h.end = h.p + head;
	if (header(&h, err) < 0)
		return -1;
	start += head;
	/* the size is compared with the file before memory is asked for */
	if (ax_tensor_size(&n, &want, name, h.dtype, h.ndim, h.dim, err) < 0)
		return -1;
	if (want != len - start)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the .npy header announces %zu bytes of "
				  "elements, the file holds %zu from offset "
				  "%zu on",
				  name, want, len - start, start);
	if (ax_tensor_init(out, NULL, h.dtype, h.ndim, h.dim, err) < 0)
		return -1;
	if (h.fortran && h.ndim > 1)
		from_fortran(out, b + start);
	else if (want)
		memcpy(out->data, b + start, want);
	return 0;
}

int
ax_npy_load(struct ax_tensor *out, const char *path, struct ax_err *err)
{
	char *bytes;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_read_file(&bytes, &len, path, MAX_FILE, err) < 0)
		return -1;
	rc = ax_npy_parse(out, path, bytes, len, err);
	free(bytes);
	return rc;
}

void
ax_npy_format(struct ax_str *out, const struct ax_tensor *t)
{
	struct ax_str h = AX_STR_INIT;
	uint8_t fixed[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
	const char *d = NULL;
	size_t i;

	for (i = 0; i < AX_LEN(descrs) && !d; i++)
		if (descrs[i].dtype == t->dtype)
			d = descrs[i].descr;
	ax_str_addf(&h, "{'descr': '%s', 'fortran_order': False, 'shape': (",
		    d);
	for (i = 0; i < t->ndim; i++)
		ax_str_addf(&h, "%s%zu", i ? ", " : "", t->dim[i]);
	/* a tuple of one is written (n,) */
	ax_str_add(&h, t->ndim == 1 ? ",), }" : "), }");
	while ((sizeof(fixed) + h.len + 1) % 64 != 0)
		ax_str_addc(&h, ' ');
	ax_str_addc(&h, '\n');
	fixed[8] = (uint8_t)(h.len & 255);
	fixed[9] = (uint8_t)(h.len >> 8);
	ax_str_addn(out, fixed, sizeof(fixed));
	ax_str_addn(out, h.buf, h.len);
	ax_str_addn(out, t->data, t->bytes);
	ax_str_free(&h);
}

int
ax_npy_save(const char *path, const struct ax_tensor *t, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_npy_format(&s, t);
	rc = ax_write_file(path, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}
