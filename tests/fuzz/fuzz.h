/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the fuzz targets: each takes any bytes as one kind of file, and has to
 * accept or refuse them in peace. FUZZ_SECONDS is the processor time that a
 * target gets, for a busy machine must not be an excuse; libFuzzer's own limit
 * is by the clock on the wall.
 */
#ifndef AX_FUZZ_H
#define AX_FUZZ_H

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The runner takes fd 2 away from what is tested, for it warns of each input;
 * what a target itself has to say goes here. */
static int fuzz_err = 2;

/* What must hold, holds; else the input is kept as a crash. */
#define FUZZ_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			dprintf(fuzz_err, "%s:%d: does not hold: %s\n",        \
				__FILE__, __LINE__, #what);                    \
			abort();                                               \
		}                                                              \
	} while (0)

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *text = getenv("FUZZ_SECONDS");
	struct itimerspec when = {.it_value.tv_sec = text ? atol(text) : 0};
	/* libFuzzer takes this signal as a wish to end in good order */
	struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL,
				.sigev_signo = SIGUSR1};
	timer_t timer;

	(void)argc;
	(void)argv;
	fuzz_err = dup(2);
	if (when.it_value.tv_sec > 0 &&
	    (timer_create(CLOCK_PROCESS_CPUTIME_ID, &tell, &timer) < 0 ||
	     timer_settime(timer, 0, &when, NULL) < 0))
		abort();
	return 0;
}

/* A folder of this process, below TMPDIR; the runner removes it. */
__attribute__((unused)) static const char *
fuzz_dir(void)
{
	static char *dir;

	if (!dir) {
		dir = ax_tmp_template("axpipe-fuzz");
		if (!mkdtemp(dir))
			abort();
	}
	return dir;
}

/* The path of a file in it, which is made to hold these bytes. */
__attribute__((unused)) static const char *
fuzz_file(const char *name, const void *data, size_t size)
{
	static char path[4096];
	struct ax_err err = AX_ERR_INIT;

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	if (ax_write_plain(path, data, size, &err) < 0)
		abort();
	return path;
}

/* Cuts the bytes up to the next line "--" off; false when nothing is left. */
__attribute__((unused)) static bool
fuzz_part(const uint8_t **data, size_t *size, const char **part, size_t *len)
{
	const uint8_t *end;

	if (!*data)
		return false;
	*part = (const char *)*data;
	end = memmem(*data, *size, "\n--\n", 4);
	*len = end ? (size_t)(end - *data) : *size;
	*size -= end ? *len + 4 : *size;
	*data = end ? end + 4 : NULL;
	return true;
}

#endif
