/* SPDX-License-Identifier: Apache-2.0 */
/* Stage liberty: join, cut, list, model. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/liberty.h"
#include "stages/kit/kit.h"

#define MAX_FILES 100000
#define MAX_LEVELS 16

struct paths {
	char **path;
	size_t n, cap;
};

static void
free_paths(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
}

static int
collect(struct paths *p, const char *dir, const char *pattern, unsigned level,
	struct ax_err *err)
{
	char **names;
	size_t n;
	int rc = 0;

	if (level > MAX_LEVELS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: folders nested more than %d deep", dir,
				  MAX_LEVELS);
	if (ax_list_dir(&names, &n, dir, MAX_FILES, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *path = ax_join(dir, names[i]);

		if (ax_is_dir(path)) {
			rc = collect(p, path, pattern, level + 1, err);
		} else if (ax_glob(pattern, names[i])) {
			if (p->n >= MAX_FILES) {
				rc = ax_err_set(err, AX_EXIT_STAGE,
						"over %d files match %s",
						MAX_FILES, pattern);
			} else {
				AX_GROW(p->path, p->n, p->cap);
				p->path[p->n++] = path;
				path = NULL;
			}
		}
		free(path);
	}
	ax_free_list(names, n);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
join(struct ax_task *t, struct ax_str *out, struct ax_err *err)
{
	struct paths p = {0};
	char *header = NULL, **text = NULL;
	size_t header_len, *len = NULL, read = 0;
	const char *dir = ax_task_in(t, "cells");
	int rc = collect(&p, dir, ax_task_str(t, "files"), 0, err);

	if (rc == 0 && p.n == 0)
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"no file in the input cells matches \"%s\"; "
				"see the parameter files",
				ax_task_str(t, "files"));
	if (rc == 0)
		rc = ax_read_file(&header, &header_len, ax_task_in(t, "header"),
				  AX_LIBERTY_MAX, err);
	if (rc == 0) {
		qsort(p.path, p.n, sizeof(*p.path), by_path);
		text = ax_calloc(p.n, sizeof(*text));
		len = ax_calloc(p.n, sizeof(*len));
	}
	for (; rc == 0 && read < p.n; read++)
		rc = ax_read_file(&text[read], &len[read], p.path[read],
				  AX_LIBERTY_MAX, err);
	if (rc == 0)
		rc = ax_liberty_merge(out, header, header_len,
				      (const char *const *)text, len, p.n, err);
	for (size_t i = 0; text && i < p.n; i++)
		free(text[i]);
	free(text);
	free(len);
	free(header);
	free_paths(&p);
	return rc;
}

/* Does the name match one of the patterns? Each pattern that matches something
 * is marked. */
static bool
matches(json_t *patterns, const char *name, bool *used)
{
	bool any = false;
	json_t *one;
	size_t i;

	json_array_foreach(patterns, i, one)
	{
		if (ax_glob(json_string_value(one), name))
			any = used[i] = true;
	}
	return any;
}

/* A pattern that matches no cell is a mistake more often than not. */
static int
check_used(json_t *patterns, const bool *used, const char *param,
	   struct ax_err *err)
{
	json_t *one;
	size_t i;

	json_array_foreach(patterns, i, one)
	{
		if (!used[i])
			return ax_err_set(err, AX_EXIT_STAGE,
					  "parameter %s: \"%s\" matches no "
					  "cell of the library",
					  param, json_string_value(one));
	}
	return 0;
}

static int
choose(struct ax_task *t, const struct ax_liberty *lib, bool *keep,
       struct ax_err *err)
{
	json_t *wanted = ax_task_json(t, "keep");
	json_t *unwanted = ax_task_json(t, "drop");
	bool *used_keep = ax_calloc(json_array_size(wanted) + 1, 1);
	bool *used_drop = ax_calloc(json_array_size(unwanted) + 1, 1);
	size_t kept = 0;
	int rc;

	for (size_t c = 0; c < lib->cells; c++) {
		bool drop = matches(unwanted, lib->cell[c].name, used_drop);

		keep[c] =
			matches(wanted, lib->cell[c].name, used_keep) && !drop;
		kept += keep[c];
	}
	rc = check_used(wanted, used_keep, "keep", err);
	if (rc == 0)
		rc = check_used(unwanted, used_drop, "drop", err);
	if (rc == 0 && kept == 0)
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"no cell of library %s is left", lib->name);
	free(used_keep);
	free(used_drop);
	return rc;
}

