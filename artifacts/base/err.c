/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "artifacts/base/base.h"

static void
format(char *out, size_t size, int saved, const char *fmt, va_list ap)
{
	size_t n;

	vsnprintf(out, size, fmt, ap);
	n = strlen(out);
	if (n && out[n - 1] == ':')
		snprintf(out + n, size - n, " %s", strerror(saved));
}

int
ax_err_set(struct ax_err *err, int exit, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!err)
		return -1;
	err->exit = exit;
	va_start(ap, fmt);
	format(err->text, sizeof(err->text), saved, fmt, ap);
	va_end(ap);
	return -1;
}

int
ax_err_wrap(struct ax_err *err, const char *fmt, ...)
{
	char line[1024], old[AX_ERR_TEXT];
	int saved = errno;
	va_list ap;
	size_t n;

	if (!err)
		return -1;
	va_start(ap, fmt);
	format(line, sizeof(line), saved, fmt, ap);
	va_end(ap);
	memcpy(old, err->text, sizeof(old));
	snprintf(err->text, sizeof(err->text), "%s", line);
	n = strlen(err->text);
	if (old[0])
		snprintf(err->text + n, sizeof(err->text) - n,
			 "\n  caused by: %.*s", (int)(sizeof(old) - 1200), old);
	if (!err->exit)
		err->exit = AX_EXIT_STAGE;
	return -1;
}

void
ax_err_clear(struct ax_err *err)
{
	if (err) {
		err->exit = 0;
		err->text[0] = '\0';
	}
}
