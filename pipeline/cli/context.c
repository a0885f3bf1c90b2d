/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/cli/context.h"

#include <unistd.h>

#include "artifacts/base/io.h"
#include "pipeline/results/tar.h"
#include "pipeline/run/signals.h"

const char *
ax_context_store_dir(const struct ax_args *a)
{
	const char *dir = ax_arg_str(a, "store");

	if (dir && *dir)
		return dir;
	dir = getenv("AXPIPE_STORE");
	return dir && *dir ? dir : ".axpipe";
}

int
ax_context_open_store(struct ax_store **out, const struct ax_args *a,
		      bool read_only, struct ax_err *err)
{
	const char *dir = ax_context_store_dir(a);

	if (access(dir, F_OK) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "store %s: not there", dir);
	return ax_store_open(out, dir, read_only, err);
}

static int
add_mirror(struct ax_context *c, const char *dir, size_t len,
	   struct ax_err *err)
{
	char *copy = ax_strndup(dir, len);

	/* A mistyped mirror would show only as a download much later. */
	if (!ax_is_dir(copy)) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "mirror %s is not a folder; check --mirror and "
			   "AXPIPE_MIRROR",
			   copy);
		free(copy);
		return -1;
	}
	c->mirrors = ax_realloc(c->mirrors, c->nmirrors + 1, sizeof(char *));
	c->mirrors[c->nmirrors++] = copy;
	return 0;
}

static int
find_mirrors(struct ax_context *c, const struct ax_args *a, struct ax_err *err)
{
	const char *env = getenv("AXPIPE_MIRROR");
	const char *const *dirs;
	size_t n, len;

	dirs = ax_arg_all(a, "mirror", &n);
	for (size_t i = 0; i < n; i++)
		if (add_mirror(c, dirs[i], strlen(dirs[i]), err) < 0)
			return -1;
	for (; env && *env; env += len + (env[len] == ':')) {
		len = strcspn(env, ":");
		if (len && add_mirror(c, env, len, err) < 0)
			return -1;
	}
	return 0;
}

/* An option, else a variable of the environment; empty is none. */
static const char *
option_or_env(const struct ax_args *a, const char *option, const char *env)
{
	const char *v = option ? ax_arg_str(a, option) : NULL;

	if (!v)
		v = getenv(env);
	return v && *v ? v : NULL;
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	fflush(stdout);
	fprintf(stderr, "axpipe: %s\n", text);
}

static bool
interrupted(void *arg)
{
	(void)arg;
	return ax_signals_interrupts() > 0;
}

static int
add_trust(struct ax_context *c, const char *file, struct ax_err *err)
{
	c->trust = ax_realloc(c->trust, c->ntrust + 1, sizeof(*c->trust));
	if (ax_key_load(&c->trust[c->ntrust], file, false, err) < 0)
		return -1;
	c->ntrust++;
	return 0;
}

/* Keys that sign what is given, and those that must have signed what is
 * taken. */
