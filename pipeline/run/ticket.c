/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/ticket.h"

#include <errno.h>
#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/run/exec.h"

#define MAX_EXIT 65536

static json_t *
strings(const char *const *list)
{
	json_t *a = json_array(), *v;

	for (; *list; list++) {
		v = json_string(*list);
		if (!v) {
			json_decref(a);
			return NULL;
		}
		json_array_append_new(a, v);
	}
	return a;
}

int
ax_ticket_write(const struct ax_job *j, const char *store, struct ax_err *err)
{
	json_t *argv = strings(j->argv), *env = strings(j->envp), *root = NULL;
	char *path = ax_join(j->dir, "job.json"), *text = NULL;
	int rc = -1;

	if (argv && env)
		root = json_pack("{s:i, s:s, s:s, s:s, s:O, s:O, s:f, s:O}",
				 "axpipe_job", 1, "key", j->key, "node",
				 j->node, "store", store, "argv", argv, "env",
				 env, "timeout", j->timeout, "files",
				 (json_t *)j->files);
	if (root)
		text = json_dumps(root,
				  JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	if (text)
		rc = ax_write_file(path, text, strlen(text), err);
	else
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: a path or variable is not UTF-8, and a job on "
			   "another machine must be told it in JSON",
			   j->node);
	free(text);
	free(path);
	json_decref(root);
	json_decref(argv);
	json_decref(env);
	return rc;
}

static const char **
vector(const json_t *a)
{
	size_t n = json_array_size(a);
	const char **v = ax_calloc(n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		v[i] = json_string_value(json_array_get(a, i));
		if (!v[i]) {
			free(v);
			return NULL;
		}
	}
	return v;
}

static bool
files_good(const json_t *list, bool digests)
{
	const json_t *v;
	size_t i;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, v)
	{
		const char *path =
			json_string_value(json_object_get(v, "path"));

		if (!path || !ax_path_is_inside(path) ||
		    (digests && !json_is_string(json_object_get(v, "sha256"))))
			return false;
	}
	return true;
}

int
ax_ticket_read(struct ax_ticket *t, const char *dir, struct ax_err *err)
{
	char *path = ax_join(dir, "job.json");
	const json_t *files;
	struct ax_json j;

	memset(t, 0, sizeof(*t));
	if (ax_json_load(&j, path, err) < 0) {
		free(path);
		return -1;
	}
	t->root = json_incref(j.root);
	ax_json_free(&j);
	t->key = json_string_value(json_object_get(t->root, "key"));
	t->node = json_string_value(json_object_get(t->root, "node"));
	t->store = json_string_value(json_object_get(t->root, "store"));
	t->argv = vector(json_object_get(t->root, "argv"));
	t->envp = vector(json_object_get(t->root, "env"));
	t->timeout = json_number_value(json_object_get(t->root, "timeout"));
	files = json_object_get(t->root, "files");
	t->inputs = json_object_get(files, "inputs");
	t->outputs = json_object_get(files, "outputs");
	if (json_integer_value(json_object_get(t->root, "axpipe_job")) != 1 ||
	    !t->key || !t->node || !t->store || !t->argv || !t->argv[0] ||
	    !t->envp || !files_good(t->inputs, true) ||
	    !files_good(t->outputs, false)) {
		ax_err_set(err, AX_EXIT_ENV, "%s: not a job of this axpipe",
			   path);
		ax_ticket_free(t);
		free(path);
		return -1;
	}
	free(path);
	return 0;
}

void
ax_ticket_free(struct ax_ticket *t)
{
	json_decref(t->root);
	free(t->argv);
	free(t->envp);
	memset(t, 0, sizeof(*t));
}

static void
set_text(json_t *o, const char *name, const char *text)
{
	json_t *v = json_string(text);

	json_object_set_new(o, name, v ? v : json_string("?"));
}

