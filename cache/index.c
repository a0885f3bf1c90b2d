/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ac/index: copies of records in one file, so that a run over thousands of
 * nodes does not open thousands of files. Only a shortcut, that may be removed
 * at any time: a line counts when its check is right and either nothing was
 * renamed into or removed from the record's folder since the index was written
 * or the record's own file is there with that length. Lines are only appended:
 *
 *   <key, 64 hex> <check, 16 hex> <text of the record>\n
 */
#include <fcntl.h>
#include <unistd.h>

#include "cache/private.h"

#define MAX_INDEX ((size_t)1 << 30)
#define CHUNK ((size_t)1 << 20)
#define HEAD ((size_t)AX_HEX_LEN + 1 + 16 + 1)
#define WORTHWHILE 32 /* records asked for before the file is read */

/* Where a line lies in the file. Of its key, the first half of the words: a
 * line has the whole of it. */
struct place {
	uint64_t key, end; /* end 0: empty */
	size_t len;        /* without the newline; 0: replaced since */
};

enum quiet { UNKNOWN, QUIET, CHANGED };

struct ax_record_index {
	bool loaded;
	struct timespec written;
	unsigned char folder[256]; /* enum quiet: ac/00 .. ac/ff since then */
	int fd;                    /* of the file; -1 */
	struct place *slots;
	size_t n, cap;
	char *line; /* the last that was looked at */
	size_t room;
	struct ax_str fresh; /* lines to append */
};

static struct ax_record_index *
get(struct ax_store *s)
{
	if (!s->index) {
		s->index = ax_calloc(1, sizeof(*s->index));
		s->index->fd = -1;
	}
	return s->index;
}

/* Against torn and damaged lines; the record's file has the strong check. */
static void
check_hex(char out[17], const char *key, const char *text, size_t len)
{
	uint64_t h = len, word;
	size_t i;

	for (i = 0; i < AX_HEX_LEN; i += 8) {
		memcpy(&word, key + i, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, text + i, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, text + i, len - i);
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	for (i = 0; i < 16; i++)
		out[i] = "0123456789abcdef"[h >> (60 - 4 * i) & 15];
	out[16] = '\0';
}

static uint64_t
start_of(const struct ax_digest *key)
{
	uint64_t word;

	memcpy(&word, key->b, sizeof(word));
	return word;
}

static struct place *
slot(struct ax_record_index *x, uint64_t key)
{
	size_t i;

	for (i = (size_t)key & (x->cap - 1);
	     x->slots[i].end && x->slots[i].key != key;
	     i = (i + 1) & (x->cap - 1))
		;
	return &x->slots[i];
}

static void
grow(struct ax_record_index *x)
{
	struct place *old = x->slots;
	size_t cap = x->cap, i;

	x->cap = cap ? cap * 2 : 4096;
	x->slots = ax_calloc(x->cap, sizeof(*x->slots));
	for (i = 0; i < cap; i++)
		if (old[i].end)
			*slot(x, old[i].key) = old[i];
	free(old);
}

static void
add_line(struct ax_record_index *x, const char *line, size_t len, uint64_t at)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_digest key;
	struct place *p;

	if (len <= HEAD || line[AX_HEX_LEN] != ' ' || line[HEAD - 1] != ' ')
		return;
	memcpy(hex, line, AX_HEX_LEN);
	hex[AX_HEX_LEN] = '\0';
	if (ax_unhex(&key, hex) < 0)
		return;
	if (2 * (x->n + 1) > x->cap)
		grow(x);
	p = slot(x, start_of(&key));
	if (!p->end)
		x->n++;
	p->key = start_of(&key);
	p->end = at + len;
	p->len = len;
}

/* Notes where the lines lie. The file may be many times as large as what one
 * run looks at, so it is read piece by piece, and its lines one by one. */
