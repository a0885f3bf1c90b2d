/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe init: a manifest that works, from a short dialogue or from options. */
#include <math.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/cli/cli.h"
#include "pipeline/manifest/place.h"

#define MAX_ANSWER 4096
#define MAX_BOUNDS 64

static const struct ax_option options[] = {
	{"kind", 0, AX_OPT_STRING, "evolve|measure|network",
	 "evolve: search approximate multipliers (default); measure: errors, "
	 "area and timing of a netlist; network: and what it does to a "
	 "network"},
	{"name", 0, AX_OPT_STRING, "NAME",
	 "of the manifest (default: that of the folder)"},
	{"netlist", 0, AX_OPT_STRING, "FILE",
	 "start from this netlist (BLIF, structural Verilog, Yosys JSON, "
	 "CircuitsDNA dump), not from an exact multiplier"},
	{"liberty", 0, AX_OPT_STRING, "FILE",
	 "map to this cell library, and time the result"},
	{"width", 0, AX_OPT_NUMBER, "BITS", "of each operand (default 8)"},
	{"unsigned", 0, AX_OPT_FLAG, NULL,
	 "operands without sign (default: two's complement)"},
	{"bounds", 0, AX_OPT_STRING, "LIST",
	 "worst-case errors to search for, as fractions of the largest product "
	 "(default 0.002,0.005,0.02)"},
	{"yes", 'y', AX_OPT_FLAG, NULL, "ask nothing, take the defaults"},
	{"force", 'f', AX_OPT_FLAG, NULL, "replace a file that is there"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

enum kind { EVOLVE, MEASURE, NETWORK };
static const char *const kinds[] = {"evolve", "measure", "network"};

struct wish {
	enum kind kind;
	char *name, *netlist, *liberty;
	unsigned width;
	bool sign;
	double bounds[MAX_BOUNDS];
	size_t nbounds;
};

/* --- the answers -------------------------------------------------------- */

/* A line of standard input, or the default when it is empty. Caller frees.
 * NULL: there was none. */
static char *
ask(const char *question, const char *fallback)
{
	char line[MAX_ANSWER];
	size_t n;

	printf("%s%s%s%s ", question, *fallback ? " [" : "", fallback,
	       *fallback ? "]" : "");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return NULL;
	n = strcspn(line, "\r\n");
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
	return ax_strdup(n ? line + strspn(line, " \t") : fallback);
}

/* Takes an answer over into the wish. */
typedef int ax_init_read(struct wish *w, const char *text, struct ax_err *err);

/* One wish: from the option, else from the dialogue, which asks again until it
 * can be used, else the default. */
static int
settle(struct wish *w, const struct ax_args *a, bool talk, const char *option,
       const char *question, const char *fallback, ax_init_read *read,
       struct ax_err *err)
{
	const char *given = option ? ax_arg_str(a, option) : NULL;
	char *text;
	int rc;

	if (!talk)
		return read(w, given ? given : fallback, err);
	for (;;) {
		text = ask(question, fallback);
		if (!text) {
			putchar('\n');
			return ax_err_set(err, AX_EXIT_USAGE,
					  "the dialogue was left; nothing was "
					  "written");
		}
		rc = read(w, text, err);
		free(text);
		if (rc == 0)
			return 0;
		printf("  %s\n", err->text);
		ax_err_clear(err);
	}
}

static int
read_name(struct wish *w, const char *text, struct ax_err *err)
{
	if (!ax_name_ok(text))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--name %s: a letter, then letters, digits, "
				  "'_', '-', at most 100",
				  text);
	w->name = ax_strdup(text);
	return 0;
}

static int
read_kind(struct wish *w, const char *text, struct ax_err *err)
{
	char *hint;

	for (size_t i = 0; i < AX_LEN(kinds); i++)
		if (strcmp(text, kinds[i]) == 0) {
			w->kind = (enum kind)i;
			return 0;
		}
	hint = ax_suggest(text, (const char **)kinds, AX_LEN(kinds),
			  "there are");
	ax_err_set(err, AX_EXIT_USAGE, "--kind %s: no such kind%s", text, hint);
	free(hint);
	return -1;
}

static int
read_bounds(struct wish *w, const char *text, struct ax_err *err)
{
	char *end;
	double v;

	w->nbounds = 0;
	for (const char *p = text;; p = end + 1) {
		v = strtod(p, &end);
		while (*end == ' ')
			end++;
		if (end == p || !(v > 0) || !(v <= 1) || (*end && *end != ','))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "--bounds %s: numbers above 0 and up "
					  "to 1, with commas between, such as "
					  "0.002,0.02",
					  text);
		for (size_t i = 0; i < w->nbounds; i++)
			if (!(w->bounds[i] < v) && !(w->bounds[i] > v))
				return ax_err_set(err, AX_EXIT_USAGE,
						  "--bounds %s: %g stands "
						  "there twice",
						  text, v);
		if (w->nbounds == MAX_BOUNDS)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "--bounds: more than %d numbers",
					  MAX_BOUNDS);
		w->bounds[w->nbounds++] = v;
		if (!*end)
			return 0;
	}
}

