/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stages/eda/tools/abc.h"

#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"

#define SCRIPT "tmp/abc.script"
#define IN "tmp/abc_in.blif"
#define OUT "tmp/abc_out.blif"

static int
write_blif(const char *path, const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc = ax_netlist_write_blif(&s, net, false, err);

	if (rc == 0)
		rc = ax_write_plain(path, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

/* ABC exits 0 when a command fails, and dies of some networks: the caller looks
 * at what it left. Only being killed from outside is an error here. */
static int
run(struct ax_task *t, struct ax_str *log, const char *script,
    struct ax_err *err)
{
	static const char *const args[] = {"-s", "-q", "source " SCRIPT, NULL};
	int status;

	if (ax_write_plain(SCRIPT, script, strlen(script), err) < 0 ||
	    ax_tool_run(t, "abc", args, log, &status, err) < 0)
		return -1;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return ax_err_set(err, AX_EXIT_ENV,
				  "ABC was killed (out of memory?)");
	if (!log->buf)
		ax_str_add(log, "");
	return 0;
}

static int
failed(struct ax_str *log, const char *recipe, struct ax_err *err)
{
	static const char *const words[] = {"rror", "annot", "failed", NULL};
	struct ax_str s = AX_STR_INIT;

	ax_tool_excerpt(&s, log->buf, words, NULL, 8);
	ax_err_set(err, AX_EXIT_STAGE, "ABC left no result for: %s%s%s", recipe,
		   s.len ? "\n" : "", s.len ? s.buf : "");
	ax_str_free(&s);
	return 1;
}

/* The two constants of the genlib file, and ABC's own `.barbuf` (a wire from an
 * input to an output), become plain .names again. */
static int
load_result(struct ax_netlist **out, const struct ax_liberty *lib,
	    struct ax_err *err)
{
	static const char *const gate[] = {".gate _const0_ _o=",
					   ".gate _const1_ _o="};
	struct ax_str s = AX_STR_INIT, warn = AX_STR_INIT;
	const char *end;
	char *text;
	size_t len;
	int rc;

	if (ax_read_file(&text, &len, OUT, AX_NET_MAX_FILE, err) < 0)
		return -1;
	for (const char *p = text; *p; p = end) {
		char *line;
		int k;

		end = strchrnul(p, '\n');
		end += *end == '\n';
		line = ax_strndup(p, (size_t)(end - p));
		/* ABC pads the cell name to a column */
		for (char *q = line; ax_starts(line, ".gate") && *q;)
			if (q[0] == ' ' && q[1] == ' ')
				memmove(q, q + 1, strlen(q));
			else
				q++;
		for (k = 0; k < 2; k++)
			if (ax_starts(line, gate[k]))
				break;
		if (k < 2)
			ax_str_addf(&s, ".names %s%s", line + strlen(gate[k]),
				    k ? "1\n" : "");
		else if (ax_starts(line, ".barbuf "))
			ax_str_addf(&s, ".names %s1 1\n", line + 8);
		else
			ax_str_add(&s, line);
		free(line);
	}
	free(text);
	rc = ax_netlist_parse(out, OUT, s.buf, s.len, AX_NET_BLIF, lib, &warn,
			      err);
	ax_str_free(&s);
	ax_str_free(&warn);
	return rc < 0 ? ax_err_wrap(err, "the netlist that ABC wrote") : 0;
}

int
ax_abc_map(struct ax_netlist **out, struct ax_task *t,
	   const struct ax_netlist *net, const char *genlib,
	   const struct ax_liberty *lib, const char *recipe, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT, log = AX_STR_INIT;
	int rc = -1;

	unlink(OUT);
	if (write_blif(IN, net, err) < 0)
		return -1;
	ax_str_addf(&s,
		    "read_genlib %s\nread_blif " IN "\n%s\nwrite_blif " OUT
		    "\n",
		    genlib, recipe);
	if (run(t, &log, s.buf, err) == 0)
		rc = ax_is_file(OUT) ? load_result(out, lib, err)
				     : failed(&log, recipe, err);
	ax_str_free(&s);
	ax_str_free(&log);
	return rc;
}

const char *
ax_verdict_name(enum ax_verdict v)
{
	return v == AX_PROVED    ? "PROVED"
	       : v == AX_REFUTED ? "REFUTED"
				 : "UNKNOWN";
}

int
ax_abc_equal(enum ax_verdict *out, struct ax_task *t,
	     const struct ax_netlist *a, const struct ax_netlist *b,
	     struct ax_err *err)
{
	struct ax_str log = AX_STR_INIT;
	int rc = -1;

	*out = AX_UNKNOWN;
	if (write_blif(IN, a, err) < 0 || write_blif(OUT, b, err) < 0)
		return -1;
	if (run(t, &log, "cec " IN " " OUT "\n", err) == 0) {
		if (strstr(log.buf, "Networks are equivalent"))
			*out = AX_PROVED;
		else if (strstr(log.buf, "NOT EQUIVALENT"))
			*out = AX_REFUTED;
		rc = 0;
	}
	ax_str_free(&log);
	return rc;
}
