/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph as a folder for plain ninja: build.ninja has an edge for each
 * node, which runs <node>/run.sh: what the local executor does, in sh. What is
 * left out is what axpipe is for: keys, store, records.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/results/drawing.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/exec_local.h"
#include "pipeline/run/work.h"

#define MAX_OURS ((size_t)1 << 30) /* a build.ninja of a million nodes */

/* A word of sh. */
static void
add_word(struct ax_str *s, const char *text)
{
	ax_str_addc(s, '\'');
	for (; *text; text++)
		if (*text == '\'')
			ax_str_add(s, "'\\''");
		else
			ax_str_addc(s, *text);
	ax_str_addc(s, '\'');
}

/* A path of ninja, which cannot name one with | in it. */
static void
add_path(struct ax_str *s, const char *text)
{
	for (; *text; text++) {
		if (strchr("$ :", *text))
			ax_str_addc(s, '$');
		ax_str_addc(s, *text);
	}
}

/* The node's folder: its name, but for what no path of ninja can have in a
 * coordinate. Caller frees. */
static char *
folder_of(const struct ax_node *n)
{
	struct ax_str s = AX_STR_INIT;

	for (const char *p = n->name; *p; p++)
		if (strchr("/|%", *p))
			ax_str_addf(&s, "%%%02X", (unsigned)*p);
		else
			ax_str_addc(&s, *p);
	return ax_str_take(&s);
}

/* Where the bytes of a link lie when the node runs, seen from its folder.
 * Caller frees. */
static char *
place_of(struct ax_run *r, const struct ax_link *l, struct ax_err *err)
{
	const struct ax_source *s = l->source;
	char *file, *path, *full;
	struct ax_digest d;
	bool tree = false;

	if (!s) {
		file = folder_of(l->node);
		path = ax_asprintf("../%s/out/%s", file, l->output->file);
		free(file);
		return path;
	}
	if (ax_obtain_outside(s)) {
		full = realpath(s->path, NULL);
		if (!full)
			ax_err_set(err, AX_EXIT_ENV, "input %s: %s:", s->name,
				   s->path);
		return full;
	}
	if (!ax_link_digest(r, l, &d) || !ax_store_has(r->store, &d)) {
		ax_err_set(err, AX_EXIT_ENV,
			   "input %s is not in the store yet; 'axpipe run' "
			   "brings it there",
			   s->name);
		return NULL;
	}
	if (ax_store_is_tree(r->store, &d, &tree, err) < 0)
		return NULL;
	if (tree) {
		ax_err_set(err, AX_EXIT_ENV,
			   "input %s is a folder in the store, which only "
			   "axpipe can lay out; give it as {\"file\": ...}",
			   s->name);
		return NULL;
	}
	path = ax_store_path(r->store, &d);
	full = realpath(path, NULL);
	free(path);
	if (!full)
		ax_err_set(err, AX_EXIT_ENV,
			   "input %s: not readable:", s->name);
	return full;
}

/* An optional output that its node is known to have left out. */
static bool
left_out(const struct ax_run *r, const struct ax_link *l)
{
	return l->node && ax_state_known(r->outcomes[l->node->index].state) &&
	       !ax_link_digest(r, l, &(struct ax_digest){{0}});
}

/* Copies into in/, the entries of the request, and what the edge waits for. */
static int
add_inputs(struct ax_str *sh, struct ax_str *needs, json_t *inputs,
	   struct ax_run *r, const struct ax_node *n, struct ax_err *err)
{
	for (size_t w = 0; w < n->nwires; w++) {
		const struct ax_wire *wire = &n->wires[w];
		json_t *list = wire->port->many ? json_array() : NULL;

		if (list) {
			ax_str_addf(sh, "mkdir in/%s\n", wire->port->name);
			json_object_set_new(inputs, wire->port->name, list);
		}
		for (size_t k = 0; k < wire->n; k++) {
			const struct ax_link *l = &wire->links[k];
			char *from, *to;

			if (left_out(r, l))
				continue;
			from = place_of(r, l, err);
			if (!from)
				return -1;
			if (!l->node && strpbrk(from, "|\r\n")) {
				ax_err_set(
					err, AX_EXIT_USAGE,
					"input %s: ninja has no way to write "
					"a path with | or a line break: %s",
					l->source->name, from);
				free(from);
				return -1;
			}
			to = list ? ax_asprintf("in/%s/%zu", wire->port->name,
						k)
				  : ax_asprintf("in/%s", wire->port->name);
			ax_str_add(sh, "cp -R ");
			add_word(sh, from);
			ax_str_addf(sh, " %s\n", to);
			if (list)
				json_array_append_new(
					list, ax_work_input(wire, l, to));
			else
				json_object_set_new(inputs, wire->port->name,
						    ax_work_input(wire, l, to));
			free(to);
			ax_str_addc(needs, ' ');
			to = l->node ? folder_of(l->node) : ax_strdup(from);
			add_path(needs, to);
			if (l->node)
				ax_str_add(needs, "/done");
			free(to);
			free(from);
		}
	}
	return 0;
}

