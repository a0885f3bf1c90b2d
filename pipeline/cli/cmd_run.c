/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe run: makes what a manifest asks for, and only what is not there. */
#include <time.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/results/claims.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/manifest/place.h"
#include "pipeline/results/provenance.h"
#include "pipeline/results/report.h"
#include "pipeline/results/tar.h"
#include "pipeline/run/progress.h"
#include "pipeline/run/run.h"

static const struct ax_option options[] = {
	{"jobs", 'j', AX_OPT_NUMBER, "N",
	 "use N CPUs at once (default: all of this machine)"},
	{"memory", 0, AX_OPT_STRING, "SIZE",
	 "start nodes only up to this sum of their memory (\"8 GiB\"; default: "
	 "all of it)"},
	{"keep-going", 'k', AX_OPT_FLAG, NULL,
	 "after a failure go on with what does not depend on it"},
	{"executor", 0, AX_OPT_STRING, "local|slurm",
	 "where nodes run (default local)"},
	{"slurm-partition", 0, AX_OPT_STRING, "NAME",
	 "the partition of Slurm to use (default: Slurm's)"},
	{"slurm-arg", 0, AX_OPT_MANY, "ARG",
	 "one more argument of sbatch, such as --account=NAME"},
	{"audit", 0, AX_OPT_FLAG, NULL,
	 "name what stages read and write without declaring it; exit code 4"},
	{"sandbox", 0, AX_OPT_FLAG, NULL, "refuse it, and cut the network"},
	{"explain", 0, AX_OPT_FLAG, NULL, "say of each node why it runs"},
	{"json", 0, AX_OPT_FLAG, NULL, "print events as JSON lines"},
	{"quiet", 'q', AX_OPT_FLAG, NULL, "print failures only"},
	{"rebuild", 0, AX_OPT_FLAG, NULL,
	 "of a bundle: run everything anew and compare each output (exit code "
	 "4 where one differs)"},
	{"keep-work", 0, AX_OPT_FLAG, NULL,
	 "keep the work folders of nodes that succeed"},
	{"report", 0, AX_OPT_STRING, "=FILE",
	 "write the report when done (default axpipe-report/NAME.html)"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
read_options(struct ax_run_options *o, const struct ax_args *a,
	     struct ax_err *err)
{
	const char *memory = ax_arg_str(a, "memory");
	double jobs = ax_arg_num(a, "jobs", 0);

	if (ax_arg_flag(a, "jobs") &&
	    (!(jobs >= 1 && jobs <= 65536) || jobs != (unsigned)jobs))
		return ax_err_set(
			err, AX_EXIT_USAGE,
			"--jobs must be a whole number of at least 1");
	o->jobs = (unsigned)jobs;
	if (memory && (ax_memory_parse(&o->memory, memory) < 0 || !o->memory))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--memory %s: not a size such as \"8 GiB\"",
				  memory);
	o->executor = ax_arg_str(a, "executor");
	if (ax_arg_flag(a, "audit") && ax_arg_flag(a, "sandbox"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--audit looks on, --sandbox refuses: give "
				  "one of them");
	o->confine = ax_arg_flag(a, "audit")     ? AX_CONFINE_AUDIT
		     : ax_arg_flag(a, "sandbox") ? AX_CONFINE_SANDBOX
						 : AX_CONFINE_NONE;
	o->partition = ax_arg_str(a, "slurm-partition");
	o->args = ax_arg_all(a, "slurm-arg", &o->nargs);
	if ((o->partition || o->nargs) && !ax_streq(o->executor, "slurm"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--slurm-partition and --slurm-arg want "
				  "--executor slurm");
	o->keep_going = ax_arg_flag(a, "keep-going");
	o->explain = ax_arg_flag(a, "explain");
	o->json = ax_arg_flag(a, "json");
	o->quiet = ax_arg_flag(a, "quiet");
	o->keep_work = ax_arg_flag(a, "keep-work");
	o->targets = (const char *const *)(a->operands + 1);
	o->ntargets = a->n - 1;
	return 0;
}

static void
say(const struct ax_run *r, const char *event, json_t *members,
    const char *text)
{
	struct timespec ts;
	json_t *o;
	char *line;

	if (r->options.json) {
		clock_gettime(CLOCK_REALTIME, &ts);
		o = json_pack("{s:i, s:f, s:s}", "axpipe_events", 1, "time",
			      (double)ts.tv_sec +
				      (double)(ts.tv_nsec / 1000000) * 1e-3,
			      "event", event);
		json_object_update(o, members);
		line = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));
		if (line)
			printf("%s\n", line);
		free(line);
		json_decref(o);
	} else if (!r->options.quiet) {
		printf("%s\n", text);
	}
	fflush(stdout);
	json_decref(members);
}

static char *
claims_text(size_t holds, size_t fails, size_t missing)
{
	return ax_asprintf("claims: %zu hold, %zu fail, %zu missing", holds,
			   fails, missing);
}

static void
say_claims(const struct ax_run *r, const struct ax_claims *c)
{
	char *text;

	if (c->n == 0)
		return;
	text = claims_text(c->holds, c->fails, c->missing);
	say(r, "claims",
	    json_pack("{s:I, s:I, s:I}", "holds", (json_int_t)c->holds, "fails",
		      (json_int_t)c->fails, "missing", (json_int_t)c->missing),
	    text);
	free(text);
}

/* Nothing changed since the last run of this command, in which nothing ran: it
 * is recorded again, without reading the graph. 1 done, 0 look closer. */
static int
repeat(const struct ax_args *a)
{
	struct ax_stamp_command command;
	struct ax_repeat again = {0};
	struct ax_store *store = NULL;
	double began = ax_now();
	struct ax_stamp stamp;
	int done = 0;
	char *id, *text;

	if (ax_arg_flag(a, "json") || ax_arg_flag(a, "explain") ||
	    ax_arg_flag(a, "report") || ax_arg_flag(a, "remote") ||
	    ax_arg_flag(a, "rebuild") || ax_arg_flag(a, "audit") ||
	    ax_arg_flag(a, "sandbox") || ax_tar_is(a->operands[0]) ||
	    !ax_is_dir(ax_context_store_dir(a)) ||
	    ax_store_open(&store, ax_context_store_dir(a), false, NULL) < 0)
		return 0;
	ax_context_command(&command, a);
	if (ax_stamp_fresh(&stamp, store, &command)) {
		id = ax_run_new_id();
		again.base = stamp.commit;
		again.name = stamp.name;
		again.path = stamp.path;
		again.id = id;
		again.started = ax_wall() - (ax_now() - began);
		again.ended = ax_wall();
		again.hits = stamp.hits;
		again.claims = stamp.claims;
		again.holds = stamp.holds;
		again.files = (const char *const *)stamp.files;
		again.nfiles = stamp.nfiles;
		done = ax_provenance_repeat(store, &again, NULL) == 0;
		if (done && !ax_arg_flag(a, "quiet")) {
			ax_progress_null(stamp.hits, ax_now() - began);
			text = claims_text(stamp.holds, stamp.fails,
					   stamp.missing);
			if (stamp.claims)
				printf("%s\n", text);
			free(text);
		}
		free(id);
		ax_stamp_free(&stamp);
	}
	ax_store_close(store);
	return done;
}

/* Claims, provenance and report of a run that came to an end of any kind. */
static int
conclude(struct ax_run *r, const struct ax_args *a, const struct ax_context *c,
	 struct ax_err *err)
{
	struct ax_stamp_command command;
	const char *given = ax_arg_str(a, "report");
	struct ax_claims claims = {0};
	char *hex = NULL, *path, *text;
	int rc;

	rc = ax_claims_check(&claims, r, err);
	if (rc == 0)
		say_claims(r, &claims);
	if (rc == 0)
		rc = ax_provenance_commit(r, &claims, &hex, err);
	if (rc == 0 && hex && r->options.json)
		say(r, "provenance", json_pack("{s:s}", "commit", hex), "");
	if (rc == 0 && hex) {
		ax_context_command(&command, a);
		ax_stamp_leave(r, &c->stages, &claims, hex, &command);
	}
	free(hex);
	ax_claims_free(&claims);
	if (rc < 0 || !ax_arg_flag(a, "report"))
		return rc;
	path = given ? ax_strdup(given)
		     : ax_asprintf("axpipe-report/%s.html", r->graph->name);
	rc = ax_report_write(r, path, err);
	if (rc == 0) {
		text = ax_asprintf("report: %s", path);
		say(r, "report", json_pack("{s:s}", "path", path), text);
		free(text);
	}
	free(path);
	return rc;
}

/* Only a store without the bundle's results can make them anew. */
static int
check_empty(const struct ax_context *c, struct ax_err *err)
{
	struct ax_digest key;
	const char *name;
	json_t *node;
	char *text;
	size_t n;

	if (!c->bundled)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "run --rebuild wants a bundle");
	json_object_foreach(json_object_get(c->bundle.lock, "nodes"), name,
			    node)
	{
		const char *hex =
			json_string_value(json_object_get(node, "key"));

		if (!hex || ax_unhex(&key, hex) < 0 ||
		    ax_store_record_text(c->store, &key, &text, &n, NULL) != 1)
			continue;
		free(text);
		return ax_err_set(err, AX_EXIT_USAGE,
				  "store %s holds results of this bundle "
				  "already (%s); give an empty store with "
				  "--store DIR to make them anew",
				  c->store_dir, name);
	}
	return 0;
}

