/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of the null-run benchmark: copies in/in to out/out. */
#include <fcntl.h>
#include <unistd.h>

int
main(void)
{
	char buf[4096];
	int in = open("in/in", O_RDONLY);
	int out = open("out/out", O_WRONLY | O_CREAT, 0644);
	ssize_t n;

	if (in < 0 || out < 0)
		return 1;
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return 1;
	return n < 0;
}