int
ax_exit_write(const char *dir, const struct ax_exit *e, struct ax_err *err)
{
	json_t *o = json_object();
	char *path = ax_join(dir, "exit.json"), *text;
	int rc;

	json_object_set_new(o, "axpipe_exit", json_integer(1));
	set_text(o, "key", e->key);
	json_object_set_new(o, "rc", json_integer(e->rc));
	json_object_set_new(o, "signal", json_integer(e->signal));
	json_object_set_new(o, "timed_out", json_boolean(e->timed_out));
	json_object_set_new(o, "log_full", json_boolean(e->log_full));
	json_object_set_new(o, "stopped", json_boolean(e->stopped));
	set_text(o, "error", e->error);
	set_text(o, "host", e->host);
	set_text(o, "job", e->job);
	json_object_set_new(o, "restart", json_integer(e->restart));
	json_object_set_new(o, "began", json_real(e->began));
	json_object_set_new(o, "over", json_real(e->over));
	json_object_set_new(o, "cpu_seconds", json_real(e->cpu_seconds));
	json_object_set_new(o, "max_rss", json_integer((json_int_t)e->max_rss));
	text = json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	rc = text ? ax_write_file(path, text, strlen(text), err)
		  : ax_err_set(err, AX_EXIT_ENV, "%s: not UTF-8", path);
	free(text);
	free(path);
	json_decref(o);
	return rc;
}

static bool
get_int(const json_t *o, const char *name, json_int_t low, json_int_t high,
	json_int_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= low && *out <= high;
}

static bool
get_bool(const json_t *o, const char *name, bool *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_is_true(v);
	return json_is_boolean(v);
}

static bool
get_text(const json_t *o, const char *name, char *out, size_t size)
{
	const char *v = json_string_value(json_object_get(o, name));

	snprintf(out, size, "%s", v ? v : "");
	/* it is shown on terminals */
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return v != NULL;
}

static bool
get_time(const json_t *o, const char *name, double *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_number_value(v);
	return json_is_number(v) && *out >= 0 && *out < 1e12;
}

int
ax_exit_parse(struct ax_exit *e, const char *text, size_t n, struct ax_err *err)
{
	json_int_t version, rc = 0, sig = 0, restart = 0, rss = 0;
	struct ax_json j;
	bool good;

	memset(e, 0, sizeof(*e));
	if (n > MAX_EXIT)
		return ax_err_set(err, AX_EXIT_ENV,
				  "exit.json: larger than %d bytes", MAX_EXIT);
	if (ax_json_parse(&j, "exit.json", text, n, err) < 0)
		return -1;
	good = get_int(j.root, "axpipe_exit", 1, 1, &version) &&
	       get_text(j.root, "key", e->key, sizeof(e->key)) &&
	       get_int(j.root, "rc", 0, 255, &rc) &&
	       get_int(j.root, "signal", 0, 127, &sig) &&
	       get_bool(j.root, "timed_out", &e->timed_out) &&
	       get_bool(j.root, "log_full", &e->log_full) &&
	       get_bool(j.root, "stopped", &e->stopped) &&
	       get_text(j.root, "error", e->error, sizeof(e->error)) &&
	       get_text(j.root, "host", e->host, sizeof(e->host)) &&
	       get_text(j.root, "job", e->job, sizeof(e->job)) &&
	       get_int(j.root, "restart", 0, 1000000, &restart) &&
	       get_time(j.root, "began", &e->began) &&
	       get_time(j.root, "over", &e->over) &&
	       get_time(j.root, "cpu_seconds", &e->cpu_seconds) &&
	       get_int(j.root, "max_rss", 0, (json_int_t)1 << 60, &rss);
	e->rc = (int)rc;
	e->signal = (int)sig;
	e->restart = (unsigned)restart;
	e->max_rss = (uint64_t)rss;
	ax_json_free(&j);
	return good ? 0
		    : ax_err_set(err, AX_EXIT_ENV,
				 "exit.json: a member is missing or not what "
				 "it should be");
}

int
ax_exit_read(struct ax_exit *e, const char *dir, struct ax_err *err)
{
	char *path = ax_join(dir, "exit.json"), *text;
	struct stat st;
	size_t n;
	int rc;

	memset(e, 0, sizeof(*e));
	if (stat(path, &st) < 0) {
		rc = errno == ENOENT || errno == ESTALE
			     ? 0
			     : ax_err_set(err, AX_EXIT_ENV, "%s:", path);
		free(path);
		return rc;
	}
	rc = ax_read_file(&text, &n, path, MAX_EXIT, err);
	if (rc == 0) {
		rc = ax_exit_parse(e, text, n, err) < 0 ? -1 : 1;
		free(text);
	}
	free(path);
	return rc;
}
