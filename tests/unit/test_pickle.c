/* SPDX-License-Identifier: Apache-2.0 */
/* The restricted unpickler and the zip reader, on good and hostile bytes. */
#include "artifacts/checkpoint.h"
#include "artifacts/pickle.h"
#include "tests/lib/bytes.h"
#include "tests/lib/tap.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};
static const int64_t count[1] = {78982};
static struct ax_err err;

/* A file around a pickle: two storages, six floats and one integer. */
static struct ax_str
file_of(const struct ax_str *pkl)
{
	struct zip_maker z = {0};

	zip_add(&z, "m/data.pkl", pkl->buf ? pkl->buf : "", pkl->len, 0, 0);
	zip_add(&z, "m/byteorder", "little", 6, 0, 0);
	zip_add(&z, "m/data/0", six, sizeof(six), 0, 0);
	zip_add(&z, "m/data/1", count, sizeof(count), 0, 0);
	zip_end(&z);
	return z.file;
}

static int
parse_zip(const struct ax_str *file, struct ax_checkpoint *c)
{
	ax_err_clear(&err);
	return ax_torch_parse(c, "t.pt", file->buf, file->len, &err);
}

/* Parses the pickle in a file and frees the outcome. */
static int
parse(const struct ax_str *pkl)
{
	struct ax_str file = file_of(pkl);
	struct ax_checkpoint c;
	int rc = parse_zip(&file, &c);

	ax_checkpoint_free(&c);
	ax_str_free(&file);
	return rc;
}

#define refuses(pkl, part, what)                                               \
	do {                                                                   \
		int rc_ = parse(pkl);                                          \
		if (!ok(rc_ < 0 && strstr(err.text, part), "%s", what))        \
			printf("# rc %d, message: %s\n", rc_, err.text);       \
	} while (0)

static struct ax_str
start(void)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_addn(&s, "\x80\x02", 2);
	return s;
}

static struct ax_str
good_pickle(void)
{
	struct ax_str s = start();

	ax_str_add(&s, "ccollections\nOrderedDict\nq");
	ax_str_addn(&s, "\0)Rq\1(", 6);
	pk_text(&s, "w");
	pk_tensor(&s, "FloatStorage", "0", 6, 0, 2, (unsigned[]){2, 3},
		  (unsigned[]){3, 1});
	pk_text(&s, "turned");
	pk_tensor(&s, "FloatStorage", "0", 6, 1, 2, (unsigned[]){2, 2},
		  (unsigned[]){1, 3});
	pk_text(&s, "l.w_quant._extra_state");
	ax_str_addc(&s, '}');
	pk_text(&s, "scale");
	pk_tensor(&s, "FloatStorage", "0", 6, 5, 0, NULL, NULL);
	ax_str_addc(&s, 's');
	pk_text(&s, "n");
	pk_tensor(&s, "LongStorage", "1", 1, 0, 0, NULL, NULL);
	ax_str_add(&s, "u}");
	pk_text(&s, "_metadata");
	ax_str_add(&s, "}sb.");
	return s;
}

static void
test_good(void)
{
	struct ax_str pkl = good_pickle(), file = file_of(&pkl);
	const struct ax_tensor *t;
	struct ax_checkpoint c;
	size_t i, accepted = 0;

	ok(parse_zip(&file, &c) == 0, "a state dict is read");
	is_str(err.text, "", "no error");
	is_int(c.n, 4, "four tensors");
	t = ax_checkpoint_get(&c, "w");
	ok(t && t->dtype == AX_F32 && t->ndim == 2 && t->dim[0] == 2 &&
		   t->dim[1] == 3 && memcmp(t->data, six, sizeof(six)) == 0,
	   "a contiguous tensor");
	t = ax_checkpoint_get(&c, "turned");
	ok(t && t->n == 4 && t->f32[0] == 1 && t->f32[1] == 4 &&
		   t->f32[2] == 2 && t->f32[3] == 5,
	   "a transposed view with an offset");
	t = ax_checkpoint_get(&c, "l.w_quant.scale");
	ok(t && t->ndim == 0 && t->n == 1 && t->f32[0] == 5,
	   "a scale out of _extra_state");
	t = ax_checkpoint_get(&c, "n");
	ok(t && t->dtype == AX_I64 && t->i64[0] == 78982, "an i64 scalar");
	ax_checkpoint_free(&c);
	for (i = 0; i < pkl.len; i++) {
		struct ax_str cut = {pkl.buf, i, pkl.cap, 0, false};

		accepted += parse(&cut) == 0;
	}
	is_int(accepted, 0, "the pickle cut at each of %zu bytes is refused",
	       pkl.len);
	accepted = 0;
	for (i = 0; i < file.len; i++) {
		struct ax_str cut = AX_STR_INIT;

		/* a copy of its own, so that a read beyond it is seen */
		ax_str_addn(&cut, file.buf, i);
		if (parse_zip(&cut, &c) == 0)
			accepted++;
		ax_checkpoint_free(&c);
		ax_str_free(&cut);
	}
	is_int(accepted, 0, "the file cut at each of %zu bytes is refused",
	       file.len);
	ax_str_free(&pkl);
	ax_str_free(&file);
}

