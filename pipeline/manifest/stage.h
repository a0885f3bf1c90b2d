/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pipeline knows of a stage: its stage.json, read and checked
 * (docs/stages.md), and the search path of stage folders.
 */
#ifndef AX_STAGE_H
#define AX_STAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "artifacts/base/map.h"

struct ax_port {
	char *name;
	char *type;
	char *summary;
	char *file;    /* outputs: path below out/ */
	bool many;     /* inputs */
	bool required; /* inputs */
	bool optional; /* outputs */
	bool tree;     /* outputs */
};

struct ax_tool {
	char *name;
	char *program;
	char *package;
	char **version; /* arguments, NULL-terminated */
	char **files;   /* NULL-terminated */
	char **reads;   /* looked at by the tool, and of no effect */
};

struct ax_stage {
	char *name;
	char *summary;
	char *dir; /* absolute folder of stage.json */
	int version;
	bool builtin;
	bool deterministic, resumable;
	unsigned cpus;   /* 0: all */
	uint64_t memory; /* bytes */
	double timeout;  /* seconds, 0: none */
	double grow;     /* of timeout and memory, after they did not do */
	unsigned retries;
	char **command; /* NULL-terminated */
	struct ax_port *inputs, *outputs;
	size_t ninputs, noutputs;
	struct ax_tool *tools;
	size_t ntools;
	char **env;      /* NULL-terminated */
	json_t *params;  /* name -> schema fragment; borrowed from json */
	json_t *metrics; /* borrowed from json, may be NULL */
	struct ax_json json;
};

struct ax_stages {
	struct ax_stage **list; /* sorted by name */
	size_t n;
	struct ax_map by_name;
	char **roots; /* the folders that were searched, in order */
	size_t nroots;
};

/* Reads every stage on the search path: `dirs` (from --stages, in order), then
 * AXPIPE_STAGES, then the built-in folder (next to the program: ../lib/axpipe/
 * stages, or stages/ in a build folder). A broken stage.json is an error that
 * names file, line and column. */
int ax_stages_load(struct ax_stages *out, const char *const *dirs, size_t ndirs,
		   struct ax_err *err);
void ax_stages_free(struct ax_stages *s);
const struct ax_stage *ax_stages_find(const struct ax_stages *s,
				      const char *name);
/* A "resources" object (NULL: nothing to do) over what is there already; of a
 * stage and of an entry of a manifest. */
struct ax_place;
struct ax_resources {
	unsigned cpus;    /* 0: all */
	uint64_t memory;  /* bytes */
	double timeout;   /* seconds, 0: none */
	double grow;      /* of both, for the next try; 1: no next try */
	unsigned retries; /* after what was not the program's doing, and of
			   * tries with more */
};
int ax_resources_read(const json_t *o, struct ax_resources *r,
		      const struct ax_place *at, struct ax_err *err);
const struct ax_port *ax_stage_input(const struct ax_stage *s,
				     const char *name);
const struct ax_port *ax_stage_output(const struct ax_stage *s,
				      const char *name);

#endif
