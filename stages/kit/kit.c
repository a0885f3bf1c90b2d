/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/kit/kit.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

struct ax_task {
	struct ax_json request;
	json_t *metrics;
	struct ax_pool *pool;
	int progress_fd;
	double progress_at;
};

static _Noreturn void
bug(const char *what, const char *name)
{
	fprintf(stderr, "stage bug: %s '%s' is not in stage.json\n", what,
		name);
	abort();
}

static json_t *
member(const struct ax_task *t, const char *section, const char *name)
{
	return json_object_get(json_object_get(t->request.root, section), name);
}

json_t *
ax_task_json(const struct ax_task *t, const char *param)
{
	json_t *v = member(t, "params", param);

	return json_is_null(v) ? NULL : v;
}

int64_t
ax_task_int(const struct ax_task *t, const char *param)
{
	json_t *v = member(t, "params", param);

	if (!json_is_number(v))
		bug("integer parameter", param);
	return json_is_integer(v) ? json_integer_value(v)
				  : (int64_t)json_real_value(v);
}

double
ax_task_num(const struct ax_task *t, const char *param)
{
	json_t *v = member(t, "params", param);

	if (!json_is_number(v))
		bug("number parameter", param);
	return json_number_value(v);
}

bool
ax_task_bool(const struct ax_task *t, const char *param)
{
	json_t *v = member(t, "params", param);

	if (!json_is_boolean(v))
		bug("boolean parameter", param);
	return json_is_true(v);
}

const char *
ax_task_str(const struct ax_task *t, const char *param)
{
	json_t *v = member(t, "params", param);

	if (!v)
		bug("string parameter", param);
	return json_string_value(v);
}

static json_t *
input(const struct ax_task *t, const char *name, size_t i)
{
	json_t *v = member(t, "inputs", name);

	if (json_is_array(v))
		return json_array_get(v, i);
	return i == 0 ? v : NULL;
}

size_t
ax_task_in_count(const struct ax_task *t, const char *name)
{
	json_t *v = member(t, "inputs", name);

	if (json_is_array(v))
		return json_array_size(v);
	return v && !json_is_null(v) ? 1 : 0;
}

const char *
ax_task_in_at(const struct ax_task *t, const char *name, size_t i)
{
	return json_string_value(json_object_get(input(t, name, i), "path"));
}

json_t *
ax_task_in_coords(const struct ax_task *t, const char *name, size_t i)
{
	return json_object_get(input(t, name, i), "coords");
}

const char *
ax_task_in(const struct ax_task *t, const char *name)
{
	return ax_task_in_at(t, name, 0);
}

const char *
ax_task_out(const struct ax_task *t, const char *name)
{
	const char *path = json_string_value(
		json_object_get(member(t, "outputs", name), "path"));

	if (!path)
		bug("output", name);
	return path;
}

const char *
ax_task_tool(const struct ax_task *t, const char *name)
{
	const char *path = json_string_value(member(t, "tools", name));

	if (!path)
		bug("tool", name);
	return path;
}

unsigned
ax_task_cpus(const struct ax_task *t)
{
	json_int_t n =
		json_integer_value(json_object_get(t->request.root, "cpus"));

	return n < 1 ? 1 : n > 1024 ? 1024 : (unsigned)n;
}

struct ax_pool *
ax_task_pool(struct ax_task *t)
{
	if (!t->pool)
		t->pool = ax_pool_new(ax_task_cpus(t));
	return t->pool;
}

const char *
ax_task_checkpoint(const struct ax_task *t)
{
	return json_string_value(
		json_object_get(t->request.root, "checkpoint"));
}

void
ax_task_metric_json(struct ax_task *t, const char *name, json_t *value)
{
	json_t *at = t->metrics, *next;
	const char *dot;
	char *part;

	while ((dot = strchr(name, '.')) != NULL) {
		part = ax_strndup(name, (size_t)(dot - name));
		next = json_object_get(at, part);
		if (!json_is_object(next)) {
			next = json_object();
			json_object_set_new(at, part, next);
		}
		free(part);
		at = next;
		name = dot + 1;
	}
	json_object_set_new(at, name, value);
}

void
ax_task_metric_int(struct ax_task *t, const char *name, int64_t value)
{
	ax_task_metric_json(t, name, json_integer(value));
}

void
ax_task_metric_num(struct ax_task *t, const char *name, double value)
{
	ax_task_metric_json(t, name,
			    isfinite(value) ? json_real(value) : json_null());
}

void
ax_task_metric_str(struct ax_task *t, const char *name, const char *value)
{
	ax_task_metric_json(t, name, json_string(value));
}

void
ax_task_progress(struct ax_task *t, double done, double total, const char *fmt,
		 ...)
{
	struct ax_str line = AX_STR_INIT;
	double now = ax_now();
	char text[200];
	va_list ap;

	if (t->progress_fd < 0 || (now < t->progress_at + 0.1 && done < total))
		return;
	t->progress_at = now;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ax_str_addf(&line, "{\"done\":%.6g,\"total\":%.6g,\"text\":", done,
		    total);
	ax_str_add_json(&line, text);
	ax_str_add(&line, "}\n");
	/* nobody listening, or a full pipe, is no reason to stop */
	if (ax_write_all(t->progress_fd, line.buf, line.len) < 0)
		t->progress_fd = -1;
	ax_str_free(&line);
}

int
main(int argc, char **argv)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_task t = {.progress_fd = -1};
	json_t *fd;
	int rc;

	(void)argv;
	if (argc > 1 || !ax_is_file("request.json")) {
		fprintf(stderr, "This is a stage of axpipe. It runs in a work "
				"folder with a request.json;\n"
				"axpipe makes both. See docs/stages.md.\n");
		return AX_EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	/* a killed stage must leave what it had written where logs look for it
	 */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ax_json_load(&t.request, "request.json", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return AX_EXIT_USAGE;
	}
	fd = json_object_get(t.request.root, "progress_fd");
	if (json_is_integer(fd) &&
	    fcntl((int)json_integer_value(fd), F_SETFD, FD_CLOEXEC) == 0)
		t.progress_fd = (int)json_integer_value(fd);
	t.metrics = json_object();
	rc = ax_stage_run(&t, &err);
	if (rc == 0)
		rc = ax_json_write("metrics.json", t.metrics, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	ax_pool_free(t.pool);
	json_decref(t.metrics);
	ax_json_free(&t.request);
	return rc == 0 ? 0 : err.exit ? err.exit : AX_EXIT_STAGE;
}
