/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The training loop: rates, resuming after a kill at any batch, and what goes
 * wrong clearly. A kill is a child that leaves through _exit from the progress
 * callback, between two batches.
 */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/io.h"
#include "artifacts/glyphs.h"
#include "stages/nn/engine/training.h"
#include "tests/lib/tap.h"

static struct ax_dataset set;
static char *dir;

static struct ax_training
settings(void)
{
	struct ax_training t;

	memset(&t, 0, sizeof(t));
	t.epochs = 3;
	t.batch = 32;
	t.lr = 0.1;
	t.lr_min = 0.01;
	t.cosine = true;
	t.momentum = 0.9;
	t.nesterov = true;
	t.decay = 5e-4;
	t.augment.crop = 2;
	t.augment.flip = true;
	t.calibrate_at = 1;
	t.calibration_batches = 2;
	t.seed = 11;
	t.augment.seed = 11;
	t.identity = "test";
	t.keep_best = true;
	return t;
}

static void
make_model(struct ax_model *m)
{
	const size_t input[3] = {1, 16, 16};
	struct ax_network net;

	if (ax_network_parse_text(&net,
				  "{\"family\":\"small-cnn\",\"width\":4}",
				  input, 10, NULL) < 0)
		exit(1);
	ax_model_init(m, &net, NULL, ax_kern());
	ax_model_random(m, 3);
}

static int left;

static void
tell(void *arg, double done, double total, const char *text)
{
	(void)arg;
	(void)done;
	(void)total;
	(void)text;
	if (left > 0 && --left == 0)
		_exit(9);
}

/* Trains to the end in this process; the parameters as bytes, caller frees. */
static float *
train(const struct ax_training *t, size_t *n, struct ax_trained *r)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_model m;
	float *all, *at;

	make_model(&m);
	if (ax_train(r, &m, &set, t, &err) < 0) {
		printf("# %s\n", err.text);
		exit(1);
	}
	*n = 0;
	for (unsigned i = 0; i < m.net.n_params; i++)
		*n += m.param[i] ? m.net.params[i].n : 0;
	for (unsigned i = 0; i < m.net.n_ops; i++)
		*n += m.layer[i].quantised ? 2 : 0;
	all = at = ax_calloc(*n, sizeof(*all));
	for (unsigned i = 0; i < m.net.n_params; i++) {
		if (!m.param[i])
			continue;
		memcpy(at, m.param[i], m.net.params[i].n * sizeof(*at));
		at += m.net.params[i].n;
	}
	for (unsigned i = 0; i < m.net.n_ops; i++)
		if (m.layer[i].quantised) {
			*at++ = m.layer[i].in.scale;
			*at++ = m.layer[i].weight.scale;
		}
	ax_model_free(&m);
	return all;
}

static void
test_rates(void)
{
	struct ax_training t = settings();

	t.epochs = 200;
	t.t_max = 202;
	t.lr_min = 1e-4;
	ok(fabs(ax_learning_rate(&t, 0) - 0.1) < 1e-15, "starts at lr");
	ok(fabs(ax_learning_rate(&t, 101) - 0.05005) < 1e-12,
	   "half way at half a cosine");
	ok(ax_learning_rate(&t, 199) > 1e-4 && ax_learning_rate(&t, 199) < 2e-4,
	   "ends near lr_min");
	t.warmup = 4;
	ok(fabs(ax_learning_rate(&t, 0) - 0.025) < 1e-15 &&
		   fabs(ax_learning_rate(&t, 4) - 0.1) < 1e-15,
	   "linear rise, then the cosine");
	t.cosine = false;
	ok(fabs(ax_learning_rate(&t, 150) - 0.1) < 1e-15, "constant");
}

/* Batches done in the epoch of the state file. */
static int
batch_of_state(void)
{
	char *path = ax_join(dir, "state.safetensors");
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	struct ax_tensor *t = NULL;
	int batch;

	if (ax_checkpoint_load(&c, path, NULL) == 0)
		t = ax_checkpoint_get(&c, "state.progress");
	batch = t ? (int)t->f64[1] : -1;
	ax_checkpoint_free(&c);
	free(path);
	return batch;
}

