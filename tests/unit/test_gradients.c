/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of layer, with every combination of its parameters, inside a
 * network: its results against a plain evaluation in double precision written
 * here from the definitions, its gradients, element by element, against
 * central differences of that evaluation.
 *
 * Images are one-hot over (image, place), so that the first convolution's
 * weights are the inputs of the layer under test, and their gradient is the
 * layer's gradient by its input.
 */
#include <math.h>

#include "artifacts/base/rng.h"
#include "stages/nn/engine/model.h"
#include "tests/lib/tap.h"

#define N 2
#define H 5
#define W 4
#define C 4
#define PLACES (N * H * W)

/* --- the evaluation in double ----------------------------------------------
 */

struct eval {
	const struct ax_network *net;
	double **param, **value;
};

static void
eval_conv(struct eval *v, const struct ax_op *op)
{
	struct ax_value_shape a = v->net->values[op->in];
	struct ax_value_shape b = v->net->values[op->out];
	bool lin = op->kind == AX_OP_LINEAR;
	size_t kh = lin ? 1 : op->kernel[0], kw = lin ? 1 : op->kernel[1];
	size_t g = lin ? 1 : op->groups, ig = a.c / g, og = b.c / g;
	const double *w = v->param[op->weight], *x = v->value[op->in];
	double *y = v->value[op->out];

	for (size_t i = 0; i < N * b.c * b.h * b.w; i++) {
		size_t n = i / (b.c * b.h * b.w), o = i / (b.h * b.w) % b.c;
		size_t oy = i / b.w % b.h, ox = i % b.w;

		y[i] = op->bias_at >= 0 ? v->param[op->bias_at][o] : 0;
		for (size_t k = 0; k < ig * kh * kw; k++) {
			size_t c = o / og * ig + k / (kh * kw);
			long r = (long)(oy * op->stride[0] + k / kw % kh) -
				 (long)op->pad[0];
			long q = (long)(ox * op->stride[1] + k % kw) -
				 (long)op->pad[1];

			if (r >= 0 && r < (long)a.h && q >= 0 && q < (long)a.w)
				y[i] += w[o * ig * kh * kw + k] *
					x[((n * a.c + c) * a.h + (size_t)r) *
						  a.w +
					  (size_t)q];
		}
	}
}

static void
eval_norm(struct eval *v, const struct ax_op *op)
{
	struct ax_value_shape a = v->net->values[op->in];
	const double *x = v->value[op->in];
	size_t hw = a.h * a.w, count = N * hw;
	double *y = v->value[op->out];

	for (size_t c = 0; c < a.c; c++) {
		double mean = 0, var = 0;

		for (size_t i = 0; i < count; i++)
			mean += x[(i / hw * a.c + c) * hw + i % hw];
		mean /= (double)count;
		for (size_t i = 0; i < count; i++)
			var += pow(x[(i / hw * a.c + c) * hw + i % hw] - mean,
				   2);
		var /= (double)count;
		for (size_t i = 0; i < count; i++) {
			size_t at = (i / hw * a.c + c) * hw + i % hw;

			y[at] = (x[at] - mean) / sqrt(var + op->eps) *
					v->param[op->weight][c] +
				v->param[op->bias_at][c];
		}
	}
}

static void
eval_pool(struct eval *v, const struct ax_op *op)
{
	struct ax_value_shape a = v->net->values[op->in];
	struct ax_value_shape b = v->net->values[op->out];
	bool whole = op->kind == AX_OP_GLOBALPOOL;
	size_t kh = whole ? a.h : op->kernel[0];
	size_t kw = whole ? a.w : op->kernel[1];

	for (size_t i = 0; i < N * b.c * b.h * b.w; i++) {
		size_t plane = i / (b.h * b.w);
		double most = -INFINITY, sum = 0;

		for (size_t k = 0; k < kh * kw; k++) {
			long r =
				(long)(i / b.w % b.h * op->stride[0] + k / kw) -
				(long)op->pad[0];
			long q = (long)(i % b.w * op->stride[1] + k % kw) -
				 (long)op->pad[1];
			double x;

			if (r < 0 || r >= (long)a.h || q < 0 || q >= (long)a.w)
				continue;
			x = v->value[op->in][(plane * a.h + (size_t)r) * a.w +
					     (size_t)q];
			most = fmax(most, x);
			sum += x;
		}
		v->value[op->out][i] = op->kind == AX_OP_MAXPOOL
					       ? most
					       : sum / (double)(kh * kw);
	}
}

