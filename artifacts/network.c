/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/network.h"

#include "artifacts/base/json.h"
#include "artifacts/network_build.h"

#define MAX_EXTENT 65536
#define MAX_ELEMENTS ((size_t)1 << 31) /* of one value, for one image */
#define MAX_NAME 200

static const char *const op_names[] = {
	[AX_OP_CONV] = "conv2d",
	[AX_OP_LINEAR] = "linear",
	[AX_OP_BATCHNORM] = "batchnorm",
	[AX_OP_RELU] = "relu",
	[AX_OP_ADD] = "add",
	[AX_OP_MAXPOOL] = "maxpool",
	[AX_OP_AVGPOOL] = "avgpool",
	[AX_OP_GLOBALPOOL] = "globalpool",
	[AX_OP_FLATTEN] = "flatten",
};
static const char *const arith_names[] = {
	[AX_ARITH_APPROX] = "approx",
	[AX_ARITH_EXACT] = "exact",
	[AX_ARITH_FLOAT] = "float",
};

const char *
ax_op_name(enum ax_op_kind k)
{
	return op_names[k];
}

const char *
ax_arith_name(enum ax_arith a)
{
	return arith_names[a];
}

static int
find_word(const char *const *words, size_t n, const char *w)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ax_streq(words[i], w))
			return (int)i;
	return -1;
}

int
ax_op_kind_of(const char *name)
{
	return find_word(op_names, AX_LEN(op_names), name);
}

int
ax_arith_of(const char *name)
{
	if (ax_streq(name, "skip"))
		return AX_ARITH_FLOAT;
	return find_word(arith_names, AX_LEN(arith_names), name);
}

int
ax_net_error(const struct ax_net_builder *b, struct ax_err *err,
	     const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	ax_err_set(err, AX_EXIT_USAGE, "network description, %s: %s",
		   b->where[0] ? b->where : "/", text ? text : "bad");
	free(text);
	return -1;
}

void
ax_network_free(struct ax_network *n)
{
	unsigned i;

	if (!n)
		return;
	for (i = 0; i < n->n_ops; i++)
		free(n->ops[i].name);
	for (i = 0; i < n->n_params; i++)
		free(n->params[i].name);
	free(n->name);
	free(n->text);
	free(n->values);
	free(n->ops);
	free(n->params);
	memset(n, 0, sizeof(*n));
}

/* --- parameters ----------------------------------------------------------- */

static int
add_param(struct ax_net_builder *b, const char *suffix, enum ax_role role,
	  enum ax_dtype dtype, unsigned ndim, const size_t *dim, bool trained,
	  struct ax_err *err)
{
	struct ax_network *n = b->net;
	struct ax_net_param *p;
	size_t bytes, count;
	unsigned i;

	if (ax_tensor_size(&count, &bytes, suffix, dtype, ndim, dim, err) < 0)
		return ax_err_wrap(err, "network description, %s", b->where);
	b->elements += count;
	if (count > AX_NETWORK_PARAMS || b->elements > AX_NETWORK_PARAMS)
		return ax_net_error(b, err, "more than %d parameters in all",
				    AX_NETWORK_PARAMS);
	AX_GROW(n->params, n->n_params, b->cap_params);
	p = &n->params[n->n_params];
	memset(p, 0, sizeof(*p));
	p->name = ax_asprintf("%s.%s", n->ops[n->n_ops - 1].name, suffix);
	p->role = role;
	p->op = n->n_ops - 1;
	p->dtype = dtype;
	p->ndim = ndim;
	for (i = 0; i < ndim; i++)
		p->dim[i] = dim[i];
	p->n = count;
	p->trained = trained;
	return (int)n->n_params++;
}

