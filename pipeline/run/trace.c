/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stage touches, seen through ptrace. A seccomp filter stops it only at
 * system calls that name a path or a peer; what it read and computes in between
 * runs at full speed. What a descriptor became is read back from /proc after
 * the call, so that links and races do not matter there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/confine.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* ax_confine_probe says so */
#endif

#define MAX_FOUND 1000
#define NO_DIR -1
#define NO_PATH -1 /* the descriptor itself */
#define NEVER -1

/* The same on every architecture, and newer than Debian 12's headers. */
#define NR_FCHMODAT2 452
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_FILE_SETATTR 469

/* ALTERS is what Landlock has no right for: modes, owners, times, attributes,
 * and before its third version sizes. In the sandbox the tracer refuses it. */
enum act { OPEN, WRITES, ALTERS, LOOKS, RUNS, PEER, SOCKET, PAIR, IPC };

struct call {
	int nr;
	enum act act;
	int dir, path;   /* which arguments; NO_DIR: the working directory */
	int dir2, path2; /* of a second path; path2 0: none */
	int flags; /* of ALTERS: which argument may say that a link itself is
		    * meant; 0: none, NEVER: it always is */
};

/* The system calls that are stopped at. */
static const struct call calls[] = {
#ifdef __NR_open
	{__NR_open, OPEN, NO_DIR, 0, 0, 0, 0},
	{__NR_creat, OPEN, NO_DIR, 0, 0, 0, 0},
	{__NR_stat, LOOKS, NO_DIR, 0, 0, 0, 0},
	{__NR_lstat, LOOKS, NO_DIR, 0, 0, 0, 0},
	{__NR_access, LOOKS, NO_DIR, 0, 0, 0, 0},
	{__NR_readlink, LOOKS, NO_DIR, 0, 0, 0, 0},
	{__NR_unlink, WRITES, NO_DIR, 0, 0, 0, 0},
	{__NR_rmdir, WRITES, NO_DIR, 0, 0, 0, 0},
	{__NR_mkdir, WRITES, NO_DIR, 0, 0, 0, 0},
	{__NR_mknod, WRITES, NO_DIR, 0, 0, 0, 0},
	{__NR_chmod, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_chown, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_lchown, ALTERS, NO_DIR, 0, 0, 0, NEVER},
	{__NR_utime, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_utimes, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_futimesat, ALTERS, 0, 1, 0, 0, 0},
	{__NR_symlink, WRITES, NO_DIR, 1, 0, 0, 0},
	{__NR_rename, WRITES, NO_DIR, 0, NO_DIR, 1, 0},
	{__NR_link, WRITES, NO_DIR, 0, NO_DIR, 1, 0},
#endif
	{__NR_openat, OPEN, 0, 1, 0, 0, 0},
	{__NR_openat2, OPEN, 0, 1, 0, 0, 0},
	{__NR_newfstatat, LOOKS, 0, 1, 0, 0, 0},
	{__NR_statx, LOOKS, 0, 1, 0, 0, 0},
	{__NR_faccessat, LOOKS, 0, 1, 0, 0, 0},
	{__NR_faccessat2, LOOKS, 0, 1, 0, 0, 0},
	{__NR_readlinkat, LOOKS, 0, 1, 0, 0, 0},
	{__NR_truncate, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_unlinkat, WRITES, 0, 1, 0, 0, 0},
	{__NR_mkdirat, WRITES, 0, 1, 0, 0, 0},
	{__NR_mknodat, WRITES, 0, 1, 0, 0, 0},
	{__NR_fchmodat, ALTERS, 0, 1, 0, 0, 0},
	{__NR_fchownat, ALTERS, 0, 1, 0, 0, 4},
	{__NR_utimensat, ALTERS, 0, 1, 0, 0, 3},
	{__NR_setxattr, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_lsetxattr, ALTERS, NO_DIR, 0, 0, 0, NEVER},
	{__NR_removexattr, ALTERS, NO_DIR, 0, 0, 0, 0},
	{__NR_lremovexattr, ALTERS, NO_DIR, 0, 0, 0, NEVER},
	{__NR_fchmod, ALTERS, 0, NO_PATH, 0, 0, 0},
	{__NR_fchown, ALTERS, 0, NO_PATH, 0, 0, 0},
	{__NR_fsetxattr, ALTERS, 0, NO_PATH, 0, 0, 0},
	{__NR_fremovexattr, ALTERS, 0, NO_PATH, 0, 0, 0},
	{NR_FCHMODAT2, ALTERS, 0, 1, 0, 0, 3},
	{NR_SETXATTRAT, ALTERS, 0, 1, 0, 0, 2},
	{NR_REMOVEXATTRAT, ALTERS, 0, 1, 0, 0, 2},
	{NR_FILE_SETATTR, ALTERS, 0, 1, 0, 0, 4},
	{__NR_symlinkat, WRITES, 1, 2, 0, 0, 0},
	{__NR_renameat2, WRITES, 0, 1, 2, 3, 0},
	{__NR_linkat, WRITES, 0, 1, 2, 3, 0},
#ifdef __NR_renameat
	{__NR_renameat, WRITES, 0, 1, 2, 3, 0},
#endif
	{__NR_execve, RUNS, NO_DIR, 0, 0, 0, 0},
	{__NR_execveat, RUNS, 0, 1, 0, 0, 0},
	{__NR_connect, PEER, NO_DIR, 1, 0, 0, 0},
	{__NR_bind, PEER, NO_DIR, 1, 0, 0, 0},
	{__NR_sendto, PEER, NO_DIR, 4, 0, 0, 0},
	{__NR_sendmsg, PEER, NO_DIR, 1, 0, 0, 0},
	{__NR_sendmmsg, PEER, NO_DIR, 1, 0, 0, 0},
	{__NR_socket, SOCKET, NO_DIR, 0, 0, 0, 0},
	{__NR_socketpair, PAIR, NO_DIR, 0, 0, 0, 0},
	{__NR_shmget, IPC, NO_DIR, 0, 0, 0, 0},
	{__NR_semget, IPC, NO_DIR, 0, 0, 0, 0},
	{__NR_msgget, IPC, NO_DIR, 0, 0, 0, 0},
};

