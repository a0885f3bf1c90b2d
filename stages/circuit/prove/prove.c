/* SPDX-License-Identifier: Apache-2.0 */
/* Stage prove: the question, ABC, and a check of what it answers. */
#include <sys/wait.h>

#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/sim.h"
#include "stages/circuit/prove/miter.h"
#include "stages/kit/kit.h"

#define QUESTION "tmp/question.blif"
#define ANSWER "tmp/answer.cex"
#define MAX_LOG (1u << 20)

enum verdict { PROVED, REFUTED, UNKNOWN };
static const char *const verdicts[] = {"PROVED", "REFUTED", "UNKNOWN"};

struct prove {
	struct ax_task *task;
	struct ax_netlist *net, *reference;
	struct miter m;
	enum verdict verdict;
	const char *method; /* of a verdict */
	char reason[256];
	uint64_t a, b; /* of a counterexample */
	struct ax_str log;
};

/* --- numbers ------------------------------------------------------------- */

static char *
decimal(__int128 v, char *out, size_t size)
{
	unsigned __int128 u =
		v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
	size_t at = size;

	out[--at] = 0;
	do {
		out[--at] = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u && at > 1);
	if (v < 0)
		out[--at] = '-';
	return out + at;
}

static int64_t
operand(const struct prove *p, uint64_t bits, unsigned width)
{
	if (p->m.sign && bits >> (width - 1) & 1)
		return (int64_t)bits - ((int64_t)1 << width);
	return (int64_t)bits;
}

/* --- ABC ----------------------------------------------------------------- */

/* The counterexample: a row of 0 and 1, inputs in their order. */
static int
read_answer(struct prove *p, struct ax_err *err)
{
	unsigned n = p->m.ports.n, m = p->m.ports.m;
	char *text;
	size_t len;

	if (ax_read_file(&text, &len, ANSWER, MAX_LOG, err) < 0)
		return ax_err_wrap(err, "ABC found the bound broken, but left "
					"no counterexample");
	if (len < n + m || strspn(text, "01") < n + m) {
		free(text);
		return ax_err_set(err, AX_EXIT_STAGE,
				  "ABC's counterexample cannot be read");
	}
	for (unsigned i = 0; i < n + m; i++)
		if (text[i] == '1') {
			if (i < n)
				p->a |= (uint64_t)1 << i;
			else
				p->b |= (uint64_t)1 << (i - n);
		}
	free(text);
	return 0;
}

static int
ask(struct prove *p, double timeout, struct ax_err *err)
{
	double began = ax_now();
	const char *argv[] = {ax_task_tool(p->task, "abc"), "-q",
			      "read_blif " QUESTION
			      "; strash; ifraig; iprove; write_cex " ANSWER,
			      NULL};
	struct ax_err why = AX_ERR_INIT;
	int status = 0;

	p->method = "ABC";
	p->log.max = MAX_LOG;
	if (ax_run(&status, argv, NULL, NULL, &p->log, NULL, true, timeout,
		   &why) < 0) {
		if (ax_now() - began < timeout) {
			*err = why;
			return -1;
		}
		p->verdict = UNKNOWN;
		snprintf(p->reason, sizeof(p->reason), "no answer within %g s",
			 timeout);
		return 0;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		char text[64];

		p->verdict = UNKNOWN;
		snprintf(p->reason, sizeof(p->reason), "ABC ended with %s",
			 ax_status_text(text, sizeof(text), status));
	} else if (p->log.buf && strstr(p->log.buf, "UNSATISFIABLE")) {
		p->verdict = PROVED;
	} else if (p->log.buf && strstr(p->log.buf, "SATISFIABLE")) {
		p->verdict = REFUTED;
		return read_answer(p, err);
	} else {
		p->verdict = UNKNOWN;
		snprintf(p->reason, sizeof(p->reason), "ABC gave no answer");
	}
	return 0;
}

/* --- all pairs ----------------------------------------------------------- */

/* Beyond this many input bits a verdict of ABC is not checked by all pairs. */
enum { CHECKED = 20 };

/* 2^bits pairs, `words` words of them in each row. */
static void
fill_rows(uint64_t *rows, unsigned bits, size_t words, size_t first)
{
	for (unsigned i = 0; i < bits; i++)
		for (size_t w = 0; w < words; w++)
			rows[i * words + w] =
				i < 6 ? ax_tt_var(i)
				      : (uint64_t)0 -
						((first + w) >> (i - 6) & 1);
}

/*
 * What SAT cannot decide, patience can: the question is simulated for every
 * pair of operands, or until the time is over.
 */
