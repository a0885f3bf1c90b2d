/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders by their stat, written down and compared later. */
#ifndef AX_WITNESS_H
#define AX_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/base/str.h"

struct ax_witness {
	struct ax_str text;
	int64_t newest; /* latest mtime or ctime, ns */
	size_t n;
	bool bad; /* something cannot be written down; the rest is void */
};

/* One line: "f <dev> <ino> <size> <mtime> <ctime> <path>", links followed;
 * "a <path>" when nothing is there. */
void ax_witness_path(struct ax_witness *w, const char *path);
/* A file, or a folder with everything below it. */
void ax_witness_tree(struct ax_witness *w, const char *path);
/* "e NAME=value", or "u NAME" when it is not set. */
void ax_witness_env(struct ax_witness *w, const char *name);
/* True when the line (without its newline) still holds; false for a line of
 * another kind. */
bool ax_witness_holds(const char *line);

#endif