static void
emit(struct sock_filter *f, size_t *n, uint32_t nr, uint32_t verdict)
{
	f[(*n)++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr,
						 0, 1);
	f[(*n)++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict);
}

/* The verdict, but not on what harms nobody: pairs of streams are pipes, and a
 * private key of System V leads to nobody. One of a pair of datagram sockets
 * reaches every socket whose name it knows. */
static void
emit_by_arg(struct sock_filter *f, size_t *n, const struct call *c,
	    uint32_t verdict)
{
	bool pair = c->act == PAIR;
	const struct sock_filter part[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->nr, 0, 6),
		/* little-endian: its low half */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args) +
				 (pair ? sizeof(uint64_t) : 0)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, pair ? 0xf : ~0u),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 pair ? SOCK_STREAM : IPC_PRIVATE, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 pair ? SOCK_SEQPACKET : IPC_PRIVATE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
	};

	memcpy(f + *n, part, sizeof(part));
	*n += AX_LEN(part);
}

int
ax_trace_filter(enum ax_confine mode, bool traced)
{
	struct sock_filter f[7 * AX_LEN(calls) + 32];
	struct sock_fprog prog = {0, f};
	size_t n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH,
					      1, 0);
	/* the calls of another word size are not watched: there are none */
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					      SECCOMP_RET_KILL_PROCESS);
	f[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
					      0x40000000, 0, 1);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					      SECCOMP_RET_ERRNO | ENOSYS);
