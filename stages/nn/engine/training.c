/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/training.h"

#include <math.h>
#include <unistd.h>

#include "artifacts/base/fmath.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/rng.h"

#define FIELDS (sizeof(struct ax_epoch) / sizeof(double))

/* Where a run stands: what the state file holds beside the model. */
struct progress {
	double epoch, batch;      /* next to do */
	double loss, right, seen; /* of the epoch at hand */
	double best_epoch, best_top1;
};
#define PROGRESS (sizeof(struct progress) / sizeof(double))

struct run {
	struct ax_model *m;
	const struct ax_dataset *d;
	const struct ax_training *t;
	struct ax_trained *out;
	struct progress at;
	char *state, *best;
	struct ax_digest best_sum; /* of the file, once best_epoch > 0 */
	uint32_t *order;
	float *x, *dlogits;
	double saved, started;
	size_t done; /* images in this process, for the speed */
};

double
ax_learning_rate(const struct ax_training *t, size_t epoch)
{
	size_t span = t->t_max ? t->t_max : t->epochs;
	double at;

	if (epoch < t->warmup)
		return t->lr * (double)(epoch + 1) / (double)t->warmup;
	if (!t->cosine)
		return t->lr;
	span = span > t->warmup ? span - t->warmup : 1;
	at = (double)(epoch - t->warmup) / (double)span;
	return t->lr_min + (t->lr - t->lr_min) * (1 + ax_cospi(at)) / 2;
}