static int
add_params(struct ax_net_builder *b, struct ax_op *op, size_t in_c,
	   size_t out_c, struct ax_err *err)
{
	size_t wide[4] = {out_c, in_c / op->groups, op->kernel[0],
			  op->kernel[1]};
	size_t one[1] = {out_c};

	if (op->kind == AX_OP_CONV || op->kind == AX_OP_LINEAR) {
		op->weight = add_param(b, "weight", AX_ROLE_WEIGHT, AX_F32,
				       op->kind == AX_OP_CONV ? 4 : 2, wide,
				       true, err);
		if (op->weight < 0)
			return -1;
		if (op->bias) {
			op->bias_at = add_param(b, "bias", AX_ROLE_BIAS, AX_F32,
						1, one, true, err);
			if (op->bias_at < 0)
				return -1;
		}
		return 0;
	}
	op->weight = add_param(b, "weight", AX_ROLE_GAMMA, AX_F32, 1, one, true,
			       err);
	op->bias_at =
		add_param(b, "bias", AX_ROLE_BETA, AX_F32, 1, one, true, err);
	op->mean = add_param(b, "running_mean", AX_ROLE_MEAN, AX_F32, 1, one,
			     false, err);
	op->var = add_param(b, "running_var", AX_ROLE_VAR, AX_F32, 1, one,
			    false, err);
	op->count = add_param(b, "num_batches_tracked", AX_ROLE_COUNT, AX_I64,
			      0, NULL, false, err);
	return op->weight < 0 || op->bias_at < 0 || op->mean < 0 ||
			       op->var < 0 || op->count < 0
		       ? -1
		       : 0;
}

/* --- shapes --------------------------------------------------------------- */

static int
slide(struct ax_net_builder *b, size_t *out, size_t extent,
      const struct ax_op *op, int axis, struct ax_err *err)
{
	size_t k = op->kernel[axis], s = op->stride[axis], p = op->pad[axis];

	if (k == 0 || s == 0 || k > MAX_EXTENT || s > MAX_EXTENT ||
	    p > MAX_EXTENT)
		return ax_net_error(b, err,
				    "kernel and stride must lie in 1..%d, pad "
				    "in 0..%d",
				    MAX_EXTENT, MAX_EXTENT);
	if (extent + 2 * p < k)
		return ax_net_error(b, err,
				    "a kernel of %zu does not fit into %zu "
				    "with padding %zu on both sides (%s)",
				    k, extent, p,
				    axis ? "horizontally" : "vertically");
	*out = (extent + 2 * p - k) / s + 1;
	return 0;
}

static int
multiply(struct ax_net_builder *b, size_t *out, const size_t *v, size_t n,
	 struct ax_err *err)
{
	size_t i;

	*out = 1;
	for (i = 0; i < n; i++)
		if (__builtin_mul_overflow(*out, v[i], out) ||
		    *out > (size_t)1 << 50)
			return ax_net_error(b, err, "the layer is too large");
	return 0;
}

/* The shape that `op` makes of `in`; out_c: channels of conv and linear. */
static int
infer(struct ax_net_builder *b, struct ax_op *op,
      const struct ax_value_shape *in, size_t out_c, struct ax_value_shape *out,
      struct ax_err *err)
{
	const struct ax_value_shape *w = &b->net->values[op->with];