#endif
	/* opens files and sockets behind everybody's back */
	emit(f, &n, __NR_io_uring_setup, SECCOMP_RET_ERRNO | ENOSYS);
	emit(f, &n, __NR_open_by_handle_at, SECCOMP_RET_ERRNO | EPERM);
	for (size_t i = 0; i < AX_LEN(calls); i++) {
		enum act act = calls[i].act;
		uint32_t nr = (uint32_t)calls[i].nr;

		if (traced && act != PAIR && act != IPC)
			emit(f, &n, nr, SECCOMP_RET_TRACE);
		else if (mode != AX_CONFINE_SANDBOX && !traced)
			;
		else if (act == SOCKET)
			emit(f, &n, nr, SECCOMP_RET_ERRNO | EACCES);
		else if (act == PAIR || act == IPC)
			emit_by_arg(f, &n, &calls[i],
				    traced ? SECCOMP_RET_TRACE
					   : SECCOMP_RET_ERRNO | EACCES);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					      SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

/* The tracees -------------------------------------------------------------- */

struct thread {
	int tid;
	const struct call *call; /* between its stop and its end */
	char *path, *path2;      /* as named, resolved before the call */
	int flags;               /* of an open */
	bool device;             /* is made */
};

struct tracer {
	const struct ax_policy *p;
	json_t *found;
	struct thread *list;
	size_t n, cap;
	char self[64]; /* "/proc/<pid>" of nobody: what /proc/self leads to
			* here */
};

int
ax_trace_seize(int pid)
{
	return (int)ptrace(
		PTRACE_SEIZE, pid, NULL,
		(void *)(long)(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
			       PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			       PTRACE_O_EXITKILL));
}

static struct thread *
thread_of(struct tracer *t, int tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].tid == tid)
			return &t->list[i];
	AX_GROW(t->list, t->n, t->cap);
	memset(&t->list[t->n], 0, sizeof(t->list[0]));
	t->list[t->n].tid = tid;
	return &t->list[t->n++];
}

static void
forget(struct thread *th)
{
	free(th->path);
	free(th->path2);
	th->path = th->path2 = NULL;
	th->device = false;
	th->call = NULL;
}

static void
drop_thread(struct tracer *t, int tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].tid == tid) {
			forget(&t->list[i]);
			t->list[i] = t->list[--t->n];
			return;
		}
}

static size_t
peek(int tid, uint64_t at, void *out, size_t n)
{
	struct iovec to = {out, n}, from = {(void *)(uintptr_t)at, n};
	ssize_t got = process_vm_readv(tid, &to, 1, &from, 1, 0);

	return got > 0 ? (size_t)got : 0;
}

/* A string of the tracee; never across a page that may not be there. */
static bool
peek_text(int tid, uint64_t at, char out[PATH_MAX])
{
	size_t n = 0;

	while (n < PATH_MAX) {
		size_t left = 4096 - ((at + n) & 4095), got;

		left = AX_MIN(left, PATH_MAX - n);
		got = peek(tid, at + n, out + n, left);
		if (memchr(out + n, '\0', got))
			return true;
		if (got < left)
			return false;
		n += got;
	}
	return false;
}

static char *
read_link(const char *fmt, int tid, int fd)
{
	char name[64], path[PATH_MAX];
	ssize_t n;

	snprintf(name, sizeof(name), fmt, tid, fd);
	n = readlink(name, path, sizeof(path) - 1);
	return n > 0 ? ax_strndup(path, (size_t)n) : NULL;
}

/* The same path as seen from here; NULL: as it is. */
static char *
own_proc(int tid, const char *text)
{
	static const struct {
		const char *from, *to;
	} names[] = {{"/proc/self", ""},
		     {"/proc/thread-self", ""},
		     {"/dev/fd", "/fd"}};

	for (size_t i = 0; i < AX_LEN(names); i++) {
		size_t n = strlen(names[i].from);

		if (ax_starts(text, names[i].from) &&
		    (text[n] == '/' || !text[n]))
			return ax_asprintf("/proc/%d%s%s", tid, names[i].to,
					   text + n);
	}
	return NULL;
}

/* The tracee's path as an absolute one: links in its folder part resolved;
 * with `follow` those of its end, too. NULL: none. */
static char *
absolute(int tid, int dir, const char *text, bool follow)
{
	char *base, *full, *parent, *real, *out = NULL;

	full = own_proc(tid, text);
	if (!full && text[0] == '/') {
		full = ax_strdup(text);
	} else if (!full) {
		base = dir == AT_FDCWD ? read_link("/proc/%d/cwd", tid, 0)
				       : read_link("/proc/%d/fd/%d", tid, dir);
		if (!base)
			return NULL;
		full = ax_join(base, text);
		free(base);
	}
	if (follow && (real = realpath(full, NULL)) != NULL) {
		free(full);
		return real;
	}
	parent = ax_dirname(full);
	real = realpath(parent, NULL);
	if (real && !ax_ends(full, "/..") && !ax_ends(full, "/."))
		out = ax_asprintf("%s/%s", ax_streq(real, "/") ? "" : real,
				  ax_basename(full));
	free(real);
	free(parent);
	free(full);
	return out;
}

