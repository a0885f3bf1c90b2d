/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: what exists, in the order of the manual. */
#include "pipeline/cli.h"

const struct ax_option ax_shared_options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"stages", 0, AX_OPT_MANY, "DIR",
	 "a folder of stages, searched before $AXPIPE_STAGES and the built-in ones"},
	{"set", 's', AX_OPT_MANY, "NAME=VALUE",
	 "give a variable of the manifest another value (JSON, or else a string)"},
	{"mirror", 0, AX_OPT_MANY, "DIR",
	 "a folder that holds pinned inputs, found by hash; before $AXPIPE_MIRROR"},
	{"offline", 0, AX_OPT_FLAG, NULL, "never use the network"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

#if __has_include("pipeline/cmd_run.c")
extern const struct ax_command ax_cmd_run;
#endif
#if __has_include("pipeline/cmd_plan.c")
extern const struct ax_command ax_cmd_plan;
#endif
#if __has_include("pipeline/cmd_explain.c")
extern const struct ax_command ax_cmd_explain;
#endif
#if __has_include("pipeline/cmd_status.c")
extern const struct ax_command ax_cmd_status;
#endif
#if __has_include("pipeline/cmd_stages.c")
extern const struct ax_command ax_cmd_stages;
#endif
#if __has_include("pipeline/cmd_report.c")
extern const struct ax_command ax_cmd_report;
#endif
#if __has_include("pipeline/cmd_check.c")
extern const struct ax_command ax_cmd_check;
#endif
#if __has_include("pipeline/cmd_log.c")
extern const struct ax_command ax_cmd_log;
#endif
#if __has_include("pipeline/cmd_gc.c")
extern const struct ax_command ax_cmd_gc;
#endif
#if __has_include("pipeline/cmd_fsck.c")
extern const struct ax_command ax_cmd_fsck;
#endif
#if __has_include("pipeline/cmd_schema.c")
extern const struct ax_command ax_cmd_schema;
#endif
#if __has_include("pipeline/cmd_help.c")
extern const struct ax_command ax_cmd_help;
#endif

const struct ax_command *const ax_commands[] = {
#if __has_include("pipeline/cmd_run.c")
	&ax_cmd_run,
#endif
#if __has_include("pipeline/cmd_plan.c")
	&ax_cmd_plan,
#endif
#if __has_include("pipeline/cmd_explain.c")
	&ax_cmd_explain,
#endif
#if __has_include("pipeline/cmd_status.c")
	&ax_cmd_status,
#endif
#if __has_include("pipeline/cmd_stages.c")
	&ax_cmd_stages,
#endif
#if __has_include("pipeline/cmd_report.c")
	&ax_cmd_report,
#endif
#if __has_include("pipeline/cmd_check.c")
	&ax_cmd_check,
#endif
#if __has_include("pipeline/cmd_log.c")
	&ax_cmd_log,
#endif
#if __has_include("pipeline/cmd_gc.c")
	&ax_cmd_gc,
#endif
#if __has_include("pipeline/cmd_fsck.c")
	&ax_cmd_fsck,
#endif
#if __has_include("pipeline/cmd_schema.c")
	&ax_cmd_schema,
#endif
#if __has_include("pipeline/cmd_help.c")
	&ax_cmd_help,
#endif
	NULL,
};