	*out = *in;
	switch (op->kind) {
	case AX_OP_CONV:
		if (out_c == 0 || out_c > MAX_EXTENT || op->groups == 0 ||
		    in->c % op->groups || out_c % op->groups)
			return ax_net_error(b, err,
					    "%zu groups do not divide %zu "
					    "input and %zu output channels",
					    op->groups, in->c, out_c);
		if (slide(b, &out->h, in->h, op, 0, err) < 0 ||
		    slide(b, &out->w, in->w, op, 1, err) < 0)
			return -1;
		out->c = out_c;
		return multiply(b, &op->products,
				(size_t[]){out_c, out->h, out->w,
					   in->c / op->groups, op->kernel[0],
					   op->kernel[1]},
				6, err);
	case AX_OP_LINEAR:
		if (in->h != 1 || in->w != 1)
			return ax_net_error(b, err,
					    "linear wants a vector, its input "
					    "is [%zu,%zu,%zu]; put a flatten "
					    "in front",
					    in->c, in->h, in->w);
		if (out_c == 0 || out_c > MAX_EXTENT)
			return ax_net_error(b, err, "out must lie in 1..%d",
					    MAX_EXTENT);
		out->c = out_c;
		return multiply(b, &op->products, (size_t[]){out_c, in->c}, 2,
				err);
	case AX_OP_ADD:
		if (w->c != in->c || w->h != in->h || w->w != in->w)
			return ax_net_error(
				b, err,
				"add wants equal shapes, not [%zu,%zu,%zu] and "
				"[%zu,%zu,%zu]",
				in->c, in->h, in->w, w->c, w->h, w->w);
		return 0;
	case AX_OP_MAXPOOL:
	case AX_OP_AVGPOOL:
		if (slide(b, &out->h, in->h, op, 0, err) < 0 ||
		    slide(b, &out->w, in->w, op, 1, err) < 0)
			return -1;
		if (op->pad[0] * 2 > op->kernel[0] ||
		    op->pad[1] * 2 > op->kernel[1])
			return ax_net_error(b, err,
					    "pad may be half the kernel at "
					    "most");
		return 0;
	case AX_OP_GLOBALPOOL:
		out->h = out->w = 1;
		return 0;
	case AX_OP_FLATTEN:
		out->c = in->c * in->h * in->w;
		out->h = out->w = 1;
		return 0;
	case AX_OP_BATCHNORM:
		if (!(op->eps > 0) || !(op->eps < 1) || !(op->momentum >= 0) ||
		    !(op->momentum <= 1))
			return ax_net_error(b, err,
					    "eps must lie in (0,1), momentum "
					    "in [0,1]");
		return 0;
	case AX_OP_RELU:
		/* the way back looks at the result alone: its sign must be that
		 * of x */
		if (!(op->slope >= 0) || !(op->slope <= 1) || !(op->cap >= 0) ||
		    !(op->cap < 1e30f))
			return ax_net_error(b, err,
					    "slope must lie in [0,1], max "
					    "above 0");
		return 0;
	}
	return ax_net_error(b, err, "unknown operation");
}

static bool
good_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
			     "VWXYZ0123456789_-.");

	return n > 0 && n <= MAX_NAME && !s[n] && !ax_streq(s, "input");
}

int
ax_net_add(struct ax_net_builder *b, const struct ax_op *proto,
	   const char *name, size_t out_c, struct ax_err *err)
{
	struct ax_network *n = b->net;
	struct ax_value_shape shape, in = n->values[proto->in];
	struct ax_op *op;
	bool params = proto->kind == AX_OP_CONV ||
		      proto->kind == AX_OP_LINEAR ||
		      proto->kind == AX_OP_BATCHNORM;

	if (n->n_ops >= AX_NETWORK_OPS)
		return ax_net_error(b, err, "more than %d layers",
				    AX_NETWORK_OPS);
	if (params && !*name)
		return ax_net_error(b, err,
				    "a layer with parameters needs a "
				    "name");
	if (*name && !good_name(name))
		return ax_net_error(b, err,
				    "'%s' is no name for a layer (letters, "
				    "digits, '_', '-', '.'; not 'input')",
				    name);
	if (*name && ax_map_get(&b->names, name))
		return ax_net_error(b, err, "a second layer named '%s'", name);
	AX_GROW(n->ops, n->n_ops, b->cap_ops);
	op = &n->ops[n->n_ops];
	*op = *proto;
	op->name = ax_strdup(name);
	op->weight = op->bias_at = op->mean = op->var = op->count = -1;
	op->products = 0;
	op->out = n->n_values;
	n->n_ops++;
	if (infer(b, op, &in, out_c, &shape, err) < 0)
		return -1;
	if (multiply(b, &(size_t){0}, (size_t[]){shape.c, shape.h, shape.w}, 3,
		     err) < 0)
		return -1;
	if (shape.c * shape.h * shape.w > MAX_ELEMENTS)
		return ax_net_error(b, err,
				    "a result of [%zu,%zu,%zu] is too "
				    "large",
				    shape.c, shape.h, shape.w);
	if (params && add_params(b, op, in.c, shape.c, err) < 0)
		return -1;
	AX_GROW(n->values, n->n_values, b->cap_values);
	n->values[n->n_values] = shape;
	if (*name)
		/* values are kept one higher, so that none is NULL */
		ax_map_set(&b->names, name,
			   (void *)(uintptr_t)(n->n_values + 1));
	return (int)n->n_values++;
}

