/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which multiplier each layer gets from a library, under a budget of mean cost
 * for a product; and the accuracy that comes of it, measured.
 */
#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/lut_operands.h"
#include "artifacts/npy.h"
#include "stages/nn/engine/choose.h"
#include "stages/nn/assign/library.h"

struct plan {
	struct ax_library *lib;
	struct ax_model *m;
	unsigned *op;             /* [n] operations of the quantised layers */
	double *products, *share; /* [n] for an image; part of all */
	double *damage;           /* [n][lib->n]; infinite: not allowed */
	double *noise, *coherent;
	size_t *choice;  /* [n] */
	size_t n, exact; /* exact: item of exact products, or lib->n */
	double cost;     /* of the choice */
};

static int
find_layers(struct plan *p, struct ax_err *err)
{
	const struct ax_network *net = &p->m->net;
	double all = 0;
	size_t i;

	p->op = ax_calloc(net->n_ops, sizeof(*p->op));
	p->products = ax_calloc(net->n_ops, sizeof(*p->products));
	p->share = ax_calloc(net->n_ops, sizeof(*p->share));
	p->choice = ax_calloc(net->n_ops, sizeof(*p->choice));
	for (i = 0; i < net->n_ops; i++) {
		if (!p->m->layer[i].quantised)
			continue;
		p->products[p->n] = (double)net->ops[i].products;
		all += p->products[p->n];
		p->op[p->n++] = (unsigned)i;
	}
	for (i = 0; i < p->n; i++)
		p->share[i] = p->products[i] / all;
	return p->n ? 0
		    : ax_err_set(err, AX_EXIT_STAGE,
				 "the network '%s' has no layer with integer "
				 "products to choose a multiplier for",
				 net->name);
}

/* damage = weight x (noise + rho coherent^2); the weight is the share of the
 * layer's `products` in the histogram. */
static int
find_damage(struct plan *p, const struct ax_histogram *h, double rho,
	    double worst, struct ax_err *err)
{
	const struct ax_lut *first = &p->lib->of[0].lut;
	const struct ax_histogram_layer *l;
	struct ax_lut_weighted w;
	struct ax_lut exact;
	double all = 0, sum;
	size_t i, k, at;
	int rc = 0;

	p->damage = ax_calloc(p->n * p->lib->n, sizeof(*p->damage));
	p->noise = ax_calloc(p->n * p->lib->n, sizeof(*p->noise));
	p->coherent = ax_calloc(p->n * p->lib->n, sizeof(*p->coherent));
	for (i = 0; i < h->n; i++)
		all += (double)h->layers[i].products;
	if (ax_lut_exact(&exact, AX_LUT_MUL, first->n, first->m, first->sign,
			 err) < 0)
		return -1;
	for (i = 0; i < p->n && rc == 0; i++) {
		const char *name = p->m->net.ops[p->op[i]].name;

		l = ax_histogram_layer(h, name);
		if (!p->m->layer[p->op[i]].approx) {
			for (k = 0; k < p->lib->n; k++)
				p->damage[i * p->lib->n + k] =
					k == p->exact ? 0 : INFINITY;
			continue;
		}
		if (!l) {
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"input 'histogram' has no layer '%s': "
					"make it from this network",
					name);
			break;
		}
		for (k = 0; k < p->lib->n && rc == 0; k++) {
			at = i * p->lib->n + k;
			rc = ax_lut_measure_layer(&w, &p->lib->of[k].lut,
						  &exact, l, err);
			p->noise[at] = w.noise;
			p->coherent[at] = w.coherent;
			sum = w.noise + rho * w.coherent * w.coherent;
			p->damage[at] =
				sum > worst ? INFINITY
					    : (double)l->products / all * sum;
		}
	}
	ax_lut_free(&exact);
	return rc;
}

static int
choose(struct plan *p, bool one, double budget, struct ax_err *err)
{
	size_t n = p->lib->n, i, k, item;
	double *cost = ax_calloc(n, sizeof(*cost));
	bool *kept = ax_calloc(p->n, sizeof(*kept)), found;

	for (k = 0; k < n; k++)
		cost[k] = p->lib->of[k].cost;
	/* with one for all, layers that stay exact have exact products */
	for (i = 0; i < p->n; i++) {
		kept[i] = !p->m->layer[p->op[i]].approx;
		p->choice[i] = p->exact;
	}
	found = one ? ax_choose_one(&item, p->choice, kept, p->damage,
				    p->products, cost, p->n, n, budget)
		    : ax_choose(p->choice, p->damage, p->products, cost, p->n,
				n, budget);
	p->cost =
		found ? ax_choose_cost(p->choice, p->products, cost, p->n) : 0;
	free(cost);
	free(kept);
	return found ? 0
		     : ax_err_set(err, AX_EXIT_STAGE,
				  "no choice of multipliers costs at most the "
				  "budget: the cheapest in the library, or the "
				  "layers that stay exact, cost more, or all "
				  "within it are above 'worst' in some layer");
}