/* The sum of the last value times r. */
static double
evaluate(struct eval *v, const float *r)
{
	const struct ax_network *net = v->net;
	double sum = 0;
	size_t i, n;

	for (unsigned o = 0; o < net->n_ops; o++) {
		const struct ax_op *op = &net->ops[o];
		struct ax_value_shape b = net->values[op->out];
		const double *x = v->value[op->in];
		double *y = v->value[op->out];

		n = N * b.c * b.h * b.w;
		switch (op->kind) {
		case AX_OP_CONV:
		case AX_OP_LINEAR:
			eval_conv(v, op);
			break;
		case AX_OP_BATCHNORM:
			eval_norm(v, op);
			break;
		case AX_OP_RELU:
			for (i = 0; i < n; i++) {
				y[i] = x[i] > 0 ? x[i]
						: (double)op->slope * x[i];
				if (op->cap > 0)
					y[i] = fmin(y[i], (double)op->cap);
			}
			break;
		case AX_OP_ADD:
			for (i = 0; i < n; i++)
				y[i] = x[i] + v->value[op->with][i];
			break;
		case AX_OP_FLATTEN:
			memcpy(y, x, n * sizeof(*y));
			break;
		default:
			eval_pool(v, op);
		}
	}
	n = N * net->classes;
	for (i = 0; i < n; i++)
		sum += v->value[net->n_values - 1][i] * (double)r[i];
	return sum;
}

/* --- one network ------------------------------------------------------------
 */

static void
fill(float *out, size_t n, const char *what, double scale)
{
	struct ax_rng r = ax_rng(11, what, n);

	for (size_t i = 0; i < n; i++)
		out[i] = (float)(scale * (2 * ax_rng_double(&r) - 1));
}

/* Largest difference between the gradients and central differences, relative
 * to the largest of them. */
static double
worst_gradient(struct ax_model *m, struct eval *v, const float *r)
{
	const double h = 1e-6;
	double worst = 0, most = 1e-9, fd, keep;

	for (unsigned p = 0; p < m->net.n_params; p++)
		for (size_t i = 0; m->grad[p] && i < m->net.params[p].n; i++) {
			keep = v->param[p][i];
			v->param[p][i] = keep + h;
			fd = evaluate(v, r);
			v->param[p][i] = keep - h;
			fd = (fd - evaluate(v, r)) / (2 * h);
			v->param[p][i] = keep;
			most = fmax(most, fabs(fd));
			worst = fmax(worst, fabs(fd - (double)m->grad[p][i]));
		}
	return worst / most;
}

static void
check(const char *what, const char *layers)
{
	static const char first[] =
		"{\"op\":\"conv2d\",\"name\":\"x\",\"out\":%d,\"kernel\":1},";
	char *text, *start = ax_asprintf(first, C);
	struct ax_err err = AX_ERR_INIT;
	struct ax_network net;
	struct ax_model m;
	struct eval v;
	float *x, *r;
	double far = 0, most = 0, grad;
	const float *y;
	size_t classes = 0, i;

	/* a first parse without classes fails and says how many there are */
	for (classes = 1;; classes++) {
		text = ax_asprintf("{\"input\":[%d,%d,%d],\"classes\":%zu,"
				   "\"layers\":[%s%s]}",
				   PLACES, H, W, classes, start, layers);
		ax_err_clear(&err);
		if (ax_network_parse_text(&net, text, NULL, 0, &err) == 0)
			break;
		free(text);
		if (!strstr(err.text, "classes want") || classes > 2000) {
			ok(0, "%s: %s", what, err.text);
			free(start);
			return;
		}
	}
	free(text);
	free(start);
	ax_model_init(&m, &net, NULL, ax_kern());
	x = ax_calloc((size_t)N * PLACES * H * W, sizeof(*x));
	for (i = 0; i < PLACES; i++) /* image i / HW, channel i, place i % HW */
		x[(i / (H * W) * PLACES + i) * H * W + i % (H * W)] = 1;
	r = ax_calloc(N * classes, sizeof(*r));
	fill(r, N * classes, "r", 1);
	v.net = &m.net;
	v.param = ax_calloc(m.net.n_params + 1, sizeof(*v.param));
	v.value = ax_calloc(m.net.n_values, sizeof(*v.value));
	for (unsigned p = 0; p < m.net.n_params; p++) {
		if (!m.param[p])
			continue;
		fill(m.param[p], m.net.params[p].n, m.net.params[p].name,
		     p ? 0.7 : 8);
		v.param[p] = ax_calloc(m.net.params[p].n, sizeof(double));
		for (i = 0; i < m.net.params[p].n; i++)
			v.param[p][i] = (double)m.param[p][i];
	}
	for (unsigned k = 0; k < m.net.n_values; k++) {
		struct ax_value_shape s = m.net.values[k];

		v.value[k] = ax_calloc(N * s.c * s.h * s.w, sizeof(double));
	}
	for (i = 0; i < (size_t)N * PLACES * H * W; i++)
		v.value[0][i] = (double)x[i];
	y = ax_model_forward(&m, x, N, true);
	evaluate(&v, r);
	for (i = 0; i < N * classes; i++) {
		double want = v.value[m.net.n_values - 1][i];

		most = fmax(most, fabs(want));
		far = fmax(far, fabs((double)y[i] - want));
	}
	ok(far < 3e-6 * most, "%s: result (%.1e)", what, far / most);
	ax_model_backward(&m, r);
	grad = worst_gradient(&m, &v, r);
	ok(grad < 5e-6, "%s: gradients (%.1e)", what, grad);
	for (unsigned p = 0; p < m.net.n_params; p++)
		free(v.param[p]);
	for (unsigned k = 0; k < m.net.n_values; k++)
		free(v.value[k]);
	free(v.param);
	free(v.value);
	free(x);
	free(r);
	ax_model_free(&m);
}