/* The order of the training images in an epoch (Fisher and Yates). */
static void
shuffle(uint32_t *order, size_t n, uint64_t seed, size_t epoch)
{
	struct ax_rng r = ax_rng(seed, "shuffle", epoch);
	uint32_t t;
	size_t i, j;

	for (i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (i = n; i > 1; i--) {
		j = ax_rng_below(&r, (uint32_t)i);
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

void
ax_calibrate(struct ax_model *m, const struct ax_dataset *d,
	     const struct ax_training *t, size_t epoch)
{
	size_t n = d->train.n, at, len, b;
	uint32_t *order = ax_calloc(n, sizeof(*order));
	float *x = ax_aligned(AX_MIN(t->batch, n) * ax_dataset_pixels(d),
			      sizeof(*x));

	shuffle(order, n, t->seed, epoch);
	ax_model_fit_weights(m);
	ax_model_fit_begin(m);
	do {
		at = 0;
		for (b = 0; b < t->calibration_batches && at < n; b++) {
			len = AX_MIN(t->batch, n - at);
			ax_batch(x, d, &d->train, order + at, len, &t->augment,
				 (uint64_t)epoch * n + at);
			ax_model_forward(m, x, len, false);
			at += len;
		}
	} while (ax_model_fit_next(m));
	free(order);
	free(x);
}

/* --- state ---------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct ax_tensor *const *)a)->name,
		      (*(struct ax_tensor *const *)b)->name);
}

/* What the metadata "sum" of a state file must be: a hash of all the rest. The
 * format itself would take a flipped bit for another weight. */
static void
sum_state(char hex[AX_HEX_LEN + 1], const struct ax_checkpoint *c)
{
	static const char *const keys[] = {"identity", "format", "network",
					   "best"};
	struct ax_tensor **list = ax_calloc(c->n + 1, sizeof(*list));
	struct ax_sha *sha = ax_sha_new();
	struct ax_digest d;
	size_t i;

	for (i = 0; i < AX_LEN(keys); i++) {
		const char *v = ax_checkpoint_meta(c, keys[i]);

		ax_sha_add(sha, v ? v : "", v ? strlen(v) + 1 : 1);
	}
	memcpy(list, c->tensors, c->n * sizeof(*list));
	qsort(list, c->n, sizeof(*list), by_name);
	for (i = 0; i < c->n; i++) {
		ax_sha_add(sha, list[i]->name, strlen(list[i]->name) + 1);
		ax_sha_add(sha, list[i]->data, list[i]->bytes);
	}
	d = ax_sha_end(sha);
	ax_hex(hex, &d);
	free(list);
}

static int
save_state(struct run *r, struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	size_t dim[2] = {r->out->n, FIELDS}, one[1] = {PROGRESS};
	struct ax_tensor *t;
	unsigned i;
	int rc = -1;

	if (!r->state)
		return 0;
	if (ax_model_store(r->m, &c, err) < 0)
		goto out;
	for (i = 0; i < r->m->net.n_params; i++) {
		const struct ax_net_param *p = &r->m->net.params[i];
		char *name;

		if (!r->m->moment[i])
			continue;
		name = ax_asprintf("state.moment.%s", p->name);
		t = ax_checkpoint_add(&c, name, AX_F32, p->ndim, p->dim, err);
		free(name);
		if (!t)
			goto out;
		memcpy(t->f32, r->m->moment[i], t->bytes);
	}
	t = ax_checkpoint_add(&c, "state.progress", AX_F64, 1, one, err);
	if (!t)
		goto out;
	memcpy(t->f64, &r->at, sizeof(r->at));
	t = ax_checkpoint_add(&c, "state.history", AX_F64, 2, dim, err);
	if (!t)
		goto out;
	memcpy(t->f64, r->out->history, t->bytes);
	ax_checkpoint_set_meta(&c, "identity", r->t->identity);
	if (r->at.best_epoch > 0)
		ax_checkpoint_set_meta(&c, "best", ax_hex(hex, &r->best_sum));
	sum_state(hex, &c);
	ax_checkpoint_set_meta(&c, "sum", hex);
	rc = ax_checkpoint_save(r->state, &c, err);
	r->saved = ax_now();
out:
	ax_checkpoint_free(&c);
	return rc;
}

static int
read_state(struct run *r, const struct ax_checkpoint *c, struct ax_err *err)
{
	size_t one[1] = {PROGRESS};
	const char *identity = ax_checkpoint_meta(c, "identity");
	const char *best = ax_checkpoint_meta(c, "best");
	struct ax_tensor *t, *h;
	unsigned i;

	if (!identity || !ax_streq(identity, r->t->identity))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "it belongs to another run");
	t = ax_checkpoint_need(c, "state.progress", AX_F64, 1, one, err);
	h = ax_checkpoint_get(c, "state.history");
	if (!t)
		return -1;
	if (!h || h->dtype != AX_F64 || h->ndim != 2 || h->dim[1] != FIELDS ||
	    h->dim[0] > r->t->epochs || t->f64[0] != (double)h->dim[0] ||
	    !(t->f64[1] >= 0 && t->f64[1] <= (double)r->d->train.n))
		return ax_err_set(err, AX_EXIT_STAGE, "its history is damaged");
	if (ax_model_load(r->m, c, err) < 0)
		return -1;
	for (i = 0; i < r->m->net.n_params; i++) {
		const struct ax_net_param *p = &r->m->net.params[i];
		struct ax_tensor *v;
		char *name;

		if (!r->m->moment[i])
			continue;
		name = ax_asprintf("state.moment.%s", p->name);
		v = ax_checkpoint_need(c, name, AX_F32, p->ndim, p->dim, err);
		free(name);
		if (!v)
			return -1;
		memcpy(r->m->moment[i], v->f32, v->bytes);
	}
	memcpy(&r->at, t->f64, sizeof(r->at));
	if (r->at.best_epoch > 0 && (!best || ax_unhex(&r->best_sum, best) < 0))
		return ax_err_set(err, AX_EXIT_STAGE, "it names no best epoch");
	memcpy(r->out->history, h->f64, h->bytes);
	r->out->n = h->dim[0];
	return 0;
}

/* A file that cannot be read is no error, the run starts again; one that reads
 * well and does not fit is, for then the model may be half overwritten. */
static int
resume(struct run *r, struct ax_err *err)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	struct ax_err why = AX_ERR_INIT;
	char sum[AX_HEX_LEN + 1];
	int rc;

	if (!r->state || !ax_is_file(r->state))
		return 0;
	rc = ax_checkpoint_load(&c, r->state, &why);
	if (rc == 0) {
		sum_state(sum, &c);
		if (!ax_streq(ax_checkpoint_meta(&c, "sum"), sum)) {
			rc = ax_err_set(&why, AX_EXIT_STAGE,
					"%s: its checksum is wrong: it was "
					"damaged",
					r->state);
			ax_checkpoint_free(&c);
		}
	}
	if (rc < 0) {
		printf("state of an earlier try is not usable, starting again: "
		       "%s\n",
		       why.text);
		return 0;
	}
	rc = read_state(r, &c, &why);
	ax_checkpoint_free(&c);
	if (rc < 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s does not continue this run (%s); remove "
				  "it to start again",
				  r->state, why.text);
	printf("continuing with epoch %.0f, batch %.0f\n", r->at.epoch + 1,
	       r->at.batch + 1);
	return 0;
}

/* --- one epoch ------------------------------------------------------------ */

static void
tell(struct run *r, size_t batches)
{
	const struct ax_training *t = r->t;
	double took = ax_now() - r->started;
	double total = (double)t->epochs * (double)batches;
	double done = r->at.epoch * (double)batches + r->at.batch;
	double speed = (double)r->done / (took + 1e-9);
	double left = (total - done) * (double)t->batch / (speed + 1e-9);
	char text[160];

	if (!t->watch.tell)
		return;
	snprintf(text, sizeof(text),
		 "epoch %.0f of %zu, %.0f images/s, loss %.4f, accuracy %.2f "
		 "%%, %.0f s left",
		 r->at.epoch + 1, t->epochs, speed, r->at.loss / r->at.seen,
		 100 * r->at.right / r->at.seen, left);
	t->watch.tell(t->watch.arg, done, total, text);
}

static int
one_batch(struct run *r, size_t first, size_t n, double lr, struct ax_err *err)
{
	const struct ax_training *t = r->t;
	const struct ax_images *set = &r->d->train;
	size_t classes = r->m->net.classes, epoch = (size_t)r->at.epoch, i,
	       rank;
	const float *logits;

	ax_batch(r->x, r->d, set, r->order + first, n, &t->augment,
		 (uint64_t)epoch * set->n + first);
	logits = ax_model_forward(r->m, r->x, n, true);
	for (i = 0; i < n; i++) {
		r->at.loss += ax_cross_entropy(
			logits + i * classes, classes,
			set->labels[r->order[first + i]], t->smoothing, &rank,
			r->dlogits + i * classes, 1 / (double)n);
		r->at.right += rank == 0;
	}
	r->at.seen += (double)n;
	if (!isfinite(r->at.loss))
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"the loss is no longer a number in epoch %zu at image "
			"%zu: the training diverged; try a smaller lr than %g",
			epoch + 1, first, lr);
	ax_model_backward(r->m, r->dlogits);
	ax_model_step(r->m, (float)lr, (float)t->momentum, (float)t->decay,
		      t->nesterov);
	r->done += n;
	return 0;
}

