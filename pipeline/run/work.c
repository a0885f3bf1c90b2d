/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/work.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/confine.h"
#include "pipeline/run/record.h"

#define MAX_METRICS ((size_t)4 << 20)
#define MAX_LOG ((off_t)16 << 20)
#define MAX_ENTRIES 1000000
#define MAX_DEPTH 64

/* Folders --------------------------------------------------------------------
 */

/* Moves what a former try left out of the way, rather than emptying it: a
 * process of that try which still runs keeps the old folder for itself. */
static int
clear_old(struct ax_run *r, const struct ax_work *w, bool resumable,
	  struct ax_err *err)
{
	char *old, *from, *to;
	struct stat st;
	int rc = 0;

	if (lstat(w->dir, &st) < 0)
		return ax_mkdirs(w->dir, err);
	old = ax_asprintf("%s/tmp/old-%s-%ld", ax_store_dir(r->store),
			  ax_basename(w->dir), (long)getpid());
	if (ax_rmtree(old, err) < 0 || rename(w->dir, old) < 0) {
		rc = ax_err_set(err, AX_EXIT_ENV,
				"%s: cannot move it away:", w->dir);
		free(old);
		return rc;
	}
	rc = ax_mkdirs(w->dir, err);
	if (rc == 0 && resumable) {
		from = ax_join(old, "checkpoint");
		to = ax_join(w->dir, "checkpoint");
		if (ax_is_dir(from) && rename(from, to) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: cannot be kept:", from);
		free(from);
		free(to);
	}
	if (rc == 0)
		rc = ax_rmtree(old, err);
	free(old);
	return rc;
}

static int
make_dir(const struct ax_work *w, const char *name, struct ax_err *err)
{
	char *path = ax_join(w->dir, name);
	int rc = ax_mkdirs(path, err);

	free(path);
	return rc;
}

static int
make_folders(const struct ax_work *w, const struct ax_stage *s,
	     struct ax_err *err)
{
	if (make_dir(w, "in", err) < 0 || make_dir(w, "out", err) < 0 ||
	    make_dir(w, "tmp", err) < 0 ||
	    (s->resumable && make_dir(w, "checkpoint", err) < 0))
		return -1;
	for (size_t i = 0; i < s->noutputs; i++) {
		char *file = ax_join("out", s->outputs[i].file);
		char *dir =
			s->outputs[i].tree ? ax_strdup(file) : ax_dirname(file);
		int rc = make_dir(w, dir, err);

		free(dir);
		free(file);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* Inputs
 * ----------------------------------------------------------------------- */

/* A private copy of a folder; links are followed as hashing does not allow
 * them, so a link here is a change since then. */
static int
copy_tree(const char *from, const char *to, int depth, struct ax_err *err)
{
	char **names = NULL;
	struct stat st;
	size_t n = 0;
	int rc;

	if (depth > MAX_DEPTH)
		return ax_err_set(err, AX_EXIT_ENV, "%s: deeper than %d levels",
				  from, MAX_DEPTH);
	rc = ax_mkdirs(to, err);
	if (rc == 0)
		rc = ax_list_dir(&names, &n, from, MAX_ENTRIES, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		char *a = ax_join(from, names[i]), *b = ax_join(to, names[i]);

		if (lstat(a, &st) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV, "%s:", a);
		else if (S_ISDIR(st.st_mode))
			rc = copy_tree(a, b, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			rc = ax_copy_file(
				a, b, st.st_mode & S_IXUSR ? 0555 : 0444, err);
		else
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: neither a file nor a folder", a);
		free(a);
		free(b);
	}
	ax_free_list(names, n);
	return rc;
}

static void
set_tainted(struct ax_err *err, const struct ax_source *s, const char *when)
{
	ax_err_set(err, AX_EXIT_STAGE,
		   "tainted: input %s (%s) changed %s; nothing was stored, run "
		   "again",
		   s->name, s->path, when);
}

static int
copy_source(struct ax_run *r, const struct ax_source *s,
	    const struct ax_digest *want, const char *dest, bool *tainted,
	    struct ax_err *err)
{
	struct ax_digest got;
	int rc;

	if (ax_is_dir(s->path)) {
		rc = copy_tree(s->path, dest, 0, err);
		if (rc == 0)
			rc = ax_hash_tree(&got, dest, err);
	} else {
		rc = ax_copy_file(s->path, dest, 0444, err);
		if (rc == 0)
			rc = ax_hash_file(&got, NULL, dest, err);
	}
	(void)r;
	if (rc < 0)
		return ax_err_wrap(err, "input %s", s->name);
	if (!ax_digest_eq(&got, want)) {
		*tainted = true;
		set_tainted(err, s, "after it was hashed");
		return -1;
	}
	return 0;
}

static int
lay_link(struct ax_run *r, const struct ax_link *l, const char *dest,
	 bool *tree, bool *tainted, struct ax_err *err)
{
	struct ax_digest d;
	int rc;

	ax_link_digest(r, l, &d);
	if (l->source && ax_obtain_outside(l->source)) {
		rc = copy_source(r, l->source, &d, dest, tainted, err);
		*tree = rc == 0 && ax_is_dir(dest);
		return rc;
	}
	if (l->node)
		*tree = l->output->tree;
	else if (ax_store_is_tree(r->store, &d, tree, err) < 0)
		return -1;
	return ax_store_lay(r->store, &d, *tree, dest, err);
}

static void
note_file(json_t *files, const char *list, const char *path, bool tree,
	  const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];
	json_t *e = json_pack("{s:s, s:b}", "path", path, "tree", (int)tree);

	if (d)
		json_object_set_new(e, "sha256", json_string(ax_hex(hex, d)));
	json_array_append_new(json_object_get(files, list), e);
}

json_t *
ax_work_input(const struct ax_wire *w, const struct ax_link *l,
	      const char *path)
{
	const json_t *coords;
	json_t *o = json_object();

	json_object_set_new(o, "path", json_string(path));
	json_object_set_new(
		o, "type",
		json_string(l->output ? l->output->type : w->port->type));
	if (w->port->many) {
		coords = l->source ? l->source->coords : l->node->coords;
		json_object_set_new(o, "coords",
				    coords ? json_deep_copy(coords)
					   : json_object());
	}
	return o;
}

static int
lay_inputs(struct ax_work *w, struct ax_run *r, const struct ax_node *n,
	   json_t *inputs, bool *tainted, struct ax_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->nwires; i++) {
		const struct ax_wire *wire = &n->wires[i];
		char *base = ax_join("in", wire->port->name);
		json_t *list = wire->port->many ? json_array() : NULL;

		if (list)
			rc = make_dir(w, base, err);
		for (size_t k = 0; rc == 0 && k < wire->n; k++) {
			const struct ax_link *l = &wire->links[k];
			struct ax_digest d;
			char *rel, *dest;
			json_t *entry;
			bool tree = false;

			/* an optional output that was left out */
			if (!ax_link_digest(r, l, &d))
				continue;
			rel = list ? ax_asprintf("%s/%zu", base, k)
				   : ax_strdup(base);
			dest = ax_join(w->dir, rel);
			rc = lay_link(r, l, dest, &tree, tainted, err);
			if (rc == 0)
				note_file(w->files, "inputs", rel, tree, &d);
			entry = ax_work_input(wire, l, rel);
			if (list)
				json_array_append_new(list, entry);
			else
				json_object_set_new(inputs, wire->port->name,
						    entry);
			free(dest);
			free(rel);
		}
		if (list)
			json_object_set_new(inputs, wire->port->name, list);
		free(base);
	}
	return rc;
}

/* request.json, argv, environment
 * ------------------------------------------------ */

void
ax_work_request(struct ax_str *text, const struct ax_node *n, json_t *inputs,
		json_t *tools, unsigned cpus)
{
	const struct ax_stage *s = n->stage;
	json_t *o = json_object(), *outputs = json_object(), *seed;
	char *path;

	json_object_set_new(o, "axpipe", json_integer(1));
	json_object_set_new(o, "stage", json_string(s->name));
	json_object_set(o, "params", n->params);
	json_object_set(o, "inputs", inputs);
	for (size_t i = 0; i < s->noutputs; i++) {
		path = ax_join("out", s->outputs[i].file);
		json_object_set_new(outputs, s->outputs[i].name,
				    json_pack("{s:s}", "path", path));
		free(path);
	}
	json_object_set_new(o, "outputs", outputs);
	seed = json_object_get(n->params, "seed");
	json_object_set_new(o, "seed",
			    json_is_number(seed) ? json_incref(seed)
						 : json_integer(0));
	json_object_set_new(o, "cpus", json_integer((json_int_t)cpus));
	json_object_set(o, "tools", tools);
	if (s->resumable)
		json_object_set_new(o, "checkpoint", json_string("checkpoint"));
	json_object_set_new(o, "progress_fd", json_integer(3));
	ax_json_canonical(text, o);
	ax_str_addc(text, '\n');
	json_decref(o);
}

static int
write_request(const struct ax_work *w, const struct ax_node *n, json_t *inputs,
	      json_t *tools, unsigned cpus, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	char *path = ax_join(w->dir, "request.json");
	int rc;

	ax_work_request(&text, n, inputs, tools, cpus);
	rc = ax_write_plain(path, text.buf, text.len, err);
	free(path);
	ax_str_free(&text);
	return rc;
}

static void
make_argv(struct ax_work *w, const struct ax_stage *s)
{
	size_t n = 0;

	while (s->command[n])
		n++;
	w->argv = ax_calloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		w->argv[i] = ax_starts(s->command[i], "./")
				     ? ax_join(s->dir, s->command[i] + 2)
				     : ax_strdup(s->command[i]);
}

static void
make_env(struct ax_work *w, const struct ax_stage *s)
{
	const char *simd = getenv("AXPIPE_SIMD"), *v;
	size_t n = 0, extra = 0;

	while (s->env && s->env[extra])
		extra++;
	w->envp = ax_calloc(extra + 10, sizeof(char *));
	/* declared names first: the first of two equal names counts */
	for (size_t i = 0; i < extra; i++) {
		v = getenv(s->env[i]);
		if (v)
			w->envp[n++] = ax_asprintf("%s=%s", s->env[i], v);
	}
	w->envp[n++] = ax_strdup("PATH=/usr/local/bin:/usr/bin:/bin");
	w->envp[n++] = ax_asprintf("HOME=%s", w->dir);
	w->envp[n++] = ax_asprintf("TMPDIR=%s/tmp", w->dir);
	w->envp[n++] = ax_strdup("LC_ALL=C");
	w->envp[n++] = ax_strdup("TZ=UTC");
	w->envp[n++] = ax_strdup("YOSYS_MAX_THREADS=1");
	w->envp[n++] = ax_strdup("SOURCE_DATE_EPOCH=0");
	if (simd)
		w->envp[n++] = ax_asprintf("AXPIPE_SIMD=%s", simd);
}

static int
find_dir(struct ax_work *w, char *dir, struct ax_err *err)
{
	w->dir = realpath(dir, NULL);
	if (!w->dir) {
		w->dir = dir;
		return ax_err_set(err, AX_EXIT_ENV, "%s:", dir);
	}
	free(dir);
	w->log = ax_join(w->dir, "log");
	return 0;
}

int
ax_work_attach(struct ax_work *w, struct ax_run *r, const struct ax_node *n,
	       struct ax_err *err)
{
	return find_dir(
		w, ax_store_workdir(r->store, &r->outcomes[n->index].key), err);
}

int
ax_work_prepare(struct ax_work *w, struct ax_run *r, const struct ax_node *n,
		unsigned cpus, bool *tainted, struct ax_err *err)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_stage_id *id = ax_key_stage(r, n->stage, err);
	char *dir = w->place ? ax_strdup(w->place)
			     : ax_store_workdir(r->store, &o->key);
	json_t *inputs = json_object();
	int rc = -1;

