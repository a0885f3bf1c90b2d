/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bundle says, behind checksums that are right: a stranger can make them
 * so. The bytes are files, between lines "--": a name, a line end, the content.
 * "@0" to "@9" stand for the digest of that part's content, in a name as
 * ab/cd..., "@C" in a statement for that of contents.sha256, which is added, as
 * is SHA256SUMS. Such a bundle is opened into a store as `axpipe run` does.
 */
#include "cache/store.h"
#include "pipeline/results/bundle.h"
#include "pipeline/results/tar.h"
#include "tests/fuzz/fuzz.h"

#define PARTS 10

struct file {
	char *name, *text;
	size_t len;
};

static struct ax_digest digest[PARTS];

/* The text with its signs replaced. */
static void
fill(struct ax_str *out, const char *text, size_t len, bool name,
     const char *contents)
{
	char hex[AX_HEX_LEN + 1];
	size_t i;

	for (i = 0; i < len; i++) {
		char next = i + 1 < len ? text[i + 1] : '\0';

		if (text[i] == '@' && next == 'C' && contents) {
			ax_str_add(out, contents);
			i++;
		} else if (text[i] == '@' && next >= '0' && next <= '9') {
			ax_hex(hex, &digest[next - '0']);
			if (name)
				ax_str_addf(out, "%.2s/%s", hex, hex + 2);
			else
				ax_str_add(out, hex);
			i++;
		} else {
			ax_str_addc(out, text[i]);
		}
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name,
		      ((const struct file *)b)->name);
}

static bool
is_statement(const char *name)
{
	return ax_starts(name, "attestation.") || ax_starts(name, "test-resul");
}

/* The lines of a list of checksums. */
static void
sums(struct ax_str *out, const struct file *f, size_t n, bool contents)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d;

	for (size_t i = 0; i < n; i++) {
		if (contents && (is_statement(f[i].name) ||
				 ax_streq(f[i].name, "signer.pem")))
			continue;
		d = ax_hash_bytes(f[i].text, f[i].len);
		ax_str_addf(out, "%s  %s\n", ax_hex(hex, &d), f[i].name);
	}
}

static void
add(struct file *f, size_t *n, const char *name, struct ax_str *text)
{
	f[*n].name = ax_strdup(name);
	f[*n].len = text->len;
	f[(*n)++].text = ax_str_take(text);
	qsort(f, *n, sizeof(*f), by_name);
}

/* Reads the parts; how many files there are. */
static size_t
files(struct file *f, const uint8_t *data, size_t size)
{
	const char *raw[PARTS], *nl;
	struct ax_str name = AX_STR_INIT, text = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d;
	size_t len[PARTS], parts, n = 0, i, k;

	memset(digest, 0, sizeof(digest));
	for (parts = 0;
	     parts < PARTS && fuzz_part(&data, &size, &raw[parts], &len[parts]);
	     parts++) {
		nl = memchr(raw[parts], '\n', len[parts]);
		k = nl ? (size_t)(nl + 1 - raw[parts]) : len[parts];
		digest[parts] = ax_hash_bytes(raw[parts] + k, len[parts] - k);
	}
	for (int statements = 0; statements < 2; statements++) {
		for (i = 0; i < parts; i++) {
			nl = memchr(raw[i], '\n', len[i]);
			k = nl ? (size_t)(nl - raw[i]) : 0;
			ax_str_clear(&name);
			ax_str_clear(&text);
			fill(&name, raw[i], k, true, NULL);
			if (!nl || !name.len || strlen(name.buf) != name.len ||
			    is_statement(name.buf) != statements ||
			    ax_starts(name.buf, "contents.sha") ||
			    ax_streq(name.buf, "SHA256SUMS"))
				continue;
			k++;
			if (ax_starts(name.buf, "objects/"))
				ax_str_addn(&text, raw[i] + k, len[i] - k);
			else
				fill(&text, raw[i] + k, len[i] - k, false,
				     statements ? hex : NULL);
			ax_str_addc(&text, '\n');
			text.len--;
			add(f, &n, name.buf, &text);
		}
		if (!statements) {
			ax_str_clear(&text);
			sums(&text, f, n, true);
			d = ax_hash_bytes(text.buf, text.len);
			ax_hex(hex, &d);
			if (text.len)
				add(f, &n, "contents.sha256", &text);
		}
	}
	ax_str_clear(&text);
	sums(&text, f, n, false);
	if (text.len)
		add(f, &n, "SHA256SUMS", &text);
	ax_str_free(&name);
	ax_str_free(&text);
	return n;
}

static void
pack(const char *path, const struct file *f, size_t n)
{
	FILE *out = fopen(path, "w");
	struct ax_tar_out t;
	size_t i;

	if (!out)
		abort();
	ax_tar_begin(&t, out, path);
	for (i = 0; i < n; i++) {
		if ((i && ax_streq(f[i].name, f[i - 1].name)) ||
		    !ax_tar_name_ok(f[i].name))
			continue;
		if (ax_tar_file(&t, f[i].name, false, f[i].len, NULL) < 0 ||
		    ax_tar_bytes(&t, f[i].text, f[i].len, NULL) < 0)
			abort();
	}
	if (ax_tar_end(&t, NULL) < 0)
		abort();
	fclose(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct file f[PARTS + 2];
	struct ax_bundle_facts facts;
	struct ax_bundle_home home;
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s;
	size_t n = files(f, data, size), i;
	char *dir = ax_join(fuzz_dir(), "store");

	if (!path)
		path = ax_join(fuzz_dir(), "b.tar");
	pack(path, f, n);
	if (ax_bundle_verify(path, NULL, 0, &facts, &err) < 0) {
		FUZZ_CHECK(err.exit == AX_EXIT_CLAIM && err.text[0]);
	} else {
		ax_bundle_facts_free(&facts);
		ax_rmtree(dir, NULL);
		if (ax_store_open(&s, dir, false, &err) < 0)
			abort();
		if (ax_bundle_open(&home, path, s, true, &err) == 0) {
			ax_bundle_remember(&home, s, "m");
			ax_bundle_home_free(&home);
		} else {
			FUZZ_CHECK(err.text[0]);
		}
		ax_store_close(s);
	}
	free(dir);
	for (i = 0; i < n; i++) {
		free(f[i].name);
		free(f[i].text);
	}
	return 0;
}