/* Every byte of the file changed in several ways: any answer but a crash. */
static void
test_flips(void)
{
	struct ax_str pkl = good_pickle(), file = file_of(&pkl);
	static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x20};
	struct ax_checkpoint c;
	size_t i, k, refused = 0;

	for (i = 0; i < file.len; i++)
		for (k = 0; k < AX_LEN(masks); k++) {
			file.buf[i] ^= (char)masks[k];
			refused += parse_zip(&file, &c) < 0;
			ax_checkpoint_free(&c);
			file.buf[i] ^= (char)masks[k];
		}
	/* what is left over: times, versions and attributes in the headers,
	 * and bytes of data are under a checksum */
	ok(refused > file.len * 3, "%zu of %zu changed files are refused",
	   refused, file.len * AX_LEN(masks));
	refused = 0;
	for (i = 0; i < pkl.len; i++)
		for (k = 0; k < AX_LEN(masks); k++) {
			pkl.buf[i] ^= (char)masks[k];
			refused += parse(&pkl) < 0;
			pkl.buf[i] ^= (char)masks[k];
		}
	ok(refused > pkl.len, "%zu of %zu changed pickles are refused", refused,
	   pkl.len * AX_LEN(masks));
	ax_str_free(&pkl);
	ax_str_free(&file);
}

static void
test_opcodes(void)
{
	static const char allowed[] = "\x80"
				      "cqrhj)t(XJKM\x88\x89QR}sub.\x85\x86\x87";
	struct ax_str s;
	int op, named = 0, refused = 0, n = 0;

	for (op = 0; op < 256; op++) {
		if (op && memchr(allowed, op, sizeof(allowed) - 1))
			continue;
		s = start();
		ax_str_addc(&s, '}');
		ax_str_addc(&s, (char)op);
		ax_str_addn(&s, "\0\0\0\0\0\0\0\0\n\n.", 11);
		n++;
		refused += parse(&s) < 0 && strstr(err.text, "is refused") &&
			   strstr(err.text, "offset 3");
		named += strstr(err.text, "unknown") == NULL;
		ax_str_free(&s);
	}
	is_int(n, 256 - 25, "231 opcodes are not on the list");
	is_int(refused, n, "each is refused, with its offset");
	is_int(named, 68 - 25, "and those that exist are named");
	s = start();
	ax_str_add(&s, "\x93.");
	refuses(&s, "STACK_GLOBAL", "STACK_GLOBAL is called by its name");
	ax_str_free(&s);
}

static void
test_globals(void)
{
	static const char *const evil[][2] = {
		{"os", "system"},         {"posix", "system"},
		{"builtins", "eval"},     {"builtins", "exec"},
		{"__builtin__", "eval"},  {"subprocess", "Popen"},
		{"torch", "load"},        {"torch._utils", "_rebuild_tensor"},
		{"torch", "HalfStorage"}, {"collections", "ordereddict"},
		{"numpy", "ndarray"},     {"collections", "OrderedDict "},
	};
	size_t i;

	for (i = 0; i < AX_LEN(evil); i++) {
		struct ax_str s = start();
		char *full = ax_asprintf("global '%s.%s' is refused",
					 evil[i][0], evil[i][1]);

		ax_str_addf(&s, "c%s\n%s\n", evil[i][0], evil[i][1]);
		pk_text(&s, "true");
		ax_str_add(&s, "\x85R.");
		refuses(&s, full, full);
		free(full);
		ax_str_free(&s);
	}
}

