/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSTA on a mapped netlist. The program exits 0 whatever happens, so a run
 * counts only when its script came to the last line; numbers come over marked
 * lines, in seconds and watts, never from a table meant for people.
 */
#include <math.h>
#include <sys/wait.h>

#include "stages/eda/tools/tool.h"

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/proc.h"

#define SCRIPT "tmp/sta.tcl"
#define MARK "@@AX "
#define NAME_MAX_ 256

struct endpoint {
	char end[NAME_MAX_], start[NAME_MAX_];
	double slack, arrival, required; /* ns */
};

struct check {
	const char *name;
	struct endpoint *p;
	size_t n, cap;
	double negative; /* sum of negative slacks, ns */
	size_t violated;
};

struct result {
	struct check setup, hold;
	double power[4]; /* W: internal, switching, leakage, total */
	double period;   /* ns, of the only clock; nan */
	bool done, powered;
	struct ax_str report, path;
	size_t stages;
};

static const char reporting[] =
	"proc ax_ends {check delay} {\n"
	"  foreach e [find_timing_paths -path_delay $delay -group_count 100000 "
	"-endpoint_count 1] {\n"
	"    puts \"" MARK
	"END $check [get_full_name [get_property $e endpoint]] [get_full_name "
	"[get_property $e startpoint]] [$e slack] [$e data_arrival_time] [$e "
	"data_required_time]\"\n"
	"  }\n"
	"}\n"
	"ax_ends setup max\n"
	"ax_ends hold min\n"
	"set clocks [all_clocks]\n"
	"if {[llength $clocks] == 1} {\n"
	"  puts \"" MARK "PERIOD [get_property [lindex $clocks 0] period]\"\n"
	"}\n"
	"puts \"" MARK "POWER [sta::design_power [sta::cmd_corner]]\"\n"
	"puts \"" MARK "PATH\"\n"
	"report_checks -path_delay max -fields {slew} -digits 6\n"
	"puts \"" MARK "REPORT\"\n"
	"puts \"Units: ns, pF; power in W\"\n"
	"puts \"\\n== Setup: the worst paths\"\n"
	"report_checks -path_delay max -format full -fields {slew cap nets} "
	"-digits 4 -group_count $ax_paths -endpoint_count 1\n"
	"puts \"\\n== Hold: the worst path\"\n"
	"report_checks -path_delay min -format full -digits 4\n"
	"puts \"\\n== Slack of each endpoint, setup\"\n"
	"report_checks -path_delay max -format end -digits 4 -group_count "
	"100000 -endpoint_count 1\n"
	"puts \"== Slack of each endpoint, hold\"\n"
	"report_checks -path_delay min -format end -digits 4 -group_count "
	"100000 -endpoint_count 1\n"
	"puts \"== Power\"\n"
	"report_power -digits 4\n"
	"puts \"" MARK "DONE\"\n";

/* The constraints from the parameters. */
static void
add_constraints(struct ax_str *s, struct ax_task *t)
{
	static const char *const delay[][2] = {
		{"input_delay_max", "set_input_delay -max %.9g -clock clk "
				    "[all_inputs]\n"},
		{"input_delay_min", "set_input_delay -min %.9g -clock clk "
				    "[all_inputs]\n"},
		{"output_delay_max", "set_output_delay -max %.9g -clock clk "
				     "[all_outputs]\n"},
		{"output_delay_min", "set_output_delay -min %.9g -clock clk "
				     "[all_outputs]\n"}};

	ax_str_addf(s,
		    "create_clock -name clk -period %.9g\n"
		    "set_clock_uncertainty %.9g [get_clocks clk]\n",
		    ax_task_num(t, "clock_period"),
		    ax_task_num(t, "uncertainty"));
	for (size_t i = 0; i < AX_LEN(delay); i++)
		ax_str_addf(s, delay[i][1], ax_task_num(t, delay[i][0]));
	ax_str_addf(s, "set_load %.9g [all_outputs]\n", ax_task_num(t, "load"));
}

