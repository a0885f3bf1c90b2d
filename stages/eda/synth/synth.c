/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Yosys and ABC: from the user's RTL to cells of a library. All recipes run in
 * one Yosys process, from one elaborated design; the best result is kept.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "stages/eda/synth/elaborated.h"
#include "stages/eda/tools/cells.h"
#include "stages/eda/tools/measure.h"
#include "stages/eda/tools/recipe.h"
#include "stages/eda/tools/tool.h"

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/proc.h"

#define SUBSET "tmp/cells.lib"
#define GENLIB "tmp/cells.genlib"
#define SCRIPT "tmp/synth.ys"
#define ELABORATED "tmp/elaborated.json"

/* The published sequence; {D} is the delay target. */
#define CIRCUITSDNA                                                            \
	"strash; balance; rewrite; refactor; rewrite -z; balance; dc2; dch; "  \
	"retime -D {D}; dch; map -D {D}; topo; stime; upsize -c; dnsize -c"

struct job {
	const char *top;
	json_t *defines;
	char *recipe[AX_RECIPES_MAX]; /* NULL: Yosys's own default */
	size_t recipes;
	enum ax_goal goal;
	bool flatten;
	bool by_cost; /* cells by cost alone, not by their timing */
	double delay;
};

static char *
with_delay(const char *text, double delay)
{
	struct ax_str s = AX_STR_INIT;
	const char *at;

	for (; (at = strstr(text, "{D}")) != NULL; text = at + 3) {
		ax_str_addn(&s, text, (size_t)(at - text));
		ax_str_add_num(&s, delay);
	}
	ax_str_add(&s, text);
	return ax_str_take(&s);
}

static int
choose_recipes(struct job *j, struct ax_task *t, struct ax_err *err)
{
	const char *name = ax_task_str(t, "recipe");
	const char *script = ax_task_str(t, "script");

	j->goal = ax_goal_parse(ax_task_str(t, "objective"));
	j->delay = ax_task_num(t, "delay");
	if (ax_streq(name, "script")) {
		if (!script || !*script || strpbrk(script, "\r"))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "recipe 'script' wants ABC commands "
					  "in parameter script");
		/* ABC hands such a line to a shell */
		if (strchr(script, '!'))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "parameter script: '!' (a shell "
					  "command) is not allowed");
		j->recipe[j->recipes++] = ax_strdup(script);
	} else if (script) {
		return ax_err_set(err, AX_EXIT_USAGE,
				  "parameter script is used with recipe "
				  "'script' only; recipe is '%s'",
				  name);
	} else if (ax_streq(name, "yosys")) {
		j->recipe[j->recipes++] = NULL;
	} else if (ax_streq(name, "circuitsdna")) {
		j->recipe[j->recipes++] = with_delay(
			CIRCUITSDNA, j->delay > 0 ? j->delay : 10000);
	} else {
		const char *const *list = ax_recipes(j->goal);

		j->by_cost = true;
		while (list[j->recipes] && j->recipes < AX_RECIPES_MAX) {
			j->recipe[j->recipes] = ax_strdup(list[j->recipes]);
			j->recipes++;
		}
	}
	return 0;
}

/*
 * The library with the chosen cells alone, since this ABC cannot leave cells
 * out; and as genlib, where the goal may be another cost than area, and where
 * ABC also takes fewer than three functions.
 */
