/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/map.h"
#include "pipeline/manifest/arena.h"

#define HEADER "axpipe nodes 1\n"
#define MAX_JOURNAL ((size_t)1 << 30)

struct ax_journal {
	char *dir, *path;
	int fd;
	bool broken; /* cannot be written: say nothing, try no more */
	struct ax_arena arena;
	struct ax_map by_name;
	struct ax_past **list;
	char **names;
	size_t n, cap, lines;
};

static void
add_escaped(struct ax_str *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			ax_str_add(s, "\\\\");
		else if (*text == '\t')
			ax_str_add(s, "\\t");
		else if (*text == '\n')
			ax_str_add(s, "\\n");
		else
			ax_str_addc(s, *text);
	}
}

/* In place. */
static void
unescape(char *s)
{
	char *w = s;

	for (; *s; s++) {
		if (*s != '\\' || !s[1]) {
			*w++ = *s;
			continue;
		}
		s++;
		*w++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s;
	}
	*w = '\0';
}

/* Cuts the text up to `stop` off *p. NULL when there is no such byte. */
static char *
cut(char **p, char stop)
{
	char *start = *p, *end = strchr(start, stop);

	if (!end)
		return NULL;
	*end = '\0';
	*p = end + 1;
	return start;
}

static void
take_line(struct ax_journal *j, char *line)
{
	char *word = cut(&line, ' '), *hex, *run, *seconds, *error = NULL;
	struct ax_past *past;
	struct ax_digest key;
	const char *by;
	bool ok;

	if (!word || (!ax_streq(word, "ok") && !ax_streq(word, "no")))
		return;
	ok = word[0] == 'o';
	hex = cut(&line, ' ');
	run = hex ? cut(&line, ' ') : NULL;
	seconds = run ? cut(&line, ' ') : NULL;
	if (!seconds || ax_unhex(&key, hex) < 0)
		return;
	if (!ok) {
		error = strchr(line, '\t');
		if (!error)
			return;
		*error++ = '\0';
		unescape(error);
	}
	unescape(line);
	past = ax_map_get(&j->by_name, line);
	if (!past) {
		past = ax_arena_alloc(&j->arena, sizeof(*past));
		memset(past, 0, sizeof(*past));
		ax_map_set(&j->by_name, line, past);
		if (j->n == j->cap) {
			j->cap = j->cap ? j->cap * 2 : 64;
			j->list = ax_realloc(j->list, j->cap, sizeof(*j->list));
			j->names =
				ax_realloc(j->names, j->cap, sizeof(*j->names));
		}
		j->names[j->n] = ax_arena_str(&j->arena, line);
		j->list[j->n++] = past;
	}
	by = ax_arena_intern(&j->arena, run); /* one run has many */
	if (ok) {
		past->ok = true;
		past->key = key;
		past->run = by;
		past->seconds = strtod(seconds, NULL);
		past->failed = false;
	} else {
		past->failed = true;
		past->failed_key = key;
		past->failed_run = by;
		past->error = ax_arena_str(&j->arena, error);
	}
}

/* Line by line: of a large graph it has tens of MB. */
static void
take_file(struct ax_journal *j)
{
	int fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	struct stat st;
	size_t room = 0;
	ssize_t n;

	if (in && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size <= MAX_JOURNAL &&
	    getline(&line, &room, in) > 0 && ax_streq(line, HEADER)) {
		/* the last line may have been cut off, and a crash may leave
		 * zeros where a line should be */
		while ((n = getline(&line, &room, in)) > 0 &&
		       line[n - 1] == '\n') {
			line[n - 1] = '\0';
			j->lines++;
			if (strlen(line) == (size_t)(n - 1))
				take_line(j, line);
		}
	}
	free(line);
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
}

static void
render(struct ax_str *s, bool ok, const char *node, const struct ax_digest *key,
       const char *run, double seconds, const char *error)
{
	char hex[AX_HEX_LEN + 1];

	ax_str_addf(s, "%s %s %s %.3f ", ok ? "ok" : "no", ax_hex(hex, key),
		    run && *run ? run : "-", seconds);
	add_escaped(s, node);
	if (!ok) {
		ax_str_addc(s, '\t');
		add_escaped(s, error ? error : "");
	}
	ax_str_addc(s, '\n');
}