	*tainted = false;
	w->dir = dir;
	if (!id || clear_old(r, w, n->stage->resumable, err) < 0)
		goto done;
	w->dir = NULL;
	if (find_dir(w, dir, err) < 0)
		goto done;
	w->files = json_pack("{s:[], s:[]}", "inputs", "outputs");
	for (size_t i = 0; i < n->stage->noutputs; i++) {
		const struct ax_port *p = &n->stage->outputs[i];
		char *file = ax_join("out", p->file);

		note_file(w->files, "outputs", file, p->tree, NULL);
		free(file);
	}
	if (make_folders(w, n->stage, err) < 0 ||
	    lay_inputs(w, r, n, inputs, tainted, err) < 0 ||
	    write_request(w, n, inputs, id->tool_paths, cpus, err) < 0)
		goto done;
	make_argv(w, n->stage);
	make_env(w, n->stage);
	if (w->argv[0][0] == '/' && access(w->argv[0], F_OK) == 0 &&
	    access(w->argv[0], X_OK) < 0)
		ax_err_set(err, AX_EXIT_USAGE,
			   "%s is not executable; chmod +x it", w->argv[0]);
	else
		rc = r->options.confine == AX_CONFINE_NONE
			     ? 0
			     : ax_confine_wrap(w, n, id, r->options.confine,
					       err);
done:
	json_decref(inputs);
	return rc;
}

/* What the program left
 * ---------------------------------------------------------- */

static int
check_sources(struct ax_run *r, const struct ax_node *n, bool *tainted,
	      struct ax_err *err)
{
	struct ax_digest now;
	bool tree;

