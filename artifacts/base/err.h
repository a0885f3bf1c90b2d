/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values. A function that can fail returns 0 or a negative number
 * and takes a `struct ax_err *` last, which says what happened, where, why and
 * what to do, and which exit code the program should end with. `err` may be
 * NULL. No global error state.
 */
#ifndef AX_ERR_H
#define AX_ERR_H

/* The exit codes of the program (README, "Exit codes"). */
enum {
	AX_EXIT_OK = 0,
	AX_EXIT_STAGE = 1, /* a stage failed */
	AX_EXIT_USAGE = 2, /* command line or manifest */
	AX_EXIT_ENV = 3,   /* tool missing, disk full, network, permissions */
	AX_EXIT_CLAIM = 4, /* a claim or a rebuild check did not hold */
	AX_EXIT_INTERRUPTED = 130
};

#define AX_ERR_TEXT 4096

struct ax_err {
	int exit;               /* one of AX_EXIT_*; 0 while nothing is wrong */
	char text[AX_ERR_TEXT]; /* lines; later lines are causes */
};

#define AX_ERR_INIT                                                            \
	{                                                                      \
		0,                                                             \
		{                                                              \
			0                                                      \
		}                                                              \
	}

/*
 * Both return -1, so that `return ax_err_set(...)` reads as it should. A format
 * that ends in ':' gets strerror(errno) appended, after samurai's warn().
 * ax_err_wrap puts a line in front and pushes what was there down as
 * "  caused by: ...", keeping the exit code.
 */
int ax_err_set(struct ax_err *err, int exit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int ax_err_wrap(struct ax_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ax_err_clear(struct ax_err *err);

#endif
