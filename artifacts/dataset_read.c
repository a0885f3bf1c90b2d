/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CIFAR (Krizhevsky, "Learning multiple layers of features from tiny images",
 * 2009; www.cs.toronto.edu/~kriz/cifar.html) in its Python and binary forms,
 * and the IDX files of the MNIST family (LeCun et al., 1998).
 */
#include "artifacts/dataset_read.h"

#include <archive.h>
#include <archive_entry.h>

#include "artifacts/base/io.h"
#include "artifacts/pickle.h"

#define CIFAR_PIXELS 3072
#define MAX_SIDE 4096

static const char *const format_names[] = {
	[AX_DS_UNKNOWN] = "unknown",
	[AX_DS_CIFAR100] = "cifar100",
	[AX_DS_CIFAR10] = "cifar10",
	[AX_DS_CIFAR100_BIN] = "cifar100-bin",
	[AX_DS_CIFAR10_BIN] = "cifar10-bin",
	[AX_DS_IDX_IMAGES] = "idx",
	[AX_DS_IDX_LABELS] = "idx",
};

const char *
ax_dataset_format_name(enum ax_dataset_format f)
{
	return format_names[f];
}

void
ax_raw_part_free(struct ax_raw_part *part)
{
	free(part->images.pixels);
	free(part->images.labels);
	memset(part, 0, sizeof(*part));
}

/* --- unpacking ------------------------------------------------------------ */

static int
gunzip(uint8_t **out, size_t *len, const char *path, const void *bytes,
       size_t n, struct ax_err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct ax_str s = AX_STR_INIT;
	uint8_t *block = ax_malloc(1 << 16);
	la_ssize_t got = -1;

	s.max = AX_DATASET_MAX;
	if (!a || archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_memory(a, bytes, n) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		goto fail;
	while ((got = archive_read_data(a, block, 1 << 16)) > 0)
		ax_str_addn(&s, block, (size_t)got);
	if (got < 0)
		goto fail;
	if (s.over) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "%s: unpacks to more than %zu bytes", path,
			   AX_DATASET_MAX);
		goto done;
	}
	*len = s.len;
	*out = (uint8_t *)ax_str_take(&s);
	archive_read_free(a);
	free(block);
	return 0;
fail:
	ax_err_set(err, AX_EXIT_STAGE, "%s: cannot unpack this .gz: %s", path,
		   a && archive_error_string(a) ? archive_error_string(a)
						: "damaged or truncated");
done:
	archive_read_free(a);
	free(block);
	ax_str_free(&s);
	return -1;
}

int
ax_dataset_slurp(uint8_t **out, size_t *len, const char *path,
		 struct ax_err *err)
{
	char *bytes;
	int rc;

	if (ax_read_file(&bytes, len, path, AX_DATASET_MAX, err) < 0)
		return -1;
	if (*len < 3 || memcmp(bytes, "\x1f\x8b\x08", 3) != 0) {
		*out = (uint8_t *)bytes;
		return 0;
	}
	rc = gunzip(out, len, path, bytes, *len, err);
	free(bytes);
	return rc;
}

/* --- growing a part ------------------------------------------------------- */

static int
grow(struct ax_raw_part *p, const char *name, size_t n, size_t c, size_t h,
     size_t w, struct ax_err *err)
{
	size_t pixels = c * h * w;

	if (p->images.n &&
	    (p->channels != c || p->height != h || p->width != w))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: images of [%zu,%zu,%zu], those before "
				  "are [%zu,%zu,%zu]",
				  name, c, h, w, p->channels, p->height,
				  p->width);
	if (n > AX_DATASET_MAX / pixels ||
	    (p->images.n + n) > AX_DATASET_MAX / pixels)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: more than %zu bytes of images", name,
				  AX_DATASET_MAX);
	p->channels = c;
	p->height = h;
	p->width = w;
	p->images.pixels =
		ax_realloc(p->images.pixels, (p->images.n + n) * pixels + 1, 1);
	p->images.labels = ax_realloc(p->images.labels, p->images.n + n + 1,
				      sizeof(*p->images.labels));
	return 0;
}

/* --- CIFAR, Python -------------------------------------------------------- */

enum { RECONSTRUCT, NDARRAY, DTYPE };
enum { TAG_ARRAY, TAG_DTYPE };

static const struct ax_pk_global cifar_globals[] = {
	[RECONSTRUCT] = {"numpy.core.multiarray", "_reconstruct"},
	[NDARRAY] = {"numpy", "ndarray"},
	[DTYPE] = {"numpy", "dtype"},
};