/* `body` between PROTO and STOP. */
static void
refused_body(const char *body, size_t n, const char *part, const char *what)
{
	struct ax_str s = start();

	ax_str_addn(&s, body, n);
	ax_str_addc(&s, '.');
	refuses(&s, part, what);
	ax_str_free(&s);
}
#define BODY(text, part, what) refused_body(text, sizeof(text) - 1, part, what)

static void
test_machine(void)
{
	struct ax_str s;
	int i;

	BODY("", "exactly one value", "an empty stack at the end");
	BODY("}}", "exactly one value", "two values at the end");
	BODY("(}", "exactly one value", "a mark left over");
	BODY("}.}", "bytes after the end", "bytes after STOP");
	BODY("t", "no mark", "TUPLE without a mark");
	BODY("\x86", "too short", "TUPLE2 of nothing");
	BODY("(}\x85t\x86", "too short", "TUPLE2 of one");
	BODY("}(\x85", "too short", "an opcode cannot reach below a mark");
	BODY("}s", "too short", "SETITEM without key and value");
	BODY("}K\1K\1s", "key is no string", "a key that is a number");
	BODY(")K\1K\1s", "not a dict", "SETITEM on a tuple");
	BODY("}(K\1u", "key without a value", "SETITEMS of an odd number");
	BODY("h\0", "memo", "BINGET of nothing");
	BODY("}r\xff\xff\xff\xff", "memo index", "a memo index of 2^32 - 1");
	BODY("j\xff\xff\xff\xff", "memo", "LONG_BINGET beyond the memo");
	BODY("q\0", "stack is empty", "BINPUT of nothing");
	BODY("X\xff\xff\xff\xff", "truncated", "a string of 2^32 - 1 bytes");
	BODY("K\1\x85R", "stack is empty", "REDUCE without a callable");
	BODY("})R", "not a call", "REDUCE of a dict");
	BODY("ccollections\nOrderedDict\nK\1\x85R", "may be called",
	     "OrderedDict with arguments");
	BODY("ctorch\nFloatStorage\n)R", "may be called",
	     "a storage is called");
	BODY("))b", "attributes of a dict", "BUILD of a tuple");
	BODY("K\1Q", "not ('storage'", "a persistent id that is a number");
	BODY(")", "holds a tuple", "a file that holds a tuple");
	BODY("\x80\3}", "protocol 2", "another protocol inside");
	s = start();
	for (i = 0; i < 1100000; i++)
		ax_str_addc(&s, '(');
	refuses(&s, "too many marks", "more than a million marks");
	ax_str_clear(&s);
	ax_str_addn(&s, "\x80\2", 2);
	for (i = 0; i < 1100000; i++)
		ax_str_addc(&s, ')');
	refuses(&s, "stack grows", "more than a million values on the stack");
	ax_str_clear(&s);
	ax_str_addn(&s, "\x80\2)", 3);
	for (i = 0; i < 1000000; i++)
		ax_str_addc(&s, '\x85');
	ax_str_addc(&s, '.');
	refuses(&s, "holds a tuple", "a million tuples, one in the other");
	ax_str_clear(&s);
	ax_str_addn(&s, "\x80\2)", 3);
	for (i = 0; i < 4200000; i++)
		ax_str_addc(&s, '\x85');
	refuses(&s, "more values", "more values than the limit");
	ax_str_clear(&s);
	/* a dict that holds itself */
	ax_str_addn(&s, "\x80\2}q\0", 5);
	pk_text(&s, "x");
	ax_str_addn(&s, "h\0s.", 4);
	refuses(&s, "nested too deep", "a dict that holds itself");
	ax_str_free(&s);
}

/* Three levels, each holding the one below 300 times. */
static void
test_bomb(void)
{
	struct ax_str s = start();
	int i, k;

	ax_str_addc(&s, '}');
	ax_str_addn(&s, "q\0(", 3);
	for (k = 1; k <= 4; k++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", k);
		pk_text(&s, name);
		ax_str_addn(&s, "}q", 2);
		ax_str_addc(&s, (char)k);
		if (k > 1)
			for (i = 0; i < 300; i++) {
				pk_text(&s, "k");
				ax_str_addc(&s, 'h');
				ax_str_addc(&s, (char)(k - 1));
				ax_str_addc(&s, 's');
			}
	}
	ax_str_add(&s, "u.");
	refuses(&s, "more than 1000000 entries",
		"dicts that multiply: 27 million visits");
	ax_str_free(&s);
}

