/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mirrors: folders that hold inputs under any name. SHA256SUMS says what lies
 * where, in lines as sha256sum writes them; "  (uncompressed)" after the name
 * marks the hash of what the file unpacks to. What it does not say is found by
 * hashing, once: the memo remembers.
 */
#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/map.h"
#include "pipeline/fetch/fetch.h"

#define MAX_SUMS ((size_t)64 << 20)
#define MAX_FILES 100000
#define MAX_DEPTH 32
#define UNPACKED "  (uncompressed)"

/* What one line says. */
struct sum {
	struct ax_digest digest;
	char *path;
	bool unpacked;
};

struct mirror {
	struct ax_store *s;
	const char *dir;
	const struct ax_digest *want;
	uint64_t size; /* of the bytes wanted; 0: not known */
	bool take; /* put it into the store, not only say that it is there */
	struct sum *sums;
	size_t n, cap;
	struct ax_map plain, unpacked; /* paths that have a line of the kind */
	size_t files;                  /* looked at */
	char *trouble; /* first thing that was wrong with the mirror, or NULL */
	struct ax_err *err;
};

static void
parse_line(struct mirror *m, char *line)
{
	size_t n = strlen(line), tail = strlen(UNPACKED);
	struct ax_digest d;
	struct sum *sum;
	bool unpacked = false;
	char *path;

	if (n && line[n - 1] == '\r')
		line[--n] = '\0';
	if (n < AX_HEX_LEN + 3 || line[AX_HEX_LEN] != ' ' ||
	    (line[AX_HEX_LEN + 1] != ' ' && line[AX_HEX_LEN + 1] != '*'))
		return;
	line[AX_HEX_LEN] = '\0';
	if (ax_unhex(&d, line) < 0)
		return;
	path = line + AX_HEX_LEN + 2;
	if (ax_ends(path, UNPACKED)) {
		unpacked = true;
		path[strlen(path) - tail] = '\0';
	}
	while (ax_starts(path, "./"))
		path += 2;
	if (!ax_path_is_inside(path))
		return;
	AX_GROW(m->sums, m->n, m->cap);
	sum = &m->sums[m->n++];
	sum->digest = d;
	sum->path = ax_strdup(path);
	sum->unpacked = unpacked;
	ax_map_set(unpacked ? &m->unpacked : &m->plain, path, m);
}

static void
read_sums(struct mirror *m)
{
	char *path = ax_join(m->dir, "SHA256SUMS"), *text, *p, *nl;
	size_t n;

	if (ax_is_file(path) &&
	    ax_read_file(&text, &n, path, MAX_SUMS, NULL) == 0) {
		for (p = text; *p; p = nl) {
			nl = strchrnul(p, '\n');
			if (*nl)
				*nl++ = '\0';
			parse_line(m, p);
		}
		free(text);
	}
	free(path);
}

static int
into_put(void *arg, const void *bytes, size_t n, struct ax_err *err)
{
	return ax_put_add(arg, bytes, n, err);
}

static int
into_sha(void *arg, const void *bytes, size_t n, struct ax_err *err)
{
	(void)err;
	ax_sha_add(arg, bytes, n);
	return 0;
}

static uint64_t
cap(const struct mirror *m)
{
	return m->size ? m->size : AX_FETCH_MAX;
}

/* 1 taken (or there), 0 not these bytes, -1 error of the store. */
static int
take(struct mirror *m, const char *path, bool unpacked)
{
	struct ax_err why = AX_ERR_INIT;
	struct ax_digest d;
	struct ax_put *put;
	char hex[AX_HEX_LEN + 1];
	FILE *f;
	char *buf;
	size_t n;
	int rc = 0;

	if (!ax_is_file(path))
		return 0;
	if (!m->take)
		return 1;
	put = ax_put_begin(m->s, m->err);
	if (!put)
		return -1;
	if (unpacked) {
		/* an error here is the mirror's or the store's */
		rc = ax_unpack_file(path, path, cap(m), into_put, put, &why);
	} else if ((f = fopen(path, "rbe")) != NULL) {
		buf = ax_malloc((size_t)1 << 18);
		while (rc == 0 && (n = fread(buf, 1, (size_t)1 << 18, f)) > 0)
			rc = ax_put_add(put, buf, n, &why);
		if (rc == 0 && ferror(f))
			rc = ax_err_set(&why, AX_EXIT_ENV,
					"%s: cannot read:", path);
		free(buf);
		fclose(f);
	} else {
		rc = ax_err_set(&why, AX_EXIT_ENV, "%s: cannot open:", path);
	}
	if (rc < 0) {
		ax_put_drop(put);
		if (ax_starts(why.text, "store ")) {
			if (m->err)
				*m->err = why;
			return -1;
		}
		if (!m->trouble)
			m->trouble = ax_strdup(why.text);
		return 0;
	}
	rc = ax_put_end(put, m->want, &d, NULL, m->err);
	if (rc == 1 && !m->trouble)
		m->trouble = ax_asprintf("%s: has SHA-256 %s%s", path,
					 ax_hex(hex, &d),
					 unpacked ? " unpacked" : "");
	return rc < 0 ? -1 : rc == 0;
}