static int
write_subset(struct ax_task *t, const struct job *j,
	     const struct ax_liberty *lib, bool *keep, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	if (ax_cells_choose(keep, lib, ax_task_json(t, "cells"), err) < 0 ||
	    ax_cells_complete(lib, keep, err) < 0)
		return -1;
	ax_liberty_filter(&s, lib, keep);
	rc = ax_write_plain(SUBSET, s.buf, s.len, err);
	ax_str_clear(&s);
	if (rc == 0 && j->by_cost)
		rc = ax_cells_genlib(&s, lib, keep,
				     j->goal == AX_GOAL_TRANSISTORS, err);
	if (rc == 0 && j->by_cost)
		rc = ax_write_plain(GENLIB, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

/*
 * The names that Yosys makes hold the place in the source; `rename -enumerate`
 * drops them before anything can be ordered by them.
 */
static int
write_script(struct ax_task *t, const struct job *j, const char *here,
	     struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT, abc = AX_STR_INIT;
	char path[64];
	json_t *v;
	size_t i;
	int rc = 0;

	ax_str_addf(&s, "read_verilog%s",
		    ax_streq(ax_task_str(t, "language"), "systemverilog")
			    ? " -sv"
			    : "");
	json_array_foreach(j->defines, i, v)
		ax_str_addf(&s, " -D%s", json_string_value(v));
	for (i = 0; i < ax_task_in_count(t, "rtl"); i++)
		ax_str_addf(&s, " %s", ax_task_in_at(t, "rtl", i));
	ax_str_addf(&s,
		    "\nhierarchy -check -top %s\n"
		    "proc\n"
		    "%sopt_expr\n"
		    "opt_clean\n"
		    "write_json %s\n"
		    "check -assert\n"
		    "opt -full\n"
		    "wreduce\n"
		    "peepopt\n"
		    "opt_clean\n"
		    "alumacc\n"
		    "opt\n"
		    "techmap\n"
		    "opt -full\n"
		    "rename -enumerate\n"
		    "opt_clean -purge\n"
		    "design -save elaborated\n",
		    j->top, j->flatten ? "flatten\n" : "", ELABORATED);
	for (i = 0; i < j->recipes && rc == 0; i++) {
		ax_str_addf(&s,
			    "log AXPIPE-RECIPE %zu\n"
			    "design -load elaborated\n"
			    "abc %s %s/%s",
			    i, j->by_cost ? "-genlib" : "-liberty", here,
			    j->by_cost ? GENLIB : SUBSET);
		if (j->recipe[i]) {
			snprintf(path, sizeof(path), "tmp/recipe.%zu", i);
			ax_str_clear(&abc);
			ax_str_addf(&abc, "%s\n", j->recipe[i]);
			rc = ax_write_plain(path, abc.buf, abc.len, err);
			ax_str_addf(&s, " -script %s/%s", here, path);
		} else if (j->delay > 0) {
			ax_str_addf(&s, " -D %.0f", j->delay);
		}
		ax_str_addf(&s,
			    "\nopt_clean -purge\n"
			    "rename -enumerate\n"
			    "setattr -unset src */*\n"
			    "setattr -mod -unset src *\n"
			    "setattr -mod -unset hdlname *\n"
			    "tee -o tmp/stat.%zu stat -liberty " SUBSET "\n"
			    "write_verilog -noattr -noexpr -simple-lhs "
			    "tmp/netlist.%zu.v\n"
			    "write_json tmp/netlist.%zu.json\n"
			    "flatten\n"
			    "opt_clean -purge\n"
			    "write_json tmp/flat.%zu.json\n",
			    i, i, i, i);
	}
	if (rc == 0)
		rc = ax_write_plain(SCRIPT, s.buf, s.len, err);
	ax_str_free(&s);
	ax_str_free(&abc);
	return rc;
}

static const char *const trouble[] = {"ERROR",
				      "Warning: Resizing",
				      "ABC: Error",
				      "ABC: ** cmd error",
				      "found logic loop",
				      "used but has no driver",
				      "multiple conflicting drivers",
				      NULL};

/* Yosys keeps what ABC said to itself when ABC fails, but leaves its folder
 * behind: ask again. */
static void
ask_abc(struct ax_task *t, struct ax_str *to)
{
	static const char *const words[] = {"rror", "annot", "only", NULL};
	const char *args[] = {"-s", "-f", NULL, NULL};
	struct ax_str log = AX_STR_INIT;
	char **list, *script;
	size_t n, i;
	int status;

	if (ax_list_dir(&list, &n, "tmp", 10000, NULL) < 0)
		return;
	for (i = 0; i < n; i++)
		if (ax_starts(list[i], "yosys-abc-"))
			break;
	script = i < n ? ax_asprintf("tmp/%s/abc.script", list[i]) : NULL;
	args[2] = script;
	if (script && ax_tool_run(t, "abc", args, &log, &status, NULL) == 0 &&
	    log.buf) {
		ax_str_add(to, "\n  from ABC:\n");
		ax_tool_excerpt(to, log.buf, words, NULL, 5);
	}
	free(script);
	ax_free_list(list, n);
	ax_str_free(&log);
}

static int
run_yosys(struct ax_task *t, const struct job *j, struct ax_err *err)
{
	static const char *const args[] = {"-Q", "-T", "-s", SCRIPT, NULL};
	struct ax_str log = AX_STR_INIT, s = AX_STR_INIT;
	int status, rc = -1;
	char text[64];
	const char *hint = "";

	ax_task_progress(t, 0, 2, "yosys, %zu recipes", j->recipes);
	if (ax_tool_run(t, "yosys", args, &log, &status, err) < 0)
		goto done;
	/* what was refused is explained from the elaborated design, where it
	 * got that far: Yosys itself would only say that a check failed */
	if (ax_is_file(ELABORATED) && ax_elaborated_check(ELABORATED, err) < 0)
		goto done;
	snprintf(text, sizeof(text), "tmp/flat.%zu.json", j->recipes - 1);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && ax_is_file(text)) {
		rc = 0;
		goto done;
	}
	ax_tool_excerpt(&s, log.buf ? log.buf : "", trouble, NULL, 10);
	if (log.buf && strstr(log.buf, "multiple conflicting drivers"))
		hint = "; the design has a net with two drivers";
	else if (log.buf && strstr(log.buf, "found logic loop"))
		hint = "; the design has a combinational loop";
	else if (log.buf && strstr(log.buf, "used but has no driver"))
		hint = "; the design has an undriven net";
	else if (log.buf && strstr(log.buf, "Can't open ABC output"))
		hint = "; ABC ended early (some commands need a buffer among "
		       "the cells)";
	else if (log.buf && strstr(log.buf, "ERROR: ABC: execution"))
		hint = "; ABC died of these commands and cells (circuitsdna, "
		       "and what sizes or buffers, needs buffers among the "
		       "cells)";
	else if (log.buf && strstr(log.buf, "Can't open include file"))
		hint = "; `include finds nothing here, since inputs have no "
		       "file names: wire every file to the input";
	else if (log.buf && strstr(log.buf, "not found!") &&
		 strstr(log.buf, j->top))
		hint = "; parameter top names the top module";
	if (log.buf && strstr(log.buf, "Can't open ABC output"))
		ask_abc(t, &s);
	ax_err_set(err, AX_EXIT_STAGE,
		   "Yosys %s (%s; in/rtl/0 is the first file of input rtl)%s"
		   "\n%s",
		   !WIFEXITED(status)    ? "died"
		   : WEXITSTATUS(status) ? "refuses the design"
					 : "ended without a result",
		   ax_status_text(text, sizeof(text), status), hint,
		   s.len ? s.buf : "  (no message)");
done:
	ax_str_free(&log);
	ax_str_free(&s);
	return rc;
}

/* A result of Yosys, without the lines that name tool and version. */
static int
publish_verilog(const char *to, size_t i, struct ax_err *err)
{
	char path[64], *text, *p;
	size_t len;
	int rc;

	snprintf(path, sizeof(path), "tmp/netlist.%zu.v", i);
	if (ax_read_file(&text, &len, path, AX_NET_MAX_FILE, err) < 0)
		return -1;
	p = text;
	if (ax_starts(p, "/* Generated by")) {
		p = strstr(p, "*/");
		p = p ? p + 2 : text;
		p += strspn(p, "\n");
	}
	rc = ax_write_plain(to, p, len - (size_t)(p - text), err);
	free(text);
	return rc;
}

static int
publish_json(const char *to, size_t i, struct ax_err *err)
{
	struct ax_json j;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "tmp/netlist.%zu.json", i);
	if (ax_json_load(&j, path, err) < 0)
		return -1;
	json_object_del(j.root, "creator");
	rc = ax_json_write(to, j.root, err);
	ax_json_free(&j);
	return rc;
}