static int
read_sign(struct wish *w, const char *text, struct ax_err *err)
{
	bool yes = *text == 'y' || *text == 'Y';

	if (!yes && *text != 'n' && *text != 'N')
		return ax_err_set(err, AX_EXIT_USAGE, "yes or no");
	if (!yes && w->kind == NETWORK)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--kind network: its operands are signed");
	w->sign = yes;
	return 0;
}

static int
read_width(struct wish *w, const char *text, struct ax_err *err)
{
	unsigned least = w->kind == NETWORK ? 8 : 2;
	/* as wide as evolve searches, and lut lists */
	unsigned most = w->kind == NETWORK ? 8 : w->kind == EVOLVE ? 10 : 12;
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= least) || !(v <= most) ||
	    v > floor(v))
		return w->kind == NETWORK
			       ? ax_err_set(err, AX_EXIT_USAGE,
					    "--width %s: networks are trained "
					    "with 8 bits",
					    text)
			       : ax_err_set(err, AX_EXIT_USAGE,
					    "--width %s: a whole number from "
					    "2 to %u",
					    text, most);
	w->width = (unsigned)v;
	return 0;
}

/* The name of the folder, as far as it can be a manifest's name. */
static char *
folder_name(void)
{
	char *cwd = getcwd(NULL, 0), *name;
	const char *base = cwd ? ax_basename(cwd) : "";
	size_t n = 0;

	name = ax_malloc(strlen(base) + 8);
	for (; *base; base++) {
		bool letter = (*base >= 'a' && *base <= 'z') ||
			      (*base >= 'A' && *base <= 'Z');

		if (letter || (n && ((*base >= '0' && *base <= '9') ||
				     *base == '_' || *base == '-')))
			name[n++] = *base;
	}
	name[n] = '\0';
	free(cwd);
	if (n == 0)
		strncpy(name, "mult", 8);
	return name;
}

static int
existing(char **out, const char *option, const char *path, struct ax_err *err)
{
	json_t *v = json_string(path); /* NULL where it is not UTF-8 */

	json_decref(v);
	if (!v || (*path && !ax_is_file(path)))
		return ax_err_set(err, AX_EXIT_USAGE, "--%s %s: %s", option,
				  path,
				  v ? "no such file"
				    : "a name that is not UTF-8, which no "
				      "manifest can hold");
	*out = *path ? ax_strdup(path) : NULL;
	return 0;
}

static int
read_netlist(struct wish *w, const char *text, struct ax_err *err)
{
	if (w->kind == MEASURE && !*text)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--kind measure wants a --netlist");
	return existing(&w->netlist, "netlist", text, err);
}

static int
read_liberty(struct wish *w, const char *text, struct ax_err *err)
{
	return existing(&w->liberty, "liberty", text, err);
}

static int
read_wish(struct wish *w, const struct ax_args *a, struct ax_err *err)
{
	bool talk = !ax_arg_flag(a, "yes") && a->ngiven == 0 &&
		    isatty(STDIN_FILENO);
	char *folder = folder_name(), width[32];
	int rc;

	snprintf(width, sizeof(width), "%g", ax_arg_num(a, "width", 8));
	memset(w, 0, sizeof(*w));
	rc = settle(w, a, talk, "name", "Name of the manifest", folder,
		    read_name, err);
	free(folder);
	if (rc < 0 ||
	    settle(w, a, talk, "kind", "What for: evolve, measure or network",
		   "evolve", read_kind, err) < 0 ||
	    settle(w, a, talk, "netlist",
		   w->kind == MEASURE
			   ? "Netlist to measure"
			   : "Netlist to start from (none: an exact one)",
		   "", read_netlist, err) < 0 ||
	    settle(w, a, talk, "liberty", "Cell library, Liberty (none: skip)",
		   "", read_liberty, err) < 0 ||
	    settle(w, a, talk, NULL, "Bits of an operand", width, read_width,
		   err) < 0 ||
	    settle(w, a, talk, NULL, "Signed operands: yes or no",
		   ax_arg_flag(a, "unsigned") ? "no" : "yes", read_sign,
		   err) < 0)
		return -1;
	return w->kind == MEASURE
		       ? 0
		       : settle(w, a, talk, "bounds",
				"Worst-case errors, as fractions",
				"0.002,0.005,0.02", read_bounds, err);
}