static void
one_tensor(const char *part, const char *what, const char *storage,
	   const char *key, unsigned numel, unsigned offset, int n,
	   const unsigned *dims, const unsigned *strides)
{
	struct ax_str s = start();

	ax_str_addc(&s, '}');
	pk_text(&s, "w");
	pk_tensor(&s, storage, key, numel, offset, n, dims, strides);
	ax_str_add(&s, "s.");
	if (part) {
		refuses(&s, part, what);
	} else if (!ok(parse(&s) == 0, "%s", what)) {
		printf("# %s\n", err.text);
	}
	ax_str_free(&s);
}
#define U(...)                                                                 \
	(const unsigned[])                                                     \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

static void
test_views(void)
{
	one_tensor(NULL, "six of six", "FloatStorage", "0", 6, 0, 1, U(6),
		   U(1));
	one_tensor(NULL, "an empty tensor", "FloatStorage", "0", 6, 0, 2,
		   U(0, 5), U(5, 1));
	one_tensor(NULL, "a stride of 0", "FloatStorage", "0", 6, 5, 1, U(9),
		   U(0));
	one_tensor("reaches element 6", "one beyond the end", "FloatStorage",
		   "0", 6, 1, 1, U(6), U(1));
	one_tensor("reaches element 10", "a stride beyond the end",
		   "FloatStorage", "0", 6, 0, 1, U(6), U(2));
	one_tensor("reaches element 6", "a scalar beyond the end",
		   "FloatStorage", "0", 6, 6, 0, NULL, NULL);
	one_tensor("announced", "fewer elements than bytes", "FloatStorage",
		   "0", 5, 0, 1, U(5), U(1));
	one_tensor("announced", "more elements than bytes", "FloatStorage", "0",
		   65535, 0, 1, U(5), U(1));
	one_tensor("announced", "floats read as longs", "LongStorage", "0", 6,
		   0, 1, U(3), U(1));
	one_tensor("no storage 'm/data/7'", "a storage that is not there",
		   "FloatStorage", "7", 6, 0, 1, U(6), U(1));
	one_tensor("no storage", "a key that leaves the folder", "FloatStorage",
		   "../data.pkl", 6, 0, 1, U(6), U(1));
	one_tensor("at most 8", "nine dimensions", "FloatStorage", "0", 6, 0, 9,
		   U(1, 1, 1, 1, 1, 1, 1, 1, 1), U(1, 1, 1, 1, 1, 1, 1, 1, 1));
	one_tensor("is larger than", "2^64 elements of stride 0",
		   "FloatStorage", "0", 6, 0, 4, U(65535, 65535, 65535, 65535),
		   U(0, 0, 0, 0));
	one_tensor("far more than the file", "16 GB out of one element",
		   "FloatStorage", "0", 6, 0, 2, U(65535, 65535), U(0, 0));
}

/* What torch.save writes for a trained tensor of three dimensions in a storage
 * of more than 65,535 elements. */
static void
test_wide(void)
{
	enum { N = 70000 };
	float *wide = ax_calloc(N, sizeof(*wide));
	struct zip_maker z = {0};
	struct ax_str s = start();
	struct ax_checkpoint c;
	struct ax_tensor *t;

	ax_str_addc(&s, '}');
	pk_text(&s, "w");
	ax_str_add(&s, "ctorch._utils\n_rebuild_tensor_v2\n((");
	pk_text(&s, "storage");
	ax_str_add(&s, "ctorch\nFloatStorage\n");
	pk_text(&s, "0");
	pk_text(&s, "cpu");
	ax_str_addc(&s, 'J');
	put_le(&s, N, 4);
	ax_str_add(&s, "tQK");
	ax_str_addn(&s, "\0K\2K\5J", 6);
	put_le(&s, 7000, 4);
	ax_str_add(&s, "\x87J");
	put_le(&s, 35000, 4);
	ax_str_add(&s, "M");
	put_le(&s, 7000, 2);
	ax_str_addn(&s, "K\1\x87\x88", 4);
	ax_str_add(&s, "ccollections\nOrderedDict\n)RtRs.");
	wide[N - 1] = 3;
	zip_add(&z, "m/data.pkl", s.buf, s.len, 0, 0);
	zip_add(&z, "m/data/0", wide, N * sizeof(*wide), 0, 0);
	zip_end(&z);
	if (ok(parse_zip(&z.file, &c) == 0, "BININT, TUPLE3, NEWTRUE")) {
		t = ax_checkpoint_get(&c, "w");
		ok(t && t->ndim == 3 && t->dim[2] == 7000 && t->f32[N - 1] == 3,
		   "a tensor of 2 x 5 x 7000");
	} else {
		printf("# %s\n", err.text);
	}
	ax_checkpoint_free(&c);
	ax_str_free(&z.file);
	ax_str_free(&s);
	free(wide);
	BODY("}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storage"
	     "ctorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpu"
	     "J\xff\xff\xff\xfftQ",
	     "key, place, elements", "a negative number of elements");
}