static const char cifar_opcodes[] =
	"PROTO GLOBAL BINPUT LONG_BINPUT BINGET LONG_BINGET EMPTY_TUPLE TUPLE "
	"TUPLE1 TUPLE2 TUPLE3 MARK BININT BININT1 BININT2 NONE NEWFALSE "
	"NEWTRUE REDUCE EMPTY_DICT EMPTY_LIST APPEND APPENDS SETITEM SETITEMS "
	"BUILD BINSTRING SHORT_BINSTRING BINUNICODE STOP";

/* An array of bytes: numpy's pickles are an empty array or type made by a call
 * and filled in by BUILD. */
struct array {
	size_t rows, columns;
	const struct ax_pk *data; /* NULL until BUILD */
};

static int
cifar_reduce(void *arg, struct ax_unpickler *u, struct ax_pk **out,
	     const struct ax_pk *callable, const struct ax_pk *args,
	     struct ax_err *err)
{
	bool array = callable->i == RECONSTRUCT;

	(void)arg;
	if (array && (args->n != 3 || args->item[0]->kind != AX_PK_GLOBAL ||
		      args->item[0]->i != NDARRAY))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "not _reconstruct(ndarray, ...)");
	if (!array && (callable->i != DTYPE || args->n < 1 ||
		       !ax_pk_is(args->item[0], "u1")))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "only arrays of type u1 are read");
	*out = ax_pk_new(u, AX_PK_OBJECT, err);
	if (!*out)
		return -1;
	(*out)->i = array ? TAG_ARRAY : TAG_DTYPE;
	if (array)
		(*out)->obj = ax_pk_alloc(u, sizeof(struct array));
	return 0;
}

static int
cifar_build(void *arg, struct ax_unpickler *u, struct ax_pk *object,
	    const struct ax_pk *state, struct ax_err *err)
{
	struct ax_pk *const *s = state->item;
	struct array *a;

	(void)arg;
	(void)u;
	if (object->kind != AX_PK_OBJECT || state->kind != AX_PK_TUPLE)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"only numpy's arrays and types are filled in");
	/* the state of a type: byte order and alignment, which one-byte
	 * elements do not have */
	if (object->i == TAG_DTYPE)
		return 0;
	a = object->obj;
	if (state->n != 5 || s[1]->kind != AX_PK_TUPLE || s[1]->n != 2 ||
	    s[1]->item[0]->kind != AX_PK_INT || s[1]->item[0]->i < 0 ||
	    s[1]->item[1]->kind != AX_PK_INT || s[1]->item[1]->i < 0 ||
	    s[2]->kind != AX_PK_OBJECT || s[2]->i != TAG_DTYPE ||
	    s[3]->kind != AX_PK_BOOL || s[3]->i != 0 ||
	    s[4]->kind != AX_PK_BYTES)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "not the state (version, (rows, columns), "
				  "u1, C order, bytes) of an array");
	a->rows = (size_t)s[1]->item[0]->i;
	a->columns = (size_t)s[1]->item[1]->i;
	a->data = s[4];
	return 0;
}

static int
cifar_labels(struct ax_raw_part *p, const char *name, const struct ax_pk *v,
	     size_t n, const char *key, size_t classes, struct ax_err *err)
{
	char text[64];
	size_t i;

	if (!v || v->kind != AX_PK_LIST || v->n != n)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: '%s' must be a list of %zu labels%s%s",
				  name, key, n,
				  v ? ", it is "
				    : "; there is "
				      "none",
				  v ? ax_pk_text(text, sizeof(text), v) : "");
	for (i = 0; i < n; i++) {
		const struct ax_pk *l = v->item[i];

		if (l->kind != AX_PK_INT || l->i < 0 ||
		    (uint64_t)l->i >= classes)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: '%s': label %zu is not in "
					  "0..%zu",
					  name, key, i, classes - 1);
		p->images.labels[p->images.n + i] = (uint16_t)l->i;
	}
	return 0;
}