/* --- the manifest ------------------------------------------------------- */

static void
set(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, value);
}

static json_t *
stage(const char *name, json_t *in, json_t *params)
{
	json_t *o = json_pack("{s:s}", "stage", name);

	if (in)
		set(o, "in", in);
	if (params)
		set(o, "params", params);
	return o;
}

/* Mapped to the library and timed, where one was given. Returns what the
 * table is made from. */
static const char *
add_mapping(const struct wish *w, json_t *stages, const char *netlist)
{
	if (!w->liberty)
		return netlist;
	set(stages, "map",
	    stage("map",
		  json_pack("{s:s, s:s}", "netlist", netlist, "liberty",
			    "library"),
		  NULL));
	set(stages, "sta",
	    stage("sta",
		  json_pack("{s:s, s:s}", "netlist", "map.netlist", "liberty",
			    "library"),
		  NULL));
	return "map.netlist";
}

static void
add_lut(const struct wish *w, json_t *stages, const char *netlist)
{
	json_t *in = json_pack("{s:s}", "netlist", netlist);

	if (w->liberty)
		set(in, "liberty", json_string("library"));
	set(stages, "lut",
	    stage("lut", in, json_pack("{s:b}", "signed", (int)w->sign)));
}

static void
add_search(const struct wish *w, json_t *stages)
{
	json_t *bounds = json_array(), *o;

	if (!w->netlist)
		set(stages, "exact",
		    stage("family", NULL,
			  json_pack("{s:s, s:i, s:i, s:b}", "family", "dadda",
				    "width_a", (int)w->width, "width_b",
				    (int)w->width, "signed", (int)w->sign)));
	for (size_t i = 0; i < w->nbounds; i++)
		json_array_append_new(bounds, json_real(w->bounds[i]));
	o = stage("evolve",
		  json_pack("{s:s}", "netlist",
			    w->netlist ? "given" : "exact.netlist"),
		  json_pack("{s:s, s:b}", "seed", "${seed}", "signed",
			    (int)w->sign));
	set(o, "matrix", json_pack("{s:o}", "wce", bounds));
	set(stages, "evolve", o);
	add_lut(w, stages, add_mapping(w, stages, "evolve.netlist"));
}

static void
add_network(const struct wish *w, json_t *stages)
{
	const char *plain = "{s:i, s:i, s:f, s:i, s:b, s:s}";
	json_t *o;

	(void)w;
	set(stages, "glyphs",
	    stage("dataset", NULL,
		  json_pack("{s:s, s:s}", "format", "glyphs", "seed",
			    "${seed}")));
	o = json_pack(plain, "epochs", 8, "batch", 64, "lr", 0.2, "crop", 0,
		      "flip", 0, "seed", "${seed}");
	set(o, "network",
	    json_pack("{s:s, s:i}", "family", "small-cnn", "width", 8));
	set(stages, "train",
	    stage("train", json_pack("{s:s}", "dataset", "glyphs.dataset"), o));
	o = json_pack(plain, "epochs", 3, "batch", 64, "lr", 0.02, "crop", 0,
		      "flip", 0, "seed", "${seed}");
	set(o, "warmup_float", json_integer(0));
	set(o, "lr_min", json_real(0.001));
	set(stages, "qat",
	    stage("qat",
		  json_pack("{s:s, s:s}", "dataset", "glyphs.dataset",
			    "checkpoint", "train.checkpoint"),
		  o));
	set(stages, "swap",
	    stage("evaluate",
		  json_pack("{s:s, s:s, s:s}", "dataset", "glyphs.dataset",
			    "checkpoint", "qat.checkpoint", "lut", "lut.npy"),
		  NULL));
	o = json_pack(plain, "epochs", 3, "batch", 64, "lr", 0.005, "crop", 0,
		      "flip", 0, "seed", "${seed}");
	set(o, "lr_min", json_real(0.0005));
	set(stages, "finetune",
	    stage("finetune",
		  json_pack("{s:s, s:s, s:s}", "dataset", "glyphs.dataset",
			    "checkpoint", "qat.checkpoint", "lut", "lut.npy"),
		  o));
}