static void
load(struct ax_store *s, struct ax_record_index *x)
{
	char *buf = NULL, *nl, *p;
	size_t room = CHUNK, held = 0;
	uint64_t at = 0; /* of buf in the file */
	struct stat st;
	ssize_t got;

	x->loaded = true;
	if (s->room[AX_AC] < 0)
		return;
	x->fd = openat(s->room[AX_AC], "index",
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (x->fd < 0 || fstat(x->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > MAX_INDEX)
		return;
	x->written = st.st_mtim;
	buf = ax_malloc(room);
	while ((got = pread(x->fd, buf + held, room - held,
			    (off_t)(at + held))) > 0) {
		held += (size_t)got;
		for (p = buf; (nl = memchr(p, '\n', held - (size_t)(p - buf)));
		     p = nl + 1)
			add_line(x, p, (size_t)(nl - p),
				 at + (uint64_t)(p - buf));
		held -= (size_t)(p - buf);
		at += (uint64_t)(p - buf);
		memmove(buf, p, held);
		if (held == room) {
			if (room > AX_RECORD_MAX)
				break; /* no line of ours */
			room *= 2;
			buf = ax_realloc(buf, room, 1);
		}
	}
	free(buf);
}

/* The line at a place, in x->line; false when it cannot be read. */
static bool
read_line(struct ax_record_index *x, const struct place *p)
{
	if (p->len > x->room) {
		x->room = p->len;
		x->line = ax_realloc(x->line, x->room, 1);
	}
	return pread(x->fd, x->line, p->len, (off_t)(p->end - p->len)) ==
	       (ssize_t)p->len;
}

/* True when a folder of ac/ is as it was when the index was written last. */
static bool
is_quiet(struct ax_store *s, struct ax_record_index *x, const char *rel,
	 unsigned byte)
{
	char sub[3] = {rel[0], rel[1], '\0'};
	struct stat st;

	if (x->folder[byte] == UNKNOWN) {
		x->folder[byte] = CHANGED;
		if (fstatat(s->room[AX_AC], sub, &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    (st.st_mtim.tv_sec < x->written.tv_sec ||
		     (st.st_mtim.tv_sec == x->written.tv_sec &&
		      st.st_mtim.tv_nsec < x->written.tv_nsec)))
			x->folder[byte] = QUIET;
	}
	return x->folder[byte] == QUIET;
}

int
ax_record_index_find(struct ax_store *s, const struct ax_digest *key,
		     const char **text, size_t *len)
{
	struct ax_record_index *x = s->index;
	char hex[AX_HEX_LEN + 1], check[17], rel[AX_REL_LEN + 1];
	struct place *at;
	struct stat st;

	if (s->record_reads < WORTHWHILE)
		return 0;
	if (!x || !x->loaded)
		load(s, x = get(s));
	if (!x->n)
		return 0;
	at = slot(x, start_of(key));
	if (!at->end || !at->len || !read_line(x, at))
		return 0;
	*text = x->line + HEAD;
	*len = at->len - HEAD;
	check_hex(check, ax_hex(hex, key), *text, *len);
	if (memcmp(x->line, hex, AX_HEX_LEN) != 0 ||
	    memcmp(check, x->line + AX_HEX_LEN + 1, 16) != 0)
		return 0;
	/* the record's file has the last word; it ends with a newline */
	ax_rel(rel, key);
	return is_quiet(s, x, rel, key->b[0]) ||
	       (fstatat(s->room[AX_AC], rel, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) && (uint64_t)st.st_size == *len + 1);
}

void
ax_record_index_note(struct ax_store *s, const struct ax_digest *key,
		     const char *text, size_t len)
{
	struct ax_record_index *x = get(s);
	char hex[AX_HEX_LEN + 1], check[17];
	struct place *at;

	if (s->readonly || memchr(text, '\n', len))
		return;
	ax_hex(hex, key);
	if (x->n && (at = slot(x, start_of(key)))->end)
		at->len = 0;
	check_hex(check, hex, text, len);
	ax_str_addn(&x->fresh, hex, AX_HEX_LEN);
	ax_str_addc(&x->fresh, ' ');
	ax_str_addn(&x->fresh, check, 16);
	ax_str_addc(&x->fresh, ' ');
	ax_str_addn(&x->fresh, text, len);
	ax_str_addc(&x->fresh, '\n');
	if (x->fresh.len > (size_t)1 << 20)
		ax_record_index_save(s);
}

void
ax_record_index_save(struct ax_store *s)
{
	struct ax_record_index *x = s->index;
	struct stat st;
	char last;
	int fd;

	if (!x || !x->fresh.len || s->readonly)
		return;
	fd = openat(s->room[AX_AC], "index",
		    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd >= 0) {
		/* a writer that was killed may have left half a line */
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size + x->fresh.len < MAX_INDEX &&
		    (st.st_size == 0 ||
		     (pread(fd, &last, 1, st.st_size - 1) == 1 &&
		      (last == '\n' || ax_write_all(fd, "\n", 1) == 0))))
			(void)ax_write_all(fd, x->fresh.buf, x->fresh.len);
		close(fd);
	}
	ax_str_clear(&x->fresh);
}

void
ax_record_index_drop(struct ax_store *s)
{
	ax_record_index_free(s->index);
	s->index = NULL;
	if (s->room[AX_AC] >= 0)
		(void)unlinkat(s->room[AX_AC], "index", 0);
}

void
ax_record_index_free(struct ax_record_index *x)
{
	if (!x)
		return;
	if (x->fd >= 0)
		close(x->fd);
	free(x->slots);
	free(x->line);
	ax_str_free(&x->fresh);
	free(x);
}