static int
write_script(struct ax_task *t, struct ax_str *constraints, struct ax_err *err)
{
	const char *sdc = ax_task_in(t, "sdc"), *top;
	struct ax_str s = AX_STR_INIT;
	int rc;

	if (ax_tool_ident(t, "top", &top, err) < 0)
		return -1;
	add_constraints(constraints, t);
	ax_str_addf(&s,
		    "set ax_paths %lld\n"
		    "puts \"" MARK "BEGIN\"\n"
		    "read_liberty %s\n"
		    "puts \"" MARK "LIBERTY\"\n"
		    "read_verilog %s\n"
		    "link_design %s\n"
		    "puts \"" MARK "LINKED\"\n",
		    (long long)ax_task_int(t, "paths"),
		    ax_task_in(t, "liberty"), ax_task_in(t, "netlist"), top);
	/* numbers of an SDC file are in the library's units; ours are not */
	if (sdc)
		ax_str_addf(&s, "read_sdc %s\n", sdc);
	ax_str_add(&s, "set_cmd_units -time ns -capacitance pF -resistance "
		       "kohm -voltage V -current mA -power mW -distance um\n");
	if (!sdc)
		ax_str_addn(&s, constraints->buf, constraints->len);
	if (ax_task_json(t, "activity"))
		ax_str_addf(&s,
			    "set_power_activity -input -activity %.9g -duty "
			    "%.9g\n",
			    ax_task_num(t, "activity"), ax_task_num(t, "duty"));
	ax_str_addf(&s, "puts \"" MARK "CONSTRAINED\"\n%s", reporting);
	rc = ax_write_plain(SCRIPT, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

/* --- what came back ------------------------------------------------------ */

static double
ns(double seconds)
{
	return ax_tool_round(seconds * 1e9, 6);
}

static int
add_endpoint(struct check *c, const char *line)
{
	struct endpoint e;
	double s, a, r;

	if (sscanf(line, "%255s %255s %lf %lf %lf", e.end, e.start, &s, &a,
		   &r) != 5)
		return -1;
	/* an endpoint without a required time has no check */
	if (!isfinite(s) || !isfinite(r) || fabs(s) > 1e3)
		return 0;
	e.slack = ns(s);
	e.arrival = ns(a);
	e.required = ns(r);
	AX_GROW(c->p, c->n, c->cap);
	c->p[c->n++] = e;
	return 0;
}

static int
by_slack(const void *va, const void *vb)
{
	const struct endpoint *a = va, *b = vb;

	if (a->slack != b->slack)
		return a->slack < b->slack ? -1 : 1;
	return strcmp(a->end, b->end);
}

static int
by_end(const void *va, const void *vb)
{
	const struct endpoint *a = va, *b = vb;
	int order = strcmp(a->end, b->end);

	return order ? order : by_slack(va, vb);
}

/* Worst first. OpenSTA lists an endpoint once for each path group it is in
 * (an SDC with set_max_delay has two): only its worst slack counts. */
static void
settle(struct check *c)
{
	size_t kept = 0;

	if (c->n == 0)
		return;
	qsort(c->p, c->n, sizeof(*c->p), by_end);
	for (size_t i = 1; i < c->n; i++)
		if (!ax_streq(c->p[i].end, c->p[kept].end))
			c->p[++kept] = c->p[i];
	c->n = kept + 1;
	qsort(c->p, c->n, sizeof(*c->p), by_slack);
	for (size_t i = 0; i < c->n && c->p[i].slack < 0; i++) {
		c->negative += c->p[i].slack;
		c->violated++;
	}
}

/* `0.19 0.38 0.43 v uv176/Z (and2_1)`: one point of the path. */
static void
add_point(struct result *r, const char *line, bool *over)
{
	char pin[NAME_MAX_], cell[NAME_MAX_], edge;
	double slew, delay, time;

	if (strstr(line, "data arrival time"))
		*over = true;
	if (*over ||
	    sscanf(line, " %lf %lf %lf %c %255s (%255[^)])", &slew, &delay,
		   &time, &edge, pin, cell) != 6 ||
	    (edge != '^' && edge != 'v'))
		return;
	if (ax_streq(cell, "in") || ax_streq(cell, "out"))
		cell[0] = '\0';
	else
		r->stages++;
	ax_str_addf(&r->path, "%s,%s,%s,%.6f,%.6f,%.6f\n", pin, cell,
		    edge == '^' ? "rise" : "fall", slew, delay, time);
}

static int
parse_mark(struct result *r, const char *line)
{
	double *p = r->power;

	if (ax_starts(line, "END setup "))
		return add_endpoint(&r->setup, line + 10);
	if (ax_starts(line, "END hold "))
		return add_endpoint(&r->hold, line + 9);
	if (ax_starts(line, "PERIOD ")) {
		/* already in ns, the unit of commands by then */
		r->period = strtod(line + 7, NULL);
		return r->period > 0 ? 0 : -1;
	}
	if (ax_starts(line, "POWER ")) {
		r->powered = sscanf(line + 6, "%lf %lf %lf %lf", &p[0], &p[1],
				    &p[2], &p[3]) == 4;
		return r->powered ? 0 : -1;
	}
	if (ax_streq(line, "DONE"))
		r->done = true;
	return 0;
}

static int
parse(struct result *r, const char *text, struct ax_err *err)
{
	enum { OTHER, PATH, REPORT } in = OTHER;
	bool over = false;
	const char *end;

	for (const char *p = text; *p; p = end + (*end == '\n')) {
		char *line;
		int rc = 0;

		end = strchrnul(p, '\n');
		line = ax_strndup(p, (size_t)(end - p));
		if (ax_starts(line, MARK)) {
			const char *what = line + strlen(MARK);

			rc = parse_mark(r, what);
			in = ax_streq(what, "PATH")     ? PATH
			     : ax_streq(what, "REPORT") ? REPORT
							: OTHER;
		} else if (in == PATH) {
			add_point(r, line, &over);
		} else if (in == REPORT) {
			ax_str_addf(&r->report, "%s\n", line);
		}
		if (rc < 0) {
			ax_err_set(err, AX_EXIT_STAGE,
				   "cannot read this line of OpenSTA's answer: "
				   "%.200s",
				   line);
			free(line);
			return -1;
		}
		free(line);
	}
	settle(&r->setup);
	settle(&r->hold);
	return 0;
}

static const char *const trouble[] = {"Error", "syntax error", NULL};
/* what follows from an earlier error */
static const char *const echo[] = {"no network has been linked", NULL};

/* Up to the first line that reports an error: OpenSTA goes on behind it. NULL
 * when there is none. Caller frees. */
static char *
until_error(const char *log)
{
	for (const char *p = log; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (ax_starts(p, "Error"))
			return ax_strndup(log, (size_t)(p - log));
	}
	return NULL;
}

/* OpenSTA only warns when an SDC file names what is not there, and goes on
 * without that constraint: timing would look met. */
static int
check_sdc(const char *log, struct ax_err *err)
{
	static const char *const absent[] = {"not found", NULL};
	const char *from = strstr(log, MARK "LINKED");
	const char *to = from ? strstr(from, MARK "CONSTRAINED") : NULL;
	struct ax_str s = AX_STR_INIT;
	char *text = to ? ax_strndup(from, (size_t)(to - from)) : NULL;
	int rc = 0;

	if (text && strstr(text, "not found")) {
		ax_tool_excerpt(&s, text, absent, NULL, 10);
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"the constraints (in/sdc) name what the design "
				"does not have\n%s",
				s.buf);
	}
	free(text);
	ax_str_free(&s);
	return rc;
}

/* How far the script came says what went wrong. */
static int
explain(struct ax_task *t, const char *log, int status, struct ax_err *err)
{
	static const char *const box[] = {"Creating black box", NULL};
	struct ax_str s = AX_STR_INIT;
	const char *where = "did not start its script", *came, *hint = "";
	char text[64], *before = until_error(log);

	if (!before && strstr(log, "Creating black box")) {
		ax_tool_excerpt(&s, log, box, NULL, 10);
		ax_err_set(err, AX_EXIT_STAGE,
			   "the netlist (in/netlist) has cells that the "
			   "library does not hold\n%s",
			   s.buf);
		goto bad;
	}
	if (!before && strstr(log, MARK "DONE"))
		return ax_task_in(t, "sdc") ? check_sdc(log, err) : 0;
	came = before ? before : log;
	if (strstr(log, "syntax error, unexpected '{'"))
		hint = "\nOpenSTA reads no {...} on the left of an assign: "
		       "write the netlist with Yosys's -simple-lhs";
	if (strstr(came, MARK "CONSTRAINED"))
		where = "failed in the analysis";
	else if (strstr(came, MARK "LINKED"))
		where = ax_task_in(t, "sdc")
				? "refuses the constraints (in/sdc)"
				: "refuses the constraints made from the "
				  "parameters";
	else if (strstr(came, MARK "LIBERTY"))
		where = "refuses the netlist (in/netlist; parameter top names "
			"its module)";
	else if (strstr(came, MARK "BEGIN"))
		where = "refuses the library (in/liberty)";
	ax_tool_excerpt(&s, log, trouble, echo, 10);
	ax_err_set(err, AX_EXIT_STAGE, "OpenSTA %s (%s)%s%s%s", where,
		   ax_status_text(text, sizeof(text), status), hint,
		   s.len ? "\n" : "", s.len ? s.buf : "");
bad:
	free(before);
	ax_str_free(&s);
	return -1;
}

/* --- what is left -------------------------------------------------------- */

static void
add_slacks(struct ax_str *s, const struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		ax_str_addf(s, "%s,%s,%s,%.6f,%.6f,%.6f\n", c->name,
			    c->p[i].end, c->p[i].start, c->p[i].slack,
			    c->p[i].arrival, c->p[i].required);
}

static int
write_outputs(struct ax_task *t, struct result *r,
	      const struct ax_str *constraints, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	const char *p, *end;
	size_t step = 0;
	int rc;

	ax_str_add(&s, "check,endpoint,startpoint,slack,arrival,required\n");
	add_slacks(&s, &r->setup);
	add_slacks(&s, &r->hold);
	rc = ax_write_plain(ax_task_out(t, "slacks"), s.buf, s.len, err);
	ax_str_clear(&s);
	ax_str_add(&s, "step,pin,cell,edge,slew,delay,arrival\n");
	for (p = r->path.buf; p && *p; p = end) {
		end = strchrnul(p, '\n') + 1;
		ax_str_addf(&s, "%zu,", step++);
		ax_str_addn(&s, p, (size_t)(end - p));
	}
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "path"), s.buf, s.len, err);
	ax_str_clear(&s);
	ax_str_add(&s, "== Constraints\n");
	if (ax_task_in(t, "sdc"))
		ax_str_add(&s, "from the SDC file given\n");
	else
		ax_str_addn(&s, constraints->buf, constraints->len);
	ax_str_addn(&s, r->report.buf, r->report.len);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "report"), s.buf, s.len,
				    err);
	ax_str_free(&s);
	return rc;
}

