/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload that makes the machine fail at a chosen moment, or lie
 * about the time. AXPIPE_FAULT says how:
 *
 *   write:N[+]:ENOSPC   the N-th call that changes the disk (write, pwrite,
 *                       fsync, rename, mkdir, open for writing) fails with
 *                       that error; with + every later one, too
 *   read:N              the N-th read of a file of the test ($T) fails: EIO
 *   malloc:N            the N-th allocation fails; libgit2's are not counted,
 *                       for its 1.5 does not survive that: it crashes, after
 *                       everything but the run's commit is in the store
 *   kill:N              the process is killed at the N-th change of the disk
 *   clock:S             wall time jumps back and forth by S seconds a call
 *   count               counts, and leaves the counts in $AXPIPE_FAULT_COUNT
 *
 * Only the process that is started with it: stages get another environment.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static enum { NONE, WRITE, READ, MALLOC, KILL, CLOCK, COUNT } kind;
static long at, changes, reads, allocations, jump;
static int later, error = EIO;
static int ready;

static void leave_counts(void);

__attribute__((constructor)) static void
begin(void)
{
	const char *s = getenv("AXPIPE_FAULT"), *colon;

	if (!s || ready)
		return;
	colon = strchr(s, ':');
	at = colon ? atol(colon + 1) : 0;
	later = strchr(s, '+') != NULL;
	if (strstr(s, "ENOSPC"))
		error = ENOSPC;
	else if (strstr(s, "EROFS"))
		error = EROFS;
	if (!strncmp(s, "write", 5))
		kind = WRITE;
	else if (!strncmp(s, "read", 4))
		kind = READ;
	else if (!strncmp(s, "malloc", 6))
		kind = MALLOC;
	else if (!strncmp(s, "kill", 4))
		kind = KILL;
	else if (!strncmp(s, "clock", 5))
		kind = CLOCK;
	else if (!strncmp(s, "count", 5)) {
		kind = COUNT;
		atexit(leave_counts);
	}
	jump = at;
	ready = 1;
}

static void
leave_counts(void)
{
	const char *path = getenv("AXPIPE_FAULT_COUNT");
	char text[80];
	int fd, n;

	if (!path)
		return;
	n = snprintf(text, sizeof(text), "%ld %ld %ld\n", changes, allocations,
		     reads);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path,
			  O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd >= 0) {
		if (syscall(SYS_write, fd, text, n) < 0)
			n = 0;
		syscall(SYS_close, fd);
	}
}

/* True when this change of the disk is to fail. */
static int
fails(void)
{
	long n = __atomic_add_fetch(&changes, 1, __ATOMIC_RELAXED);

	if (kind == KILL && n == at)
		kill(getpid(), SIGKILL);
	if (kind == WRITE && (n == at || (later && n > at))) {
		errno = error;
		return 1;
	}
	return 0;
}

/* Only files: what goes to pipes and terminals is no change of the disk. */
static int
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* True when this read is to fail. */
static int
not_read(int fd)
{
	const char *top = getenv("T");
	char link[64], path[4096];
	ssize_t n;

	if (!ready || !top || !is_file(fd))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	if (n < (ssize_t)strlen(top) || strncmp(path, top, strlen(top)) != 0)
		return 0;
	if (__atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED) != at ||
	    kind != READ)
		return 0;
	errno = EIO;
	return 1;
}

ssize_t
read(int fd, void *buf, size_t n)
{
	return not_read(fd) ? -1 : syscall(SYS_read, fd, buf, n);
}

ssize_t
pread(int fd, void *buf, size_t n, off_t off)
{
	return not_read(fd) ? -1 : syscall(SYS_pread64, fd, buf, n, off);
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	if (is_file(fd) && fails())
		return -1;
	return syscall(SYS_write, fd, buf, n);
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t off)
{
	if (fails())
		return -1;
	return syscall(SYS_pwrite64, fd, buf, n, off);
}

int
fsync(int fd)
{
	if (fails())
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int
syncfs(int fd)
{
	if (fails())
		return -1;
	return (int)syscall(SYS_syncfs, fd);
}

int
rename(const char *a, const char *b)
{
	if (fails())
		return -1;
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 0);
}

int
renameat(int x, const char *a, int y, const char *b)
{
	if (fails())
		return -1;
	return (int)syscall(SYS_renameat2, x, a, y, b, 0);
}

int
mkdir(const char *path, mode_t mode)
{
	if (access(path, F_OK) < 0 && fails())
		return -1;
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int
mkdirat(int d, const char *path, mode_t mode)
{
	if (faccessat(d, path, F_OK, 0) < 0 && fails())
		return -1;
	return (int)syscall(SYS_mkdirat, d, path, mode);
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if ((flags & O_CREAT) && fails())
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
openat(int d, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if ((flags & O_CREAT) && fails())
		return -1;
	return (int)syscall(SYS_openat, d, path, flags, mode);
}

static int
no_memory(const void *caller)
{
	Dl_info who;
	long n;

	if (dladdr(caller, &who) && who.dli_fname &&
	    strstr(who.dli_fname, "libgit2"))
		return 0;
	n = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
	if (kind != MALLOC || n != at)
		return 0;
	errno = ENOMEM;
	return 1;
}

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
	return ready && no_memory(__builtin_return_address(0))
		       ? NULL
		       : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return ready && no_memory(__builtin_return_address(0))
		       ? NULL
		       : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return ready && no_memory(__builtin_return_address(0))
		       ? NULL
		       : __libc_realloc(p, n);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static long calls;
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (kind == CLOCK && id == CLOCK_REALTIME)
		ts->tv_sec += calls++ % 3 * jump - jump;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