static int
load_keys(struct ax_context *c, const struct ax_args *a, struct ax_err *err)
{
	const char *file = option_or_env(a, "remote-key", "AXPIPE_REMOTE_KEY");
	const char *env = getenv("AXPIPE_REMOTE_TRUST");
	const char *const *files;
	size_t n, len;
	char *copy;
	int rc = 0;

	if (file && ax_key_load(&c->key, file, true, err) < 0)
		return -1;
	files = ax_arg_all(a, "remote-trust", &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_trust(c, files[i], err);
	for (; rc == 0 && env && *env; env += len + (env[len] == ':')) {
		len = strcspn(env, ":");
		copy = ax_strndup(env, len);
		if (len)
			rc = add_trust(c, copy, err);
		free(copy);
	}
	return rc;
}

static int
open_remote(struct ax_context *c, const struct ax_args *a, struct ax_err *err)
{
	const char *mode =
		option_or_env(a, "remote-mode", "AXPIPE_REMOTE_MODE");
	const char *wait = option_or_env(a, NULL, "AXPIPE_REMOTE_TIMEOUT");
	struct ax_remote_options o = {.warn = warn};
	char *end;

	o.http.url = option_or_env(a, "remote", "AXPIPE_REMOTE");
	if (!o.http.url)
		return 0;
	if (c->offline) {
		if (!ax_arg_flag(a, "remote"))
			return 0;
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--remote and --offline exclude each other");
	}
	if (mode && !ax_streq(mode, "ro") && !ax_streq(mode, "rw"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--remote-mode %s: it is ro or rw", mode);
	o.write = ax_streq(mode, "rw");
	o.http.user = option_or_env(a, NULL, "AXPIPE_REMOTE_USER");
	o.http.password = option_or_env(a, NULL, "AXPIPE_REMOTE_PASSWORD");
	o.http.ca_file = option_or_env(a, "remote-ca", "AXPIPE_REMOTE_CA");
	o.http.socket =
		option_or_env(a, "remote-socket", "AXPIPE_REMOTE_SOCKET");
	o.http.stop = interrupted;
	if (wait) {
		o.http.timeout = strtod(wait, &end);
		if (*end || !(o.http.timeout > 0 && o.http.timeout <= 86400))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "AXPIPE_REMOTE_TIMEOUT=%s: not a "
					  "number of seconds above 0",
					  wait);
	}
	if (load_keys(c, a, err) < 0)
		return -1;
	o.key = c->key;
	o.trust = c->trust;
	o.ntrust = c->ntrust;
	return ax_remote_open(&c->remote, &o, err);
}

/* The stages on the search path; those of a bundle come before the built-in
 * ones, after those of --stages. */
static int
load_stages(struct ax_context *c, const struct ax_args *a, struct ax_err *err)
{
	const char *const *dirs;
	const char **all;
	size_t n;
	int rc;

	dirs = ax_arg_all(a, "stages", &n);
	all = ax_calloc(n + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		all[i] = dirs[i];
	if (c->bundle.stages)
		all[n++] = c->bundle.stages;
	rc = ax_stages_load(&c->stages, all, n, err);
	free(all);
	return rc;
}

/* A bundle in the place of a manifest: its bytes go into the store, whatever
 * the command does then. */
static int
open_bundle(struct ax_context *c, const struct ax_args *a, const char *path,
	    struct ax_err *err)
{
	bool records = !ax_streq(a->command->name, "run") ||
		       !ax_arg_flag(a, "rebuild");

	if (ax_store_open(&c->store, c->store_dir, false, err) < 0)
		return -1;
	c->bundled = true;
	return ax_bundle_open(&c->bundle, path, c->store, records, err);
}

/* What people do before the first run, with the store that it will have. */
static bool
is_before_run(const char *command)
{
	return ax_streq(command, "plan") || ax_streq(command, "graph");
}

int
ax_context_open(struct ax_context *c, const struct ax_args *a,
		const char *manifest, enum ax_context_store store,
		struct ax_err *err)
{
	const char *const *sets;
	size_t nsets;

	memset(c, 0, sizeof(*c));
	c->store_dir = ax_context_store_dir(a);
	c->offline = ax_arg_flag(a, "offline");
	if (find_mirrors(c, a, err) < 0 || open_remote(c, a, err) < 0)
		return -1;
	if (manifest && ax_tar_is(manifest) &&
	    open_bundle(c, a, manifest, err) < 0)
		return -1;
	sets = ax_arg_all(a, "set", &nsets);
	if (load_stages(c, a, err) < 0)
		return -1;
	if (manifest &&
	    ax_graph_load(&c->graph, c->bundled ? c->bundle.manifest : manifest,
			  &c->stages, sets, nsets, err) < 0)
		return -1;
	if (c->bundled) {
		ax_bundle_pin(&c->bundle, c->graph);
		ax_bundle_remember(&c->bundle, c->store, c->graph->name);
		return 0;
	}
	if (store == AX_CONTEXT_NO_STORE)
		return 0;
	if (store != AX_CONTEXT_EITHER)
		return ax_store_open(&c->store, c->store_dir,
				     store == AX_CONTEXT_READ, err);
	/* Where one was named to be looked at, an empty one is no answer,
	 * unless a remote cache fills it. */
	if (!is_before_run(a->command->name) && !c->remote &&
	    ax_arg_str(a, "store") && access(c->store_dir, F_OK) < 0)
		return ax_err_set(err, AX_EXIT_ENV,
				  "store %s: not there; check --store, or "
				  "`axpipe run` makes it",
				  c->store_dir);
	/* What only looks makes an empty store where there is none, and is
	 * content with one that it cannot write. */
	if (ax_store_open(&c->store, c->store_dir, false, err) == 0)
		return 0;
	if (ax_store_open(&c->store, c->store_dir, true, NULL) < 0)
		return -1;
	ax_err_clear(err);
	return 0;
}

int
ax_context_plan(struct ax_context *c, const struct ax_args *a,
		struct ax_err *err)
{
	struct ax_run_options o = {0};

	if (ax_context_open(c, a, a->operands[0], AX_CONTEXT_EITHER, err) < 0)
		return -1;
	o.offline = c->offline;
	o.mirrors = (const char *const *)c->mirrors;
	o.nmirrors = c->nmirrors;
	o.remote = c->remote;
	/* reports and bundles read objects; the others only look */
	o.remote_take = ax_streq(a->command->name, "report") ||
			ax_streq(a->command->name, "bundle");
	o.targets = (const char *const *)(a->operands + 1);
	o.ntargets = a->n - 1;
	c->run = ax_run_new(c->graph, c->store, &o);
	return ax_run_plan(c->run, err);
}

void
ax_context_close(struct ax_context *c)
{
	ax_run_free(c->run);
	if (c->store)
		ax_store_close(c->store);
	ax_remote_close(c->remote);
	ax_key_free(c->key);
	for (size_t i = 0; i < c->ntrust; i++)
		ax_key_free(c->trust[i]);
	free(c->trust);
	ax_graph_free(c->graph);
	ax_stages_free(&c->stages);
	ax_bundle_home_free(&c->bundle);
	for (size_t i = 0; i < c->nmirrors; i++)
		free(c->mirrors[i]);
	free(c->mirrors);
	memset(c, 0, sizeof(*c));
}

void
ax_context_command(struct ax_stamp_command *c, const struct ax_args *a)
{
	memset(c, 0, sizeof(*c));
	c->manifest = a->operands[0];
	c->targets = (const char *const *)(a->operands + 1);
	c->ntargets = a->n - 1;
	c->sets = ax_arg_all(a, "set", &c->nsets);
	c->stages = ax_arg_all(a, "stages", &c->nstages);
	c->mirrors = ax_arg_all(a, "mirror", &c->nmirrors);
	c->offline = ax_arg_flag(a, "offline");
}