void
ax_net_begin(struct ax_net_builder *b, const struct ax_value_shape *input)
{
	AX_GROW(b->net->values, b->net->n_values, b->cap_values);
	b->net->values[b->net->n_values++] = *input;
	ax_map_set(&b->names, "input", (void *)(uintptr_t)1);
}

/* --- after building ------------------------------------------------------- */

static void
find_last_uses(struct ax_network *n)
{
	unsigned i, j;

	for (i = 0; i < n->n_ops; i++) {
		/* never read: it may go at once; the logits stay to the end */
		n->ops[i].last_use = i;
		for (j = i + 1; j < n->n_ops; j++)
			if (n->ops[j].in == n->ops[i].out ||
			    (n->ops[j].kind == AX_OP_ADD &&
			     n->ops[j].with == n->ops[i].out))
				n->ops[i].last_use = j;
	}
	n->ops[n->n_ops - 1].last_use = n->n_ops;
}

/* How strong the key's match is: 0 none, a pattern by its length, most of all
 * the very name. */
static size_t
match(const char *key, const char *name)
{
	if (ax_streq(key, name))
		return SIZE_MAX;
	return ax_glob(key, name) ? strlen(key) + 1 : 0;
}

static bool
multiplies(const struct ax_op *op)
{
	return op->kind == AX_OP_CONV || op->kind == AX_OP_LINEAR;
}

/* Every key is looked at for every layer, also the keys that match none. */
static int
check_arith(struct ax_net_builder *b, json_t *arith, struct ax_err *err)
{
	struct ax_network *n = b->net;
	const char **names = ax_calloc(n->n_ops, sizeof(*names)), *key, *near;
	size_t n_names = 0, i;
	json_t *v;
	int rc = 0;

	for (i = 0; i < n->n_ops; i++)
		if (multiplies(&n->ops[i]))
			names[n_names++] = n->ops[i].name;
	json_object_foreach(arith, key, v)
	{
		if (ax_streq(key, "//"))
			continue;
		snprintf(b->where, sizeof(b->where), "/arith/%.100s", key);
		for (i = 0; i < n_names && !match(key, names[i]); i++)
			;
		near = ax_nearest(key, names, n_names);
		if (i == n_names)
			rc = ax_net_error(b, err,
					  "no conv2d or linear layer of that "
					  "name%s%s%s",
					  near ? "; did you mean '" : "",
					  near ? near : "", near ? "'?" : "");
		else if (ax_arith_of(json_string_value(v)) < 0)
			rc = ax_net_error(b, err,
					  "\"approx\", \"exact\", "
					  "\"float\" or \"skip\" is "
					  "expected");
		if (rc < 0)
			break;
	}
	free(names);
	return rc;
}

/* The arithmetic of each layer that a key matches; `named` (may be NULL) gets
 * {"layer": "exact"} of these. */
static int
apply_arith(struct ax_net_builder *b, json_t *arith, json_t *named,
	    struct ax_err *err)
{
	struct ax_network *n = b->net;
	const char *key, *best, *other;
	size_t s, most;
	unsigned i;
	json_t *v;

