/* SPDX-License-Identifier: Apache-2.0 */
/* TAP for C: one program, one topic. End main with `return tap_done();`. */
#ifndef AX_TAP_H
#define AX_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_n, tap_bad;

__attribute__((format(printf, 4, 5), unused)) static int
tap_ok(int good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_n);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (!good) {
		tap_bad++;
		printf("# failed at %s:%d\n", file, line);
	}
	return good;
}

#define ok(cond, ...) tap_ok((cond) != 0, __FILE__, __LINE__, __VA_ARGS__)
/* Integers (any) with both values shown. */
#define is_int(got, want, ...)                                                 \
	do {                                                                   \
		long long g_ = (long long)(got), w_ = (long long)(want);       \
		if (!tap_ok(g_ == w_, __FILE__, __LINE__, __VA_ARGS__))        \
			printf("# got %lld, want %lld\n", g_, w_);             \
	} while (0)
#define is_str(got, want, ...)                                                 \
	do {                                                                   \
		const char *g_ = (got), *w_ = (want);                          \
		if (!tap_ok(g_ && w_ && strcmp(g_, w_) == 0, __FILE__,         \
			    __LINE__, __VA_ARGS__))                            \
			printf("# got '%s', want '%s'\n", g_ ? g_ : "(null)",  \
			       w_ ? w_ : "(null)");                            \
	} while (0)
#define tap_skip(n, why)                                                       \
	do {                                                                   \
		for (int s_ = 0; s_ < (n); s_++)                               \
			printf("ok %d # SKIP %s\n", ++tap_n, (why));           \
	} while (0)

__attribute__((unused)) static int
tap_done(void)
{
	printf("1..%d\n", tap_n);
	return tap_bad != 0;
}

#endif
