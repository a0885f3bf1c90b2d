/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/witness.h"

#include <errno.h>
#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

#define MAX_WITNESSES 200000u
#define MAX_DEPTH 32
#define NUMBERS 5

static int64_t
ns(struct timespec t)
{
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
numbers_of(uint64_t out[NUMBERS], const struct stat *st)
{
	out[0] = (uint64_t)st->st_dev;
	out[1] = (uint64_t)st->st_ino;
	out[2] = (uint64_t)st->st_size;
	out[3] = (uint64_t)ns(st->st_mtim);
	out[4] = (uint64_t)ns(st->st_ctim);
}

static bool
writable(struct ax_witness *w, const char *text)
{
	if (strchr(text, '\n') || ++w->n > MAX_WITNESSES)
		w->bad = true;
	return !w->bad;
}

static void
note(struct ax_witness *w, const char *path, const struct stat *st)
{
	uint64_t n[NUMBERS];

	if (!writable(w, path))
		return;
	numbers_of(n, st);
	w->newest = AX_MAX(w->newest, ns(st->st_mtim));
	w->newest = AX_MAX(w->newest, ns(st->st_ctim));
	ax_str_addf(&w->text,
		    "f %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		    " %s\n",
		    n[0], n[1], n[2], n[3], n[4], path);
}

void
ax_witness_path(struct ax_witness *w, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		note(w, path, &st);
	else if (errno != ENOENT && errno != ENOTDIR)
		w->bad = true;
	else if (writable(w, path))
		ax_str_addf(&w->text, "a %s\n", path);
}

static void
walk(struct ax_witness *w, const char *path, int depth)
{
	char **names;
	struct stat st;
	size_t n;

	if (w->bad)
		return;
	if (stat(path, &st) < 0) {
		ax_witness_path(w, path);
		return;
	}
	note(w, path, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	if (depth == MAX_DEPTH ||
	    ax_list_dir(&names, &n, path, MAX_WITNESSES, NULL) < 0) {
		w->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char *sub = ax_join(path, names[i]);

		walk(w, sub, depth + 1);
		free(sub);
	}
	ax_free_list(names, n);
}

void
ax_witness_tree(struct ax_witness *w, const char *path)
{
	walk(w, path, 0);
}

void
ax_witness_env(struct ax_witness *w, const char *name)
{
	const char *value = getenv(name);

	if (!writable(w, value ? value : name))
		return;
	if (value)
		ax_str_addf(&w->text, "e %s=%s\n", name, value);
	else
		ax_str_addf(&w->text, "u %s\n", name);
}

static bool
env_holds(const char *text)
{
	const char *eq = strchr(text, '='), *value;
	char *name;
	bool same;

	if (!eq)
		return false;
	name = ax_strndup(text, (size_t)(eq - text));
	value = getenv(name);
	same = value && strcmp(value, eq + 1) == 0;
	free(name);
	return same;
}

static bool
file_holds(const char *text)
{
	uint64_t want[NUMBERS], is[NUMBERS];
	struct stat st;
	char *end;

	for (int i = 0; i < NUMBERS; i++) {
		errno = 0;
		want[i] = strtoull(text, &end, 10);
		if (errno || end == text || *end != ' ')
			return false;
		text = end + 1;
	}
	if (stat(text, &st) < 0)
		return false;
	numbers_of(is, &st);
	return memcmp(is, want, sizeof(is)) == 0;
}

bool
ax_witness_holds(const char *line)
{
	struct stat st;

	if (line[0] == '\0' || line[1] != ' ')
		return false;
	switch (line[0]) {
	case 'f':
		return file_holds(line + 2);
	case 'a':
		return stat(line + 2, &st) < 0 &&
		       (errno == ENOENT || errno == ENOTDIR);
	case 'e':
		return env_holds(line + 2);
	case 'u':
		return !getenv(line + 2);
	default:
		return false;
	}
}
