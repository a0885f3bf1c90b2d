/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "cache/store.h"
#include "pipeline/cli/context.h"
#include "pipeline/manifest/place.h"
#include "pipeline/results/gc_roots.h"

extern const struct ax_command ax_cmd_gc;

static void
print(const struct ax_gc_result *g, size_t nroots, bool dry_run)
{
	printf("%s %" PRIu64 " records, %" PRIu64 " objects, %" PRIu64
	       " leftover folders and files: %.1f MiB\n",
	       dry_run ? "would remove" : "removed", g->records, g->objects,
	       g->work, (double)g->bytes / 1048576);
	printf("%s %" PRIu64 " records, %" PRIu64 " objects: %.1f MiB (%zu "
	       "keys named by past runs)\n",
	       dry_run ? "would keep" : "kept", g->kept_records,
	       g->kept_objects, (double)g->kept_bytes / 1048576, nroots);
}

struct asked {
	const char *dir;
	size_t runs, n;
};

static int
find_roots(void *arg, struct ax_digest **out, size_t *n, struct ax_err *err)
{
	struct asked *q = arg;
	int rc = ax_gc_roots(q->dir, q->runs, out, n, err);

	q->n = rc == 0 ? *n : 0;
	return rc;
}

/* How much stays when the last `runs` of each manifest count. */
static int
would_keep(struct ax_store *s, struct ax_gc_options o, struct asked *q,
	   size_t runs, uint64_t *bytes, struct ax_err *err)
{
	struct ax_gc_result g;

	o.dry_run = true;
	q->runs = runs;
	if (ax_store_gc(s, &o, &g, err) < 0)
		return -1;
	*bytes = g.kept_bytes;
	return 0;
}

/* The most of the newest runs of each manifest whose objects fit into `max`
 * bytes, into q->runs; 1 when not even the last do. */
static int
fit(struct ax_store *s, const struct ax_gc_options *o, struct asked *q,
    uint64_t max, struct ax_err *err)
{
	size_t most = q->runs, low = 1, high;
	uint64_t bytes = 0, all;

	if (would_keep(s, *o, q, most, &all, err) < 0)
		return -1;
	if (all <= max) {
		q->runs = most;
		return 0;
	}
	/* a number of runs that is too much, then halve the way to it */
	for (high = 2;; high *= 2) {
		if (would_keep(s, *o, q, high, &bytes, err) < 0)
			return -1;
		if (bytes > max || high > 1000000)
			break;
		low = high;
	}
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (would_keep(s, *o, q, mid, &bytes, err) < 0)
			return -1;
		if (bytes > max)
			high = mid;
		else
			low = mid;
	}
	q->runs = low;
	return 0;
}

static int
run(const struct ax_args *a, struct ax_err *err)
{
	const char *size = ax_arg_str(a, "max-size");
	uint64_t max = 0;
	struct ax_gc_options o = {0};
	double days = ax_arg_num(a, "age", 7), runs;
	struct asked q;
	struct ax_gc_result g;
	struct ax_store *s;
	int rc;

	runs = ax_arg_num(a, "runs", 0);
	if (!(days >= 0 && days <= 100000))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--age wants a number of days that is not "
				  "negative");
	if (ax_arg_flag(a, "runs") &&
	    (!(runs >= 1 && runs <= 1000000) || ax_arg_flag(a, "all")))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--runs wants how many of the last runs "
				  "count, 1 or more; that none does is --all, "
				  "alone");
	if (size && (ax_memory_parse(&max, size) < 0 || ax_arg_flag(a, "all")))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--max-size %s: wants a size such as \"20 "
				  "GiB\", and past runs to choose from (no "
				  "--all)",
				  size);
	o.dry_run = ax_arg_flag(a, "dry-run");
	o.min_age = days * 86400;
	if (ax_context_open_store(&s, a, o.dry_run, err) < 0)
		return -1;
	q = (struct asked){ax_store_dir(s), (size_t)runs, 0};
	if (!ax_arg_flag(a, "all"))
		o.find_roots = find_roots;
	o.arg = &q;
	rc = size ? fit(s, &o, &q, max, err) : 0;
	if (rc == 0)
		rc = ax_store_gc(s, &o, &g, err);
	if (rc == 0) {
		print(&g, q.n, o.dry_run);
		if (size && q.runs)
			printf("the last %zu run%s of each manifest count%s\n",
			       q.runs, q.runs == 1 ? "" : "s",
			       g.kept_bytes > max
				       ? "; the rest that is above --max-size "
					 "is pinned, young (--age) or theirs"
				       : "");
	}
	ax_store_close(s);
	return rc;
}

static const struct ax_option options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"age", 0, AX_OPT_NUMBER, "DAYS",
	 "what is younger stays (default 7; 0: nothing is too young)"},
	{"runs", 0, AX_OPT_NUMBER, "N",
	 "only the last N runs of each manifest count (default: all)"},
	{"max-size", 0, AX_OPT_STRING, "SIZE",
	 "of the newest runs of each manifest, as many count as fit (\"20 "
	 "GiB\")"},
	{"all", 0, AX_OPT_FLAG, NULL, "past runs do not count at all"},
	{"dry-run", 'n', AX_OPT_FLAG, NULL, "say what would be removed"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

const struct ax_command ax_cmd_gc = {
	"gc",
	"",
	"remove from the store what nothing needs",
	"Keeps the records that past runs name (the store's runs.git, every "
	"manifest's branch), that a file in the store's pins folder names, or "
	"that are younger than --age days; keeps the objects that those "
	"records name; removes the rest, together with work folders of killed "
	"and failed nodes, quarantined objects and clones of git inputs of "
	"that age.\n\n"
	"A pin is a file pins/NAME in the store, with the digest of an object "
	"or the key of a record on each line.\n\n"
	"Nothing is lost for good: what is removed is made or fetched again by "
	"the run that needs it. Other axpipe processes must not use the store "
	"meanwhile.",
	options,
	false,
	0,
	0,
	run,
};
