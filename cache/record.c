/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Action records. The file is the JSON object that it was given, on one line,
 * with one more member in front: "record_sha256" over the key and the rest of
 * the text, so that a damaged or misplaced record is known for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cache/private.h"

#define PREFIX "{\"record_sha256\":\""
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define TAIL (PREFIX_LEN + AX_HEX_LEN + 1) /* where the rest starts */

/* One line, members in their order, numbers exact in their shortest form. */
static void
compact(struct ax_str *out, const json_t *v)
{
	const char *key;
	json_t *member;
	bool first = true;
	size_t i;

	if (json_is_object(v)) {
		ax_str_addc(out, '{');
		json_object_foreach((json_t *)v, key, member)
		{
			if (!first)
				ax_str_addc(out, ',');
			first = false;
			ax_str_add_json(out, key);
			ax_str_addc(out, ':');
			compact(out, member);
		}
		ax_str_addc(out, '}');
	} else if (json_is_array(v)) {
		ax_str_addc(out, '[');
		json_array_foreach((json_t *)v, i, member)
		{
			if (i)
				ax_str_addc(out, ',');
			compact(out, member);
		}
		ax_str_addc(out, ']');
	} else {
		ax_json_canonical(out, v);
	}
}

static struct ax_digest
seal(const struct ax_digest *key, const char *tail, size_t n)
{
	struct ax_sha *sha = ax_sha_new();
	char hex[AX_HEX_LEN + 1];

	ax_sha_add(sha, ax_hex(hex, key), AX_HEX_LEN);
	ax_sha_add(sha, tail, n);
	return ax_sha_end(sha);
}

int
ax_record_sound(const struct ax_digest *key, const char *text, size_t len,
		struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_digest want, is;

	if (len < TAIL + 1 || memcmp(text, PREFIX, PREFIX_LEN) != 0 ||
	    text[TAIL - 1] != '"')
		return ax_err_set(err, AX_EXIT_ENV, "not a record, or cut off");
	memcpy(hex, text + PREFIX_LEN, AX_HEX_LEN);
	hex[AX_HEX_LEN] = '\0';
	is = seal(key, text + TAIL, len - TAIL);
	if (ax_unhex(&want, hex) < 0 || !ax_digest_eq(&want, &is))
		return ax_err_set(
			err, AX_EXIT_ENV,
			"its checksum is wrong: it was damaged or changed");
	return 0;
}

int
ax_record_text(struct ax_store *s, const struct ax_digest *key, char **text,
	       size_t *len, struct ax_err *err)
{
	char rel[AX_REL_LEN + 1], *buf;
	struct stat st;
	size_t got = 0;
	ssize_t r;
	int fd;

	*text = NULL;
	*len = 0;
	ax_rel(rel, key);
	if (s->room[AX_AC] < 0)
		return 0;
	fd = openat(s->room[AX_AC], rel,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT)
			return 0;
		return ax_store_error(s, err, "open the record", rel);
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > AX_RECORD_MAX) {
		close(fd);
		ax_err_set(err, AX_EXIT_ENV, "not a file of at most %zu bytes",
			   AX_RECORD_MAX);
		return -2;
	}
	buf = ax_malloc((size_t)st.st_size + 1);
	while (got < (size_t)st.st_size) {
		r = read(fd, buf + got, (size_t)st.st_size - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			ax_store_error(s, err, "read the record", rel);
			free(buf);
			close(fd);
			return -1;
		}
		if (r == 0)
			break;
		got += (size_t)r;
	}
	close(fd);
	if (got && buf[got - 1] == '\n')
		got--;
	buf[got] = '\0';
	if (ax_record_sound(key, buf, got, err) < 0) {
		free(buf);
		return -2;
	}
	*text = buf;
	*len = got;
	return 1;
}

json_t *
ax_record_parse(const char *text, size_t len, const char *const *members)
{
	json_t *v = ax_json_quick(text, len, members);

	if (!v)
		v = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (v && !json_is_object(v)) {
		json_decref(v);
		return NULL;
	}
	if (v)
		json_object_del(v, "record_sha256");
	return v;
}