	for (size_t i = 0; i < n->nwires; i++)
		for (size_t k = 0; k < n->wires[i].n; k++) {
			const struct ax_source *s = n->wires[i].links[k].source;

			/* a pinned one that is gone has its bytes fixed */
			if (!s || !ax_obtain_outside(s))
				continue;
			if (ax_memo_hash(r->store, &now, NULL, &tree, s->path,
					 NULL) == 0 &&
			    ax_digest_eq(&now, &r->source_digests[s->index]))
				continue;
			*tainted = true;
			set_tainted(err, s, "while the node ran");
			return -1;
		}
	return 0;
}

/* A folder holds at least one byte. Anything odd in it is left to
 * ax_store_put to refuse. */
static bool
tree_has_bytes(const char *dir, int depth)
{
	char **names = NULL;
	bool found = false;
	struct stat st;
	size_t n = 0;

	if (depth > MAX_DEPTH ||
	    ax_list_dir(&names, &n, dir, MAX_ENTRIES, NULL) < 0)
		return true;
	for (size_t i = 0; i < n && !found; i++) {
		char *path = ax_join(dir, names[i]);

		if (lstat(path, &st) == 0)
			found = S_ISDIR(st.st_mode)
					? tree_has_bytes(path, depth + 1)
					: st.st_size > 0 ||
						  !S_ISREG(st.st_mode);
		free(path);
	}
	ax_free_list(names, n);
	return found;
}

/* The path must lie where it seems to: no folder above it may be a link. */
static bool
stays_inside(const struct ax_work *w, const char *path)
{
	char *dir = ax_dirname(path), *real = realpath(dir, NULL);
	size_t n = strlen(w->dir);
	bool good = real && strncmp(real, w->dir, n) == 0 && real[n] == '/';

	free(dir);
	free(real);
	return good;
}

/* 1: take it; 0: an optional one that is not there; -1 error. */
static int
judge_output(const struct ax_work *w, const struct ax_port *p, const char *path,
	     struct ax_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT && p->optional)
			return 0;
		return ax_err_set(err, AX_EXIT_STAGE,
				  "output %s (out/%s) was not written", p->name,
				  p->file);
	}
	if (!stays_inside(w, path) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "output %s (out/%s) is a link or a special "
				  "file; write the bytes themselves",
				  p->name, p->file);
	if (S_ISDIR(st.st_mode) != p->tree)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "output %s (out/%s) is a %s, but stage.json "
				  "declares a %s",
				  p->name, p->file, p->tree ? "file" : "folder",
				  p->tree ? "folder (tree)" : "file");
	if (p->tree ? tree_has_bytes(path, 0) : st.st_size > 0)
		return 1;
	/* an empty folder was made for it, so it says nothing */
	if (p->optional)
		return p->tree ? 0 : 1;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "output %s (out/%s) is empty; declare it optional if "
			  "that can be",
			  p->name, p->file);
}

