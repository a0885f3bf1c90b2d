/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe help: the manual of a command, the man page, shell completion. */
#include "pipeline/cli/manual.h"

static int
run(const struct ax_args *a, struct ax_err *err)
{
	const char *shell = ax_arg_str(a, "completion");
	const struct ax_command *c = NULL;
	struct ax_str s = AX_STR_INIT;

	if (shell) {
		ax_manual_completion(&s, shell);
	} else if (ax_arg_flag(a, "man")) {
		ax_manual_page(&s);
	} else {
		if (a->n && !(c = ax_command_find(a->operands[0], err)))
			return -1;
		ax_cli_help(&s, c);
	}
	fputs(s.buf, stdout);
	ax_str_free(&s);
	return 0;
}

static const struct ax_option options[] = {
	{"man", 0, AX_OPT_FLAG, NULL,
	 "print the manual page, to be read with 'man -l' or mandoc"},
	{"completion", 0, AX_OPT_STRING, "bash|zsh",
	 "print the completion for this shell"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

const struct ax_command ax_cmd_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "tell what a command does, or list the commands",
	.text = "Everything that this command prints, 'axpipe COMMAND --help' "
		"included, comes from\n"
		"one table of commands and options.\n"
		"\n"
		"Completion, for bash and for zsh:\n"
		"\n"
		"    axpipe help --completion bash > "
		"~/.local/share/bash-completion/completions/axpipe\n"
		"    axpipe help --completion zsh > ~/.zfunc/_axpipe\n",
	.options = options,
	.max = 1,
	.run = run,
};