/* assignment.json, and a row for each layer. */
static int
write_choice(struct plan *p, struct ax_task *t, struct ax_err *err)
{
	json_t *o = json_object(), *layers = json_object();
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_str_add(&s, "layer,multiplier,cost,share,noise,coherent,damage\n");
	for (size_t i = 0; i < p->n; i++) {
		const struct ax_multiplier *m = &p->lib->of[p->choice[i]];
		const char *name = p->m->net.ops[p->op[i]].name;
		size_t at = i * p->lib->n + p->choice[i];

		json_object_set_new(layers, name, json_string(m->id));
		ax_str_addf(&s, "%s,%s,", name, m->id);
		ax_str_add_num(&s, m->cost);
		ax_str_addc(&s, ',');
		ax_str_add_num(&s, p->share[i]);
		ax_str_addc(&s, ',');
		ax_str_add_num(&s, p->noise[at]);
		ax_str_addc(&s, ',');
		ax_str_add_num(&s, p->coherent[at]);
		ax_str_addc(&s, ',');
		ax_str_add_num(&s, p->damage[at]);
		ax_str_addc(&s, '\n');
	}
	json_object_set_new(o, "axpipe_assignment", json_integer(1));
	json_object_set_new(o, "layers", layers);
	rc = ax_json_write(ax_task_out(t, "assignment"), o, err);
	json_decref(o);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "layers"), s.buf, s.len,
				    err);
	ax_str_free(&s);
	return rc;
}

static int
write_table(struct plan *p, struct ax_task *t, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	size_t i;
	int rc;

	for (i = 0; i < p->n && !p->m->layer[p->op[i]].approx; i++)
		;
	if (i == p->n)
		return 0; /* nothing to choose */
	ax_task_metric_str(t, "multiplier", p->lib->of[p->choice[i]].id);
	rc = ax_lut_write_npy(&s, &p->lib->of[p->choice[i]].lut, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "lut"), s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

static int
measure(struct plan *p, struct ax_task *t, struct ax_dataset *d,
	struct ax_err *err)
{
	struct ax_watch watch = {ax_setup_tell, t};
	size_t limit = (size_t)ax_task_int(t, "limit"), i;
	struct ax_images images;
	struct ax_evaluation e;

	for (i = 0; i < p->n; i++)
		if (ax_model_product_at(p->m, p->op[i],
					&p->lib->of[p->choice[i]].product,
					err) < 0)
			return -1;
	if (ax_setup_images(&images, d, t, err) < 0 ||
	    ax_setup_reestimate(p->m, t, d, err) < 0 ||
	    ax_evaluate(&e, p->m, d, &images, limit ? limit : SIZE_MAX,
			(size_t)ax_task_int(t, "batch"), &watch, err) < 0)
		return -1;
	ax_setup_metrics(t, e.top1, e.top5, e.n, e.loss / (double)e.n);
	ax_evaluation_free(&e);
	return 0;
}

static void
cost_metrics(struct plan *p, struct ax_task *t)
{
	size_t i, k, used = 0;
	double damage = 0;

	for (i = 0; i < p->n; i++) {
		damage += p->damage[i * p->lib->n + p->choice[i]];
		for (k = 0; k < i && p->choice[k] != p->choice[i]; k++)
			;
		used += k == i;
	}
	ax_task_metric_num(t, "cost", p->cost);
	ax_task_metric_num(t, "damage", damage);
	ax_task_metric_int(t, "library", (int64_t)p->lib->n);
	ax_task_metric_int(t, "used", (int64_t)used);
}

static int
run(struct plan *p, struct ax_task *t, struct ax_dataset *d,
    const struct ax_histogram *h, struct ax_err *err)
{
	bool one = ax_streq(ax_task_str(t, "mode"), "one");

	if (find_layers(p, err) < 0)
		return -1;
	for (p->exact = 0; p->exact < p->lib->n &&
			   !ax_streq(p->lib->of[p->exact].id, "exact");
	     p->exact++)
		;
	for (size_t i = 0; i < p->n; i++)
		if (!p->m->layer[p->op[i]].approx && p->exact == p->lib->n)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "layer '%s' is exact: give "
					  "'exact_cost'",
					  p->m->net.ops[p->op[i]].name);
	if (find_damage(p, h, ax_task_num(t, "rho"),
			ax_task_json(t, "worst") ? ax_task_num(t, "worst")
						 : INFINITY,
			err) < 0 ||
	    choose(p, one, ax_task_num(t, "budget"), err) < 0)
		return -1;
	cost_metrics(p, t);
	if (write_choice(p, t, err) < 0 || (one && write_table(p, t, err) < 0))
		return -1;
	return measure(p, t, d, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_histogram h;
	struct ax_library lib;
	struct ax_dataset d;
	struct ax_model m;
	struct plan p = {.lib = &lib, .m = &m};
	int rc = -1;

	if (ax_histogram_load(&h, ax_task_in(t, "histogram"), err) < 0)
		return ax_err_wrap(err, "input 'histogram'");
	if (ax_setup_dataset(&d, t, err) < 0)
		goto no_dataset;
	if (ax_setup_model(&m, t, &d, true, err) < 0)
		goto no_model;
	if (ax_library_load(&lib, t, ax_setup_guess(&m), err) < 0)
		goto no_library;
	rc = run(&p, t, &d, &h, err);
	free(p.op);
	free(p.products);
	free(p.share);
	free(p.choice);
	free(p.damage);
	free(p.noise);
	free(p.coherent);
	ax_library_free(&lib);
no_library:
	ax_model_free(&m);
no_model:
	ax_dataset_free(&d);
no_dataset:
	ax_histogram_free(&h);
	return rc;
}