static void
add_file(struct ax_str *to, const char *path)
{
	char *text;
	size_t len;

	if (ax_read_file(&text, &len, path, 16u << 20, NULL) == 0) {
		ax_str_addn(to, text, len);
		free(text);
	}
}

static int
keep_best(struct ax_task *t, const struct job *j, const struct ax_liberty *lib,
	  struct ax_err *err)
{
	struct ax_netlist *best = NULL, *net;
	struct ax_str report = AX_STR_INIT, warn = AX_STR_INIT;
	double key[3], top[3] = {0, 0, 0};
	char path[64];
	size_t which = 0;
	int rc = -1;

	for (size_t i = 0; i < j->recipes; i++) {
		const char *name =
			j->recipe[i] ? j->recipe[i] : "(default of Yosys)";

		snprintf(path, sizeof(path), "tmp/flat.%zu.json", i);
		if (ax_netlist_load(&net, path, AX_NET_JSON, lib, &warn, err) <
		    0) {
			ax_err_wrap(err, "the result of Yosys (recipe %s)",
				    name);
			goto done;
		}
		ax_netlist_prune(net);
		ax_goal_key(key, net, j->goal);
		ax_str_addf(&report, "recipe %zu: %s\n  area ", i, name);
		ax_str_add_num(&report, ax_measure_area(net));
		ax_str_addf(&report, ", transistors %lld, depth %u\n",
			    (long long)ax_netlist_transistors(net),
			    ax_netlist_depth(net));
		if (!best || ax_goal_better(key, top)) {
			ax_netlist_free(best);
			best = net;
			memcpy(top, key, sizeof(top));
			which = i;
		} else {
			ax_netlist_free(net);
		}
	}
	ax_str_addf(&report, "kept: recipe %zu, smallest %s\n", which,
		    ax_task_str(t, "objective"));
	snprintf(path, sizeof(path), "tmp/stat.%zu", which);
	add_file(&report, path);
	ax_task_metric_str(t, "recipe",
			   j->recipe[which] ? j->recipe[which] : "yosys");
	if (ax_measure_metrics(t, best, err) == 0 &&
	    publish_verilog(ax_task_out(t, "netlist"), which, err) == 0 &&
	    publish_json(ax_task_out(t, "json"), which, err) == 0)
		rc = ax_write_plain(ax_task_out(t, "report"), report.buf,
				    report.len, err);
done:
	ax_netlist_free(best);
	ax_str_free(&report);
	ax_str_free(&warn);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct job j = {.flatten = ax_task_bool(t, "flatten")};
	struct ax_liberty lib;
	char *here = NULL;
	bool *keep;
	int rc = -1;