int
ax_store_record_get(struct ax_store *s, const struct ax_digest *key,
		    json_t **out, struct ax_err *err)
{
	return ax_store_record_part(s, key, NULL, out, err);
}

int
ax_store_record_part(struct ax_store *s, const struct ax_digest *key,
		     const char *const *members, json_t **out,
		     struct ax_err *err)
{
	char rel[AX_REL_LEN + 1], to[128], hex[AX_HEX_LEN + 1], *text;
	struct ax_err why = AX_ERR_INIT;
	const char *quick;
	size_t len;
	int rc;

	*out = NULL;
	s->record_reads++;
	if (ax_record_index_find(s, key, &quick, &len) == 1) {
		*out = ax_record_parse(quick, len, members);
		if (*out)
			return 1;
	}
	rc = ax_record_text(s, key, &text, &len, &why);
	if (rc == 1) {
		*out = ax_record_parse(text, len, members);
		if (*out) {
			ax_record_index_note(s, key, text, len);
			free(text);
			return 1;
		}
		free(text);
		ax_err_set(&why, AX_EXIT_ENV, "not JSON");
		rc = -2;
	}
	if (rc == -2) {
		bool moved = false;

		ax_rel(rel, key);
		if (!s->readonly) {
			snprintf(to, sizeof(to), "quarantine/%s.record.%ld.%ld",
				 ax_hex(hex, key), (long)time(NULL),
				 (long)getpid());
			moved = renameat(s->room[AX_AC], rel, s->fd, to) == 0;
		}
		fprintf(stderr,
			"axpipe: store %s: record ac/%s is bad (%s)%s; what it "
			"described will be made again\n",
			s->dir, rel, why.text,
			moved ? ", moved to quarantine/" : "");
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* `text` ends with a newline. */
static int
publish(struct ax_store *s, const struct ax_digest *key, const char *text,
	size_t len, struct ax_err *err)
{
	struct ax_temp t;

	if (ax_temp_open(s, &t, err) < 0)
		return -1;
	if (ax_write_all(t.fd, text, len) < 0) {
		ax_temp_drop(s, &t);
		return ax_store_error(s, err, "write a file in", "tmp/");
	}
	if (ax_temp_publish(s, &t, AX_AC, key, 0444, false, err) < 0 ||
	    ax_store_sync(s, err) < 0)
		return -1;
	ax_record_index_note(s, key, text, len - 1);
	return 0;
}

int
ax_store_record_put(struct ax_store *s, const struct ax_digest *key,
		    const json_t *record, struct ax_err *err)
{
	struct ax_str body = AX_STR_INIT, text = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest sum;
	int rc = -1;

	if (!json_is_object(record) || json_object_get(record, "record_sha256"))
		return ax_err_set(err, AX_EXIT_ENV,
				  "a record must be an object without the "
				  "member record_sha256");
	/* its objects first */
	if (ax_store_writable(s, err) < 0 || ax_store_sync(s, err) < 0)
		return -1;
	if (json_object_size(record))
		ax_str_addc(&body, ',');
	compact(&text, record);
	ax_str_addn(&body, text.buf + 1, text.len - 1);
	sum = seal(key, body.buf, body.len);
	ax_str_clear(&text);
	ax_str_add(&text, PREFIX);
	ax_str_addn(&text, ax_hex(hex, &sum), AX_HEX_LEN);
	ax_str_addc(&text, '"');
	ax_str_addn(&text, body.buf, body.len);
	ax_str_addc(&text, '\n');
	if (text.len > AX_RECORD_MAX) {
		ax_err_set(err, AX_EXIT_ENV,
			   "a record of %zu bytes is larger than the limit of "
			   "%zu: put what is large into an output",
			   text.len, AX_RECORD_MAX);
		goto out;
	}
	if (publish(s, key, text.buf, text.len, err) < 0)
		goto out;
	rc = 0;
out:
	ax_str_free(&body);
	ax_str_free(&text);
	return rc;
}

void
ax_json_strings(const json_t *v, void (*fn)(void *arg, const char *text),
		void *arg)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(v)) {
		fn(arg, json_string_value(v));
	} else if (json_is_object(v)) {
		json_object_foreach((json_t *)v, key, member)
			ax_json_strings(member, fn, arg);
	} else if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, member)
			ax_json_strings(member, fn, arg);
	}
}