static int
cifar_dict(struct ax_raw_part *p, bool hundred, const char *name,
	   const struct ax_pk *root, struct ax_err *err)
{
	const char *key = hundred ? "fine_labels" : "labels";
	const struct ax_pk *data, *labels;
	size_t n;

	if (root->kind != AX_PK_DICT)
		return ax_err_set(err, AX_EXIT_STAGE, "%s: not a dict", name);
	data = ax_pk_dict_get(root, "data");
	labels = ax_pk_dict_get(root, key);
	if (!data)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the dict has no 'data' (the file "
				  "'meta' holds names only)",
				  name);
	if (data->kind == AX_PK_OBJECT && data->i == TAG_ARRAY) {
		const struct array *a = data->obj;

		if (!a->data || a->columns != CIFAR_PIXELS ||
		    a->rows > a->data->n ||
		    a->rows * CIFAR_PIXELS != a->data->n)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: 'data' must be an array of rows "
					  "of %d bytes",
					  name, CIFAR_PIXELS);
		data = a->data;
	} else if (data->kind != AX_PK_BYTES || data->n % CIFAR_PIXELS) {
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: 'data' must be bytes, a multiple of %d",
				  name, CIFAR_PIXELS);
	}
	n = data->n / CIFAR_PIXELS;
	if (n == 0)
		return ax_err_set(err, AX_EXIT_STAGE, "%s: no images", name);
	if (grow(p, name, n, 3, 32, 32, err) < 0 ||
	    cifar_labels(p, name, labels, n, key, hundred ? 100 : 10, err) < 0)
		return -1;
	memcpy(p->images.pixels + p->images.n * CIFAR_PIXELS, data->b, data->n);
	p->images.n += n;
	p->has_pixels = p->has_labels = true;
	return 0;
}

static int
read_pickle(struct ax_raw_part *p, bool hundred, const char *name,
	    const uint8_t *b, size_t len, struct ax_err *err)
{
	const struct ax_pk_policy policy = {
		.what = "a CIFAR data file",
		.opcodes = cifar_opcodes,
		.globals = cifar_globals,
		.n_globals = AX_LEN(cifar_globals),
		.reduce = cifar_reduce,
		.build = cifar_build,
	};
	const struct ax_pk *root;
	struct ax_unpickler *u;
	int rc;

	if (ax_unpickle(&u, &root, name, b, len, &policy, err) < 0)
		return -1;
	rc = cifar_dict(p, hundred, name, root, err);
	ax_unpickler_free(u);
	return rc;
}

/* --- CIFAR, binary -------------------------------------------------------- */

static int
read_binary(struct ax_raw_part *p, bool hundred, const char *name,
	    const uint8_t *b, size_t len, struct ax_err *err)
{
	size_t head = hundred ? 2 : 1, row = head + CIFAR_PIXELS, n, i;
	unsigned classes = hundred ? 100 : 10;

	if (len == 0 || len % row)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: %zu bytes are not a multiple of %zu, "
				  "the size of a row (%zu whole rows and %zu "
				  "bytes)",
				  name, len, row, len / row, len % row);
	n = len / row;
	if (grow(p, name, n, 3, 32, 32, err) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		const uint8_t *r = b + i * row;

		/* the last byte of the head is the (fine) label */
		if (r[head - 1] >= classes || (hundred && r[0] >= 20))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s, offset %zu: row %zu has label "
					  "%u, not in 0..%u",
					  name, i * row, i, r[head - 1],
					  classes - 1);
		p->images.labels[p->images.n + i] = r[head - 1];
		memcpy(p->images.pixels + (p->images.n + i) * CIFAR_PIXELS,
		       r + head, CIFAR_PIXELS);
	}
	p->images.n += n;
	p->has_pixels = p->has_labels = true;
	return 0;
}

/* --- IDX ------------------------------------------------------------------ */

static uint32_t
big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Two zero bytes, 8 for unsigned bytes, the number of dimensions; sizes as
 * big-endian 32 bits. *start: where the elements begin. */
static int
idx_header(size_t dim[4], unsigned *ndim, size_t *start, const char *name,
	   const uint8_t *b, size_t len, struct ax_err *err)
{
	size_t total = 1;
	unsigned i;

	if (len < 4 || b[0] || b[1])
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: not an IDX file (it must begin with "
				  "two zero bytes)",
				  name);
	if (b[2] != 8)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s, offset 2: IDX element type 0x%02x; only "
				  "unsigned bytes (0x08) are read",
				  name, b[2]);
	*ndim = b[3];
	if (*ndim < 1 || *ndim > 4)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s, offset 3: %u dimensions; 1, 3 or 4 are "
				  "read",
				  name, *ndim);
	*start = 4 + 4 * (size_t)*ndim;
	if (len < *start)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the header needs %zu bytes, the file "
				  "has %zu",
				  name, *start, len);
	for (i = 0; i < *ndim; i++) {
		dim[i] = big32(b + 4 + 4 * i);
		if (dim[i] == 0 ||
		    __builtin_mul_overflow(total, dim[i], &total) ||
		    total > AX_DATASET_MAX)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s, offset %u: dimension %u of %zu "
					  "makes the data empty or too large",
					  name, 4 + 4 * i, i, dim[i]);
	}
	if (total != len - *start)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the header announces %zu bytes from "
				  "offset %zu on, the file has %zu (%s)",
				  name, total, *start, len - *start,
				  total > len - *start ? "truncated"
						       : "too long");
	return 0;
}

