/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by its system calls: Debian 12's headers know less than its kernel.
 * Numbers and layouts: Documentation/userspace-api/landlock.rst. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/confine.h"

/* the same on every architecture */
#define NR_CREATE 444
#define NR_ADD 445
#define NR_RESTRICT 446

#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define MAKE_CHAR (1ull << 6)
#define MAKE_BLOCK (1ull << 11)
#define TRUNCATE (1ull << 14)
#define IOCTL_DEV (1ull << 15)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct __attribute__((packed)) beneath {
	uint64_t access;
	int32_t fd;
};

int
ax_landlock_abi(void)
{
	long abi = syscall(NR_CREATE, NULL, 0, 1);

	return abi > 0 ? (int)abi : 0;
}

static int
grant(int set, const char *path, uint64_t access)
{
	const uint64_t files =
		EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
	struct beneath rule = {access, -1};
	struct stat st;
	long rc = 0;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		return 0; /* what is not there needs no leave */
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.access &= files;
	if (rule.access)
		rc = syscall(NR_ADD, set, 1, &rule, 0);
	close(rule.fd);
	return (int)rc;
}

int
ax_landlock_enter(const struct ax_policy *p, struct ax_err *err)
{
	struct ruleset a = {0};
	int abi = ax_landlock_abi(), set, rc = 0;
	const uint64_t look = EXECUTE | READ_FILE | READ_DIR;
	/* a device node of its own would lead root past all of this */
	const uint64_t all = ~(MAKE_CHAR | MAKE_BLOCK);
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (abi == 0)
		return ax_err_set(err, AX_EXIT_ENV, "no Landlock");
	/* 13 rights at first, then refer, truncate, ioctl of devices */
	a.fs = abi >= 5   ? 0xffff
	       : abi >= 3 ? 0x7fff
	       : abi == 2 ? 0x3fff
			  : 0x1fff;
	a.net = abi >= 4 ? 3 : 0;
	a.scoped = abi >= 6 ? 3 : 0;
	set = (int)syscall(NR_CREATE, &a, size, 0);
	if (set < 0)
		return ax_err_set(err, AX_EXIT_ENV, "Landlock:");
	for (size_t i = 0; rc == 0 && ax_policy_system[i]; i++)
		rc = grant(set, ax_policy_system[i], look);
	for (size_t i = 0; rc == 0 && ax_policy_devices[i]; i++)
		rc = grant(
			set, ax_policy_devices[i],
			a.fs & (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV));
	for (size_t i = 0; rc == 0 && ax_policy_bins[i]; i++)
		for (size_t k = 0; rc == 0 && ax_policy_utilities[k]; k++) {
			char *path = ax_join(ax_policy_bins[i],
					     ax_policy_utilities[k]);

			rc = grant(set, path, look);
			free(path);
		}
	for (size_t i = 0; rc == 0 && p->read[i]; i++)
		rc = grant(set, p->read[i], look);
	for (size_t i = 0; rc == 0 && p->write[i]; i++)
		rc = grant(set, p->write[i], a.fs & all);
	if (rc == 0)
		rc = grant(set, p->home, a.fs & all);
	if (rc == 0)
		rc = (int)syscall(NR_RESTRICT, set, 0);
	if (rc < 0)
		ax_err_set(err, AX_EXIT_ENV, "Landlock:");
	close(set);
	return rc;
}