/* value to 7 significant digits: the tool computes in single precision */
static double
digits7(double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.6e", value);
	return strtod(text, NULL);
}

static void
metrics(struct ax_task *t, const struct result *r)
{
	const struct endpoint *w = r->setup.n ? r->setup.p : NULL;

	ax_task_metric_num(t, "wns", w ? w->slack : NAN);
	ax_task_metric_num(t, "tns", ax_tool_round(r->setup.negative, 6));
	ax_task_metric_num(t, "whs", r->hold.n ? r->hold.p->slack : NAN);
	ax_task_metric_num(t, "ths", ax_tool_round(r->hold.negative, 6));
	ax_task_metric_num(t, "arrival", w ? w->arrival : NAN);
	ax_task_metric_num(t, "min_period",
			   w ? ax_tool_round(r->period - w->slack, 6) : NAN);
	ax_task_metric_str(t, "start", w ? w->start : "");
	ax_task_metric_str(t, "end", w ? w->end : "");
	ax_task_metric_int(t, "stages", (int64_t)r->stages);
	ax_task_metric_int(t, "endpoints", (int64_t)r->setup.n);
	ax_task_metric_int(t, "violations", (int64_t)r->setup.violated);
	ax_task_metric_int(t, "hold_violations", (int64_t)r->hold.violated);
	ax_task_metric_num(t, "power", digits7(r->power[3] * 1e3));
	ax_task_metric_num(t, "power_internal", digits7(r->power[0] * 1e3));
	ax_task_metric_num(t, "power_switching", digits7(r->power[1] * 1e3));
	ax_task_metric_num(t, "leakage", digits7(r->power[2] * 1e9));
}

