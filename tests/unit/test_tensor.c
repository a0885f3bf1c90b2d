/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors, .npy, .npz, .safetensors, and telling them apart. */
#include <unistd.h>

#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/checkpoint.h"
#include "artifacts/npy.h"
#include "tests/lib/bytes.h"
#include "tests/lib/tap.h"

static struct ax_err err;
static char *dir;

static void
test_sizes(void)
{
	struct ax_tensor t, copy;
	size_t n, bytes, big[2] = {(size_t)1 << 40, (size_t)1 << 40};
	size_t dim[9] = {2, 3, 4, 1, 1, 1, 1, 1, 1};
	char text[64];

	ok(ax_tensor_init(&t, "x", AX_I16, 3, dim, NULL) == 0 && t.n == 24 &&
		   t.bytes == 48 && t.i16[23] == 0,
	   "a zeroed tensor");
	is_str(ax_tensor_text(text, sizeof(text), &t), "i16[2,3,4]", "as text");
	t.i16[5] = -7;
	copy = ax_tensor_copy(&t);
	ok(copy.data != t.data && copy.i16[5] == -7 &&
		   ax_tensor_get(&copy, 5) == -7,
	   "a copy");
	ax_tensor_free(&t);
	ax_tensor_free(&copy);
	ok(ax_tensor_init(&t, NULL, AX_F32, 0, NULL, NULL) == 0 && t.n == 1,
	   "a scalar has one element");
	ax_tensor_free(&t);
	ok(ax_tensor_size(&n, &bytes, "x", AX_F32, 9, dim, &err) < 0,
	   "nine dimensions are refused");
	ok(ax_tensor_size(&n, &bytes, "x", AX_F32, 2, big, &err) < 0,
	   "2^80 elements are refused");
	big[0] = 0;
	ok(ax_tensor_size(&n, &bytes, "x", AX_F32, 2, big, &err) < 0,
	   "so is 0 times 2^40");
	big[1] = 5;
	ok(ax_tensor_size(&n, &bytes, "x", AX_F32, 2, big, &err) == 0 &&
		   n == 0 && bytes == 0,
	   "0 times 5 is empty");
}

/* A .npy file with this header text and data. */
static int
npy(struct ax_tensor *t, const char *header, const void *data, size_t n,
    int version)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_str_addn(&s, "\x93NUMPY", 6);
	put_le(&s, (uint64_t)version, 2);
	put_le(&s, strlen(header), version == 1 ? 2 : 4);
	ax_str_add(&s, header);
	ax_str_addn(&s, data, n);
	ax_err_clear(&err);
	rc = ax_npy_parse(t, "a.npy", s.buf, s.len, &err);
	ax_str_free(&s);
	return rc;
}

static void
npy_bad(const char *header, const char *part)
{
	struct ax_tensor t;
	int rc = npy(&t, header, "\1\2\3\4\5\6", 6, 1);

	if (!ok(rc < 0 && strstr(err.text, part), "refused: %s", header))
		printf("# rc %d: %s\n", rc, err.text);
	ax_tensor_free(&t);
}

