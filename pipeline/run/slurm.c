/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/slurm.h"

#include <sys/wait.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"

#define PATIENCE 60.0 /* seconds for one answer */
#define MAX_ANSWER ((size_t)64 << 20)
#define MAX_CANCEL 200 /* ids on one command line */

/* 0 and its output; 1 it ended badly, with what it said in err; -1 could not
 * be started or did not answer. */
static int
ask(struct ax_str *out, const char *const *argv, struct ax_err *err)
{
	struct ax_str said = AX_STR_INIT;
	int status, rc;
	size_t n;

	said.max = 4000;
	out->max = MAX_ANSWER;
	rc = ax_run(&status, argv, NULL, NULL, out, &said, false, PATIENCE,
		    err);
	if (rc == 0 && out->over)
		rc = ax_err_set(err, AX_EXIT_ENV, "%s: too long an answer",
				argv[0]);
	if (rc == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		n = said.len;
		while (n && (said.buf[n - 1] == '\n' || said.buf[n - 1] == ' '))
			n--;
		ax_err_set(err, AX_EXIT_ENV, "%s: %.*s", argv[0],
			   n ? (int)n : 30,
			   n ? said.buf : "failed without a word");
		rc = 1;
	}
	ax_str_free(&said);
	return rc;
}

int
ax_slurm_site(unsigned *max_array, unsigned *node_cpus, const char *partition,
	      struct ax_err *err)
{
	static const char *const programs[] = {"sbatch", "squeue", "scancel",
					       "scontrol", "sinfo"};
	const char *config[] = {"scontrol", "show", "config", NULL};
	const char *info[] = {
		"sinfo",   "-h", "-o", "%c", partition ? "-p" : NULL,
		partition, NULL};
	struct ax_str out = AX_STR_INIT;
	char *p;
	int rc;

	for (size_t i = 0; i < AX_LEN(programs); i++) {
		p = ax_which(programs[i], false);
		if (!p)
			return ax_err_set(err, AX_EXIT_ENV,
					  "--executor slurm needs %s on PATH "
					  "(Debian package slurm-client)",
					  programs[i]);
		free(p);
	}
	*max_array = 1;
	*node_cpus = 1;
	rc = ask(&out, config, err);
	if (rc == 0) {
		p = out.buf ? strstr(out.buf, "MaxArraySize") : NULL;
		p = p ? strchr(p, '=') : NULL;
		if (p)
			*max_array = (unsigned)AX_MAX(
				AX_MIN(strtoul(p + 1, NULL, 10), 4000001ul),
				1ul);
		ax_str_clear(&out);
		rc = ask(&out, info, err);
	}
	if (rc == 0) {
		unsigned long least = 0, n;

		for (p = out.buf; p && *p;
		     p += strcspn(p, "\n"), p += *p != 0) {
			n = strtoul(p, NULL, 10);
			if (n && (!least || n < least))
				least = n;
		}
		if (least)
			*node_cpus = (unsigned)AX_MIN(least, 65536ul);
		else
			rc = ax_err_set(err, AX_EXIT_ENV,
					"sinfo names no node%s%s; is the "
					"partition's name right?",
					partition ? " in partition " : "",
					partition ? partition : "");
	}
	ax_str_free(&out);
	return rc ? -1 : 0;
}

/* What passes by itself: the controller is away or busy, or too much of ours
 * is in the queue. */
