/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of published data sets, on small files made here, good and bad. */
#include <unistd.h>

#include "artifacts/base/io.h"
#include "artifacts/checkpoint.h"
#include "artifacts/dataset_read.h"
#include "tests/lib/bytes.h"
#include "tests/lib/tap.h"

#define N 3
#define PIXELS 3072
/* a literal that may hold zero bytes */
#define LIT(s, text) ax_str_addn(s, text, sizeof(text) - 1)

static struct ax_err err;
static uint8_t pixels[N * PIXELS];

/* A CIFAR pickle as published; `array`: pixels in a numpy array, else a plain
 * string. */
static struct ax_str
cifar(bool hundred, bool array, unsigned rows, unsigned columns,
      unsigned last_label)
{
	struct ax_str s = AX_STR_INIT;

	LIT(&s, "\x80\2}q\1(U\11filenames]q\2(U\1aU\1bU\1ce");
	ax_str_addf(&s, "U%c%s](", hundred ? 11 : 6,
		    hundred ? "fine_labels" : "labels");
	LIT(&s, "K\7K\0K");
	ax_str_addc(&s, (char)last_label);
	LIT(&s, "eU\4data");
	if (array) {
		ax_str_add(&s, "cnumpy.core.multiarray\n_reconstruct\n"
			       "cnumpy\nndarray\n");
		LIT(&s, "K\0\x85U\1b\x87R(K\1");
		pk_int(&s, rows);
		pk_int(&s, columns);
		ax_str_add(&s, "\x86"
			       "cnumpy\ndtype\nU\2u1");
		LIT(&s, "K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xff"
			"J\xff\xff\xff\xffK\0tb\x89T");
	} else {
		ax_str_addc(&s, 'T');
	}
	put_le(&s, (uint64_t)rows * PIXELS, 4);
	ax_str_addn(&s, pixels, (size_t)rows * PIXELS);
	if (array)
		ax_str_add(&s, "tb");
	ax_str_add(&s, "u.");
	return s;
}

static int
reads(struct ax_raw_part *p, enum ax_dataset_format f, const struct ax_str *s)
{
	int rc;

	ax_err_clear(&err);
	rc = ax_dataset_read(p, f, "f", (const uint8_t *)s->buf, s->len, &err);
	if (rc < 0)
		printf("# %s\n", err.text);
	return rc;
}

/* Reads into a fresh part, frees all, and looks for words in the message. */
static int
says(enum ax_dataset_format f, struct ax_str *s, const char *part)
{
	struct ax_raw_part p = {0};
	int rc = reads(&p, f, s);

	ax_raw_part_free(&p);
	ax_str_free(s);
	return rc < 0 && strstr(err.text, part) != NULL;
}