/* ... of a call's argument. What a process looks at of itself in /proc says
 * nothing: it is left out unless `own`. */
static char *
resolve(int tid, int dir, uint64_t at, bool follow, bool own)
{
	char text[PATH_MAX], *self;

	if (!peek_text(tid, at, text))
		return NULL;
	if (!text[0]) /* AT_EMPTY_PATH: the descriptor itself */
		return NULL;
	self = own ? NULL : own_proc(tid, text);
	free(self);
	return self ? NULL : absolute(tid, dir, text, follow);
}

static void
find(struct tracer *t, int tid, const char *kind, const char *path,
     bool refused)
{
	char *exe = read_link("/proc/%d/exe", tid, 0);
	const json_t *v;
	json_t *name;
	size_t i;

	json_array_foreach(t->found, i, v)
	{
		const char *k = json_string_value(json_object_get(v, "kind"));
		const char *q = json_string_value(json_object_get(v, "path"));

		if (ax_streq(k, kind) && ax_streq(q, path)) {
			free(exe);
			return;
		}
	}
	if (json_array_size(t->found) < MAX_FOUND) {
		json_t *o = json_object();

		name = json_string(path);
		json_object_set_new(o, "kind", json_string(kind));
		json_object_set_new(o, "path",
				    name ? name : json_string("(not UTF-8)"));
		name = json_string(exe ? ax_basename(exe) : "?");
		json_object_set_new(o, "by", name ? name : json_string("?"));
		json_object_set_new(o, "refused", json_boolean(refused));
		json_array_append_new(t->found, o);
	}
	free(exe);
}

static bool
is_dir_path(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
judge(struct tracer *t, int tid, const char *path, bool write, bool look,
      bool refused)
{
	if (!path || path[0] != '/' || ax_starts(path, "/memfd:"))
		return;
	if (write ? ax_policy_may_write(t->p, path)
		  : ax_policy_may_read(t->p, path))
		return;
	/* that a folder is there says nothing; what is in it does */
	if (look && (is_dir_path(path) || refused))
		return;
	find(t, tid,
	     write  ? "write"
	     : look ? "look at"
		    : "read",
	     path, refused);
}

static bool
is_refusal(int64_t rval)
{
	return rval == -EACCES || rval == -EPERM || rval == -EXDEV;
}

static void
peer(struct tracer *t, int tid, uint64_t at, uint64_t size, bool bind)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
		char bytes[128];
	} a;
	char host[INET6_ADDRSTRLEN], text[160], *path = NULL;

	memset(&a, 0, sizeof(a));
	if (!at || peek(tid, at, &a, AX_MIN((size_t)size, sizeof(a) - 1)) < 2)
		return;
	if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s port %u", host,
			 ntohs(a.v4.sin_port));
	} else if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s port %u", host,
			 ntohs(a.v6.sin6_port));
	} else if (a.any.sa_family == AF_UNIX && a.un.sun_path[0]) {
		path = absolute(tid, AT_FDCWD, a.un.sun_path, true);
		/* glibc asks for nscd, which is hardly ever there */
		if (!path || ax_policy_may_write(t->p, path) ||
		    (!bind && access(path, F_OK) < 0)) {
			free(path);
			return;
		}
	} else if (a.any.sa_family == AF_UNIX && a.un.sun_path[1]) {
		/* of no file */
		snprintf(text, sizeof(text), "@%s", a.un.sun_path + 1);
	} else {
		return;
	}
	find(t, tid, "network", path ? path : text, false);
	free(path);
}

/* The addresses of sendmsg, and of sendmmsg's many. */
static void
peers(struct tracer *t, int tid, uint64_t at, uint64_t many)
{
	struct mmsghdr m;

	for (uint64_t i = 0; i < AX_MIN(many, (uint64_t)1024); i++) {
		if (peek(tid, at + i * sizeof(m), &m, sizeof(m.msg_hdr)) <
		    sizeof(m.msg_hdr))
			return;
		peer(t, tid, (uint64_t)(uintptr_t)m.msg_hdr.msg_name,
		     m.msg_hdr.msg_namelen, false);
	}
}