static int
try_all(struct prove *p, const struct ax_netlist *question, double timeout,
	struct ax_err *err)
{
	unsigned n = p->m.ports.n, bits = n + p->m.ports.m;
	size_t words = (size_t)1 << 14, all = (size_t)1 << (bits - 6), w = 0;
	double began = ax_now();
	uint64_t *in, *out, pair;
	struct ax_sim *sim;

	words = AX_MIN(words, all);
	if (ax_sim_new(&sim, question, err) < 0)
		return -1;
	in = ax_aligned(bits * words, sizeof(*in));
	out = ax_aligned(words, sizeof(*out));
	p->method = "all pairs";
	p->verdict = PROVED;
	for (size_t at = 0; at < all && p->verdict == PROVED; at += words) {
		if (ax_now() - began > timeout) {
			p->verdict = UNKNOWN;
			snprintf(p->reason, sizeof(p->reason),
				 "ABC gave no answer, and within %g s only "
				 "%.1f %% of all pairs were simulated",
				 timeout, 100 * (double)at / (double)all);
			break;
		}
		fill_rows(in, bits, words, at);
		ax_sim_run(sim, ax_task_pool(p->task), in, out, words);
		for (w = 0; w < words && !out[w];)
			w++;
		if (w < words) {
			p->verdict = REFUTED;
			pair = (at + w) * 64 +
			       (unsigned)__builtin_ctzll(out[w]);
			p->a = pair & (((uint64_t)1 << n) - 1);
			p->b = pair >> n;
		}
		ax_task_progress(p->task, (double)(at + words), (double)all,
				 "all pairs are simulated");
	}
	ax_sim_free(sim);
	free(in);
	free(out);
	return 0;
}

/* --- checks -------------------------------------------------------------- */

/* A counterexample must show what it claims. */
static int
check_answer(const struct prove *p, __int128 *got, __int128 *want,
	     struct ax_err *err)
{
	__int128 e;

	miter_at(&p->m, p->a, p->b, got, want);
	e = *got - *want;
	if (e < 0)
		e = -e;
	if (e > (__int128)p->m.bound)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "the counterexample A = %" PRId64 ", B = %" PRId64
			  " does not break the bound when it is simulated",
			  operand(p, p->a, p->m.ports.n),
			  operand(p, p->b, p->m.ports.m));
}

/* All pairs, where they are few enough. */
static int
simulate(struct prove *p, struct ax_err *err)
{
	unsigned n = p->m.ports.n, m = p->m.ports.m;
	struct ax_lut got = {0}, want = {0};
	struct ax_lut_metrics q;
	int rc = -1;

	ax_task_metric_str(p->task, "simulated", "not run");
	if (n + m > AX_MIN((unsigned)ax_task_int(p->task, "simulate"),
			   (unsigned)CHECKED) ||
	    n > AX_LUT_MAX_BITS || m > AX_LUT_MAX_BITS || p->m.ports.width > 31)
		return 0;
	if (ax_lut_from_netlist(&got, p->net, p->m.sign, NULL, NULL, NULL,
				ax_task_pool(p->task), err) == 0 &&
	    (p->reference ? ax_lut_from_netlist(&want, p->reference, p->m.sign,
						NULL, NULL, NULL,
						ax_task_pool(p->task), err)
			  : ax_lut_exact(&want, p->m.op, n, m, p->m.sign,
					 err)) == 0 &&
	    ax_lut_measure(&q, &got, &want, p->m.op, err) == 0) {
		rc = 0;
		if ((p->verdict == PROVED && q.wce > p->m.bound) ||
		    (p->verdict == REFUTED && q.wce <= p->m.bound))
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"ABC says %s, but over all pairs the "
					"largest error is %" PRIu64
					" (bound %" PRIu64 ")",
					verdicts[p->verdict], q.wce,
					p->m.bound);
		ax_task_metric_str(p->task, "simulated", "agrees");
		ax_task_metric_int(p->task, "simulated_wce", (int64_t)q.wce);
		if (p->verdict == UNKNOWN)
			ax_task_metric_str(p->task, "simulated",
					   q.wce <= p->m.bound
						   ? "keeps the bound"
						   : "breaks the bound");
	}
	if (got.v)
		ax_lut_free(&got);
	if (want.v)
		ax_lut_free(&want);
	return rc;
}

/* --- the stage ----------------------------------------------------------- */

static int
load(struct prove *p, const char *input, const struct ax_liberty *lib,
     struct ax_netlist **net, struct ax_lut_ports *ports, struct ax_err *err)
{
	struct ax_str warn = AX_STR_INIT;
	int rc;