static void
test_npy(void)
{
	/* numpy.save("f", numpy.array([[1,-2,3],[4,5,6]], "int16")) of NumPy
	 * 1.24: the bytes as they are */
	static const char golden[] =
		"\x93NUMPY\1\0v\0{'descr': '<i2', 'fortran_order': False, "
		"'shape': (2, 3), }";
	static const int16_t values[6] = {1, -2, 3, 4, 5, 6};
	struct ax_str s = AX_STR_INIT, want = AX_STR_INIT;
	struct ax_tensor t, back;
	size_t i, accepted = 0;
	char *path;

	ax_tensor_init(&t, NULL, AX_I16, 2, (size_t[]){2, 3}, NULL);
	memcpy(t.data, values, sizeof(values));
	ax_npy_format(&s, &t);
	ax_str_addn(&want, golden, sizeof(golden) - 1);
	while (want.len < 127)
		ax_str_addc(&want, ' ');
	ax_str_addc(&want, '\n');
	ax_str_addn(&want, values, sizeof(values));
	ok(s.len == want.len && memcmp(s.buf, want.buf, s.len) == 0,
	   "the bytes that NumPy writes");
	path = ax_join(dir, "a.npy");
	ok(ax_npy_save(path, &t, &err) == 0 &&
		   ax_npy_load(&back, path, &err) == 0 && back.ndim == 2 &&
		   back.dim[1] == 3 && back.dtype == AX_I16 &&
		   memcmp(back.data, values, sizeof(values)) == 0,
	   "saved and loaded");
	ax_tensor_free(&back);
	free(path);
	for (i = 0; i < s.len; i++) {
		char *cut = ax_malloc(i + 1);

		memcpy(cut, s.buf, i);
		accepted += ax_npy_parse(&back, "a", cut, i, NULL) == 0;
		ax_tensor_free(&back);
		free(cut);
	}
	is_int(accepted, 0, "cut at each of %zu bytes: refused", s.len);
	ok(npy(&back, "{'descr':'<i2','fortran_order':True,'shape':(2,3)}",
	       values, 12, 2) == 0 &&
		   back.i16[0] == 1 && back.i16[1] == 3 && back.i16[2] == 5 &&
		   back.i16[3] == -2,
	   "Fortran order, version 2");
	ax_tensor_free(&back);
	ok(npy(&back, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}",
	       "\7", 1, 1) == 0 &&
		   back.ndim == 0 && back.u8[0] == 7,
	   "a scalar");
	ax_tensor_free(&back);
	npy_bad("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}",
		"Python objects");
	npy_bad("{'descr': '>i2', 'fortran_order': False, 'shape': (3,)}",
		"not supported");
	npy_bad("{'descr': [('a','<i2')], 'fortran_order': False, 'shape': ()}",
		"structured");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': (7,)}",
		"announces 7 bytes");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': (5,)}",
		"announces 5 bytes");
	npy_bad("{'descr': '|u1', 'fortran_order': 0, 'shape': (6,)}", "True");
	npy_bad("{'descr': '|u1', 'fortran_order': False}", "missing");
	npy_bad("{'descr': '|u1', 'descr': '|u1', 'shape': (6,)}", "twice");
	npy_bad("{'shape': (6,), 'shape': (6,)}", "twice");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': (-6,)}",
		"not a number");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': "
		"(99999999999999999999999,)}",
		"too large");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': "
		"(99999999,99999999,99999999)}",
		"larger than");
	npy_bad("{'descr': '|u1', 'fortran_order': False, 'shape': "
		"(1,1,1,1,1,1,1,1,6)}",
		"8 dimensions");
	npy_bad("{'x': 1}", "unknown key");
	npy_bad("", "dict");
	ax_tensor_free(&t);
	ax_str_free(&s);
	ax_str_free(&want);
}

/* A .safetensors file with this header and n bytes of data. */
static int
safe(struct ax_checkpoint *c, const char *header, size_t n)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	put_le(&s, strlen(header), 8);
	ax_str_add(&s, header);
	while (n-- > 0)
		ax_str_addc(&s, (char)n);
	ax_err_clear(&err);
	rc = ax_safetensors_parse(c, "a", s.buf, s.len, &err);
	ax_str_free(&s);
	return rc;
}

static void
safe_bad(const char *header, size_t n, const char *part)
{
	struct ax_checkpoint c;
	int rc = safe(&c, header, n);

	if (!ok(rc < 0 && c.n == 0 && strstr(err.text, part), "refused: %.90s",
		header))
		printf("# rc %d: %s\n", rc, err.text);
	ax_checkpoint_free(&c);
}