static int
take_outputs(const struct ax_work *w, struct ax_run *r, const struct ax_node *n,
	     struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_stage *s = n->stage;
	char got[AX_HEX_LEN + 1], want[AX_HEX_LEN + 1];

	for (size_t i = 0; i < s->noutputs; i++) {
		char *rel = ax_join("out", s->outputs[i].file);
		char *path = ax_join(w->dir, rel);
		int rc = judge_output(w, &s->outputs[i], path, err);

		if (rc == 1 &&
		    ax_store_put(r->store, &o->outputs[i], &o->sizes[i], path,
				 s->outputs[i].tree, err) < 0)
			rc = ax_err_wrap(err, "output %s", s->outputs[i].name);
		free(path);
		free(rel);
		if (rc < 0)
			return -1;
		o->have[i] = rc == 1;
		if (n->pinned && n->pinned[i] &&
		    (!o->have[i] || !ax_digest_eq(&o->outputs[i], &n->pins[i])))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "output %s has the digest %s, but "
					  "the manifest pins %s",
					  s->outputs[i].name,
					  o->have[i]
						  ? ax_hex(got, &o->outputs[i])
						  : "(none)",
					  ax_hex(want, &n->pins[i]));
	}
	return 0;
}

static int
take_metrics(const struct ax_work *w, struct ax_outcome *o, struct ax_err *err)
{
	char *path = ax_join(w->dir, "metrics.json");
	struct ax_json j;
	struct stat st;
	int rc = 0;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			rc = ax_err_set(err, AX_EXIT_ENV, "%s:", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"metrics.json is not a plain file");
	} else if ((uint64_t)st.st_size > MAX_METRICS) {
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"metrics.json is larger than %zu bytes",
				MAX_METRICS);
	} else if (ax_json_load(&j, path, err) < 0) {
		if (err && err->exit != AX_EXIT_ENV)
			err->exit = AX_EXIT_STAGE;
		rc = ax_err_wrap(err, "metrics.json is not valid");
	} else {
		if (json_is_object(j.root))
			o->metrics = json_incref(j.root);
		else
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"metrics.json must hold one object");
		ax_json_free(&j);
	}
	free(path);
	return rc;
}