/* A CSV field: quoted when it has to be. */
static void
field(struct ax_str *out, const char *text)
{
	if (!strpbrk(text, ",\"\n\r")) {
		ax_str_add(out, text);
		return;
	}
	ax_str_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			ax_str_addc(out, '"');
		ax_str_addc(out, *text);
	}
	ax_str_addc(out, '"');
}

static void
list_cell(struct ax_str *out, const struct ax_lib_cell *cell)
{
	struct ax_str text = AX_STR_INIT;

	field(out, cell->name);
	ax_str_addc(out, ',');
	if (cell->area >= 0)
		ax_str_add_num(out, cell->area);
	ax_str_addc(out, ',');
	if (cell->transistors >= 0)
		ax_str_addf(out, "%d", cell->transistors);
	ax_str_addf(out, ",%u,%u,%s,", cell->ins, cell->outs,
		    cell->combinational ? "combinational"
		    : cell->sequential  ? "sequential"
					: "other");
	for (unsigned o = 0; o < cell->outs; o++) {
		const struct ax_lib_pin *pin = &cell->pin[cell->out[o]];

		if (pin->function)
			ax_str_addf(&text, "%s%s = %s", text.len ? "; " : "",
				    pin->name, pin->function);
	}
	if (text.len)
		field(out, text.buf);
	ax_str_addc(out, '\n');
	ax_str_free(&text);
}

static int
write_all(struct ax_task *t, const struct ax_liberty *lib, const bool *keep,
	  struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	size_t kept = 0, comb = 0, seq = 0, models;
	int rc;

	ax_liberty_filter(&text, lib, keep);
	ax_task_metric_int(t, "bytes", (int64_t)text.len);
	rc = ax_write_plain(ax_task_out(t, "liberty"), text.buf, text.len, err);
	ax_str_clear(&text);
	models = ax_liberty_verilog(&text, lib, keep);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "verilog"), text.buf,
				    text.len, err);
	ax_str_clear(&text);
	ax_str_add(&text,
		   "name,area,transistors,inputs,outputs,kind,function\n");
	for (size_t c = 0; c < lib->cells; c++) {
		if (!keep[c])
			continue;
		kept++;
		comb += lib->cell[c].combinational;
		seq += lib->cell[c].sequential;
		list_cell(&text, &lib->cell[c]);
	}
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "cells"), text.buf, text.len,
				    err);
	ax_str_free(&text);
	ax_task_metric_int(t, "cells", (int64_t)kept);
	ax_task_metric_int(t, "dropped", (int64_t)(lib->cells - kept));
	ax_task_metric_int(t, "combinational", (int64_t)comb);
	ax_task_metric_int(t, "sequential", (int64_t)seq);
	ax_task_metric_int(t, "models", (int64_t)models);
	ax_task_metric_str(t, "library", lib->name);
	ax_task_metric_num(t, "nom_voltage", lib->nom_voltage);
	ax_task_metric_num(t, "nom_temperature", lib->nom_temperature);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	const char *library = ax_task_in(t, "library");
	bool parts = ax_task_in(t, "header") || ax_task_in(t, "cells");
	struct ax_str text = AX_STR_INIT;
	struct ax_liberty lib = {0};
	bool *keep;
	int rc;

	if (!library == !parts ||
	    (parts && (!ax_task_in(t, "header") || !ax_task_in(t, "cells"))))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "stage liberty wants either the input "
				  "library, or both header and cells");
	if (library) {
		rc = ax_liberty_load(&lib, library, err);
	} else {
		rc = join(t, &text, err);
		if (rc == 0)
			rc = ax_liberty_parse(&lib, "joined library", text.buf,
					      text.len, err);
		ax_str_free(&text);
	}
	if (rc < 0)
		return -1;
	keep = ax_calloc(lib.cells + 1, sizeof(*keep));
	rc = choose(t, &lib, keep, err);
	if (rc == 0)
		rc = write_all(t, &lib, keep, err);
	free(keep);
	ax_liberty_free(&lib);
	return rc;
}