static bool
is_packed(const char *name)
{
	return ax_ends(name, ".gz") || ax_ends(name, ".xz");
}

/* The hash of what a packed file holds, from the memo where that knows it. */
static bool
unpacked_hash(struct mirror *m, const char *path, const struct stat *before,
	      struct ax_digest *out)
{
	struct timespec since;
	struct ax_sha *sha;
	struct stat after;

	if (ax_memo_find(m->s, before, AX_MEMO_UNPACKED, out))
		return true;
	clock_gettime(CLOCK_REALTIME, &since);
	sha = ax_sha_new();
	if (ax_unpack_file(path, path, AX_FETCH_MAX, into_sha, sha, NULL) < 0) {
		/* remembered too, as a hash that nothing has */
		ax_sha_free(sha);
		memset(out, 0, sizeof(*out));
	} else {
		*out = ax_sha_end(sha);
	}
	if (stat(path, &after) == 0)
		ax_memo_learn(m->s, before, &after, since, AX_MEMO_UNPACKED,
			      out);
	return true;
}

/* Files that SHA256SUMS says nothing about. */
static int
search(struct mirror *m, const char *below, unsigned depth)
{
	char *dir = ax_join(m->dir, below), **list, *rel, *path;
	struct ax_digest d;
	struct stat st;
	size_t n, i;
	bool hit;
	int rc = 0;

	if (ax_list_dir(&list, &n, dir, MAX_FILES, NULL) < 0) {
		free(dir);
		return 0;
	}
	for (i = 0; i < n && rc == 0; i++) {
		rel = below[0] ? ax_asprintf("%s/%s", below, list[i])
			       : ax_strdup(list[i]);
		path = ax_join(m->dir, rel);
		/* links to files are followed, links to folders may go round */
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			if (depth < MAX_DEPTH)
				rc = search(m, rel, depth + 1);
		} else if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
			   m->files++ < MAX_FILES) {
			hit = !ax_map_get(&m->plain, rel) &&
			      (!m->size || (uint64_t)st.st_size == m->size) &&
			      ax_memo_hash(m->s, &d, NULL, NULL, path, NULL) ==
				      0 &&
			      ax_digest_eq(&d, m->want);
			if (hit)
				rc = take(m, path, false);
			if (rc == 0 && is_packed(rel) &&
			    !ax_map_get(&m->unpacked, rel) &&
			    unpacked_hash(m, path, &st, &d) &&
			    ax_digest_eq(&d, m->want))
				rc = take(m, path, true);
		}
		free(path);
		free(rel);
	}
	ax_free_list(list, n);
	free(dir);
	return rc;
}

static int
look(struct mirror *m)
{
	char *path;
	size_t i;
	int rc = 0;

	read_sums(m);
	for (i = 0; i < m->n && rc == 0; i++) {
		if (!ax_digest_eq(&m->sums[i].digest, m->want))
			continue;
		path = ax_join(m->dir, m->sums[i].path);
		rc = take(m, path, m->sums[i].unpacked);
		free(path);
	}
	if (rc == 0)
		rc = search(m, "", 0);
	if (rc == 0 && m->trouble && m->take)
		fprintf(stderr,
			"axpipe: mirror %s: %s; not the bytes wanted, though "
			"SHA256SUMS or an earlier look said so\n",
			m->dir, m->trouble);
	for (i = 0; i < m->n; i++)
		free(m->sums[i].path);
	free(m->sums);
	ax_map_free(&m->plain);
	ax_map_free(&m->unpacked);
	free(m->trouble);
	return rc;
}

int
ax_mirror_find(struct ax_store *s, const char *const *mirrors, size_t nmirrors,
	       const struct ax_digest *d, uint64_t size, struct ax_err *err)
{
	struct mirror m;
	size_t i;
	int rc = 0;

	for (i = 0; i < nmirrors && rc == 0; i++) {
		memset(&m, 0, sizeof(m));
		m.s = s;
		m.dir = mirrors[i];
		m.want = d;
		m.size = size;
		m.take = true;
		m.err = err;
		rc = look(&m);
	}
	return rc;
}

bool
ax_mirror_has(struct ax_store *s, const char *const *mirrors, size_t nmirrors,
	      const struct ax_digest *d, uint64_t size)
{
	struct mirror m;
	size_t i;
	int rc = 0;

	for (i = 0; i < nmirrors && rc == 0; i++) {
		memset(&m, 0, sizeof(m));
		m.s = s;
		m.dir = mirrors[i];
		m.want = d;
		m.size = size;
		rc = look(&m);
	}
	return rc == 1;
}
