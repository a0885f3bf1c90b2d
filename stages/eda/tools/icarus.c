/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stages/eda/tools/icarus.h"

#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"

#define BENCH "tmp/axpipe_tb.v"
#define STIMULI "tmp/stimuli.txt"
#define PROGRAM "tmp/sim.vvp"
#define DONE "tmp/axpipe_done"

int
ax_icarus_job_of(struct ax_icarus_job *job, struct ax_task *t,
		 struct ax_err *err)
{
	memset(job, 0, sizeof(*job));
	if (ax_tool_ident(t, "top", &job->top, err) < 0 ||
	    ax_tool_ident(t, "a", &job->a, err) < 0 ||
	    ax_tool_ident(t, "b", &job->b, err) < 0 ||
	    ax_tool_ident(t, "out", &job->out, err) < 0 ||
	    ax_tool_defines(t, &job->defines, err) < 0)
		return -1;
	job->language = ax_task_str(t, "language");
	job->settle = ax_task_num(t, "settle");
	job->vcd = ax_task_bool(t, "vcd") ? ax_task_out(t, "vcd") : NULL;
	return 0;
}

/*
 * The patterns stand in a file rather than in a memory of the bench: any
 * order, any number, one pass. `===` and %b keep x and z visible.
 */
static int
write_bench(const struct ax_icarus_job *job, const struct ax_golden *want,
	    const char *results, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_str_addf(&s,
		    "`timescale 1ns/1ps\n"
		    "module axpipe_tb;\n"
		    "  reg [%u:0] a; reg [%u:0] b; wire [%u:0] r;\n"
		    "  integer in, out, got, n;\n"
		    "  %s dut(.%s(a), .%s(b), .%s(r));\n"
		    "  initial begin\n"
		    "    n = 0;\n"
		    "    in = $fopen(\"" STIMULI "\", \"r\");\n"
		    "    out = $fopen(\"%s\", \"w\");\n"
		    "    if (in == 0 || out == 0) $finish;\n",
		    want->a_bits - 1, want->b_bits - 1, want->r_bits - 1,
		    job->top, job->a, job->b, job->out, results);
	if (job->vcd)
		ax_str_addf(&s,
			    "    $dumpfile(\"%s\");\n"
			    "    $dumpvars(0, axpipe_tb);\n",
			    job->vcd);
	ax_str_addf(
		&s,
		"    got = $fscanf(in, \"%%b %%b\\n\", a, b);\n"
		"    while (got == 2) begin\n"
		"      #%g;\n"
		"      $fwrite(out, \"A = %%b B = %%b RESULT = %%b\\n\", a, "
		"b, r);\n"
		"      n = n + 1;\n"
		"      got = $fscanf(in, \"%%b %%b\\n\", a, b);\n"
		"    end\n"
		"    $fclose(out);\n"
		"    out = $fopen(\"" DONE "\", \"w\");\n"
		"    $fwrite(out, \"%%0d\", n);\n"
		"    $fclose(out);\n"
		"    $finish;\n"
		"  end\n"
		"endmodule\n",
		job->settle);
	rc = ax_write_plain(BENCH, s.buf, s.len, err);
	ax_str_clear(&s);
	for (size_t i = 0; rc == 0 && i < want->lines; i++) {
		const char *line = want->text + i * want->stride;

		ax_str_addn(&s, line + want->a_at, want->a_bits);
		ax_str_addc(&s, ' ');
		ax_str_addn(&s, line + want->b_at, want->b_bits);
		ax_str_addc(&s, '\n');
	}
	if (rc == 0)
		rc = ax_write_plain(STIMULI, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

static const char *const trouble[] = {
	"error", "ERROR", "Unknown module", "Include file",
	"sorry", "rror:", "fatal",          NULL};
static const char *const noise[] = {"ifnone", NULL};

/* What a compiler warning about the bench's own instance means. */
static int
check_ports(const struct ax_icarus_job *job, const struct ax_golden *want,
	    const char *log, struct ax_err *err)
{
	static const char *const width[] = {" expects ", NULL};
	static const char *const dangling[] = {"dangling input port", NULL};
	struct ax_str s = AX_STR_INIT, mine = AX_STR_INIT;
	const char *p, *end;
	int rc = 0;

	for (p = log; *p; p = end + (*end == '\n')) {
		end = strchrnul(p, '\n');
		if (ax_starts(p, BENCH)) {
			ax_str_addn(&mine, p, (size_t)(end - p));
			ax_str_addc(&mine, '\n');
		}
	}
	if (mine.len && strstr(mine.buf, " expects ")) {
		ax_tool_excerpt(&s, mine.buf, width, NULL, 6);
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"a port of module %s has another width than "
				"the reference: %s %u, %s %u, %s %u bits are "
				"wanted\n%s",
				job->top, job->a, want->a_bits, job->b,
				want->b_bits, job->out, want->r_bits, s.buf);
	} else if (mine.len && strstr(mine.buf, "dangling input port")) {
		ax_tool_excerpt(&s, mine.buf, dangling, NULL, 6);
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"module %s has an input that nothing drives; "
				"only %s and %s are driven, a clock or reset "
				"is not: the circuit must be combinational\n%s",
				job->top, job->a, job->b, s.buf);
	}
	ax_str_free(&mine);
	ax_str_free(&s);
	return rc;
}