static int
read_idx(struct ax_raw_part *p, bool images, const char *name, const uint8_t *b,
	 size_t len, struct ax_err *err)
{
	size_t dim[4] = {0}, start = 0, i, c = 1, h, w;
	unsigned ndim = 0;

	if (idx_header(dim, &ndim, &start, name, b, len, err) < 0)
		return -1;
	if (images != (ndim >= 3) || ndim == 2)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: %u dimensions, but this should be a "
				  "file of %s",
				  name, ndim,
				  images ? "images (3 or 4)" : "labels (1)");
	if (images ? p->has_pixels : p->has_labels)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: a second file of %s for one part", name,
				  images ? "images" : "labels");
	if ((p->has_pixels || p->has_labels) && p->images.n != dim[0])
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: %zu %s, but there are %zu %s", name,
				  dim[0], images ? "images" : "labels",
				  p->images.n, images ? "labels" : "images");
	if (images) {
		if (ndim == 4)
			c = dim[1];
		h = dim[ndim - 2];
		w = dim[ndim - 1];
		if (c > AX_DATASET_CHANNELS || h > MAX_SIDE || w > MAX_SIDE)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: images of [%zu,%zu,%zu]; at "
					  "most %d channels and %d pixels a "
					  "side are supported",
					  name, c, h, w, AX_DATASET_CHANNELS,
					  MAX_SIDE);
		p->channels = c;
		p->height = h;
		p->width = w;
		p->images.pixels = ax_malloc(len - start);
		memcpy(p->images.pixels, b + start, len - start);
		p->has_pixels = true;
	} else {
		p->images.labels = ax_calloc(dim[0], sizeof(*p->images.labels));
		for (i = 0; i < dim[0]; i++)
			p->images.labels[i] = b[start + i];
		p->has_labels = true;
	}
	p->images.n = dim[0];
	return 0;
}

/* --- all ------------------------------------------------------------------ */

enum ax_dataset_format
ax_dataset_detect(const uint8_t *b, size_t len)
{
	bool ten = len && len % (CIFAR_PIXELS + 1) == 0;
	bool hundred = len && len % (CIFAR_PIXELS + 2) == 0;

	if (len >= 2 && b[0] == 0x80 && b[1] == 2)
		return memmem(b, len, "fine_labels", 11) ? AX_DS_CIFAR100
							 : AX_DS_CIFAR10;
	if (len >= 4 && b[0] == 0 && b[1] == 0 && b[2] >= 8 && b[2] <= 14 &&
	    b[3] >= 1 && b[3] <= 4 && b[2] != 10) {
		/* a row of CIFAR may begin like this; its size decides */
		if (!ten && !hundred)
			return b[3] == 1 ? AX_DS_IDX_LABELS : AX_DS_IDX_IMAGES;
		if (b[2] == 8 && len >= 8 && b[3] == 1 &&
		    big32(b + 4) == len - 8)
			return AX_DS_IDX_LABELS;
	}
	if (ten != hundred)
		return ten ? AX_DS_CIFAR10_BIN : AX_DS_CIFAR100_BIN;
	return AX_DS_UNKNOWN;
}

int
ax_dataset_read(struct ax_raw_part *part, enum ax_dataset_format f,
		const char *name, const uint8_t *bytes, size_t len,
		struct ax_err *err)
{
	switch (f) {
	case AX_DS_CIFAR100:
	case AX_DS_CIFAR10:
		return read_pickle(part, f == AX_DS_CIFAR100, name, bytes, len,
				   err);
	case AX_DS_CIFAR100_BIN:
	case AX_DS_CIFAR10_BIN:
		return read_binary(part, f == AX_DS_CIFAR100_BIN, name, bytes,
				   len, err);
	case AX_DS_IDX_IMAGES:
	case AX_DS_IDX_LABELS:
		return read_idx(part, f == AX_DS_IDX_IMAGES, name, bytes, len,
				err);
	case AX_DS_UNKNOWN:
		break;
	}
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: not a data set that is known (%zu bytes); give "
			  "the parameter 'format'",
			  name, len);
}