/* --- zip ------------------------------------------------------------------ */

static int
zip_says(struct zip_maker *z, const char *part)
{
	struct ax_zip out;
	int rc;

	ax_err_clear(&err);
	rc = ax_zip_parse(&out, "z", z->file.buf, z->file.len, &err);
	if (rc == 0)
		ax_zip_free(&out);
	ax_str_free(&z->file);
	if (part ? rc < 0 && strstr(err.text, part) : rc == 0)
		return 1;
	printf("# rc %d: %s\n", rc, err.text);
	return 0;
}

static struct zip_maker
two(void)
{
	struct zip_maker z = {0};

	zip_add(&z, "a", "aaaa", 4, 0, 0);
	zip_add(&z, "b", "bbbb", 4, 0, 0);
	return z;
}

static void
test_zip(void)
{
	struct zip_maker z = two();

	is_int(ax_crc32("123456789", 9), 0xcbf43926, "CRC-32's check value");
	zip_end(&z);
	ok(zip_says(&z, NULL), "two members");
	z = two();
	zip_add(&z, "a", "cccc", 4, 0, 0);
	zip_end(&z);
	ok(zip_says(&z, "there twice"), "a name given twice");
	z = two();
	zip_add(&z, "../c", "c", 1, 0, 0);
	zip_end(&z);
	ok(zip_says(&z, "leaves the archive"), "a name with ..");
	z = two();
	zip_add(&z, "/etc/c", "c", 1, 0, 0);
	zip_end(&z);
	ok(zip_says(&z, "leaves the archive"), "an absolute name");
	z = two();
	zip_add(&z, "c", "c", 1, 1, 0);
	zip_end(&z);
	ok(zip_says(&z, "encrypted"), "an encrypted member");
	z = two();
	zip_add(&z, "c", "c", 1, 0, 8);
	zip_end(&z);
	ok(zip_says(&z, "compressed member"), "a compressed member");
	z = two();
	z.file.buf[31] = 'A';
	zip_end(&z);
	ok(zip_says(&z, "checksum"), "a changed byte of data");
	z = two();
	z.file.buf[30] = 'x';
	zip_end(&z);
	ok(zip_says(&z, "do not agree"), "another name in the local header");
	z = two();
	z.file.buf[22] = 3;
	zip_end(&z);
	ok(zip_says(&z, "other sizes"), "another size in the local header");
	z = two();
	memcpy(z.dir.buf + 47 + 42, "\0\0\0\0", 4);
	zip_end(&z);
	ok(zip_says(&z, "do not agree"), "two entries for one local header");
	z = two();
	z.n = 1;
	zip_end(&z);
	ok(zip_says(&z, "bytes after the last member"), "a count too small");
	z = two();
	z.n = 3;
	zip_end(&z);
	ok(zip_says(&z, "more members"), "a count too large");
	z = two();
	zip_end(&z);
	ax_str_addc(&z.file, 0);
	ok(zip_says(&z, "no end record"), "a byte after the end");
	/* a member inside of another's data, with a proper header there */
	{
		struct zip_maker in = {0};
		size_t at;

		memset(&z, 0, sizeof(z));
		zip_add(&in, "in", "x", 1, 0, 0);
		zip_add(&z, "a", in.file.buf, in.file.len, 0, 0);
		at = z.file.len - in.file.len;
		memcpy(in.dir.buf + 42, &(uint32_t){(uint32_t)at}, 4);
		ax_str_addn(&z.dir, in.dir.buf, in.dir.len);
		z.n = 2;
		zip_end(&z);
		ok(zip_says(&z, "overlap"), "a member inside of another");
		ax_str_free(&in.file);
		ax_str_free(&in.dir);
	}
}

int
main(void)
{
	test_good();
	test_flips();
	test_opcodes();
	test_globals();
	test_machine();
	test_bomb();
	test_views();
	test_wide();
	test_zip();
	return tap_done();
}
