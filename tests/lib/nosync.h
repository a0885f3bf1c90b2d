/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that write much: these stand before those of the C library for the
 * program. What a power loss does cannot be seen here, and waiting for the disk
 * is slow. */
#ifndef AX_TEST_NOSYNC_H
#define AX_TEST_NOSYNC_H

#include <unistd.h>

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return 0;
}

#endif