static void
fresh_dir(void)
{
	ax_rmtree(dir, NULL);
	ax_mkdirs(dir, NULL);
}

static void
flip(const char *name, long at)
{
	char *path = ax_join(dir, name);
	FILE *f = fopen(path, "r+b");
	int c;

	if (!f || fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) < 0 ||
	    (c = getc(f)) == EOF || fseek(f, -1, SEEK_CUR) < 0 ||
	    putc(c ^ 4, f) == EOF || fclose(f) != 0)
		ok(false, "%s: a bit flips", path);
	free(path);
}

/* A bit flips in what a killed run left: never other numbers. */
static void
test_damage(const struct ax_training *conf, const float *want, size_t n)
{
	struct ax_training t = *conf;
	struct ax_err err = AX_ERR_INIT;
	struct ax_trained r;
	struct ax_model m;
	float *got;
	size_t n2;

	for (int i = 0; i < 2; i++) {
		fresh_dir();
		fflush(stdout);
		if (fork() == 0) {
			left = 13;
			got = train(&t, &n2, &r);
			_exit(0);
		}
		wait(NULL);
		/* the last tensor's last bytes, and the header */
		flip("state.safetensors", i == 0 ? -2 : 40);
		got = train(&t, &n2, &r);
		ok(n2 == n && memcmp(got, want, n * sizeof(*got)) == 0,
		   "a flipped bit in the state, %d: the same bytes", i);
		free(got);
		ax_trained_free(&r);
	}
	t.epochs = 1;
	fresh_dir();
	got = train(&t, &n2, &r);
	free(got);
	ax_trained_free(&r);
	flip("best.safetensors", -2);
	make_model(&m);
	ok(ax_train(&r, &m, &set, &t, &err) < 0 &&
		   strstr(err.text, "was damaged"),
	   "a flipped bit in the best: %s", err.text);
	ax_trained_free(&r);
	ax_model_free(&m);
	got = train(&t, &n2, &r);
	ok(r.best_epoch == 1, "which the next run makes again");
	free(got);
	ax_trained_free(&r);
	/* the state of a finished run, for what follows */
	fresh_dir();
	t = *conf;
	got = train(&t, &n2, &r);
	free(got);
	ax_trained_free(&r);
}

static void
test_resume(void)
{
	/* after the first batch, in an epoch, at its end, among the test
	 * images, in the next ones */
	static const int stops[] = {1, 3, 7, 8, 9, 13, 22};
	struct ax_training t = settings();
	struct ax_trained whole, r;
	float *want, *got;
	size_t n, n2;
	int status, bad = 0, killed = 0;
	pid_t pid;

	t.state_dir = dir;
	t.watch.tell = tell;
	want = train(&t, &n, &whole);
	ok(whole.n == 3 && whole.best_epoch >= 1 && whole.best,
	   "three epochs, best is %zu", whole.best_epoch);
	for (size_t i = 0; i < AX_LEN(stops); i++) {
		ax_rmtree(dir, NULL);
		ax_mkdirs(dir, NULL);
		/* a state after every batch */
		t.save_every = -1;
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			left = stops[i];
			want = train(&t, &n, &r);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		killed += WIFEXITED(status) && WEXITSTATUS(status) == 9;
		if (stops[i] == 9)
			is_int(batch_of_state(), 8,
			       "among the test images the epoch's batches are "
			       "kept");
		got = train(&t, &n2, &r);
		bad += n2 != n || memcmp(got, want, n * sizeof(*got)) != 0 ||
		       memcmp(r.history, whole.history,
			      3 * sizeof(*r.history)) != 0 ||
		       r.best_epoch != whole.best_epoch ||
		       r.best_top1 != whole.best_top1 || r.top1 != whole.top1;
		free(got);
		ax_trained_free(&r);
	}
	is_int(killed, AX_LEN(stops), "killed at seven places");
	is_int(bad, 0, "resumed to the same parameters, scales and history");
	test_damage(&t, want, n);
	/* finished long ago: nothing to do, the same results */
	got = train(&t, &n2, &r);
	ok(memcmp(got, want, n * sizeof(*got)) == 0 && r.top1 == whole.top1,
	   "resumed after the end");
	free(got);
	ax_trained_free(&r);
	ax_trained_free(&whole);
	free(want);
}