static void
test_pickles(void)
{
	struct ax_raw_part p = {0};
	struct ax_str s;
	size_t i, accepted = 0;

	for (i = 0; i < 4; i++) {
		bool hundred = i & 1, array = i & 2;

		s = cifar(hundred, array, N, PIXELS, 9);
		is_int(ax_dataset_detect((const uint8_t *)s.buf, s.len),
		       hundred ? AX_DS_CIFAR100 : AX_DS_CIFAR10,
		       "recognised: %s, %s", hundred ? "fine_labels" : "labels",
		       array ? "array" : "string");
		ok(reads(&p, hundred ? AX_DS_CIFAR100 : AX_DS_CIFAR10, &s) ==
				   0 &&
			   p.images.n == N && p.channels == 3 &&
			   p.images.labels[0] == 7 && p.images.labels[2] == 9 &&
			   memcmp(p.images.pixels, pixels, sizeof(pixels)) == 0,
		   "and read");
		ax_raw_part_free(&p);
		ax_str_free(&s);
	}
	s = cifar(false, true, N, PIXELS, 1);
	ok(reads(&p, AX_DS_CIFAR10, &s) == 0 &&
		   reads(&p, AX_DS_CIFAR10, &s) == 0 && p.images.n == 2 * N &&
		   memcmp(p.images.pixels + sizeof(pixels), pixels,
			  sizeof(pixels)) == 0 &&
		   p.images.labels[N] == 7,
	   "two files of CIFAR-10 join");
	ax_raw_part_free(&p);
	/* cut everywhere in the parts that are not pixels */
	for (i = 0; i < s.len; i++) {
		struct ax_str cut = {s.buf, i, s.cap, 0, false};

		if (i > 300 && i + 50 < s.len)
			continue;
		accepted += ax_dataset_read(&p, AX_DS_CIFAR10, "f",
					    (uint8_t *)cut.buf, i, NULL) == 0;
		ax_raw_part_free(&p);
	}
	is_int(accepted, 0, "cut anywhere: refused");
	for (i = 0; i < 300; i++) {
		s.buf[i] ^= 0x55;
		ax_dataset_read(&p, AX_DS_CIFAR10, "f", (uint8_t *)s.buf, s.len,
				NULL);
		ax_raw_part_free(&p);
		s.buf[i] ^= 0x55;
	}
	ok(1, "changed bytes do no harm");
	ax_str_free(&s);
	s = cifar(false, true, N, PIXELS, 10);
	ok(says(AX_DS_CIFAR10, &s, "label 2 is not in 0..9"), "label 10 of 10");
	s = cifar(true, true, N, PIXELS, 100);
	ok(says(AX_DS_CIFAR100, &s, "not in 0..99"), "label 100 of 100");
	s = cifar(true, true, 2, PIXELS, 1);
	ok(says(AX_DS_CIFAR100, &s, "list of 2 labels"),
	   "more labels than images");
	s = cifar(true, true, N, 3071, 1);
	ok(says(AX_DS_CIFAR100, &s, "rows of 3072"), "rows of 3071");
	s = cifar(true, false, N, PIXELS, 1);
	ok(says(AX_DS_CIFAR10, &s, "'labels' must be a list of 3 labels"),
	   "CIFAR-100 is not CIFAR-10");
	memset(&s, 0, sizeof(s));
	ax_str_add(&s, "\x80\2}U\1aU\1bs.");
	ok(says(AX_DS_CIFAR100, &s, "no 'data'"), "a dict without data");
	memset(&s, 0, sizeof(s));
	ax_str_add(&s, "\x80\2cos\nsystem\nU\4true\x85R.");
	ok(says(AX_DS_CIFAR100, &s, "'os.system' is refused"), "os.system");
	memset(&s, 0, sizeof(s));
	ax_str_add(&s, "\x80\2ctorch\nFloatStorage\n.");
	ok(says(AX_DS_CIFAR100, &s, "'torch.FloatStorage' is refused"),
	   "what a checkpoint may name, a data set may not");
}

static void
test_binary(void)
{
	struct ax_raw_part p = {0};
	struct ax_str s = AX_STR_INIT;
	int i;

	for (i = 0; i < N; i++) {
		ax_str_addc(&s, (char)(i + 5));
		ax_str_addc(&s, (char)(i + 97));
		ax_str_addn(&s, pixels + i * PIXELS, PIXELS);
	}
	is_int(ax_dataset_detect((uint8_t *)s.buf, s.len), AX_DS_CIFAR100_BIN,
	       "rows of 3074 are recognised");
	ok(reads(&p, AX_DS_CIFAR100_BIN, &s) == 0 && p.images.n == N &&
		   p.images.labels[2] == 99 &&
		   memcmp(p.images.pixels, pixels, sizeof(pixels)) == 0,
	   "and read, with the fine label");
	ax_raw_part_free(&p);
	s.len--;
	ok(says(AX_DS_CIFAR100_BIN, &s, "2 whole rows and 3073 bytes"),
	   "a byte too few");
	memset(&s, 0, sizeof(s));
	for (i = 0; i < N; i++) {
		ax_str_addc(&s, (char)(i + 7));
		ax_str_addn(&s, pixels + i * PIXELS, PIXELS);
	}
	is_int(ax_dataset_detect((uint8_t *)s.buf, s.len), AX_DS_CIFAR10_BIN,
	       "rows of 3073 are recognised");
	ok(reads(&p, AX_DS_CIFAR10_BIN, &s) == 0 && p.images.labels[1] == 8,
	   "and read");
	ax_raw_part_free(&p);
	s.buf[2 * 3073] = 10;
	ok(says(AX_DS_CIFAR10_BIN, &s, "offset 6146: row 2 has label 10"),
	   "a bad label with its offset");
	memset(&s, 0, sizeof(s));
	ok(says(AX_DS_CIFAR10_BIN, &s, "0 bytes"), "an empty file");
}

