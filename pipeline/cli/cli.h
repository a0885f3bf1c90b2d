/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as a table: from it come parsing, --help, the man page and
 * shell completion. One file per subcommand, cmd_<name>.c, exports one
 * `struct ax_command`.
 */
#ifndef AX_CLI_H
#define AX_CLI_H

#include "artifacts/base/base.h"

enum ax_opt_kind { AX_OPT_FLAG, AX_OPT_STRING, AX_OPT_MANY, AX_OPT_NUMBER };

struct ax_option {
	const char *name; /* "keep-going" */
	char letter;      /* 'k', or 0 */
	enum ax_opt_kind kind;
	const char *value; /* "DIR"; NULL for a flag. "=FILE": the value is
			    * optional and joined by '=' only. "ro|rw": one of
			    * these words, which is checked */
	const char *help;  /* one line */
};

struct ax_args {
	const struct ax_command *command;
	char **operands; /* what is no option */
	size_t n;
	struct ax_arg *given;
	size_t ngiven, cgiven;
	bool help; /* -h or --help was among them */
};

struct ax_command {
	const char *name;
	const char *operands; /* "MANIFEST [NODE...]" */
	const char *summary;  /* one line */
	const char *text;     /* paragraphs for --help and the man page */
	const struct ax_option *options; /* ends with a zero name */
	bool shared;     /* also takes the shared options below */
	size_t min, max; /* operands */
	/* 0; -1 with err, which ax_cli_main prints; or an exit code above 0
	 * when the command has said everything itself (`check`: 4). */
	int (*run)(const struct ax_args *a, struct ax_err *err);
};

/* --store --stages --set --mirror --offline: for commands that load a
 * manifest. */
extern const struct ax_option ax_shared_options[];
extern const struct ax_command *const ax_commands[]; /* NULL-terminated */
extern const struct ax_command *const ax_hidden_commands[];

/* True when the option was given, of whatever kind. */
bool ax_arg_flag(const struct ax_args *a, const char *name);
/* The last value given; NULL when not given, or given without its optional
 * value ("=FILE"). Borrowed. */
const char *ax_arg_str(const struct ax_args *a, const char *name);
double ax_arg_num(const struct ax_args *a, const char *name, double fallback);
/* Borrowed array of borrowed strings, in order. */
const char *const *ax_arg_all(const struct ax_args *a, const char *name,
			      size_t *n);
/* The command of that name, or NULL with a "did you mean" in err (exit 2). */
const struct ax_command *ax_command_find(const char *name, struct ax_err *err);
/* The options of a command, its own first, then the shared ones: fills `out`
 * (room for `max`), returns how many there are. */
size_t ax_command_options(const struct ax_command *c,
			  const struct ax_option **out, size_t max);
/* Parses the arguments that follow the command's name. Free with
 * ax_args_free, also after an error. */
int ax_args_parse(struct ax_args *out, const struct ax_command *c, int argc,
		  char **argv, struct ax_err *err);
void ax_args_free(struct ax_args *a);
/* True when the arguments ask for help only (-h, --help). */
bool ax_args_help(const struct ax_args *a);
/* What --help prints; c == NULL: the program's own. Appends. */
void ax_cli_help(struct ax_str *s, const struct ax_command *c);
/* Parses argv[1..], runs, prints the error; returns the exit code. */
int ax_cli_main(int argc, char **argv);

#endif
