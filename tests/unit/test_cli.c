/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of the command line. */
#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"
#include "tests/lib/tap.h"

static const struct ax_option options[] = {
	{"keep-going", 'k', AX_OPT_FLAG, NULL, "go on"},
	{"quiet", 'q', AX_OPT_FLAG, NULL, "say less"},
	{"jobs", 'j', AX_OPT_NUMBER, "N", "at once"},
	{"tag", 't', AX_OPT_MANY, "WORD", "words"},
	{"report", 0, AX_OPT_STRING, "=FILE", "a file"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static const struct ax_command command = {
	.name = "try",
	.operands = "A [B]",
	.summary = "tests",
	.text = "Text.\n",
	.options = options,
	.shared = true,
	.min = 1,
	.max = 2,
};

/* Splits at blanks; "_" stands for an empty argument. */
static int
parse(struct ax_args *a, const char *line, struct ax_err *err)
{
	static char copy[512];
	static char *argv[64];
	char *rest = copy, *word;
	int argc = 0;

	ax_err_clear(err);
	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		argv[argc++] = ax_streq(word, "_") ? word + 1 : word;
	return ax_args_parse(a, &command, argc, argv, err);
}

static void
test_good(void)
{
	struct ax_err err = AX_ERR_INIT;
	const char *const *all;
	struct ax_args a;
	size_t n;

	is_int(parse(&a, "-kqj4 x --tag=1 -t 2 y --tag 3", &err), 0, "bundled");
	ok(ax_arg_flag(&a, "keep-going") && ax_arg_flag(&a, "quiet"), "flags");
	is_int(ax_arg_num(&a, "jobs", 1), 4, "a number in the bundle");
	all = ax_arg_all(&a, "tag", &n);
	is_int(n, 3, "many");
	ok(n == 3 && ax_streq(all[0], "1") && ax_streq(all[1], "2") &&
		   ax_streq(all[2], "3"),
	   "in order");
	is_str(ax_arg_str(&a, "tag"), "3", "the last one counts");
	ok(a.n == 2 && ax_streq(a.operands[0], "x") &&
		   ax_streq(a.operands[1], "y"),
	   "operands between options");
	ok(!ax_arg_flag(&a, "report") && !ax_arg_str(&a, "report"),
	   "not given");
	ax_args_free(&a);
	is_int(parse(&a, "--report x -- -k", &err), 0, "--");
	ok(ax_arg_flag(&a, "report") && !ax_arg_str(&a, "report"),
	   "an optional value left out");
	ok(a.n == 2 && ax_streq(a.operands[1], "-k") &&
		   !ax_arg_flag(&a, "keep-going"),
	   "what follows -- is no option");
	ax_args_free(&a);
	is_int(parse(&a, "--report=f.html --jobs=2.5 - --store d --set a=b=c",
		     &err),
	       0, "values with =");
	is_str(ax_arg_str(&a, "report"), "f.html", "an optional value");
	ok(ax_arg_num(&a, "jobs", 1) == 2.5, "a number");
	is_str(a.operands[0], "-", "- is an operand");
	is_str(ax_arg_str(&a, "store"), "d", "shared options");
	is_str(ax_arg_str(&a, "set"), "a=b=c", "the first = ends the name");
	ax_args_free(&a);
	is_int(parse(&a, "-k --help", &err), 0, "help needs no operands");
	ok(ax_args_help(&a), "help");
	ax_args_free(&a);
}

static void
test_bad(void)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"--keep-goign x",
		 "unknown option --keep-goign; did you mean --keep-going?"},
		{"--zzzzzz x",
		 "unknown option --zzzzzz; 'axpipe help try' lists them"},
		{"-z x", "unknown option -z"},
		{"-kz x", "unknown option -z"},
		{"--keep-going=1 x", "option --keep-going takes no value"},
		{"x --jobs", "option --jobs needs a value: --jobs N"},
		{"x -j", "option -j needs a value: -j N"},
		{"x -jfour", "option --jobs wants a number, not 'four'"},
		{"x --jobs=inf", "wants a number"},
		{"x --jobs=", "wants a number"},
		{"-k",
		 "too few arguments\nusage: axpipe try [OPTION...] A [B]"},
		{"x y z", "unexpected argument 'z'"},
	};
	struct ax_err err = AX_ERR_INIT;
	struct ax_args a;

	for (size_t i = 0; i < AX_LEN(cases); i++) {
		int rc = parse(&a, cases[i].line, &err);

		if (!ok(rc < 0 && err.exit == AX_EXIT_USAGE &&
				strstr(err.text, cases[i].want),
			"error of '%s'", cases[i].line))
			printf("# got %s\n", err.text);
		ax_args_free(&a);
	}
}

static void
test_help(void)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	const char *line;
	size_t longest = 0, n;

	ax_cli_help(&s, &command);
	ok(strstr(s.buf, "Usage: axpipe try [OPTION...] A [B]\n"), "usage");
	ok(strstr(s.buf, "  -j, --jobs N"), "a letter and a value");
	ok(strstr(s.buf, "      --report[=FILE]"), "an optional value");
	ok(strstr(s.buf, "--mirror DIR"), "shared options");
	for (line = s.buf; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		longest = AX_MAX(longest, n);
	}
	ok(longest <= 80, "no line over 80 columns");
	ax_str_free(&s);
	ok(!ax_command_find("pln", &err) &&
		   strstr(err.text, "did you mean 'plan'?"),
	   "a misspelt command");
	/* the table itself: names, letters, texts */
	for (size_t i = 0; ax_commands[i]; i++) {
		const struct ax_option *all[64];
		size_t count = ax_command_options(ax_commands[i], all, 64),
		       bad = 0;

		for (size_t k = 0; k < count; k++) {
			bad += !all[k]->help || !*all[k]->help;
			bad += (all[k]->kind == AX_OPT_FLAG) != !all[k]->value;
			bad += ax_streq(all[k]->name, "help");
			for (size_t j = 0; j < k; j++)
				bad += ax_streq(all[j]->name, all[k]->name) ||
				       (all[j]->letter &&
					all[j]->letter == all[k]->letter);
		}
		ok(!bad && ax_commands[i]->summary && ax_commands[i]->run,
		   "the table of '%s' is sound", ax_commands[i]->name);
		ok(ax_commands[i]->max >= ax_commands[i]->min,
		   "its operands too");
	}
}

int
main(void)
{
	test_good();
	test_bad();
	test_help();
	return tap_done();
}