static int
compare(const struct ax_context *c, const struct ax_run *r, struct ax_err *err)
{
	struct ax_str lines = AX_STR_INIT;
	size_t n = ax_bundle_compare(&c->bundle, r, &lines);
	int rc = 0;

	if (n)
		rc = ax_err_set(err, AX_EXIT_CLAIM,
				"%zu output%s came out otherwise than in the "
				"bundle:\n%s",
				n, n == 1 ? "" : "s", lines.buf);
	ax_str_free(&lines);
	return rc;
}

static int
run(const struct ax_args *a, struct ax_err *err)
{
	struct ax_err late = AX_ERR_INIT;
	struct ax_run_options o = {0};
	struct ax_context c;
	struct ax_run *r = NULL;
	int rc = -1;

	memset(&c, 0, sizeof(c));
	if (read_options(&o, a, err) < 0)
		goto out;
	if (repeat(a)) {
		rc = 0;
		goto out;
	}
	if (ax_context_open(&c, a, a->operands[0], AX_CONTEXT_WRITE, err) < 0)
		goto out;
	if (ax_arg_flag(a, "rebuild") && check_empty(&c, err) < 0)
		goto out;
	o.offline = c.offline;
	o.mirrors = (const char *const *)c.mirrors;
	o.nmirrors = c.nmirrors;
	o.remote = c.remote;
	o.remote_take = true;
	r = ax_run_new(c.graph, c.store, &o);
	rc = ax_run_execute(r, err);
	/* a failed run leaves its commit too; its own error is what counts */
	if (r->planned && conclude(r, a, &c, rc == 0 ? err : &late) < 0) {
		if (rc < 0)
			ax_err_wrap(err, "%s", late.text);
		rc = -1;
	}
	if (rc == 0 && ax_arg_flag(a, "rebuild"))
		rc = compare(&c, r, err);
out:
	ax_run_free(r);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_run = {
	.name = "run",
	.operands = "MANIFEST [NODE...]",
	.summary = "run what is not in the store yet",
	.text = "A node runs when the store holds no record of its key: the "
		"stage's code and version, its parameters, the digests of its "
		"inputs, its tools. Where an output comes out as before, what "
		"follows is not run. With NODE (a name, or a selector such as "
		"'evolve[wce=0.005]'), only these and what they need.\n\n"
		"Ctrl-C stops the running nodes and leaves the store whole; "
		"the "
		"next run goes on from there. A second Ctrl-C leaves at "
		"once.\n\n"
		"With --json, each line of the output is an object with "
		"\"axpipe_events\": 1 and \"event\": run-started, plan, "
		"node-started, node-progress, node-cached, node-done, "
		"node-failed, note, run-ended, claims, provenance or report.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = SIZE_MAX,
	.run = run,
};