static json_t *
series(const char *label, const char *x, const char *y)
{
	return json_pack("{s:s, s:s, s:s}", "label", label, "x", x, "y", y);
}

static json_t *
figures(const struct wish *w)
{
	json_t *list = json_array();

	json_array_append_new(
		list,
		json_pack("{s:s, s:s, s:s, s:s, s:[o]}", "name",
			  "cost-against-error", "title", "Cost against error",
			  "xlabel", "mean error (NMED)", "ylabel",
			  w->liberty ? "cell area" : "transistors", "series",
			  series("evolved", "lut.nmed",
				 w->liberty ? "map.area"
					    : "evolve.transistors")));
	if (w->kind == NETWORK)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:[o, o]}", "name",
				  "accuracy-against-error", "title",
				  "Accuracy against error", "xlabel",
				  "mean error (NMED)", "ylabel",
				  "test accuracy, %", "series",
				  series("swapped in", "lut.nmed", "swap.top1"),
				  series("after fine-tuning", "lut.nmed",
					 "finetune.top1")));
	return list;
}

static json_t *
claims(const struct wish *w)
{
	if (w->kind == MEASURE)
		return json_pack("[{s:s, s:s, s:i}]", "text",
				 "replace this by the number that is claimed",
				 "value", "lut.wce", "at_least", 0);
	return json_pack("[{s:s, s:s, s:i}]", "text",
			 "every circuit keeps its bound", "value",
			 "lut.rwce - coord(wce)", "at_most", 0);
}

/* An input that is the file `path` of this folder, in a manifest of another
 * one perhaps: paths there are relative to the manifest. */
static json_t *
input(const char *path, const char *manifest)
{
	char *dir = ax_dirname(manifest), *full = NULL;
	struct ax_str s = AX_STR_INIT;
	json_t *o;

	if (path[0] != '/' && !ax_streq(dir, "."))
		full = realpath(path, NULL);
	for (const char *p = full ? full : path; *p; p++)
		ax_str_addf(&s, "%s%c", p[0] == '$' && p[1] == '{' ? "$" : "",
			    *p);
	o = json_pack("{s:s}", "file", s.buf);
	ax_str_free(&s);
	free(full);
	free(dir);
	return o;
}

static json_t *
manifest(const struct wish *w, const char *file)
{
	json_t *o = json_pack("{s:i, s:s}", "axpipe", 1, "name", w->name);
	json_t *inputs = json_object(), *stages = json_object();

	if (w->kind != MEASURE)
		set(o, "vars", json_pack("{s:i}", "seed", 2025));
	if (w->netlist)
		set(inputs, "given", input(w->netlist, file));
	if (w->liberty)
		set(inputs, "library", input(w->liberty, file));
	set(o, "inputs", inputs);
	if (w->kind == MEASURE)
		add_lut(w, stages, add_mapping(w, stages, "given"));
	else
		add_search(w, stages);
	if (w->kind == NETWORK)
		add_network(w, stages);
	set(o, "stages", stages);
	if (w->kind != MEASURE)
		set(o, "figures", figures(w));
	set(o, "claims", claims(w));
	return o;
}

static int
init(const struct ax_args *a, struct ax_err *err)
{
	const char *file = a->n ? a->operands[0] : "manifest.json";
	struct ax_str text = AX_STR_INIT;
	struct wish w;
	json_t *o;
	int rc;

	if (access(file, F_OK) == 0 && !ax_arg_flag(a, "force"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s is there already; --force replaces it",
				  file);
	rc = read_wish(&w, a, err);
	if (rc == 0) {
		o = manifest(&w, file);
		ax_json_pretty(&text, o);
		json_decref(o);
		rc = ax_write_file(file, text.buf, text.len, err);
	}
	if (rc == 0)
		printf("%s: written. Next: axpipe plan %s, then axpipe run %s "
		       "--report\n",
		       file, file, file);
	ax_str_free(&text);
	free(w.name);
	free(w.netlist);
	free(w.liberty);
	return rc;
}

const struct ax_command ax_cmd_init = {
	.name = "init",
	.operands = "[FILE]",
	.summary = "write a manifest that works, to start from",
	.text = "Asks a few questions on a terminal when no option is given; "
		"else takes options and defaults. FILE is manifest.json unless "
		"named.",
	.options = options,
	.max = 1,
	.run = init,
};