static void
test_safetensors(void)
{
	struct ax_checkpoint a = AX_CHECKPOINT_INIT, b = AX_CHECKPOINT_INIT, c;
	char *pa = ax_join(dir, "a.st"), *pb = ax_join(dir, "b.st");
	struct ax_tensor *t;
	struct ax_digest da, db;
	char *bytes;
	size_t len, i, accepted = 0;

	t = ax_checkpoint_add(&a, "z.weight", AX_F32, 1, (size_t[]){3}, &err);
	t->f32[1] = 1.5f;
	t = ax_checkpoint_add(&a, "bytes", AX_U8, 1, (size_t[]){5}, &err);
	t->u8[4] = 9;
	t = ax_checkpoint_add(&a, "count", AX_I64, 0, NULL, &err);
	t->i64[0] = -1;
	ax_checkpoint_set_meta(&a, "name", "x \"quoted\"");
	ax_checkpoint_set_meta(&a, "a", "1");
	t = ax_checkpoint_add(&b, "count", AX_I64, 0, NULL, &err);
	t->i64[0] = -1;
	t = ax_checkpoint_add(&b, "bytes", AX_U8, 1, (size_t[]){5}, &err);
	t->u8[4] = 9;
	t = ax_checkpoint_add(&b, "z.weight", AX_F32, 1, (size_t[]){3}, &err);
	t->f32[1] = 1.5f;
	ax_checkpoint_set_meta(&b, "a", "0");
	ax_checkpoint_set_meta(&b, "name", "x \"quoted\"");
	ax_checkpoint_set_meta(&b, "a", "1");
	ok(ax_checkpoint_save(pa, &a, &err) == 0 &&
		   ax_checkpoint_save(pb, &b, &err) == 0 &&
		   ax_hash_file(&da, NULL, pa, &err) == 0 &&
		   ax_hash_file(&db, NULL, pb, &err) == 0 &&
		   ax_digest_eq(&da, &db),
	   "same contents, other order: same bytes");
	ok(ax_checkpoint_load(&c, pa, &err) == 0, "loaded again");
	is_int(c.n, 3, "three tensors");
	is_str(c.tensors[0]->name, "count", "the widest first");
	is_str(ax_checkpoint_meta(&c, "name"), "x \"quoted\"", "metadata");
	t = ax_checkpoint_need(&c, "z.weight", AX_F32, 1, (size_t[]){3}, &err);
	ok(t && t->f32[1] == 1.5f && t->f32[0] == 0, "values");
	ok(!ax_checkpoint_need(&c, "z.weigth", AX_F32, 1, (size_t[]){3},
			       &err) &&
		   strstr(err.text, "nearest: 'z.weight'"),
	   "a missing tensor names the nearest one");
	ok(!ax_checkpoint_need(&c, "bytes", AX_U8, 1, (size_t[]){6}, &err) &&
		   strstr(err.text, "u8[5]") && strstr(err.text, "u8[6]"),
	   "another shape names both");
	ok(!ax_checkpoint_add(&c, "count", AX_F32, 0, NULL, &err),
	   "a name is taken once");
	ok(!ax_checkpoint_add(&c, "\xff", AX_F32, 0, NULL, &err),
	   "a name must be UTF-8");
	ax_checkpoint_free(&c);
	ax_read_file(&bytes, &len, pa, 1 << 20, &err);
	for (i = 0; i < len; i++) {
		char *cut = ax_malloc(i + 1);

		memcpy(cut, bytes, i);
		accepted += ax_safetensors_parse(&c, "a", cut, i, NULL) == 0;
		ax_checkpoint_free(&c);
		free(cut);
	}
	is_int(accepted, 0, "cut at each of %zu bytes: refused", len);
	is_int((bytes[0] & 255) % 8, 0, "the data begin at a multiple of 8");
	free(bytes);
	ax_checkpoint_free(&a);
	ax_checkpoint_free(&b);
	free(pa);
	free(pb);

	ok(safe(&c, "{}", 0) == 0 && c.n == 0, "an empty file");
	ax_checkpoint_free(&c);
#define ENTRY(name, type, shape, from, to)                                     \
	"\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape                \
	",\"data_offsets\":[" #from "," #to "]}"
	ok(safe(&c,
		"{" ENTRY("b", "U8", "[2]", 2, 4) "," ENTRY("a", "I16", "[1]",
							    0, 2) "}  ",
		4) == 0 &&
		   c.n == 2,
	   "any order of entries, blanks at the end");
	ax_checkpoint_free(&c);
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]",
							     1, 3) "}",
		 3, "overlap");
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]",
							     0, 2) "}",
		 4, "overlap");
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]",
							     3, 5) "}",
		 5, "hole");
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "}", 3, "end at byte 2");
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "}", 1, "do not lie in");
	safe_bad("{" ENTRY("a", "U8", "[2]", 2, 0) "}", 2, "do not lie in");
	safe_bad("{" ENTRY("a", "U8", "[2]", -1, 1) "}", 2, "do not lie in");
	safe_bad("{" ENTRY("a", "F32", "[2]", 0, 2) "}", 2, "needs 8 bytes");
	safe_bad("{" ENTRY("a", "U8", "[-2]", 0, 2) "}", 2, "not a size");
	safe_bad("{" ENTRY("a", "U8", "[4294967296,4294967296]", 0, 2) "}", 2,
		 "larger than");
	safe_bad("{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,2]", 0, 2) "}", 2,
		 "dimensions");
	safe_bad("{" ENTRY("a", "BF16", "[1]", 0, 2) "}", 2, "BF16");
	safe_bad("{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("a", "U8", "[2]",
							     0, 2) "}",
		 2, "duplicate");
	safe_bad("{" ENTRY("", "U8", "[2]", 0, 2) "}", 2, "1 to 1024");
	safe_bad("{\"a\":1}", 2, "is not {dtype");
	safe_bad("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
	safe_bad("{\"a\":[[[[", 0, "no JSON");
	safe_bad("[]", 0, "not .safetensors");
}