/* The call is left out, and its caller told EACCES. */
static void
refuse(int tid)
{
#ifdef __x86_64__
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) == 0) {
		r.orig_rax = (unsigned long long)-1;
		r.rax = (unsigned long long)-EACCES;
		if (ptrace(PTRACE_SETREGS, tid, NULL, &r) == 0)
			return;
	}
#endif
	kill(tid, SIGKILL);
}

/* In the sandbox no socket is made; pairs of sockets are pipes, and stay. */
static void
at_socket(struct tracer *t, int tid, uint64_t family)
{
	bool sandbox = t->p->mode == AX_CONFINE_SANDBOX;
	const char *name = family == AF_INET    ? "a socket (IPv4)"
			   : family == AF_INET6 ? "a socket (IPv6)"
			   : family == AF_UNIX  ? "a socket (Unix)"
						: "a socket (other)";

	if (sandbox || family == AF_INET || family == AF_INET6)
		find(t, tid, "network", name, sandbox);
	if (sandbox)
		refuse(tid);
}

/* What reaches another process by no path. */
static void
at_channel(struct tracer *t, int tid, enum act act, uint64_t key)
{
	bool sandbox = t->p->mode == AX_CONFINE_SANDBOX;
	char text[48] = "a pair of datagram sockets";

	if (act == IPC)
		snprintf(text, sizeof(text), "System V key 0x%x",
			 (unsigned)key);
	if (sandbox || act == IPC)
		find(t, tid, act == IPC ? "channel" : "network", text, sandbox);
	if (sandbox)
		refuse(tid);
}

/* Devices lead past every path. */
static bool
makes_device(uint64_t nr, const uint64_t *args)
{
	uint64_t mode = nr == __NR_mknodat ? args[2] : 0;

#ifdef __NR_mknod
	mode = nr == __NR_mknod ? args[1] : mode;
#endif
	return S_ISCHR((mode_t)mode) || S_ISBLK((mode_t)mode);
}

static int
dir_arg(const uint64_t *args, int which)
{
	return which == NO_DIR ? AT_FDCWD : (int)args[which];
}

/* What a call of ALTERS means. NULL: none. */
static char *
altered(int tid, const struct call *c, const uint64_t *args)
{
	bool follow = c->flags != NEVER &&
		      !(c->flags && args[c->flags] & AT_SYMLINK_NOFOLLOW);
	int dir = dir_arg(args, c->dir);
	char *path = c->path == NO_PATH
			     ? NULL
			     : resolve(tid, dir, args[c->path], follow, true);

	if (!path && dir != AT_FDCWD)
		path = read_link("/proc/%d/fd/%d", tid, dir);
	return path;
}

/* True when the sandbox must refuse what Landlock may let pass. */
static bool
must_refuse(const struct tracer *t, const struct thread *th)
{
	bool alters = th->call->act == ALTERS ||
		      (th->call->act == OPEN && th->flags & O_TRUNC &&
		       ax_landlock_abi() < 3);

	return t->p->mode == AX_CONFINE_SANDBOX && alters && th->path &&
	       th->path[0] == '/' && !ax_starts(th->path, "/memfd:") &&
	       !ax_policy_may_alter(t->p, th->path);
}

