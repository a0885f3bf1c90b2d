/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe log: the runs that the store remembers, or the log of one node. */
#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "cache/store.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/provenance.h"

#define MAX_LOG ((size_t)64 << 20)

static const struct ax_option options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"max", 'n', AX_OPT_NUMBER, "N", "at most N runs (default 20)"},
	{"json", 0, AX_OPT_FLAG, NULL, "print JSON"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
list_runs(struct ax_store *s, const char *name, size_t max, json_t *json,
	  struct ax_err *err)
{
	struct ax_past_run *runs;
	size_t n, i;

	if (ax_provenance_log(s, name, max, &runs, &n, err) < 0)
		return -1;
	if (n == 0)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "no run of %s is recorded in store %s; "
				  "'axpipe log' lists those that are",
				  name, ax_store_dir(s));
	for (i = 0; i < n; i++) {
		char when[32];
		time_t t = (time_t)runs[i].time;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (json)
			json_array_append_new(
				json, json_pack("{s:s, s:s, s:s, s:s, s:s}",
						"manifest", name, "commit",
						runs[i].hex, "run", runs[i].id,
						"ended", when, "summary",
						runs[i].summary));
		else
			printf("%.12s  %s  %s\n", runs[i].hex, when,
			       runs[i].summary);
	}
	ax_past_free(runs, n);
	return 0;
}

static int
node_log(struct ax_store *s, const char *name, const char *node,
	 struct ax_err *err)
{
	struct ax_digest d;
	json_t *lock, *entry;
	const char *hex;
	char *text;
	size_t n;
	int rc = -1;

	if (ax_provenance_read(s, name, "lock.json", &lock, err) < 0)
		return -1;
	entry = json_object_get(json_object_get(lock, "nodes"), node);
	hex = json_string_value(json_object_get(entry, "log"));
	if (!entry)
		ax_err_set(err, AX_EXIT_USAGE,
			   "the last run of %s has no finished node %s", name,
			   node);
	else if (!hex || ax_unhex(&d, hex) < 0)
		ax_err_set(err, AX_EXIT_USAGE, "node %s left no log", node);
	else if (ax_store_get_bytes(s, &d, &text, &n, MAX_LOG, err) == 0) {
		fwrite(text, 1, n, stdout);
		free(text);
		rc = 0;
	}
	json_decref(lock);
	return rc;
}

static int
show_log(const struct ax_args *a, struct ax_err *err)
{
	double max = ax_arg_num(a, "max", 20);
	json_t *json = ax_arg_flag(a, "json") ? json_array() : NULL;
	struct ax_store *s;
	char **names = NULL, *text;
	size_t n = 0, i;
	int rc = 0;

	if (max < 1 || max > 1e6) {
		json_decref(json);
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--max must be between 1 and 1000000");
	}
	if (ax_store_open(&s, ax_context_store_dir(a), true, err) < 0) {
		json_decref(json);
		return -1;
	}
	if (a->n == 2) {
		rc = node_log(s, a->operands[0], a->operands[1], err);
	} else if (a->n == 1) {
		rc = list_runs(s, a->operands[0], (size_t)max, json, err);
	} else {
		rc = ax_provenance_names(s, &names, &n, err);
		for (i = 0; rc == 0 && i < n; i++) {
			if (!json)
				printf("%s\n", names[i]);
			rc = list_runs(s, names[i], (size_t)max, json, err);
		}
	}
	if (rc == 0 && json && a->n < 2) {
		text = json_dumps(json, JSON_INDENT(2));
		printf("%s\n", text);
		free(text);
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	json_decref(json);
	ax_store_close(s);
	return rc;
}

const struct ax_command ax_cmd_log = {
	.name = "log",
	.operands = "[NAME [NODE]]",
	.summary = "list recorded runs, or print the log of a node",
	.text = "NAME is the name that a manifest gives itself. Without NODE, "
		"lists its runs, newest first; each is a commit of the bare "
		"repository <store>/runs.git, which plain git reads. With "
		"NODE, "
		"prints what its stage wrote when it ran.",
	.options = options,
	.min = 0,
	.max = 2,
	.run = show_log,
};