static int
keep_best(struct run *r, struct ax_err *err)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	int rc;

	if (!r->t->keep_best ||
	    (r->at.best_epoch > 0 && (double)r->out->top1 <= r->at.best_top1))
		return 0;
	r->at.best_top1 = (double)r->out->top1;
	r->at.best_epoch = r->at.epoch + 1;
	rc = ax_model_store(r->m, &c, err);
	if (rc == 0)
		rc = ax_checkpoint_save(r->best, &c, err);
	if (rc == 0)
		rc = ax_hash_file(&r->best_sum, NULL, r->best, err);
	ax_checkpoint_free(&c);
	return rc;
}

/* What was the best so far may have been kept for days, over many tries. */
static int
check_best(const struct run *r, struct ax_err *err)
{
	struct ax_digest is;

	if (r->at.best_epoch <= 0 ||
	    (ax_hash_file(&is, NULL, r->best, NULL) == 0 &&
	     ax_digest_eq(&is, &r->best_sum)))
		return 0;
	(void)unlink(r->best);
	(void)unlink(r->state);
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s, of epoch %.0f, was damaged or removed "
			  "meanwhile; run again, the training starts from its "
			  "beginning",
			  r->best, r->at.best_epoch);
}

/* The test images do not count into what is done: they are passed over in the
 * estimate of the time left, too. */
static void
tell_testing(void *run, double done, double total, const char *text)
{
	const struct run *r = run;
	double batches = ceil((double)r->d->train.n / (double)r->t->batch);
	char line[200];

	(void)total;
	(void)done;
	if (!r->t->watch.tell)
		return;
	snprintf(line, sizeof(line), "epoch %.0f of %zu, testing: %.120s",
		 r->at.epoch + 1, r->t->epochs, text);
	r->t->watch.tell(r->t->watch.arg, r->at.epoch * batches + r->at.batch,
			 (double)r->t->epochs * batches, line);
}

static int
test(struct run *r, struct ax_err *err)
{
	struct ax_watch watch = {tell_testing, r};
	struct ax_evaluation e;

	if (ax_evaluate(&e, r->m, r->d, &r->d->test, r->d->test.n, 128, &watch,
			err) < 0)
		return -1;
	r->out->top1 = e.top1;
	r->out->top5 = e.top5;
	r->out->tested = e.n;
	r->out->loss = e.n ? e.loss / (double)e.n : NAN;
	ax_evaluation_free(&e);
	return 0;
}