static int
compile(struct ax_task *t, const struct ax_icarus_job *job,
	const struct ax_golden *want, const char *what, struct ax_err *err)
{
	struct ax_str log = AX_STR_INIT, s = AX_STR_INIT;
	size_t n = 0, defines = json_array_size(job->defines), files = 0, i;
	const char **args, *hint = "";
	char standard[32], text[64], **owned;
	int status, rc = -1;

	while (job->files[files])
		files++;
	args = ax_calloc(files + defines + 16, sizeof(*args));
	owned = ax_calloc(defines + 1, sizeof(*owned));
	snprintf(standard, sizeof(standard), "-g%s", job->language);
	args[n++] = standard;
	args[n++] = "-Wportbind";
	args[n++] = "-s";
	args[n++] = "axpipe_tb";
	args[n++] = "-o";
	args[n++] = PROGRAM;
	for (i = 0; i < defines; i++) {
		owned[i] = ax_asprintf("-D%s", json_string_value(json_array_get(
						       job->defines, i)));
		args[n++] = owned[i];
	}
	args[n++] = BENCH;
	for (i = 0; i < files; i++)
		args[n++] = job->files[i];
	if (ax_tool_run(t, "iverilog", args, &log, &status, err) < 0)
		goto done;
	if (!log.buf)
		ax_str_add(&log, "");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		ax_tool_excerpt(&s, log.buf, trouble, noise, 10);
		if (log.len && strstr(log.buf, "Include file"))
			hint = "\n`include finds nothing here: inputs have no "
			       "file names. Wire every file to the input.";
		else if (log.len && strstr(log.buf, "Unknown module type"))
			hint = "\nThe module is in none of the files given.";
		else if (log.len && strstr(log.buf, "is not a port of"))
			hint = "\nParameters top, a, b, out name the module "
			       "and its ports.";
		ax_err_set(err, AX_EXIT_STAGE,
			   "Icarus Verilog refuses %s (%s; in/... are the "
			   "inputs in their order, " BENCH
			   " is the generated bench)%s\n%s",
			   what, ax_status_text(text, sizeof(text), status),
			   hint, s.len ? s.buf : "  (no message)");
		goto done;
	}
	rc = check_ports(job, want, log.buf, err);
done:
	for (i = 0; i < defines; i++)
		free(owned[i]);
	free(owned);
	free(args);
	ax_str_free(&log);
	ax_str_free(&s);
	return rc;
}

/* The only thing in a dump that changes from run to run is its date. */
static int
blank_date(const char *path, struct ax_err *err)
{
	char head[1024], *from, *to;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	int rc = -1;

	if (n > 0) {
		head[n] = '\0';
		from = strstr(head, "$date");
		to = from ? strstr(from, "$end") : NULL;
		if (to) {
			for (from += 5; from < to; from++)
				if (*from != '\n')
					*from = ' ';
			rc = pwrite(fd, head, (size_t)n, 0) == n ? 0 : -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return rc < 0 ? ax_err_set(err, AX_EXIT_STAGE,
				   "%s: not a value change dump with a date",
				   path)
		      : 0;
}

int
ax_icarus_run(struct ax_task *t, const struct ax_icarus_job *job,
	      const struct ax_golden *want, const char *results,
	      const char *what, struct ax_err *err)
{
	static const char *const args[] = {"-n", PROGRAM, NULL};
	struct ax_str log = AX_STR_INIT, s = AX_STR_INIT;
	char text[64], *done = NULL;
	size_t len;
	int status, rc = -1;

	ax_task_progress(t, 0, 3, "compiling");
	if (ax_mkdirs("tmp", err) < 0 ||
	    write_bench(job, want, results, err) < 0 ||
	    compile(t, job, want, what, err) < 0)
		return -1;
	ax_task_progress(t, 1, 3, "%zu patterns", want->lines);
	if (ax_tool_run(t, "vvp", args, &log, &status, err) < 0)
		goto end;
	/* in a file of its own: what the circuit displays is not to be told
	 * from what the bench does */
	if (ax_is_file(DONE) && ax_read_file(&done, &len, DONE, 64, NULL) < 0)
		done = NULL;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !done ||
	    strtoull(done, NULL, 10) != want->lines) {
		ax_tool_excerpt(&s, log.buf ? log.buf : "", trouble, noise, 10);
		ax_err_set(err, AX_EXIT_STAGE,
			   "the simulation of %s ended before the last pattern "
			   "(vvp: %s)%s%s",
			   what, ax_status_text(text, sizeof(text), status),
			   s.len ? "\n"
				 : "; does the circuit call $finish or $stop?",
			   s.len ? s.buf : "");
		goto end;
	}
	rc = job->vcd ? blank_date(job->vcd, err) : 0;
end:
	free(done);
	ax_str_free(&log);
	ax_str_free(&s);
	return rc;
}

int
ax_icarus_judge(struct ax_task *t, const struct ax_golden *want,
		const char *results, const char *what, struct ax_err *err)
{
	struct ax_str report = AX_STR_INIT;
	struct ax_golden got;
	int64_t bad;

	ax_task_progress(t, 2, 3, "comparing");
	if (ax_golden_load(&got, results, true, err) < 0)
		return ax_err_wrap(err, "the results of the simulation");
	bad = ax_golden_compare(&report, want, &got, err);
	ax_task_metric_int(t, "patterns", (int64_t)want->lines);
	ax_task_metric_int(t, "mismatches", bad);
	ax_task_metric_json(t, "exhaustive", json_boolean(want->exhaustive));
	if (bad > 0)
		ax_err_set(err, AX_EXIT_STAGE,
			   "%s: %lld of %zu patterns answer otherwise than "
			   "the reference; the first:\n%s",
			   what, (long long)bad, want->lines, report.buf);
	ax_golden_free(&got);
	ax_str_free(&report);
	return bad == 0 ? 0 : -1;
}