static struct ax_str
idx(unsigned type, unsigned ndim, const unsigned *dim, size_t n)
{
	struct ax_str s = AX_STR_INIT;
	unsigned i;

	LIT(&s, "\0\0");
	ax_str_addc(&s, (char)type);
	ax_str_addc(&s, (char)ndim);
	for (i = 0; i < ndim; i++) {
		ax_str_addc(&s, (char)(dim[i] >> 24));
		ax_str_addc(&s, (char)(dim[i] >> 16));
		ax_str_addc(&s, (char)(dim[i] >> 8));
		ax_str_addc(&s, (char)dim[i]);
	}
	ax_str_addn(&s, pixels, n);
	return s;
}
#define D(...)                                                                 \
	(const unsigned[])                                                     \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

static void
test_idx(void)
{
	struct ax_raw_part p = {0};
	struct ax_str images = idx(8, 3, D(5, 4, 6), 120);
	struct ax_str labels = idx(8, 1, D(5), 5), s;

	is_int(ax_dataset_detect((uint8_t *)images.buf, images.len),
	       AX_DS_IDX_IMAGES, "images are recognised");
	is_int(ax_dataset_detect((uint8_t *)labels.buf, labels.len),
	       AX_DS_IDX_LABELS, "labels are recognised");
	ok(reads(&p, AX_DS_IDX_LABELS, &labels) == 0 &&
		   reads(&p, AX_DS_IDX_IMAGES, &images) == 0 &&
		   p.images.n == 5 && p.channels == 1 && p.height == 4 &&
		   p.width == 6 && p.images.labels[4] == pixels[4] &&
		   memcmp(p.images.pixels, pixels, 120) == 0,
	   "read in either order");
	ok(reads(&p, AX_DS_IDX_LABELS, &labels) < 0 &&
		   strstr(err.text, "a second file of labels"),
	   "labels twice");
	ax_raw_part_free(&p);
	s = idx(8, 1, D(4), 4);
	ok(reads(&p, AX_DS_IDX_IMAGES, &images) == 0 &&
		   reads(&p, AX_DS_IDX_LABELS, &s) < 0 &&
		   strstr(err.text, "4 labels, but there are 5 images"),
	   "counts that differ");
	ax_raw_part_free(&p);
	ax_str_free(&s);
	images.len--;
	ok(says(AX_DS_IDX_IMAGES, &images,
		"120 bytes from offset 16 on, the "
		"file has 119 (truncated)"),
	   "truncated images");
	ax_str_addc(&labels, 0);
	ok(says(AX_DS_IDX_LABELS, &labels, "(too long)"), "a byte too many");
	s = idx(13, 3, D(5, 4, 6), 120);
	ok(says(AX_DS_IDX_IMAGES, &s, "offset 2: IDX element type 0x0d"),
	   "floats");
	s = idx(8, 3, D(0xffffffff, 0xffffffff, 0xffffffff), 120);
	ok(says(AX_DS_IDX_IMAGES, &s, "too large"), "2^96 pixels");
	s = idx(8, 3, D(0, 4, 6), 0);
	ok(says(AX_DS_IDX_IMAGES, &s, "empty"), "no images");
	s = idx(8, 3, D(1, 1, 8192), 8192);
	ok(says(AX_DS_IDX_IMAGES, &s, "4096 pixels a side"), "a side of 8192");
	s = idx(8, 2, D(5, 4), 20);
	ok(says(AX_DS_IDX_IMAGES, &s, "2 dimensions"), "two dimensions");
	s = idx(8, 3, D(5, 4, 6), 0);
	s.len = 10;
	ok(says(AX_DS_IDX_IMAGES, &s, "needs 16 bytes"), "a header cut short");
}