	if (ax_tool_ident(t, "top", &j.top, err) < 0 ||
	    ax_tool_defines(t, &j.defines, err) < 0 ||
	    choose_recipes(&j, t, err) < 0 || ax_mkdirs("tmp", err) < 0 ||
	    ax_liberty_load(&lib, ax_task_in(t, "liberty"), err) < 0)
		goto out;
	keep = ax_calloc(lib.cells + 1, sizeof(*keep));
	/* ABC is started in a folder of its own, so it wants absolute names */
	here = realpath(".", NULL);
	if (!here)
		ax_err_set(err, AX_EXIT_ENV, "the work folder:");
	else if (strpbrk(here, " \t\"'\\;#"))
		ax_err_set(err, AX_EXIT_ENV,
			   "the work folder %s has a blank, quote or semicolon "
			   "in its name, which ABC cannot take; put the store "
			   "elsewhere",
			   here);
	else if (write_subset(t, &j, &lib, keep, err) == 0 &&
		 write_script(t, &j, here, err) == 0 &&
		 run_yosys(t, &j, err) == 0)
		rc = keep_best(t, &j, &lib, err);
	free(here);
	free(keep);
	ax_liberty_free(&lib);
out:
	for (size_t i = 0; i < j.recipes; i++)
		free(j.recipe[i]);
	return rc;
}
