/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/stamp.h"

#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/witness.h"

/* After the text that ax_stamp_read knows comes its SHA-256, in a line. */
#define HEAD "axpipe stamp 1\n"
#define MAX_STAMP ((size_t)64 << 20)
#define GRAIN_NS INT64_C(2000000000) /* as in cache/memo.c */

static void
add_part(struct ax_str *s, const char *kind, const char *text)
{
	ax_str_addf(s, "%s %zu:", kind, strlen(text));
	ax_str_add(s, text);
	ax_str_addc(s, '\n');
}

static void
add_list(struct ax_str *s, const char *kind, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_part(s, kind, list[i]);
}

static char *
stamp_path(const struct ax_store *s, const struct ax_stamp_command *c)
{
	static const char *const env[] = {"PATH", "AXPIPE_STAGES"};
	struct ax_str text = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1], *cwd = getcwd(NULL, 0);
	struct ax_digest d;

	add_part(&text, "cwd", cwd ? cwd : "");
	add_part(&text, "version", AXPIPE_VERSION);
	add_part(&text, "manifest", c->manifest);
	add_list(&text, "target", c->targets, c->ntargets);
	add_list(&text, "set", c->sets, c->nsets);
	add_list(&text, "stages", c->stages, c->nstages);
	add_list(&text, "mirror", c->mirrors, c->nmirrors);
	add_part(&text, "offline", c->offline ? "yes" : "no");
	for (size_t i = 0; i < AX_LEN(env); i++)
		add_part(&text, env[i], getenv(env[i]) ? getenv(env[i]) : "");
	d = ax_hash_bytes(text.buf, text.len);
	ax_str_free(&text);
	free(cwd);
	return ax_asprintf("%s/stamps/%s", ax_store_dir(s), ax_hex(hex, &d));
}

/* Leaving one
 * ----------------------------------------------------------------- */

static void
see_store(struct ax_witness *w, const struct ax_store *s)
{
	static const char *const rooms[] = {"cas", "ac"};

	for (size_t i = 0; i < AX_LEN(rooms); i++) {
		char *room = ax_join(ax_store_dir(s), rooms[i]);
		char path[8];

		for (int k = 0; k < 256; k++) {
			char *sub;

			snprintf(path, sizeof(path), "%02x", (unsigned)k);
			sub = ax_join(room, path);
			ax_witness_path(w, sub);
			free(sub);
		}
		free(room);
	}
}

static void
see_tool(struct ax_witness *w, const struct ax_tool *t)
{
	char *found = ax_which(t->program, false), *real, *dir;

	real = found ? realpath(found, NULL) : NULL;
	if (!real) {
		w->bad = true;
		free(found);
		return;
	}
	ax_witness_path(w, found);
	dir = ax_dirname(real);
	for (size_t i = 0; t->files && t->files[i]; i++) {
		char *path = ax_join(dir, t->files[i]);

		ax_witness_tree(w, path);
		free(path);
	}
	free(dir);
	free(real);
	free(found);
}

/* A program that appears earlier on the path would be found instead. */
static void
see_search_path(struct ax_witness *w)
{
	const char *p = getenv("PATH");
	size_t len;

	for (; p && *p; p += len + (p[len] == ':')) {
		char *dir;

		len = strcspn(p, ":");
		dir = ax_strndup(p, len);
		ax_witness_path(w, len ? dir : ".");
		free(dir);
	}
}

static void
see_stages(struct ax_witness *w, const struct ax_run *r,
	   const struct ax_stages *stages)
{
	for (size_t i = 0; i < stages->nroots; i++)
		ax_witness_tree(w, stages->roots[i]);
	see_search_path(w);
	for (size_t i = 0; i < r->engine->nids; i++) {
		const struct ax_stage *s = r->engine->ids[i]->stage;

		for (size_t k = 0; k < s->ntools; k++)
			see_tool(w, &s->tools[k]);
		for (size_t k = 0; s->env && s->env[k]; k++)
			ax_witness_env(w, s->env[k]);
	}
}

