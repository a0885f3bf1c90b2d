/* SPDX-License-Identifier: Apache-2.0 */
/* Processor time for benchmarks: the machines are shared. */
#ifndef AX_BENCH_CLOCK_H
#define AX_BENCH_CLOCK_H

#include <time.h>

/* Seconds of this thread. */
static inline double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
