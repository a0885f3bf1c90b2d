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
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/private.h"

#define MAX_INDEX ((size_t)1 << 30)
#define LARGE_INDEX ((size_t)4 << 20)
#define HEAD ((size_t)AX_HEX_LEN + 1 + 16 + 1)
#define WORTHWHILE 32 /* records asked for before the file is read */

struct place {
	const char *line; /* NULL: empty */
	size_t len;       /* without the newline; 0: replaced since */
};

enum quiet { UNKNOWN, QUIET, CHANGED };

struct ax_record_index {
	bool loaded;
	struct timespec written;
	unsigned char folder[256]; /* enum quiet: ac/00 .. ac/ff since then */
	char *map;
	size_t size, looks;
	struct place *slots;
	size_t n, cap;
	struct ax_str fresh; /* lines to append */
};

static struct ax_record_index *
get(struct ax_store *s)
{
	if (!s->index)
		s->index = ax_calloc(1, sizeof(*s->index));
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

static struct place *
slot(struct ax_record_index *x, const char *key)
{
	uint64_t word;
	size_t i;

	memcpy(&word, key, sizeof(word));
	word *= UINT64_C(0x9e3779b97f4a7c15);
	for (i = (size_t)(word >> 20) & (x->cap - 1);
	     x->slots[i].line && memcmp(x->slots[i].line, key, AX_HEX_LEN) != 0;
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
		if (old[i].line)
			*slot(x, old[i].line) = old[i];
	free(old);
}

/* Pages of a large index that were looked at are given back now and then: they
 * stay in the page cache, but do not count as this process's memory. */
static void
give_back(struct ax_record_index *x)
{
	if (x->size > LARGE_INDEX && ++x->looks % 256 == 0)
		(void)madvise(x->map, x->size, MADV_DONTNEED);
}

static void
load(struct ax_store *s, struct ax_record_index *x)
{
	const char *p, *end, *nl;
	struct place *at;
	struct stat st;
	void *map;
	int fd;

	x->loaded = true;
	if (s->room[AX_AC] < 0)
		return;
	fd = openat(s->room[AX_AC], "index",
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= MAX_INDEX) {
		/* never cut, only appended to or removed */
		map = mmap(NULL, (size_t)st.st_size, PROT_READ,
			   MAP_PRIVATE | ((size_t)st.st_size > LARGE_INDEX
						  ? 0
						  : MAP_POPULATE),
			   fd, 0);
		if (map != MAP_FAILED) {
			x->written = st.st_mtim;
			x->map = map;
			x->size = (size_t)st.st_size;
		}
	}
	close(fd);
	if (!x->map)
		return;
	end = x->map + x->size;
	for (p = x->map; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		if ((size_t)(nl - p) <= HEAD || p[AX_HEX_LEN] != ' ' ||
		    p[HEAD - 1] != ' ')
			continue;
		if (2 * (x->n + 1) > x->cap)
			grow(x);
		at = slot(x, p);
		if (!at->line)
			x->n++;
		at->line = p;
		at->len = (size_t)(nl - p);
		give_back(x);
	}
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
	at = slot(x, ax_hex(hex, key));
	if (!at->line || !at->len)
		return 0;
	give_back(x);
	*text = at->line + HEAD;
	*len = at->len - HEAD;
	check_hex(check, hex, *text, *len);
	if (memcmp(check, at->line + AX_HEX_LEN + 1, 16) != 0)
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
	if (x->n && (at = slot(x, hex))->line)
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
	if (x->map)
		munmap(x->map, x->size);
	free(x->slots);
	ax_str_free(&x->fresh);
	free(x);
}
