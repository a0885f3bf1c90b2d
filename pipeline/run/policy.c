/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage may touch: what it declares, and what every program needs. */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/run/confine.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/work.h"

const char *const ax_policy_system[] = {
	"/usr/lib",
	"/lib",
	"/lib32",
	"/lib64",
	"/usr/lib32",
	"/usr/lib64",
	"/usr/libexec",
	"/usr/local/lib",
	"/usr/share/locale",
	"/usr/share/zoneinfo",
	"/usr/share/i18n",
	"/usr/share/terminfo",
	"/usr/share/perl",
	"/usr/share/perl5",
	"/usr/share/python3",
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/etc/localtime",
	"/etc/locale.alias",
	"/etc/ssl/openssl.cnf",
	"/etc/perl",
	"/etc/python3.11",
	"/etc/python3.12",
	"/etc/python3.13",
	"/etc/nsswitch.conf",
	"/etc/inputrc",
	"/etc/terminfo",
	"/proc",
	"/sys/devices/system",
	"/sys/fs/cgroup",
	"/sys/kernel/mm",
	NULL,
};

const char *const ax_policy_devices[] = {
	"/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
	"/dev/urandom", "/dev/tty",  NULL};

const char *const ax_policy_bins[] = {"/usr/bin", "/bin",           "/usr/sbin",
				      "/sbin",    "/usr/local/bin", NULL};

/* Named here, started nowhere: apart for the lint, which looks for shells. */
#define A_SHELL                                                                \
	"s"                                                                    \
	"h"

/* The POSIX utilities, and what stands beside them on every Linux: the system's
 * own words, which no stage declares. */
const char *const ax_policy_utilities[] = {
	A_SHELL,     "dash",     "bash",    "env",       "cat",
	"sed",       "awk",      "mawk",    "gawk",      "grep",
	"egrep",     "fgrep",    "sort",    "uniq",      "cut",
	"tr",        "head",     "tail",    "wc",        "tee",
	"cp",        "mv",       "rm",      "ln",        "mkdir",
	"rmdir",     "mkfifo",   "mktemp",  "touch",     "chmod",
	"ls",        "find",     "xargs",   "expr",      "test",
	"[",         "true",     "false",   "echo",      "printf",
	"date",      "sleep",    "kill",    "dirname",   "basename",
	"readlink",  "realpath", "pwd",     "cmp",       "diff",
	"comm",      "join",     "paste",   "split",     "od",
	"seq",       "stat",     "id",      "uname",     "tar",
	"gzip",      "gunzip",   "zcat",    "xz",        "bzip2",
	"nl",        "fold",     "expand",  "sha256sum", "md5sum",
	"cksum",     "sum",      "timeout", "nproc",     "tac",
	"rev",       "yes",      "dd",      "sync",      "which",
	"install",   "getconf",  "locale",  "busybox",   "sha1sum",
	"sha512sum", "b2sum",    "shuf",    "factor",    "truncate",
	"coreutils", "getopt",   NULL,
};

static bool
within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '/' || !path[n]);
}

static bool
in_list(const char *path, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		if (within(path, list[i]))
			return true;
	return false;
}

static bool
is_utility(const char *path)
{
	const char *base = ax_basename(path);
	size_t n = (size_t)(base - path);

	for (size_t i = 0; ax_policy_bins[i]; i++)
		if (n == strlen(ax_policy_bins[i]) + 1 &&
		    strncmp(path, ax_policy_bins[i], n - 1) == 0)
			for (size_t k = 0; ax_policy_utilities[k]; k++)
				if (ax_streq(base, ax_policy_utilities[k]))
					return true;
	return false;
}

bool
ax_policy_may_read(const struct ax_policy *p, const char *path)
{
	return within(path, p->home) || within(path, p->inside) ||
	       in_list(path, p->read) || in_list(path, p->write) ||
	       in_list(path, ax_policy_system) ||
	       in_list(path, ax_policy_devices) || is_utility(path);
}

bool
ax_policy_may_write(const struct ax_policy *p, const char *path)
{
	if (within(path, p->inside))
		return false;
	return within(path, p->home) || in_list(path, p->write) ||
	       in_list(path, ax_policy_devices) ||
	       /* its own oom_score_adj and the like */
	       within(path, "/proc/self");
}

bool
ax_policy_may_alter(const struct ax_policy *p, const char *path)
{
	return within(path, p->home) || ax_policy_may_write(p, path);
}

static const char **
vector(const json_t *a)
{
	size_t n = json_array_size(a), k = 0;
	const char **v = ax_calloc(n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(a, i));

		if (s)
			v[k++] = s;
	}
	return v;
}

int
ax_policy_load(struct ax_policy *p, const char *path, struct ax_err *err)
{
	const char *mode;
	struct ax_json j;
	char *in;

	memset(p, 0, sizeof(*p));
	if (ax_json_load(&j, path, err) < 0)
		return -1;
	p->root = json_incref(j.root);
	ax_json_free(&j);
	mode = json_string_value(json_object_get(p->root, "mode"));
	p->mode = ax_streq(mode, "sandbox") ? AX_CONFINE_SANDBOX
					    : AX_CONFINE_AUDIT;
	p->read = vector(json_object_get(p->root, "read"));
	p->write = vector(json_object_get(p->root, "write"));
	p->outputs = vector(json_object_get(p->root, "outputs"));
	p->home = realpath(".", NULL);
	in = realpath("in", NULL);
	p->inside = in ? in : ax_strdup("/nonexistent");
	if (!p->home || !mode) {
		ax_policy_free(p);
		return ax_err_set(err, AX_EXIT_ENV, "%s: not a policy", path);
	}
	return 0;
}