	if (check_arith(b, arith, err) < 0)
		return -1;
	for (i = 0; i < n->n_ops; i++) {
		if (!multiplies(&n->ops[i]))
			continue;
		best = other = NULL;
		most = 0;
		json_object_foreach(arith, key, v)
		{
			s = ax_streq(key, "//") ? 0
						: match(key, n->ops[i].name);
			if (s == 0 || s < most)
				continue;
			if (s > most)
				other = NULL;
			else if (!json_equal(v, json_object_get(arith, best)))
				other = best;
			most = s;
			best = key;
		}
		if (!best)
			continue;
		v = json_object_get(arith, best);
		if (other) {
			snprintf(b->where, sizeof(b->where), "/arith/%.100s",
				 best);
			return ax_net_error(b, err,
					    "layer '%s' is matched by '%s' "
					    "too, as long and of another "
					    "value: name the layer",
					    n->ops[i].name, other);
		}
		n->ops[i].arith =
			(enum ax_arith)ax_arith_of(json_string_value(v));
		if (named)
			json_object_set_new(
				named, n->ops[i].name,
				json_string(ax_arith_name(n->ops[i].arith)));
	}
	return 0;
}

int
ax_net_finish(struct ax_net_builder *b, json_t *arith, struct ax_err *err)
{
	struct ax_network *n = b->net;
	const struct ax_value_shape *last = &n->values[n->n_values - 1];

	b->where[0] = '\0';
	if (n->n_ops == 0)
		return ax_net_error(b, err, "no layers");
	if (last->h != 1 || last->w != 1 || last->c != n->classes)
		return ax_net_error(b, err,
				    "the last layer makes [%zu,%zu,%zu], but "
				    "%zu classes want [%zu,1,1]",
				    last->c, last->h, last->w, n->classes,
				    n->classes);
	if (arith && apply_arith(b, arith, NULL, err) < 0)
		return -1;
	find_last_uses(n);
	return 0;
}

int
ax_network_set_arith(struct ax_network *n, json_t *arith, struct ax_err *err)
{
	struct ax_net_builder b = {.net = n, .names = AX_MAP_INIT};
	struct ax_str s = AX_STR_INIT;
	struct ax_json j;
	json_t *named;

	if (!json_is_object(arith))
		return ax_net_error(&b, err,
				    "arith must be an object {\"layer or "
				    "pattern\": \"exact\", ...}");
	if (ax_json_parse(&j, "network", n->text, strlen(n->text), err) < 0)
		return -1;
	named = json_object_get(j.root, "arith");
	if (!named) {
		named = json_object();
		json_object_set_new(j.root, "arith", named);
	}
	if (apply_arith(&b, arith, named, err) < 0) {
		ax_json_free(&j);
		return -1;
	}
	ax_json_canonical(&s, j.root);
	free(n->text);
	n->text = ax_str_take(&s);
	ax_json_free(&j);
	return 0;
}

int
ax_network_param(const struct ax_network *n, const char *name)
{
	unsigned i;

	for (i = 0; i < n->n_params; i++)
		if (ax_streq(n->params[i].name, name))
			return (int)i;
	return -1;
}

size_t
ax_network_trained(const struct ax_network *n)
{
	size_t sum = 0;
	unsigned i;

	for (i = 0; i < n->n_params; i++)
		sum += n->params[i].trained ? n->params[i].n : 0;
	return sum;
}

size_t
ax_network_products(const struct ax_network *n, enum ax_arith arith)
{
	size_t sum = 0;
	unsigned i;

	for (i = 0; i < n->n_ops; i++)
		if ((n->ops[i].kind == AX_OP_CONV ||
		     n->ops[i].kind == AX_OP_LINEAR) &&
		    n->ops[i].arith == arith)
			sum += n->ops[i].products;
	return sum;
}