static void
test_errors(void)
{
	struct ax_training t = settings();
	struct ax_err err = AX_ERR_INIT;
	struct ax_trained r;
	struct ax_model m;
	char *path = ax_join(dir, "state.safetensors");

	t.state_dir = dir;
	t.identity = "another";
	make_model(&m);
	ok(ax_train(&r, &m, &set, &t, &err) < 0 &&
		   strstr(err.text, "another run"),
	   "a state of another run: %s", err.text);
	ax_trained_free(&r);
	ax_model_free(&m);
	ax_write_file(path, "garbage", 7, NULL);
	make_model(&m);
	ok(ax_train(&r, &m, &set, &t, &err) == 0 && r.n == 3,
	   "a torn state file: the run starts again");
	ax_trained_free(&r);
	ax_model_free(&m);
	t = settings();
	t.keep_best = false;
	t.lr = 1e30;
	make_model(&m);
	ok(ax_train(&r, &m, &set, &t, &err) < 0 && strstr(err.text, "diverged"),
	   "divergence: %s", err.text);
	ax_trained_free(&r);
	ax_model_free(&m);
	t.lr = 0.1;
	set.train.labels[40] = 10;
	make_model(&m);
	ok(ax_train(&r, &m, &set, &t, &err) < 0 &&
		   strstr(err.text, "image 40 has label 10"),
	   "a label out of range: %s", err.text);
	ax_trained_free(&r);
	ax_model_free(&m);
	free(path);
}

/* Finite parameters whose answers are not. */
static void
test_no_numbers(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_evaluation e;
	struct ax_model m;
	int last;

	make_model(&m);
	last = m.net.ops[m.net.n_ops - 1].weight;
	for (size_t i = 0; i < m.net.params[last].n; i++)
		m.param[last][i] = i & 1 ? 3e38f : -3e38f;
	is_int(ax_evaluate(&e, &m, &set, &set.test, 60, 32, NULL, &err), -1,
	       "answers that are no numbers are not counted");
	ok(strstr(err.text, "image 0 with what is no number"),
	   "they are named");
	ax_model_free(&m);
}

/* A zero point where the format has none would not be stored again. */
static void
test_zero_points(void)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_tensor *t;
	struct ax_model m;

	make_model(&m);
	ax_model_store(&m, &c, &err);
	t = ax_checkpoint_add(&c, "conv1.act_in_quant.zero_point", AX_I32, 0,
			      NULL, &err);
	t->i32[0] = 0;
	is_int(ax_model_load(&m, &c, &err), 0, "zero point 0, symmetric");
	t->i32[0] = 5;
	is_int(ax_model_load(&m, &c, &err), -1, "zero point 5, symmetric");
	ok(strstr(err.text, "holds 5, but the format is symmetric"),
	   "that is said");
	ax_checkpoint_free(&c);
	ax_model_free(&m);
}

int
main(void)
{
	struct ax_glyph_params g = AX_GLYPH_DEFAULTS;
	struct ax_err err = AX_ERR_INIT;
	char temp[] = "/tmp/axpipe-training.XXXXXX";

	if (!mkdtemp(temp))
		return 1;
	dir = temp;
	g.train = 250;
	g.test = 60;
	if (ax_glyphs_make(&set, &g, NULL, &err) < 0) {
		printf("# %s\n", err.text);
		return 1;
	}
	test_rates();
	test_resume();
	test_errors();
	test_no_numbers();
	test_zero_points();
	ax_rmtree(dir, NULL);
	ax_dataset_free(&set);
	return tap_done();
}