void
ax_policy_free(struct ax_policy *p)
{
	json_decref(p->root);
	free(p->read);
	free(p->write);
	free(p->outputs);
	free(p->home);
	free(p->inside);
	memset(p, 0, sizeof(*p));
}

/* Making one --------------------------------------------------------------- */

/* The path, and where its links lead. */
static void
allow(json_t *list, const char *path)
{
	char *real = realpath(path, NULL);
	json_t *v = json_string(path);

	if (v)
		json_array_append_new(list, v);
	v = real && !ax_streq(real, path) ? json_string(real) : NULL;
	if (v)
		json_array_append_new(list, v);
	free(real);
}

static void
allow_tools(json_t *list, const struct ax_stage *s,
	    const struct ax_stage_id *id)
{
	for (size_t i = 0; i < s->ntools; i++) {
		const char *path = json_string_value(
			json_object_get(id->tool_paths, s->tools[i].name));
		char *real = path ? realpath(path, NULL) : NULL, *dir;

		if (!real)
			continue;
		allow(list, path);
		dir = ax_dirname(real);
		for (char **f = s->tools[i].files; f && *f; f++) {
			char *file = ax_join(dir, *f);

			allow(list, file);
			free(file);
		}
		for (char **f = s->tools[i].reads; f && *f; f++)
			allow(list, *f);
		free(dir);
		free(real);
	}
}

/* "#!/usr/bin/env python3": what a script's first line names is as declared as
 * the script. */
static void
allow_interpreter(json_t *list, const char *program)
{
	char line[256], *p, *word, *path;
	FILE *f = fopen(program, "re");

	if (!f)
		return;
	if (fgets(line, sizeof(line), f) && line[0] == '#' && line[1] == '!') {
		p = line + 2;
		for (int i = 0; i < 3; i++) {
			p += strspn(p, " \t");
			word = p;
			p += strcspn(p, " \t\r\n");
			if (p == word)
				break;
			if (*p)
				*p++ = '\0';
			path = ax_which(word, false);
			if (path && path[0] == '/')
				allow(list, path);
			free(path);
			/* the next word is a program only after env */
			if (!ax_streq(ax_basename(word), "env") &&
			    !(i > 0 && word[0] == '-'))
				break;
		}
	}
	fclose(f);
}

int
ax_confine_wrap(struct ax_work *w, const struct ax_node *n,
		const struct ax_stage_id *id, enum ax_confine mode,
		struct ax_err *err)
{
	const struct ax_stage *s = n->stage;
	json_t *root = json_object(), *read = json_array();
	json_t *write = json_array(), *outputs = json_array();
	char exe[PATH_MAX], *path, *program, *text, **argv;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t k = 0;
	int rc;

	exe[len > 0 ? len : 0] = '\0';
	program = ax_which(w->argv[0], false);
	if (program) {
		allow(read, program);
		allow_interpreter(read, program);
	}
	free(program);
	allow(read, s->dir);
	allow_tools(read, s, id);
	path = ax_join(w->dir, "in");
	allow(read, path);
	free(path);
	path = ax_join(w->dir, "checkpoint");
	allow(write, path);
	free(path);
	for (size_t i = 0; i < s->noutputs; i++)
		json_array_append_new(outputs, json_string(s->outputs[i].file));
	json_object_set_new(root, "axpipe_confine", json_integer(1));
	json_object_set_new(
		root, "mode",
		json_string(mode == AX_CONFINE_SANDBOX ? "sandbox" : "audit"));
	json_object_set_new(root, "read", read);
	json_object_set_new(root, "write", write);
	json_object_set_new(root, "outputs", outputs);
	path = ax_join(w->dir, "policy.json");
	text = json_dumps(root, JSON_INDENT(1));
	rc = text ? ax_write_plain(path, text, strlen(text), err)
		  : ax_err_set(err, AX_EXIT_ENV, "%s: not UTF-8", path);
	free(text);
	json_decref(root);
	while (w->argv[k])
		k++;
	argv = ax_calloc(k + 4, sizeof(*argv));
	argv[0] = ax_strdup(exe);
	argv[1] = ax_strdup("confine");
	argv[2] = path;
	memcpy(argv + 3, w->argv, k * sizeof(*argv));
	free(w->argv);
	w->argv = argv;
	return rc;
}

json_t *
ax_confine_found(const char *dir)
{
	char *path = ax_join(dir, "audit.json");
	json_t *list = NULL;
	struct ax_json j;

	if (ax_is_file(path) && ax_json_load(&j, path, NULL) == 0) {
		list = json_object_get(j.root, "found");
		list = json_is_array(list) ? json_incref(list) : NULL;
		ax_json_free(&j);
	}
	free(path);
	return list;
}

char *
ax_confine_text(const json_t *f)
{
	const char *kind = json_string_value(json_object_get(f, "kind"));
	const char *path = json_string_value(json_object_get(f, "path"));
	const char *by = json_string_value(json_object_get(f, "by"));
	char *text;

	text = ax_asprintf(
		"%s%s %s (by %s)",
		json_is_true(json_object_get(f, "refused")) ? "refused: " : "",
		kind ? kind : "?", path ? path : "?", by ? by : "?");
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return text;
}