static void
add_run(struct ax_str *sh, const struct ax_stage *s)
{
	const char *v;

	ax_str_add(sh, "chmod -R a-w in\nenv -i");
	for (size_t i = 0; s->env && s->env[i]; i++) {
		v = getenv(s->env[i]);
		if (!v)
			continue;
		ax_str_addf(sh, " %s=", s->env[i]);
		add_word(sh, v);
	}
	ax_str_add(sh, " PATH=/usr/local/bin:/usr/bin:/bin HOME=\"$PWD\" "
		       "TMPDIR=\"$PWD/tmp\" LC_ALL=C TZ=UTC "
		       "YOSYS_MAX_THREADS=1 SOURCE_DATE_EPOCH=0");
	for (size_t i = 0; s->command[i]; i++) {
		char *path = ax_starts(s->command[i], "./")
				     ? ax_join(s->dir, s->command[i] + 2)
				     : ax_strdup(s->command[i]);

		ax_str_addc(sh, ' ');
		add_word(sh, path);
		free(path);
	}
	ax_str_add(sh, " </dev/null >log 2>&1 3>progress || {\n"
		       "\trc=$?\n\ttail -n 20 log >&2\n\texit $rc\n}\n");
	for (size_t i = 0; i < s->noutputs; i++) {
		if (s->outputs[i].optional)
			continue;
		ax_str_addf(sh, "test -%c out/",
			    s->outputs[i].tree ? 'd' : 's');
		add_word(sh, s->outputs[i].file);
		ax_str_addc(sh, '\n');
	}
	ax_str_add(sh, ": >done\n");
}

/* What says the same already stays as old as it is: ninja goes by that. */
static int
put_file(const char *dir, const char *name, const struct ax_str *text,
	 mode_t mode, struct ax_err *err)
{
	char *path = ax_join(dir, name), *old = NULL;
	size_t n = 0;
	bool same = ax_is_file(path) &&
		    ax_read_file(&old, &n, path, MAX_OURS, NULL) == 0 &&
		    n == text->len && memcmp(old, text->buf, n) == 0;
	int rc = same ? 0 : ax_write_plain(path, text->buf, text->len, err);

	free(old);

	if (rc == 0 && chmod(path, mode) < 0)
		rc = ax_err_set(err, AX_EXIT_ENV,
				"%s: cannot set its mode:", path);
	free(path);
	return rc;
}

static int
write_node(const char *dir, struct ax_str *build, struct ax_run *r,
	   const struct ax_node *n, struct ax_err *err)
{
	struct ax_str sh = AX_STR_INIT, needs = AX_STR_INIT,
		      request = AX_STR_INIT;
	struct ax_stage_id *id = ax_key_stage(r, n->stage, err);
	char *folder = folder_of(n), *home = ax_join(dir, folder);
	json_t *inputs = json_object();
	unsigned cpus = n->cpus ? n->cpus : ax_machine_cpus();
	int rc = -1;

	ax_str_add(&sh, "#!/bin/sh\nset -eu\ncd \"$(dirname \"$0\")\"\n"
			"chmod -R u+w in 2>/dev/null || :\n"
			"rm -rf in out tmp checkpoint done metrics.json\n"
			"mkdir in out tmp");
	ax_str_add(&sh, n->stage->resumable ? " checkpoint\n" : "\n");
	for (size_t i = 0; i < n->stage->noutputs; i++) {
		const struct ax_port *p = &n->stage->outputs[i];
		char *path = ax_join("out", p->file);
		char *parent = p->tree ? ax_strdup(path) : ax_dirname(path);

		ax_str_add(&sh, "mkdir -p ");
		add_word(&sh, parent);
		ax_str_addc(&sh, '\n');
		free(parent);
		free(path);
	}
	if (!id || ax_mkdirs(home, err) < 0 ||
	    add_inputs(&sh, &needs, inputs, r, n, err) < 0)
		goto out;
	add_run(&sh, n->stage);
	ax_work_request(&request, n, inputs, id->tool_paths, cpus);
	if (put_file(home, "run.sh", &sh, 0755, err) < 0 ||
	    put_file(home, "request.json", &request, 0644, err) < 0)
		goto out;
	ax_str_add(build, "build ");
	add_path(build, folder);
	ax_str_add(build, "/done: node ");
	add_path(build, folder);
	ax_str_add(build, "/run.sh | ");
	add_path(build, folder);
	ax_str_addf(build, "/request.json%s\n", needs.buf ? needs.buf : "");
	if (cpus > 1)
		ax_str_add(build, "  pool = wide\n");
	rc = 0;
out:
	json_decref(inputs);
	free(home);
	free(folder);
	ax_str_free(&sh);
	ax_str_free(&needs);
	ax_str_free(&request);
	return rc;
}

static const char mark[] = "# Made by axpipe graph: the stages of a manifest "
			   "for plain ninja.\n";

/* A build.ninja that was not made here is somebody's own. */
static int
check_ours(const char *dir, struct ax_err *err)
{
	char *path = ax_join(dir, "build.ninja"), *text = NULL;
	size_t n;
	int rc = 0;

	if (access(path, F_OK) == 0 &&
	    (ax_read_file(&text, &n, path, MAX_OURS, NULL) < 0 ||
	     !ax_starts(text, mark)))
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"%s is there already, and not from axpipe; "
				"give --ninja a folder of its own",
				path);
	free(text);
	free(path);
	return rc;
}

int
ax_draw_ninja(const char *dir, struct ax_run *r, struct ax_err *err)
{
	struct ax_str build = AX_STR_INIT;
	int rc = check_ours(dir, err);

	if (rc == 0)
		rc = ax_mkdirs(dir, err);
	ax_str_add(&build, mark);
	ax_str_add(&build, "ninja_required_version = 1.5\n\n"
			   "# nodes that use several cpus run one at a time\n"
			   "pool wide\n  depth = 1\n\n"
			   "rule node\n  command = ./$in\n"
			   "  description = $in\n\n");
	for (size_t i = 0; rc == 0 && i < r->graph->n; i++)
		rc = write_node(dir, &build, r, r->graph->nodes[i], err);
	if (rc == 0)
		rc = put_file(dir, "build.ninja", &build, 0644, err);
	ax_str_free(&build);
	return rc;
}