/* Rewritten under the exclusive lock that every append shares. */
static void
compact(struct ax_journal *j)
{
	struct ax_str s = AX_STR_INIT;
	int fd;

	if (j->lines < 2 * j->n + 1000)
		return;
	fd = open(j->path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		ax_str_add(&s, HEADER);
		for (size_t i = 0; i < j->n; i++) {
			const struct ax_past *p = j->list[i];

			if (p->ok)
				render(&s, true, j->names[i], &p->key, p->run,
				       p->seconds, NULL);
			if (p->failed)
				render(&s, false, j->names[i], &p->failed_key,
				       p->failed_run, 0, p->error);
		}
		if (ax_write_file(j->path, s.buf, s.len, NULL) == 0)
			j->lines = j->n;
		ax_str_free(&s);
	}
	close(fd);
}

struct ax_journal *
ax_journal_open(const char *store_dir, const char *manifest, bool readonly)
{
	struct ax_journal *j = ax_calloc(1, sizeof(*j));

	j->fd = -1;
	j->broken = readonly;
	j->dir = ax_join(store_dir, "nodes");
	j->path = ax_join(j->dir, manifest);
	take_file(j);
	if (!readonly)
		compact(j);
	return j;
}

void
ax_journal_close(struct ax_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	ax_map_free(&j->by_name);
	ax_arena_free(&j->arena);
	free(j->list);
	free(j->names);
	free(j->path);
	free(j->dir);
	free(j);
}

const struct ax_past *
ax_journal_find(const struct ax_journal *j, const char *node)
{
	return ax_map_get(&j->by_name, node);
}

/* Opens, or opens again when another process has rewritten the file, and
 * leaves the shared lock held. */
static int
open_append(struct ax_journal *j)
{
	struct stat have, there;
	char last = '\n';

	for (int tries = 0; tries < 10; tries++) {
		if (j->fd < 0) {
			if (ax_mkdirs(j->dir, NULL) < 0)
				return -1;
			j->fd = open(j->path,
				     O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC,
				     0644);
			if (j->fd < 0)
				return -1;
		}
		if (flock(j->fd, LOCK_SH) < 0)
			return -1;
		if (fstat(j->fd, &have) == 0 && stat(j->path, &there) == 0 &&
		    have.st_ino == there.st_ino &&
		    have.st_dev == there.st_dev) {
			if (have.st_size == 0)
				return ax_write_all(j->fd, HEADER,
						    strlen(HEADER));
			/* a line torn by a kill takes no other with it */
			if (pread(j->fd, &last, 1, have.st_size - 1) == 1 &&
			    last != '\n')
				return ax_write_all(j->fd, "\n", 1);
			return 0;
		}
		close(j->fd);
		j->fd = -1;
	}
	return -1;
}

static void
append(struct ax_journal *j, struct ax_str *line)
{
	if (j->broken)
		return;
	/* one write: lines of two processes do not mix */
	if (open_append(j) < 0 || ax_write_all(j->fd, line->buf, line->len) < 0)
		j->broken = true;
	if (j->fd >= 0)
		flock(j->fd, LOCK_UN);
}

void
ax_journal_ok(struct ax_journal *j, const char *node,
	      const struct ax_digest *key, const char *run, double seconds)
{
	struct ax_str s = AX_STR_INIT;

	render(&s, true, node, key, run, seconds, NULL);
	append(j, &s);
	ax_str_free(&s);
}

void
ax_journal_failed(struct ax_journal *j, const char *node,
		  const struct ax_digest *key, const char *run, double seconds,
		  const char *error)
{
	struct ax_str s = AX_STR_INIT;
	size_t n = error ? strcspn(error, "\n") : 0;
	char *first = ax_strndup(error ? error : "", AX_MIN(n, (size_t)500));

	render(&s, false, node, key, run, seconds, first);
	append(j, &s);
	free(first);
	ax_str_free(&s);
}