static int
judge(struct ax_task *t, const struct result *r, struct ax_err *err)
{
	const struct check *c = NULL;

	if (r->setup.violated && ax_task_bool(t, "fail_on_violation"))
		c = &r->setup;
	else if (r->hold.violated && ax_task_bool(t, "fail_on_hold"))
		c = &r->hold;
	if (!c)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%zu of %zu endpoints violate %s; worst slack %g ns "
			  "at %s from %s, arrival %g ns",
			  c->violated, c->n, c->name, c->p->slack, c->p->end,
			  c->p->start, c->p->arrival);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	static const char *const args[] = {"-no_init", "-no_splash", "-exit",
					   SCRIPT, NULL};
	struct result r = {.setup = {.name = "setup"},
			   .hold = {.name = "hold"},
			   .period = NAN};
	struct ax_str log = AX_STR_INIT, constraints = AX_STR_INIT;
	int status, rc = -1;

	if (ax_mkdirs("tmp", err) < 0 ||
	    write_script(t, &constraints, err) < 0 ||
	    ax_tool_run(t, "sta", args, &log, &status, err) < 0)
		goto done;
	if (explain(t, log.buf ? log.buf : "", status, err) < 0 ||
	    parse(&r, log.buf, err) < 0)
		goto done;
	if (!r.done || !r.powered) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "OpenSTA's answer is incomplete; see the log");
		goto done;
	}
	metrics(t, &r);
	if (write_outputs(t, &r, &constraints, err) == 0)
		rc = judge(t, &r, err);
done:
	free(r.setup.p);
	free(r.hold.p);
	ax_str_free(&r.report);
	ax_str_free(&r.path);
	ax_str_free(&log);
	ax_str_free(&constraints);
	return rc;
}
