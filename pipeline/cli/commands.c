/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: what exists, in the order of the manual. */
#include "pipeline/cli/cli.h"

const struct ax_option ax_shared_options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"stages", 0, AX_OPT_MANY, "DIR",
	 "a folder of stages, searched before $AXPIPE_STAGES and the built-in "
	 "ones"},
	{"set", 's', AX_OPT_MANY, "NAME=VALUE",
	 "give a variable of the manifest another value (JSON, or else a "
	 "string)"},
	{"mirror", 0, AX_OPT_MANY, "DIR",
	 "a folder that holds pinned inputs, found by hash; before "
	 "$AXPIPE_MIRROR"},
	{"offline", 0, AX_OPT_FLAG, NULL, "never use the network"},
	{"remote", 0, AX_OPT_STRING, "URL",
	 "share results by a cache server (Bazel's HTTP protocol; default "
	 "$AXPIPE_REMOTE)"},
	{"remote-mode", 0, AX_OPT_STRING, "ro|rw",
	 "only take from it (default), or also give to it what runs here"},
	{"remote-ca", 0, AX_OPT_STRING, "FILE",
	 "trust the certificates in this PEM file for it"},
	{"remote-socket", 0, AX_OPT_STRING, "FILE",
	 "reach it through this unix socket"},
	{"remote-key", 0, AX_OPT_STRING, "FILE",
	 "sign what is given to it with this private key (axpipe key new)"},
	{"remote-trust", 0, AX_OPT_MANY, "FILE",
	 "take from it only what this public key, or another given so, signed"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

extern const struct ax_command ax_cmd_init;
extern const struct ax_command ax_cmd_run;
extern const struct ax_command ax_cmd_plan;
extern const struct ax_command ax_cmd_explain;
extern const struct ax_command ax_cmd_status;
extern const struct ax_command ax_cmd_stages;
extern const struct ax_command ax_cmd_graph;
extern const struct ax_command ax_cmd_report;
extern const struct ax_command ax_cmd_check;
extern const struct ax_command ax_cmd_log;
extern const struct ax_command ax_cmd_diff;
extern const struct ax_command ax_cmd_gc;
extern const struct ax_command ax_cmd_fsck;
extern const struct ax_command ax_cmd_bundle;
extern const struct ax_command ax_cmd_verify;
extern const struct ax_command ax_cmd_key;
extern const struct ax_command ax_cmd_schema;
extern const struct ax_command ax_cmd_help;

extern const struct ax_command ax_cmd_job;

/* What people do not call: found by name, and listed nowhere. */
const struct ax_command *const ax_hidden_commands[] = {&ax_cmd_job, NULL};

const struct ax_command *const ax_commands[] = {
	&ax_cmd_init,   &ax_cmd_run,    &ax_cmd_plan,   &ax_cmd_explain,
	&ax_cmd_status, &ax_cmd_stages, &ax_cmd_graph,  &ax_cmd_report,
	&ax_cmd_check,  &ax_cmd_log,    &ax_cmd_diff,   &ax_cmd_gc,
	&ax_cmd_fsck,   &ax_cmd_bundle, &ax_cmd_verify, &ax_cmd_key,
	&ax_cmd_schema, &ax_cmd_help,   NULL,
};
