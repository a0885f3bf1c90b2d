/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/store.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/runs_check.h"

extern const struct ax_command ax_cmd_fsck;

static void
print(void *arg, const char *line)
{
	(void)arg;
	printf("%s\n", line);
}

static int
run(const struct ax_args *a, struct ax_err *err)
{
	bool repair = ax_arg_flag(a, "repair");
	struct ax_fsck_result f;
	struct ax_store *s;
	uint64_t bad, runs = 0;
	int rc;

	if (ax_context_open_store(&s, a, !repair, err) < 0)
		return -1;
	rc = ax_store_fsck(s, repair, print, NULL, &f, err);
	if (rc == 0)
		rc = ax_runs_check(s, repair, print, NULL, &runs, err);
	if (rc == 0) {
		printf("%" PRIu64 " objects (%.1f MiB) and %" PRIu64
		       " records checked\n",
		       f.objects, (double)f.bytes / 1048576, f.records);
		bad = f.corrupt + f.missing + f.bad_records + runs;
		if (bad) {
			printf("%" PRIu64 " corrupt objects, %" PRIu64
			       " missing, %" PRIu64 " bad records, %" PRIu64
			       " faults in past runs%s\n",
			       f.corrupt, f.missing, f.bad_records, runs,
			       repair ? "; repaired: the next run makes again "
					"what it needs"
				      : "");
			if (!repair)
				rc = ax_err_set(
					err, AX_EXIT_ENV,
					"store %s: damaged; `axpipe fsck "
					"--repair` sets the damage aside, and "
					"the next run makes it anew",
					ax_store_dir(s));
		}
	}
	ax_store_close(s);
	return rc;
}

static const struct ax_option options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"repair", 0, AX_OPT_FLAG, NULL,
	 "set corrupt objects aside and drop the records that need them"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

const struct ax_command ax_cmd_fsck = {
	"fsck",
	"",
	"check the store",
	"Hashes every object of the store, reads every record and checks that "
	"what the records name is there, and that git can read the past runs. "
	"Each finding is a line. Ends with 3 "
	"when something is wrong.\n\n"
	"With --repair, corrupt objects and records go to the store's "
	"quarantine folder, and records that need a missing object are "
	"dropped: the next run makes again what it needs. A manifest whose "
	"last run cannot be read goes on from its newest that can.",
	options,
	false,
	0,
	0,
	run,
};