/* Everything that was wanted is there, so that the same again would be null. */
static bool
is_complete(const struct ax_run *r)
{
	if (!r->planned || r->failed || r->skipped || r->substituted ||
	    r->interrupted || r->options.confine != AX_CONFINE_NONE ||
	    ax_store_readonly(r->store))
		return false;
	for (size_t i = 0; i < r->graph->n; i++) {
		enum ax_state s = r->outcomes[i].state;

		if (r->graph->nodes[i]->any_pin ||
		    (s != AX_HIT && s != AX_DONE && s != AX_UNNEEDED))
			return false;
	}
	return true;
}

/* What the next run would look for in the store, looked for once more: between
 * its decision and the end of a run somebody may have removed something. */
static bool
still_there(const struct ax_run *r)
{
	const struct ax_graph *g = r->graph;

	for (size_t i = 0; i < g->nsources; i++)
		if (r->source_known[i] && g->sources[i]->kind != AX_SOURCE_FILE)
			return false;
	for (size_t i = 0; i < g->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];

		if (o->state == AX_UNNEEDED)
			continue;
		if (!ax_store_record_there(r->store, &o->key))
			return false;
		for (size_t k = 0; k < g->nodes[i]->stage->noutputs; k++)
			if (o->have[k] &&
			    !ax_store_has(r->store, &o->outputs[k]))
				return false;
	}
	return true;
}

/* Waits until the clock of the store's file system has moved on, so that what
 * changes later bears a later time than what changed before. The time before,
 * ns; -1 when the clock stands still for 20 ms. */
static int64_t
let_clock_tick(struct ax_store *s)
{
	const struct timespec moment = {0, 2000000};
	int64_t before = ax_store_clock(s);

	for (int i = 0; before >= 0 && i < 10; i++) {
		nanosleep(&moment, NULL);
		if (ax_store_clock(s) > before)
			return before;
	}
	return -1;
}

/* The store's folders. Those that changed since the run began, by this run or
 * another, are as good once they are quiet and hold what is wanted. */
static bool
see_quiet_store(struct ax_witness *w, const struct ax_run *r)
{
	struct ax_witness again = *w;
	int64_t before;

	again.text = (struct ax_str)AX_STR_INIT;
	again.newest = 0;
	see_store(&again, r->store);
	if (again.newest >= (int64_t)(r->started * 1e9) - GRAIN_NS) {
		before = let_clock_tick(r->store);
		ax_str_clear(&again.text);
		again.newest = 0;
		again.n = w->n;
		see_store(&again, r->store);
		again.bad |= again.newest > before || !still_there(r);
	}
	ax_str_addn(&w->text, again.text.buf, again.text.len);
	w->bad |= again.bad;
	ax_str_free(&again.text);
	return !w->bad;
}

static void
add_line(struct ax_witness *w, const char *kind, const char *text)
{
	if (strchr(text, '\n'))
		w->bad = true;
	ax_str_addf(&w->text, "%s ", kind);
	ax_str_add(&w->text, text);
	ax_str_addc(&w->text, '\n');
}