struct objects {
	void (*fn)(void *arg, const struct ax_digest *d);
	void *arg;
};

static void
one_object(void *arg, const char *text)
{
	const struct objects *o = arg;
	struct ax_digest d;

	if (ax_unhex(&d, text) == 0)
		o->fn(o->arg, &d);
}

void
ax_record_objects(const json_t *record,
		  void (*fn)(void *arg, const struct ax_digest *d), void *arg)
{
	static const char *const members[] = {"outputs", "log", "object"};
	struct objects o = {fn, arg};
	json_t *v;
	size_t i;

	for (i = 0; i < AX_LEN(members); i++) {
		v = json_object_get(record, members[i]);
		if (v)
			ax_json_strings(v, one_object, &o);
	}
}

bool
ax_store_record_there(struct ax_store *s, const struct ax_digest *key)
{
	char rel[AX_REL_LEN + 1];
	struct stat st;

	return fstatat(s->room[AX_AC], ax_rel(rel, key), &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

int
ax_store_record_text(struct ax_store *s, const struct ax_digest *key,
		     char **text, size_t *len, struct ax_err *err)
{
	int rc = ax_record_text(s, key, text, len, err);

	return rc == -2 ? -1 : rc;
}

int
ax_store_record_check(const struct ax_digest *key, const char *text, size_t len,
		      struct ax_err *err)
{
	json_t *v;

	if (len > AX_RECORD_MAX || ax_record_sound(key, text, len, err) < 0)
		return -1;
	v = ax_record_parse(text, len, NULL);
	json_decref(v);
	return v ? 0 : ax_err_set(err, AX_EXIT_ENV, "not JSON");
}

int
ax_store_record_import(struct ax_store *s, const struct ax_digest *key,
		       const char *text, size_t len, struct ax_err *err)
{
	json_t *record = NULL;
	char *line;
	int rc = -1;

	if (len && text[len - 1] == '\n')
		len--;
	if (len > AX_RECORD_MAX)
		return ax_err_set(err, AX_EXIT_ENV,
				  "a record of more than %zu bytes",
				  AX_RECORD_MAX);
	if (ax_record_sound(key, text, len, err) < 0)
		return -1;
	record = ax_record_parse(text, len, NULL);
	if (!record)
		return ax_err_set(err, AX_EXIT_ENV, "not JSON");
	json_decref(record);
	line = ax_malloc(len + 2);
	memcpy(line, text, len);
	memcpy(line + len, "\n", 2);
	/* its objects first */
	if (ax_store_writable(s, err) == 0 && ax_store_sync(s, err) == 0)
		rc = publish(s, key, line, len + 1, err);
	free(line);
	return rc;
}

struct search {
	struct ax_store *s;
	char hex[AX_HEX_LEN + 1];
	char *found;
};

static int
search_one(void *arg, const struct ax_digest *key, const char *rel)
{
	struct search *q = arg;
	json_t *record, *outputs, *node;
	char *text = NULL, *flat;
	size_t len;

	(void)rel;
	if (!key || ax_record_text(q->s, key, &text, &len, NULL) != 1)
		return 0;
	if (memmem(text, len, q->hex, AX_HEX_LEN) &&
	    (record = ax_record_parse(text, len, NULL)) != NULL) {
		outputs = json_object_get(record, "outputs");
		flat = outputs ? json_dumps(outputs, JSON_ENCODE_ANY) : NULL;
		node = json_object_get(record, "node");
		if (flat && strstr(flat, q->hex) && json_is_string(node))
			q->found = ax_strdup(json_string_value(node));
		free(flat);
		json_decref(record);
	}
	free(text);
	return q->found != NULL;
}

char *
ax_record_maker(struct ax_store *s, const struct ax_digest *d)
{
	struct search q = {s, "", NULL};

	ax_hex(q.hex, d);
	(void)ax_room_walk(s, AX_AC, search_one, &q, NULL);
	return q.found;
}