/* A call is about to begin. True when its end is of interest. */
static bool
enter(struct tracer *t, struct thread *th, const uint64_t *args, uint64_t nr)
{
	const struct call *c = NULL;
	uint64_t how[3] = {0};

	forget(th);
	for (size_t i = 0; i < AX_LEN(calls) && !c; i++)
		if ((uint64_t)calls[i].nr == nr)
			c = &calls[i];
	if (!c)
		return false;
	if (c->act == SOCKET) {
		at_socket(t, th->tid, args[0]);
		return false;
	}
	if (c->act == PAIR || c->act == IPC) {
		at_channel(t, th->tid, c->act, args[0]);
		return false;
	}
	if (nr == __NR_sendmsg || nr == __NR_sendmmsg) {
		peers(t, th->tid, args[1], nr == __NR_sendmsg ? 1 : args[2]);
		return false;
	}
	if (c->act == PEER) {
		peer(t, th->tid, args[c->path], args[c->path + 1],
		     nr == __NR_bind);
		return false;
	}
	th->flags = 0;
	if (nr == __NR_openat)
		th->flags = (int)args[2];
	else if (nr == __NR_openat2 &&
		 peek(th->tid, args[2], how, sizeof(how)) >= 8)
		th->flags = (int)how[0];
#ifdef __NR_open
	else if (nr == __NR_open)
		th->flags = (int)args[1];
	else if (nr == __NR_creat)
		th->flags = O_CREAT | O_WRONLY | O_TRUNC;
#endif
	th->path = c->act == ALTERS
			   ? altered(th->tid, c, args)
			   : resolve(th->tid, dir_arg(args, c->dir),
				     args[c->path], c->act != WRITES,
				     c->act == WRITES || c->act == RUNS);
	if (c->path2)
		th->path2 = resolve(th->tid, dir_arg(args, c->dir2),
				    args[c->path2], false, true);
	th->call = c;
	th->device = makes_device(nr, args);
	if (must_refuse(t, th)) {
		find(t, th->tid, "write", th->path, true);
		refuse(th->tid);
		forget(th);
		return false;
	}
	if (c->act == RUNS) {
		/* its end is another program */
		if (th->path && access(th->path, X_OK) == 0 &&
		    !ax_policy_may_read(t->p, th->path))
			find(t, th->tid, "program", th->path,
			     t->p->mode == AX_CONFINE_SANDBOX);
		forget(th);
		return false;
	}
	return th->path || th->path2;
}

static void
leave(struct tracer *t, struct thread *th, int64_t rval)
{
	const struct call *c = th->call;
	bool refused = is_refusal(rval);

	if (c && c->act == OPEN) {
		bool write = (th->flags & O_ACCMODE) != O_RDONLY ||
			     (th->flags & (O_TRUNC | O_CREAT));

		if (rval >= 0) {
			char *real =
				read_link("/proc/%d/fd/%d", th->tid, (int)rval);

			judge(t, th->tid, real ? real : th->path, write,
			      th->flags & O_PATH, false);
			free(real);
		} else if (refused) {
			judge(t, th->tid, th->path, write, false, true);
		}
	} else if (c && th->device && (rval >= 0 || refused)) {
		find(t, th->tid, "device", th->path ? th->path : "?", refused);
	} else if (c && (rval >= 0 || refused)) {
		bool write = c->act == WRITES || c->act == ALTERS;

		judge(t, th->tid, th->path, write, !write, refused);
		judge(t, th->tid, th->path2, write, !write, refused);
	}
	forget(th);
}

static void
stopped(struct tracer *t, int tid, int status)
{
	struct __ptrace_syscall_info info;
	struct thread *th = thread_of(t, tid);
	int sig = WSTOPSIG(status), event = status >> 16;
	long go = PTRACE_CONT;
	int deliver = 0;

	if (event == PTRACE_EVENT_SECCOMP) {
		memset(&info, 0, sizeof(info));
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) >
			    0 &&
		    info.op == PTRACE_SYSCALL_INFO_SECCOMP &&
		    enter(t, th, (const uint64_t *)info.seccomp.args,
			  info.seccomp.nr))
			go = PTRACE_SYSCALL;
	} else if (sig == (SIGTRAP | 0x80)) {
		memset(&info, 0, sizeof(info));
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) >
			    0 &&
		    info.op == PTRACE_SYSCALL_INFO_EXIT)
			leave(t, th, info.exit.rval);
		else
			go = PTRACE_SYSCALL; /* its beginning */
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		/* a stage that is stopped stays stopped */
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	} else if (event == 0) {
		deliver = sig;
	}
	ptrace((enum __ptrace_request)go, tid, NULL, (void *)(long)deliver);
}

int
ax_trace_follow(int pid, const struct ax_policy *p, json_t *found, int *status)
{
	struct tracer t = {.p = p, .found = found};
	int st, tid;

	for (;;) {
		tid = waitpid(-1, &st, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			break;
		if (WIFSTOPPED(st)) {
			stopped(&t, tid, st);
			continue;
		}
		drop_thread(&t, tid);
		if (tid == pid) {
			*status = st;
			break;
		}
	}
	for (size_t i = 0; i < t.n; i++)
		forget(&t.list[i]);
	free(t.list);
	return tid == pid ? 0 : -1;
}