void
ax_stamp_leave(const struct ax_run *r, const struct ax_stages *stages,
	       const struct ax_claims *claims, const char *commit,
	       const struct ax_stamp_command *c)
{
	const struct ax_graph *g = r->graph;
	struct ax_witness w = {.text = AX_STR_INIT};
	char hex[AX_HEX_LEN + 1], *path, *dir;
	struct ax_digest sum;
	bool good;

	if (!is_complete(r) || !commit)
		return;
	ax_str_add(&w.text, HEAD);
	ax_str_addf(&w.text, "hits %zu\nclaims %zu %zu %zu %zu\n",
		    r->hits + r->executed, claims->n, claims->holds,
		    claims->fails, claims->missing);
	add_line(&w, "name", g->name);
	add_line(&w, "path", g->path);
	add_line(&w, "commit", commit);
	ax_witness_path(&w, "/proc/self/exe");
	for (size_t i = 0; i < g->nfiles; i++) {
		add_line(&w, "file", g->files[i].name);
		ax_witness_path(&w, g->files[i].name);
	}
	for (size_t i = 0; i < g->nsources; i++) {
		if (g->sources[i]->kind != AX_SOURCE_FILE)
			continue;
		add_line(&w, "file", g->sources[i]->path);
		ax_witness_tree(&w, g->sources[i]->path);
	}
	see_stages(&w, r, stages);
	good = w.newest < (int64_t)(r->started * 1e9) - GRAIN_NS &&
	       see_quiet_store(&w, r);
	ax_str_add(&w.text, "end\n");
	path = stamp_path(r->store, c);
	if (good && !w.text.over) {
		sum = ax_hash_bytes(w.text.buf, w.text.len);
		ax_str_addf(&w.text, "%s\n", ax_hex(hex, &sum));
		dir = ax_dirname(path);
		if (ax_mkdirs(dir, NULL) == 0)
			(void)ax_write_file(path, w.text.buf, w.text.len, NULL);
		free(dir);
	}
	free(path);
	ax_str_free(&w.text);
}

/* Reading one
 * ----------------------------------------------------------------- */

static void
keep(char **to, const char *text)
{
	free(*to);
	*to = ax_strdup(text);
}

/* One line that is no witness. */
static bool
take(struct ax_stamp *s, const char *line, size_t *cap)
{
	if (sscanf(line, "hits %zu", &s->hits) == 1 ||
	    sscanf(line, "claims %zu %zu %zu %zu", &s->claims, &s->holds,
		   &s->fails, &s->missing) == 4)
		return true;
	if (ax_starts(line, "name "))
		keep(&s->name, line + 5);
	else if (ax_starts(line, "path "))
		keep(&s->path, line + 5);
	else if (ax_starts(line, "commit "))
		keep(&s->commit, line + 7);
	else if (ax_starts(line, "file ")) {
		AX_GROW(s->files, s->nfiles, *cap);
		s->files[s->nfiles++] = ax_strdup(line + 5);
	} else
		return false;
	return true;
}

bool
ax_stamp_read(struct ax_stamp *out, char *text)
{
	bool fresh = false, good = ax_starts(text, HEAD);
	char *line, *next;
	size_t cap = 0;

	memset(out, 0, sizeof(*out));
	for (line = text + (good ? strlen(HEAD) : 0);
	     good && (next = strchr(line, '\n')); line = next + 1) {
		*next = '\0';
		fresh = ax_streq(line, "end") && next[1] == '\0';
		good = fresh ||
		       (line[0] && line[1] == ' ' ? ax_witness_holds(line)
						  : take(out, line, &cap));
	}
	fresh = fresh && good && out->name && out->path && out->commit;
	if (!fresh)
		ax_stamp_free(out);
	return fresh;
}

/* Cuts the sum off. False when it is not that of the rest. */
static bool
unseal(char *text, size_t len)
{
	struct ax_digest is, want;
	char *sum;

	if (len < AX_HEX_LEN + 1 || text[len - 1] != '\n')
		return false;
	sum = text + len - 1 - AX_HEX_LEN;
	text[len - 1] = '\0';
	if (ax_unhex(&want, sum) < 0)
		return false;
	is = ax_hash_bytes(text, (size_t)(sum - text));
	*sum = '\0';
	return ax_digest_eq(&is, &want);
}

bool
ax_stamp_fresh(struct ax_stamp *out, const struct ax_store *s,
	       const struct ax_stamp_command *c)
{
	char *path = stamp_path(s, c), *text = NULL;
	bool fresh = false;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (ax_read_file(&text, &len, path, MAX_STAMP, NULL) == 0 &&
	    unseal(text, len))
		fresh = ax_stamp_read(out, text);
	free(text);
	free(path);
	return fresh;
}

void
ax_stamp_free(struct ax_stamp *s)
{
	for (size_t i = 0; i < s->nfiles; i++)
		free(s->files[i]);
	free(s->files);
	free(s->name);
	free(s->path);
	free(s->commit);
	memset(s, 0, sizeof(*s));
}