	rc = ax_netlist_load(net, ax_task_in(p->task, input), AX_NET_AUTO, lib,
			     &warn, err);
	if (warn.len)
		fputs(warn.buf, stderr);
	ax_str_free(&warn);
	if (rc == 0)
		rc = ax_lut_find_ports(ports, *net, NULL, NULL, NULL, err);
	return rc < 0 ? ax_err_wrap(err, "input %s", input) : 0;
}

static int
report(struct prove *p, struct ax_err *err)
{
	struct ax_task *t = p->task;
	struct ax_str s = AX_STR_INIT;
	__int128 got, want;
	char text[2][64];
	int rc;

	ax_str_addf(&s, "|result - exact| <= %" PRIu64 ": %s\n", p->m.bound,
		    verdicts[p->verdict]);
	ax_task_metric_str(t, "verdict", verdicts[p->verdict]);
	ax_task_metric_int(t, "wce", (int64_t)p->m.bound);
	if (p->verdict != UNKNOWN) {
		ax_task_metric_str(t, "method", p->method);
		ax_str_addf(&s, "by: %s\n", p->method);
	}
	if (p->verdict == UNKNOWN) {
		ax_str_addf(&s, "because: %s\n", p->reason);
		ax_task_metric_str(t, "reason", p->reason);
	}
	if (p->verdict == REFUTED) {
		const char *g, *w;

		if (check_answer(p, &got, &want, err) < 0)
			return -1;
		g = decimal(got, text[0], sizeof(text[0]));
		w = decimal(want, text[1], sizeof(text[1]));
		ax_task_metric_int(t, "counterexample.a",
				   operand(p, p->a, p->m.ports.n));
		ax_task_metric_int(t, "counterexample.b",
				   operand(p, p->b, p->m.ports.m));
		ax_task_metric_str(t, "counterexample.got", g);
		ax_task_metric_str(t, "counterexample.exact", w);
		ax_str_addf(&s,
			    "A = %" PRId64 ", B = %" PRId64
			    ": %s, exact %s (simulated)\n",
			    operand(p, p->a, p->m.ports.n),
			    operand(p, p->b, p->m.ports.m), g, w);
	}
	if (simulate(p, err) < 0) {
		ax_str_free(&s);
		return -1;
	}
	rc = ax_write_plain(ax_task_out(t, "report"), s.buf, s.len, err);
	fputs(s.buf, stderr);
	ax_str_free(&s);
	return rc;
}

static int
prove(struct prove *p, const struct ax_liberty *lib, struct ax_err *err)
{
	double timeout = ax_task_num(p->task, "timeout");
	struct ax_netlist *question = NULL;
	struct ax_str text = AX_STR_INIT;
	unsigned bits;
	bool all;
	int rc;

	if (load(p, "netlist", lib, &p->net, &p->m.ports, err) < 0)
		return -1;
	p->m.net = p->net;
	if (ax_task_in(p->task, "reference")) {
		if (load(p, "reference", lib, &p->reference,
			 &p->m.reference_ports, err) < 0)
			return -1;
		p->m.reference = p->reference;
	}
	if (miter_build(&question, &p->m, err) < 0)
		return -1;
	ax_task_metric_int(p->task, "nodes", (int64_t)question->nodes);
	bits = p->m.ports.n + p->m.ports.m;
	all = bits >= 6 && bits <= (unsigned)ax_task_int(p->task, "simulate");
	rc = ax_netlist_write_blif(&text, question, false, err);
	if (rc == 0)
		rc = ax_write_plain(QUESTION, text.buf, text.len, err);
	ax_str_free(&text);
	if (rc == 0)
		rc = ask(p, all ? timeout / 4 : timeout, err);
	if (rc == 0 && p->verdict == UNKNOWN && all)
		rc = try_all(p, question, timeout * 3 / 4, err);
	ax_netlist_free(question);
	if (p->log.buf)
		fputs(p->log.buf, stderr);
	return rc < 0 ? -1 : report(p, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	const char *lib_path = ax_task_in(t, "liberty");
	struct prove p = {.task = t};
	struct ax_liberty lib;
	int rc;

	p.m.op =
		ax_streq(ax_task_str(t, "op"), "add") ? AX_LUT_ADD : AX_LUT_MUL;
	p.m.sign = ax_task_bool(t, "signed");
	p.m.bound = (uint64_t)ax_task_int(t, "wce");
	if (lib_path && ax_liberty_load(&lib, lib_path, err) < 0)
		return -1;
	rc = prove(&p, lib_path ? &lib : NULL, err);
	ax_netlist_free(p.net);
	ax_netlist_free(p.reference);
	ax_str_free(&p.log);
	if (lib_path)
		ax_liberty_free(&lib);
	return rc;
}