static void
test_file(const char *dir)
{
	struct ax_dataset d = {0}, back;
	char *path = ax_join(dir, "d.safetensors");
	struct ax_checkpoint c;
	float table[AX_DATASET_CHANNELS][256];
	size_t i;

	d.name = ax_strdup("t");
	d.channels = 1;
	d.height = d.width = 2;
	d.classes = 3;
	d.train.n = 100;
	d.train.pixels = ax_malloc(400);
	d.train.labels = ax_calloc(100, sizeof(uint16_t));
	for (i = 0; i < 400; i++)
		d.train.pixels[i] = i % 2 ? 255 : 0;
	for (i = 0; i < 100; i++)
		d.train.labels[i] = (uint16_t)(i % 3);
	ax_dataset_measure(&d);
	ok(d.mean[0] == 0.5 && d.std[0] == 0.5, "mean and deviation");
	ax_dataset_normal(table, &d);
	ok(table[0][0] == -1 && table[0][255] == 1, "black is -1, white 1");
	ok(ax_dataset_save(path, &d, &err) == 0 &&
		   ax_dataset_load(&back, path, &err) == 0 &&
		   back.train.n == 100 && back.test.n == 0 &&
		   back.mean[0] == 0.5 && back.classes == 3 &&
		   memcmp(back.train.pixels, d.train.pixels, 400) == 0,
	   "saved and loaded");
	ax_dataset_free(&back);
	for (i = 0; i < 100; i++)
		d.train.pixels[4 * i] = (uint8_t)i;
	ax_images_subset(&d.train, 4, 40, 0, "x");
	ok(d.train.n == 40 && d.train.pixels[4 * 39] == 39,
	   "a subset with seed 0: the first");
	ax_images_subset(&d.train, 4, 20, 5, "x");
	ok(d.train.n == 20, "a subset with a seed has its size");
	for (i = 1; i < 20 && d.train.pixels[4 * i] > d.train.pixels[4 * i - 4];
	     i++)
		;
	ok(i == 20 && d.train.pixels[4 * 19] > 19 &&
		   d.train.labels[7] == d.train.pixels[28] % 3,
	   "in order, spread, labels with their images");
	d.classes = 2;
	ok(ax_dataset_save(path, &d, &err) == 0 &&
		   ax_dataset_load(&back, path, &err) < 0 &&
		   strstr(err.text, "not below the 2 classes"),
	   "a label beyond the classes is found");
	ax_dataset_free(&d);
	c = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	ax_checkpoint_add(&c, "w", AX_F32, 0, NULL, NULL);
	ax_checkpoint_save(path, &c, &err);
	ax_checkpoint_free(&c);
	ok(ax_dataset_load(&back, path, &err) < 0 &&
		   strstr(err.text, "make the file with the stage"),
	   "a checkpoint is no data set");
	free(path);
}

static void
test_gz(const char *dir)
{
	/* gzip -n of "hello\n" */
	static const char gz[] =
		"\x1f\x8b\x08\0\0\0\0\0\0\3\xcb\x48\xcd\xc9\xc9\xe7\2\0\x20\x30"
		"\x3a\x36\6\0\0\0";
	char *path = ax_join(dir, "x.gz");
	uint8_t *bytes;
	size_t len;

	ax_write_plain(path, gz, sizeof(gz) - 1, &err);
	ok(ax_dataset_slurp(&bytes, &len, path, &err) == 0 && len == 6 &&
		   memcmp(bytes, "hello\n", 6) == 0,
	   "a gzip file is unpacked");
	free(bytes);
	ax_write_plain(path, gz, sizeof(gz) - 12, &err);
	ok(ax_dataset_slurp(&bytes, &len, path, &err) < 0 &&
		   strstr(err.text, "cannot unpack"),
	   "a truncated one is refused");
	free(path);
}

int
main(void)
{
	char name[] = "/tmp/axpipe-test.XXXXXX";
	const char *dir = mkdtemp(name);
	size_t i;

	for (i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)(i * 31 + i / 7);
	test_pickles();
	test_binary();
	test_idx();
	test_file(dir);
	test_gz(dir);
	ax_rmtree(dir, NULL);
	return tap_done();
}