static int
one_epoch(struct run *r, struct ax_err *err)
{
	const struct ax_training *t = r->t;
	size_t epoch = (size_t)r->at.epoch, n = r->d->train.n, first, len;
	size_t batches = (n + t->batch - 1) / t->batch;
	double lr = ax_learning_rate(t, epoch);
	struct ax_epoch *h = &r->out->history[r->out->n];
	const char *broken;

	if (epoch == t->calibrate_at && r->at.batch == 0)
		ax_calibrate(r->m, r->d, t, epoch);
	shuffle(r->order, n, t->seed, epoch);
	while ((size_t)r->at.batch < batches) {
		first = (size_t)r->at.batch * t->batch;
		len = AX_MIN(t->batch, n - first);
		if (one_batch(r, first, len, lr, err) < 0)
			return -1;
		r->at.batch++;
		tell(r, batches);
		if ((size_t)r->at.batch < batches &&
		    ax_now() - r->saved > t->save_every &&
		    save_state(r, err) < 0)
			return -1;
	}
	/* quantised layers clamp: the loss may hide what the weights are */
	broken = ax_model_not_finite(r->m);
	if (broken)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"'%s' holds what is no number after epoch %zu: the "
			"training diverged; try a smaller lr than %g",
			broken, epoch + 1, lr);
	/* testing takes minutes where a format has no quick kernel */
	if (ax_now() - r->saved > t->save_every / 2 && save_state(r, err) < 0)
		return -1;
	if (test(r, err) < 0 || keep_best(r, err) < 0)
		return -1;
	h->epoch = (double)(epoch + 1);
	h->lr = lr;
	h->train_loss = r->at.loss / r->at.seen;
	h->train_accuracy = 100 * r->at.right / r->at.seen;
	h->test_loss = r->out->loss;
	h->test_accuracy = ax_percent(r->out->top1, r->out->tested);
	printf("epoch %zu: lr %.6g, training loss %.4f accuracy %.2f %%, test "
	       "loss %.4f accuracy %.2f %%\n",
	       epoch + 1, lr, h->train_loss, h->train_accuracy, h->test_loss,
	       h->test_accuracy);
	r->out->n++;
	r->at.epoch++;
	r->at.batch = r->at.loss = r->at.right = r->at.seen = 0;
	return save_state(r, err);
}

int
ax_train(struct ax_trained *out, struct ax_model *m, const struct ax_dataset *d,
	 const struct ax_training *t, struct ax_err *err)
{
	struct run r;
	size_t rows, i;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	memset(&r, 0, sizeof(r));
	if (d->train.n == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "data set '%s' has no training images",
				  d->name);
	for (i = 0; i < d->train.n; i++)
		if (d->train.labels[i] >= m->net.classes)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"data set '%s': training image %zu has label "
				"%u, the network '%s' has %zu classes",
				d->name, i, d->train.labels[i], m->net.name,
				m->net.classes);
	r.m = m;
	r.d = d;
	r.t = t;
	r.out = out;
	out->history = ax_calloc(t->epochs + 1, sizeof(*out->history));
	if (t->state_dir) {
		r.state = ax_join(t->state_dir, "state.safetensors");
		r.best = ax_join(t->state_dir, "best.safetensors");
	}
	r.order = ax_calloc(d->train.n, sizeof(*r.order));
	rows = AX_MIN(t->batch, d->train.n);
	r.x = ax_aligned(rows * ax_dataset_pixels(d), sizeof(*r.x));
	r.dlogits = ax_calloc(rows * m->net.classes, sizeof(*r.dlogits));
	r.started = r.saved = ax_now();
	if (resume(&r, err) < 0)
		goto out;
	while ((size_t)r.at.epoch < t->epochs)
		if (one_epoch(&r, err) < 0)
			goto out;
	/* resumed after the last epoch, or no epochs at all */
	if (!r.done && test(&r, err) < 0)
		goto out;
	if (check_best(&r, err) < 0)
		goto out;
	out->best_epoch = (size_t)r.at.best_epoch;
	out->best_top1 = (size_t)r.at.best_top1;
	if (out->best_epoch) {
		out->best = r.best;
		r.best = NULL;
	}
	rc = 0;
out:
	free(r.state);
	free(r.best);
	free(r.order);
	free(r.x);
	free(r.dlogits);
	return rc;
}

void
ax_trained_free(struct ax_trained *r)
{
	free(r->history);
	free(r->best);
	memset(r, 0, sizeof(*r));
}

int
ax_history_write(const char *path, const struct ax_trained *r,
		 struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	size_t i, f;
	int rc;

	ax_str_add(&s, "epoch,lr,train_loss,train_accuracy,test_loss,"
		       "test_accuracy\n");
	for (i = 0; i < r->n; i++) {
		const double *v = &r->history[i].epoch;

		for (f = 0; f < FIELDS; f++) {
			if (f)
				ax_str_addc(&s, ',');
			if (isfinite(v[f]))
				ax_str_add_num(&s, v[f]);
		}
		ax_str_addc(&s, '\n');
	}
	rc = ax_write_plain(path, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}
