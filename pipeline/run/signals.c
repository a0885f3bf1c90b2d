/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "artifacts/base/base.h"

#define MAX_GROUPS 4096

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
static struct sigaction before[AX_LEN(caught)];
static volatile sig_atomic_t interrupts;
/* Written by the loop alone; a slot is one aligned word, so the handler sees
 * a pid or 0. */
static volatile pid_t groups[MAX_GROUPS];
static int wake[2] = {-1, -1};

static void
handler(int sig)
{
	int saved = errno;

	if (sig != SIGCHLD && ++interrupts >= 2) {
		for (size_t i = 0; i < MAX_GROUPS; i++)
			if (groups[i] > 0)
				kill(-groups[i], SIGKILL);
		/* the live view leaves the cursor at the end of a line */
		if (isatty(STDOUT_FILENO) && write(STDOUT_FILENO, "\n", 1) < 0)
			_exit(AX_EXIT_INTERRUPTED);
		_exit(AX_EXIT_INTERRUPTED);
	}
	/* a full pipe is awake already */
	if (write(wake[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

int
ax_signals_begin(int *fd, struct ax_err *err)
{
	struct sigaction sa = {.sa_handler = handler};

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "cannot create a pipe:");
	interrupts = 0;
	for (size_t i = 0; i < MAX_GROUPS; i++)
		groups[i] = 0;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < AX_LEN(caught); i++) {
		sigaction(caught[i], NULL, &before[i]);
		/* nohup stays nohup */
		if (caught[i] != SIGCHLD && before[i].sa_handler == SIG_IGN)
			continue;
		sa.sa_flags = caught[i] == SIGCHLD ? SA_RESTART : 0;
		sigaction(caught[i], &sa, NULL);
	}
	*fd = wake[0];
	return 0;
}

void
ax_signals_end(void)
{
	for (size_t i = 0; i < AX_LEN(caught); i++)
		sigaction(caught[i], &before[i], NULL);
	close(wake[0]);
	close(wake[1]);
	wake[0] = wake[1] = -1;
}

void
ax_signals_drain(void)
{
	char buf[256];

	while (read(wake[0], buf, sizeof(buf)) > 0)
		;
}

int
ax_signals_interrupts(void)
{
	return interrupts;
}

void
ax_signals_watch(pid_t group)
{
	for (size_t i = 0; i < MAX_GROUPS; i++)
		if (groups[i] == 0) {
			groups[i] = group;
			return;
		}
}

void
ax_signals_unwatch(pid_t group)
{
	for (size_t i = 0; i < MAX_GROUPS; i++)
		if (groups[i] == group)
			groups[i] = 0;
}