#define FLAT ",{\"op\":\"flatten\"}"

static void
convolutions(void)
{
	static const char *const windows[] = {
		"\"kernel\":1", "\"kernel\":3,\"pad\":1",
		"\"kernel\":[3,2],\"stride\":[2,1],\"pad\":[0,1]",
		"\"kernel\":[1,5],\"stride\":2,\"pad\":[0,2]",
		"\"kernel\":3,\"stride\":3,\"pad\":2"};
	static const int groups[] = {1, 2, C};
	char *text, *name;

	for (size_t w = 0; w < AX_LEN(windows); w++)
		for (size_t g = 0; g < AX_LEN(groups); g++) {
			bool bias = (w + g) % 2;

			text = ax_asprintf("{\"op\":\"conv2d\",\"name\":\"t\","
					   "\"out\":%d,%s,\"groups\":%d,"
					   "\"bias\":%s}" FLAT,
					   groups[g] * (g == 2 ? 1 : 3),
					   windows[w], groups[g],
					   bias ? "true" : "false");
			name = ax_asprintf("convolution %s, %d groups%s",
					   windows[w], groups[g],
					   bias ? ", bias" : "");
			check(name, text);
			free(name);
			free(text);
		}
}

static void
others(void)
{
	static const char *const pools[] = {
		"\"kernel\":2", "\"kernel\":3,\"stride\":2,\"pad\":1",
		"\"kernel\":[3,2],\"stride\":1,\"pad\":[1,0]",
		"\"kernel\":[1,4]"};
	static const char *const relus[] = {
		"\"op\":\"relu\"", "\"op\":\"relu6\"", "\"op\":\"leakyrelu\"",
		"\"op\":\"relu\",\"slope\":0.25,\"max\":0.5"};
	char *text, *name;

	for (size_t i = 0; i < 2 * AX_LEN(pools); i++) {
		const char *kind = i % 2 ? "maxpool" : "avgpool";

		text = ax_asprintf("{\"op\":\"%s\",%s}" FLAT, kind,
				   pools[i / 2]);
		name = ax_asprintf("%s %s", kind, pools[i / 2]);
		check(name, text);
		free(name);
		free(text);
	}
	for (size_t i = 0; i < 2 * AX_LEN(relus); i++) {
		/* as it is, and where it may write over its input */
		text = ax_asprintf("%s{%s}" FLAT,
				   i % 2 ? "{\"op\":\"batchnorm\",\"name\":"
					   "\"b\"},"
					 : "",
				   relus[i / 2]);
		name = ax_asprintf("%s%s", relus[i / 2],
				   i % 2 ? " after batch norm" : "");
		check(name, text);
		free(name);
		free(text);
	}
	check("linear with bias", "{\"op\":\"flatten\"},{\"op\":\"linear\","
				  "\"name\":\"t\",\"out\":7}");
	check("linear without", "{\"op\":\"flatten\"},{\"op\":\"linear\","
				"\"name\":\"t\",\"out\":9,\"bias\":false}");
	check("batch norm", "{\"op\":\"batchnorm\",\"name\":\"t\"}" FLAT);
	check("batch norm, eps 0.1", "{\"op\":\"batchnorm\",\"name\":\"t\","
				     "\"eps\":0.1}" FLAT);
	check("sum", "{\"op\":\"relu\",\"name\":\"a\"},{\"op\":\"add\","
		     "\"with\":\"x\"}" FLAT);
	check("sum of a value with itself",
	      "{\"op\":\"add\",\"with\":\"x\"}" FLAT);
	check("global pool", "{\"op\":\"globalpool\"}" FLAT);
	check("a residual block",
	      "{\"op\":\"batchnorm\",\"name\":\"b1\"},{\"op\":\"relu6\","
	      "\"name\":\"a\"},{\"op\":\"conv2d\",\"name\":\"c1\",\"out\":6,"
	      "\"kernel\":3,\"pad\":1,\"stride\":2},{\"op\":\"batchnorm\","
	      "\"name\":\"b2\"},{\"op\":\"conv2d\",\"name\":\"d\",\"in\":"
	      "\"a\",\"out\":6,\"kernel\":1,\"stride\":2},{\"op\":\"add\","
	      "\"with\":\"b2\"},{\"op\":\"leakyrelu\"}" FLAT);
}

int
main(void)
{
	convolutions();
	others();
	return tap_done();
}
