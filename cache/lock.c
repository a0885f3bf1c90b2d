/* SPDX-License-Identifier: Apache-2.0 */
/* One process at a time works on a key. The file is removed on unlocking, so
 * a lock counts only while the name still leads to the file that is locked. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "cache/private.h"

int
ax_lock_key(struct ax_store *s, int *fd, const struct ax_digest *key, bool wait,
	    struct ax_err *err)
{
	char name[AX_HEX_LEN + 16] = "locks/";
	struct stat held, named;

	*fd = -1;
	if (ax_store_writable(s, err) < 0)
		return -1;
	ax_hex(name + 6, key);
	for (;;) {
		*fd = openat(s->fd, name,
			     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (*fd < 0 && errno == ENOENT &&
		    (mkdirat(s->fd, "locks", 0777) == 0 || errno == EEXIST))
			continue;
		if (*fd < 0)
			return ax_store_error(s, err, "lock", name);
		while (flock(*fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EWOULDBLOCK) {
				close(*fd);
				*fd = -1;
				return 1;
			}
			ax_store_error(s, err, "lock", name);
			close(*fd);
			*fd = -1;
			return -1;
		}
		if (fstat(*fd, &held) == 0 &&
		    fstatat(s->fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    held.st_ino == named.st_ino && held.st_dev == named.st_dev)
			return 0;
		close(*fd);
	}
}

void
ax_unlock(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > AX_HEX_LEN) {
		path[n] = '\0';
		/* still locked: whoever waits finds the name gone, tries anew
		 */
		if (strlen(ax_basename(path)) == AX_HEX_LEN)
			(void)unlink(path);
	}
	close(fd);
}
