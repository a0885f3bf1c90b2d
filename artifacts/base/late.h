/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are loaded when they are first needed: libcurl and libarchive
 * bring some thirty others along, and to load them all would be most of what a
 * command costs that needs neither. Who uses one lists its functions once,
 *
 *	#define FUNCTIONS(F) F(archive_read_new) F(archive_read_free)
 *	struct table { FUNCTIONS(AX_LATE_MEMBER) };
 *
 * and calls them through the table, with the types that the library's own
 * header gives them.
 */
#ifndef AX_LATE_H
#define AX_LATE_H

#include <stddef.h>

#include "artifacts/base/err.h"

#define AX_LATE_MEMBER(function) __typeof__(function) *function;
#define AX_LATE_NAME(function) #function,

/* Fills `table`, n pointers, with the functions of these names; once done, it
 * does nothing. The library stays loaded. Error (AX_EXIT_ENV): it is not
 * there, or too old; `package` is what to install. */
int ax_late_load(void *table, const char *const *names, size_t n,
		 const char *soname, const char *package, struct ax_err *err);

#endif