static bool
passing(const char *text)
{
	static const char *const words[] = {
		"Unable to contact slurm controller",
		"Socket timed out",
		"Zero Bytes were transmitted",
		"Connection refused",
		"temporarily unable to accept job",
		"Resource temporarily unavailable",
		"Slurm temporarily",
		"Job violates accounting/QOS policy",
		"Message receive failure",
		"Unexpected message received",
		"still running after", /* PATIENCE was over */
		"Slurm backup controller in standby mode",
	};

	for (size_t i = 0; i < AX_LEN(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

int
ax_slurm_submit(char id[32], const struct ax_slurm_request *q,
		struct ax_err *err)
{
	const char **argv = ax_calloc(q->nargs + 32, sizeof(*argv));
	struct ax_str out = AX_STR_INIT;
	struct ax_err local = AX_ERR_INIT;
	char *owned[8];
	size_t n = 0, k = 0, len;
	int rc;

	argv[n++] = "sbatch";
	argv[n++] = "--parsable";
	argv[n++] = "--no-requeue";
	argv[n++] = "--export=NONE";
	argv[n++] = "--nodes=1";
	argv[n++] = "--ntasks=1";
	argv[n++] = owned[k++] = ax_asprintf("--job-name=%s", q->name);
	argv[n++] = owned[k++] = ax_asprintf("--cpus-per-task=%u", q->cpus);
	argv[n++] = owned[k++] = ax_asprintf("--chdir=%s", q->dir);
	argv[n++] = q->count > 1 ? "--output=said.%a" : "--output=said.0";
	if (q->memory)
		argv[n++] = owned[k++] = ax_asprintf(
			"--mem=%" PRIu64 "M",
			AX_MAX((q->memory + 1048575) / 1048576, (uint64_t)1));
	if (q->seconds > 0)
		argv[n++] = owned[k++] = ax_asprintf(
			"--time=%lu", (unsigned long)((q->seconds + 59) / 60));
	if (q->count > 1)
		argv[n++] = owned[k++] =
			ax_asprintf("--array=0-%u", q->count - 1);
	if (q->partition)
		argv[n++] = owned[k++] =
			ax_asprintf("--partition=%s", q->partition);
	for (size_t i = 0; i < q->nargs; i++)
		argv[n++] = q->args[i];
	argv[n++] = q->script;
	rc = ask(&out, argv, &local);
	if (rc == 0) {
		/* "123", or "123;cluster" */
		len = out.buf ? strspn(out.buf, "0123456789") : 0;
		if (len == 0 || len > 20) {
			rc = -1;
			ax_err_set(&local, AX_EXIT_ENV,
				   "sbatch answered no job number: %.80s",
				   out.buf ? out.buf : "");
		} else {
			memcpy(id, out.buf, len);
			id[len] = '\0';
		}
	} else {
		rc = passing(local.text) ? 1 : -1;
	}
	if (rc != 0 && err)
		*err = local;
	while (k)
		free(owned[--k]);
	free(argv);
	ax_str_free(&out);
	return rc;
}

static enum ax_slurm_state
meaning(const char *word, const char *reason)
{
	static const struct {
		const char *word;
		enum ax_slurm_state state;
	} words[] = {
		{"PENDING", AX_SLURM_QUEUED},
		{"REQUEUED", AX_SLURM_QUEUED},
		{"REQUEUE_FED", AX_SLURM_QUEUED},
		{"REQUEUE_HOLD", AX_SLURM_STUCK},
		{"SPECIAL_EXIT", AX_SLURM_STUCK},
		{"COMPLETED", AX_SLURM_COMPLETED},
		{"FAILED", AX_SLURM_FAILED},
		{"TIMEOUT", AX_SLURM_LIMIT},
		{"DEADLINE", AX_SLURM_LIMIT},
		{"OUT_OF_MEMORY", AX_SLURM_LIMIT},
		{"NODE_FAIL", AX_SLURM_INFRA},
		{"BOOT_FAIL", AX_SLURM_INFRA},
		{"PREEMPTED", AX_SLURM_INFRA},
		{"REVOKED", AX_SLURM_INFRA},
		{"CANCELLED", AX_SLURM_CANCELLED},
	};

	for (size_t i = 0; i < AX_LEN(words); i++)
		/* sacct: "CANCELLED by 1000" */
		if (ax_starts(word, words[i].word) &&
		    (word[strlen(words[i].word)] == '\0' ||
		     word[strlen(words[i].word)] == ' ')) {
			if (words[i].state == AX_SLURM_QUEUED &&
			    (strstr(reason, "requeued held") ||
			     strstr(reason, "NeverSatisfied")))
				return AX_SLURM_STUCK;
			return words[i].state;
		}
	/* RUNNING, SUSPENDED, CONFIGURING, COMPLETING, and what a newer Slurm
	 * may call it: it is there */
	return AX_SLURM_ALIVE;
}

static char *
field(char **p, char stop)
{
	char *start = *p, *end = start ? strchr(start, stop) : NULL;

	if (!start)
		return NULL;
	if (end) {
		*end = '\0';
		*p = end + 1;
	} else {
		*p = NULL;
	}
	return start;
}

/* "12|N/A|RUNNING|None|axp-..." */
static void
take_row(struct ax_slurm_queue *q, char *line)
{
	char *job = field(&line, '|'), *task = field(&line, '|');
	char *word = field(&line, '|'), *reason = field(&line, '|'), *key;
	struct ax_slurm_row *r;
	bool array;

	if (!job || !task || !word || !reason || !line ||
	    !ax_starts(line, "axp-"))
		return;
	array = strspn(task, "0123456789") == strlen(task) && *task;
	r = ax_calloc(1, sizeof(*r));
	snprintf(r->word, sizeof(r->word), "%s", word);
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	r->state = meaning(word, reason);
	snprintf(r->id, sizeof(r->id), array ? "%s_%s" : "%s", job, task);
	key = ax_asprintf("%s/%s", line, array ? task : "0");
	AX_GROW(q->rows, q->n, q->cap);
	q->rows[q->n++] = r;
	ax_map_set(&q->by_name, key, r);
	free(key);
}

int
ax_slurm_look(struct ax_slurm_queue *out, struct ax_err *err)
{
	static const char *const argv[] = {
		"squeue",         "-r", "-h", "-t", "all", "--me", "-o",
		"%F|%K|%T|%r|%j", NULL};
	struct ax_str text = AX_STR_INIT;
	char *p, *line;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = ask(&text, argv, err);
	p = rc == 0 && text.buf ? text.buf : NULL;
	while ((line = field(&p, '\n')) != NULL)
		take_row(out, line);
	ax_str_free(&text);
	return rc ? 1 : 0;
}

const struct ax_slurm_row *
ax_slurm_find(const struct ax_slurm_queue *q, const char *name, unsigned index)
{
	char *key = ax_asprintf("%s/%u", name, index);
	const struct ax_slurm_row *r = ax_map_get(&q->by_name, key);

	free(key);
	return r;
}

void
ax_slurm_queue_free(struct ax_slurm_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->rows[i]);
	free(q->rows);
	ax_map_free(&q->by_name);
	memset(q, 0, sizeof(*q));
}

enum ax_slurm_state
ax_slurm_account(const char *id)
{
	/* the window of sacct starts at midnight unless told otherwise */
	const char *argv[] = {"sacct", "-X",    "-n", "-P", "-S", "now-30days",
			      "-o",    "State", "-j", id,   NULL};
	struct ax_str out = AX_STR_INIT;
	enum ax_slurm_state state = AX_SLURM_ABSENT;
	char *program = ax_which("sacct", false), *p;

	if (program && ask(&out, argv, NULL) == 0 && out.buf && *out.buf) {
		p = out.buf;
		state = meaning(field(&p, '\n'), "");
	}
	free(program);
	ax_str_free(&out);
	return state;
}

int
ax_slurm_cancel(const char *const *ids, size_t n, bool names,
		struct ax_err *err)
{
	const char *argv[MAX_CANCEL + 3];
	struct ax_str out = AX_STR_INIT;
	int rc = 0;

	for (size_t i = 0, k; i < n && rc >= 0; i += k) {
		size_t c = 0;
		char *name = NULL;

		argv[c++] = "scancel";
		k = names ? 1 : AX_MIN(n - i, (size_t)MAX_CANCEL);
		if (names)
			argv[c++] = name = ax_asprintf("--name=%s", ids[i]);
		for (size_t m = 0; !names && m < k; m++)
			argv[c++] = ids[i + m];
		argv[c] = NULL;
		ax_str_clear(&out);
		rc = ask(&out, argv, err);
		free(name);
	}
	ax_str_free(&out);
	return rc ? -1 : 0;
}
