/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives in one form only: POSIX ustar, regular files of mode 0644 or 0755,
 * owner 0, time 0, names in strict byte order, two blocks of zeros at the end
 * and nothing after them. Any tar reads it. The reader takes nothing else: it
 * writes the header anew from the name, size and mode that it read and
 * compares all 512 bytes, so that no bit of an archive is without meaning, and
 * links, devices, double names and paths that lead outside cannot occur.
 */
#ifndef AX_TAR_H
#define AX_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "artifacts/base/err.h"

#define AX_TAR_NAME 255 /* bytes of a name */

/* Whether a name can be written: within ustar's limits, inside its folder. */
bool ax_tar_name_ok(const char *name);

struct ax_tar_out {
	FILE *f;
	const char *shown; /* for messages */
	char last[AX_TAR_NAME + 2];
	uint64_t left; /* of the file that is being written */
	unsigned pad;
};

/* Writes to an open stream. Names must come in order. */
void ax_tar_begin(struct ax_tar_out *t, FILE *f, const char *shown);
int ax_tar_file(struct ax_tar_out *t, const char *name, bool exec,
		uint64_t size, struct ax_err *err);
int ax_tar_bytes(struct ax_tar_out *t, const void *bytes, size_t n,
		 struct ax_err *err);
int ax_tar_end(struct ax_tar_out *t, struct ax_err *err);

struct ax_tar_in {
	FILE *f;
	const char *shown;
	char name[AX_TAR_NAME + 2];
	bool exec;
	uint64_t size, left; /* of the file that is being read */
	uint64_t total;      /* bytes of files so far */
	size_t n;            /* files so far */
};

/* True when the file begins as an archive. */
bool ax_tar_is(const char *path);
int ax_tar_open(struct ax_tar_in *t, const char *path, struct ax_err *err);
/* The next file: 1, its name, size and mode are in *t; 0 the end, which was
 * the end of the file too; -1 it is not what it should be (exit code 4).
 * What was not read of the file before is skipped. */
int ax_tar_next(struct ax_tar_in *t, struct ax_err *err);
/* At most n bytes of the file: how many, 0 at its end, -1 cut off. */
long ax_tar_read(struct ax_tar_in *t, void *buf, size_t n, struct ax_err *err);
void ax_tar_close(struct ax_tar_in *t);

#endif