static void
test_npz(void)
{
	struct ax_str one = AX_STR_INIT;
	struct zip_maker z = {0};
	struct ax_checkpoint c;
	struct ax_tensor t;
	char *path = ax_join(dir, "x.npz");

	ax_tensor_init(&t, NULL, AX_I32, 1, (size_t[]){2}, NULL);
	t.i32[1] = 77;
	ax_npy_format(&one, &t);
	zip_add(&z, "lut.npy", one.buf, one.len, 0, 0);
	zip_add(&z, "b.npy", one.buf, one.len, 0, 0);
	zip_end(&z);
	ax_write_plain(path, z.file.buf, z.file.len, &err);
	ok(ax_checkpoint_load(&c, path, &err) == 0 && c.n == 2 &&
		   ax_checkpoint_get(&c, "lut")->i32[1] == 77,
	   "an .npz is told by its content");
	ax_checkpoint_free(&c);
	ax_write_plain(path, one.buf, one.len, &err);
	ok(ax_checkpoint_load(&c, path, &err) == 0 && c.n == 1 &&
		   ax_checkpoint_get(&c, "data")->i32[1] == 77,
	   "and so is an .npy");
	ax_checkpoint_free(&c);
	ax_write_plain(path, "\x80\2}.", 4, &err);
	ok(ax_checkpoint_load(&c, path, &err) < 0 &&
		   strstr(err.text, "bare pickle"),
	   "a bare pickle is refused with advice");
	ax_write_plain(path, "hello", 5, &err);
	ok(ax_checkpoint_load(&c, path, &err) < 0 &&
		   strstr(err.text, "not a checkpoint"),
	   "text is no checkpoint");
	ax_write_plain(path, "", 0, &err);
	ok(ax_checkpoint_load(&c, path, &err) < 0, "nor is an empty file");
	ok(ax_checkpoint_load(&c, "/nowhere/x", &err) < 0, "nor is none");
	ax_tensor_free(&t);
	ax_str_free(&one);
	ax_str_free(&z.file);
	free(path);
}

int
main(void)
{
	char name[] = "/tmp/axpipe-test.XXXXXX";

	dir = mkdtemp(name);
	test_sizes();
	test_npy();
	test_safetensors();
	test_npz();
	ax_rmtree(dir, NULL);
	return tap_done();
}