/* Reads up to `n` bytes at `at`. */
static size_t
read_at(int fd, char *buf, size_t n, off_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, buf + done, n - done, at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

int
ax_work_store_log(const struct ax_work *w, struct ax_run *r,
		  struct ax_outcome *o, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	const size_t half = (size_t)MAX_LOG / 2;
	struct stat st;
	char *buf;
	int fd, rc;

	fd = open(w->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the stage removed or replaced its log");
	}
	buf = ax_malloc((size_t)MAX_LOG);
	if (st.st_size <= MAX_LOG) {
		ax_str_addn(&text, buf,
			    read_at(fd, buf, (size_t)st.st_size, 0));
	} else {
		ax_str_addn(&text, buf, read_at(fd, buf, half, 0));
		ax_str_addf(&text, "\n... %lld bytes left out ...\n",
			    (long long)(st.st_size - MAX_LOG));
		ax_str_addn(&text, buf,
			    read_at(fd, buf, half, st.st_size - (off_t)half));
	}
	close(fd);
	free(buf);
	rc = ax_store_put_bytes(r->store, &o->log, text.buf ? text.buf : "",
				text.len, err);
	o->has_log = rc == 0;
	ax_str_free(&text);
	return rc;
}

int
ax_work_publish(struct ax_work *w, struct ax_run *r, const struct ax_node *n,
		bool *tainted, struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	json_t *record;
	int rc;

	*tainted = false;
	if (check_sources(r, n, tainted, err) < 0 ||
	    take_metrics(w, o, err) < 0 || take_outputs(w, r, n, err) < 0 ||
	    ax_work_store_log(w, r, o, err) < 0)
		return -1;
	record = ax_record_make(r, n);
	rc = ax_store_record_put(r->store, &o->key, record, err);
	json_decref(record);
	return rc;
}

void
ax_work_log_tail(struct ax_str *s, const struct ax_work *w, size_t lines,
		 const char *indent)
{
	char *buf = ax_malloc(65536), *p, *end;
	int fd = open(w->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t n, count = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		free(buf);
		return;
	}
	n = read_at(fd, buf, 65535, AX_MAX(st.st_size - 65535, (off_t)0));
	close(fd);
	while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	end = buf + n;
	for (p = end; p > buf; p--)
		if (p[-1] == '\n' && ++count == lines)
			break;
	if (p < end)
		ax_str_add(s, indent);
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		/* no escape sequences of a stage on the user's terminal */
		if (c == '\n') {
			ax_str_addc(s, '\n');
			ax_str_add(s, indent);
		} else if (c >= 0x20 && c != 0x7f) {
			ax_str_addc(s, (char)c);
		} else if (c == '\t') {
			ax_str_addc(s, ' ');
		}
	}
	if (n)
		ax_str_addc(s, '\n');
	free(buf);
}

static void
free_vector(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

void
ax_work_end(struct ax_work *w, bool remove_)
{
	if (remove_ && w->dir)
		(void)ax_rmtree(w->dir, NULL);
	free_vector(w->argv);
	free_vector(w->envp);
	json_decref(w->files);
	free(w->place);
	free(w->dir);
	free(w->log);
	memset(w, 0, sizeof(*w));
}
