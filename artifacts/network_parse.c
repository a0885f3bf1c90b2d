/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to operations. */
#include "artifacts/network.h"

#include "artifacts/base/json.h"
#include "artifacts/network_build.h"

const struct ax_op ax_op_plain = {
	.kernel = {1, 1},
	.stride = {1, 1},
	.groups = 1,
	.eps = 1e-5,
	.momentum = 0.1,
};

/* --- reading members ------------------------------------------------------ */

/* An unknown member is an error, with the nearest known one. `known` ends with
 * NULL. */
static int
check_keys(const struct ax_net_builder *b, json_t *object,
	   const char *const *known, struct ax_err *err)
{
	const char *key, *near;
	size_t n = 0, i;
	json_t *v;

	while (known[n])
		n++;
	json_object_foreach(object, key, v)
	{
		if (ax_streq(key, "//"))
			continue;
		for (i = 0; i < n && !ax_streq(key, known[i]); i++)
			;
		if (i < n)
			continue;
		near = ax_nearest(key, known, n);
		return ax_net_error(b, err, "unknown member \"%s\"%s%s%s", key,
				    near ? "; did you mean \"" : "",
				    near ? near : "", near ? "\"?" : "");
	}
	return 0;
}

int
ax_net_get_int(const struct ax_net_builder *b, size_t *out, json_t *object,
	       const char *key, size_t low, size_t high, struct ax_err *err)
{
	json_t *v = json_object_get(object, key);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < (json_int_t)low ||
	    json_integer_value(v) > (json_int_t)high)
		return ax_net_error(b, err,
				    "\"%s\" must be an integer from %zu to "
				    "%zu",
				    key, low, high);
	*out = (size_t)json_integer_value(v);
	return 1;
}

/* A number, or [vertical, horizontal]. */
static int
get_pair(const struct ax_net_builder *b, size_t out[2], json_t *object,
	 const char *key, size_t low, struct ax_err *err)
{
	json_t *v = json_object_get(object, key);
	size_t i;

	if (!v)
		return 0;
	if (!json_is_array(v)) {
		if (ax_net_get_int(b, &out[0], object, key, low, 65536, err) <
		    0)
			return -1;
		out[1] = out[0];
		return 1;
	}
	for (i = 0; i < 2; i++) {
		json_t *e = json_array_get(v, i);

		if (json_array_size(v) != 2 || !json_is_integer(e) ||
		    json_integer_value(e) < (json_int_t)low ||
		    json_integer_value(e) > 65536)
			return ax_net_error(b, err,
					    "\"%s\" must be an integer or "
					    "[vertical, horizontal], each "
					    "from %zu to 65536",
					    key, low);
		out[i] = (size_t)json_integer_value(e);
	}
	return 1;
}

static int
get_num(const struct ax_net_builder *b, double *out, json_t *object,
	const char *key, struct ax_err *err)
{
	json_t *v = json_object_get(object, key);

	if (!v)
		return 0;
	if (!json_is_number(v))
		return ax_net_error(b, err, "\"%s\" must be a number", key);
	*out = json_number_value(v);
	return 1;
}

/* The value that a layer reads: `key` names it, else the one before. */
static int
get_value(const struct ax_net_builder *b, unsigned *out, json_t *layer,
	  const char *key, bool needed, struct ax_err *err)
{
	json_t *v = json_object_get(layer, key);
	uintptr_t at;

	if (!v && !needed) {
		*out = b->net->n_values - 1;
		return 0;
	}
	if (!json_is_string(v))
		return ax_net_error(b, err,
				    "\"%s\" must name a layer before this one, "
				    "or \"input\"",
				    key);
	at = (uintptr_t)ax_map_get(&b->names, json_string_value(v));
	if (!at)
		return ax_net_error(b, err,
				    "\"%s\": no layer named '%s' before this "
				    "one",
				    key, json_string_value(v));
	*out = (unsigned)(at - 1);
	return 0;
}

/* --- a list of layers ----------------------------------------------------- */

static const char *const *
members_of(enum ax_op_kind kind)
{
	static const char *const conv[] = {"op",     "name",   "in",  "out",
					   "kernel", "stride", "pad", "groups",
					   "bias",   "arith",  NULL};
	static const char *const linear[] = {"op",   "name",  "in", "out",
					     "bias", "arith", NULL};
	static const char *const norm[] = {"op",  "name",     "in",
					   "eps", "momentum", NULL};
	static const char *const pool[] = {"op",     "name", "in", "kernel",
					   "stride", "pad",  NULL};
	static const char *const add[] = {"op", "name", "in", "with", NULL};
	static const char *const relu[] = {"op",    "name", "in",
					   "slope", "max",  NULL};
	static const char *const rest[] = {"op", "name", "in", NULL};

	switch (kind) {
	case AX_OP_CONV:
		return conv;
	case AX_OP_LINEAR:
		return linear;
	case AX_OP_BATCHNORM:
		return norm;
	case AX_OP_MAXPOOL:
	case AX_OP_AVGPOOL:
		return pool;
	case AX_OP_ADD:
		return add;
	case AX_OP_RELU:
		return relu;
	default:
		return rest;
	}
}

static int
add_layer(struct ax_net_builder *b, json_t *layer, size_t index,
	  struct ax_err *err)
{
	const char *kind = json_string_value(json_object_get(layer, "op"));
	const char *name = json_string_value(json_object_get(layer, "name"));
	json_t *arith = json_object_get(layer, "arith");
	json_t *bias = json_object_get(layer, "bias");
	int k, a, strided, cap;
	struct ax_op op = ax_op_plain;
	double slope = 0, most = 0;
	size_t out = 0;
	bool window;

	if (ax_streq(kind, "relu6"))
		most = 6;
	if (ax_streq(kind, "leakyrelu"))
		slope = 0.01;
	k = most > 0 || slope > 0 ? AX_OP_RELU : ax_op_kind_of(kind);

	snprintf(b->where, sizeof(b->where), "/layers/%zu (%.30s '%.100s')",
		 index, kind ? kind : "?", name ? name : "");
	if (!json_is_object(layer) || k < 0)
		return ax_net_error(b, err,
				    "\"op\" must be conv2d, linear, batchnorm, "
				    "relu, relu6, leakyrelu, add, maxpool, "
				    "avgpool, globalpool or flatten");
	if (json_object_get(layer, "name") && !name)
		return ax_net_error(b, err, "\"name\" must be a string");
	op.kind = (enum ax_op_kind)k;
	window = k == AX_OP_CONV || k == AX_OP_MAXPOOL || k == AX_OP_AVGPOOL;
	if (check_keys(b, layer, members_of(op.kind), err) < 0 ||
	    get_value(b, &op.in, layer, "in", false, err) < 0 ||
	    (k == AX_OP_ADD &&
	     get_value(b, &op.with, layer, "with", true, err) < 0) ||
	    get_num(b, &op.eps, layer, "eps", err) < 0 ||
	    get_num(b, &op.momentum, layer, "momentum", err) < 0 ||
	    get_num(b, &slope, layer, "slope", err) < 0 ||
	    get_pair(b, op.pad, layer, "pad", 0, err) < 0 ||
	    ax_net_get_int(b, &op.groups, layer, "groups", 1, 65536, err) < 0 ||
	    ax_net_get_int(b, &out, layer, "out", 1, 65536, err) < 0)
		return -1;
	cap = get_num(b, &most, layer, "max", err);
	if (cap < 0 || (cap > 0 && !(most > 0 && most < 1e30)))
		return cap < 0 ? -1
			       : ax_net_error(b, err,
					      "\"max\" must be above 0");
	op.slope = (float)slope;
	op.cap = (float)most;
	if (window) {
		int has = get_pair(b, op.kernel, layer, "kernel", 1, err);

		if (has <= 0)
			return has < 0 ? -1
				       : ax_net_error(b, err,
						      "\"kernel\" is missing");
		strided = get_pair(b, op.stride, layer, "stride", 1, err);
		if (strided < 0)
			return -1;
		if (!strided && k != AX_OP_CONV)
			memcpy(op.stride, op.kernel, sizeof(op.stride));
	}
	if ((k == AX_OP_CONV || k == AX_OP_LINEAR) && out == 0)
		return ax_net_error(b, err, "\"out\" is missing");
	op.bias = bias ? json_is_true(bias) : k == AX_OP_LINEAR;
	if (bias && !json_is_boolean(bias))
		return ax_net_error(b, err, "\"bias\" must be true or false");
	if (arith) {
		a = ax_arith_of(json_string_value(arith));
		if (a < 0)
			return ax_net_error(b, err,
					    "\"arith\" must be \"approx\", "
					    "\"exact\", \"float\" or "
					    "\"skip\"");
		op.arith = (enum ax_arith)a;
	}
	return ax_net_add(b, &op, name ? name : "", out, err);
}

static int
build_layers(struct ax_net_builder *b, json_t *layers, struct ax_err *err)
{
	size_t i;
	json_t *v;

	if (!json_is_array(layers)) {
		snprintf(b->where, sizeof(b->where), "/layers");
		return ax_net_error(b, err, "a list of layers is expected");
	}
	json_array_foreach(layers, i,
			   v) if (add_layer(b, v, i, err) < 0) return -1;
	return 0;
}

/* --- the whole ------------------------------------------------------------ */

/* [c,h,w] from the description, the data set, or the family's default. */
static int
get_input(const struct ax_net_builder *b, struct ax_value_shape *out, json_t *d,
	  const size_t given[3], const struct ax_net_family *f,
	  struct ax_err *err)
{
	json_t *v = json_object_get(d, "input");
	size_t s[3] = {0, 0, 0}, i, channels = 0;

	if (v && (!json_is_array(v) || json_array_size(v) != 3))
		return ax_net_error(b, err,
				    "\"input\" must be [channels, height, "
				    "width]");
	for (i = 0; i < 3; i++) {
		json_t *e = json_array_get(v, i);

		if (v && (!json_is_integer(e) || json_integer_value(e) < 1 ||
			  json_integer_value(e) > 65536))
			return ax_net_error(b, err,
					    "\"input\": sizes must lie in "
					    "1..65536");
		s[i] = v       ? (size_t)json_integer_value(e)
		       : given ? given[i]
		       : f     ? ax_net_family_input(f)[i]
			       : 0;
	}
	if (ax_net_get_int(b, &channels, d, "in_channels", 1, 65536, err) < 0)
		return -1;
	if (channels && !v && !given)
		s[0] = channels;
	if (channels && channels != s[0])
		return ax_net_error(b, err,
				    "\"in_channels\" is %zu, but the input has "
				    "%zu channels",
				    channels, s[0]);
	if (!s[0] || !s[1] || !s[2])
		return ax_net_error(b, err,
				    "\"input\": [channels, height, "
				    "width] is missing");
	if (s[0] > 65536 || s[1] > 65536 || s[2] > 65536 ||
	    s[0] * s[1] * s[2] > (size_t)1 << 31)
		return ax_net_error(b, err, "the input is too large");
	if (given && (s[0] != given[0] || s[1] != given[1] || s[2] != given[2]))
		return ax_net_error(b, err,
				    "\"input\" is [%zu,%zu,%zu], but the "
				    "images are [%zu,%zu,%zu]",
				    s[0], s[1], s[2], given[0], given[1],
				    given[2]);
	*out = (struct ax_value_shape){s[0], s[1], s[2]};
	return 0;
}

/* The description with everything that was filled in. */
static void
set_text(struct ax_network *n, json_t *full)
{
	struct ax_str s = AX_STR_INIT;

	json_object_del(full, "//");
	json_object_del(full, "in_channels");
	json_object_set_new(full, "name", json_string(n->name));
	json_object_set_new(full, "classes",
			    json_integer((json_int_t)n->classes));
	json_object_set_new(full, "input",
			    json_pack("[I,I,I]", (json_int_t)n->values[0].c,
				      (json_int_t)n->values[0].h,
				      (json_int_t)n->values[0].w));
	ax_json_canonical(&s, full);
	n->text = ax_str_take(&s);
}

static int
parse(struct ax_net_builder *b, json_t *d, json_t *full, const size_t input[3],
      size_t classes, struct ax_err *err)
{
	static const char *const family_keys[] = {
		"name",   "family", "classes",     "width", "depth", "stem",
		"hidden", "input",  "in_channels", "arith", NULL};
	static const char *const list_keys[] = {"name",  "input",  "classes",
						"arith", "layers", NULL};
	const char *name = json_string_value(json_object_get(d, "name"));
	json_t *arith = json_object_get(d, "arith");
	struct ax_value_shape shape;
	const struct ax_net_family *f;

	if (ax_net_family(b, &f, d, err) < 0 ||
	    check_keys(b, d, f ? family_keys : list_keys, err) < 0)
		return -1;
	if (json_object_get(d, "name") && (!name || strlen(name) > 200))
		return ax_net_error(b, err, "\"name\" must be a short string");
	b->net->name = ax_strdup(name ? name
				 : f  ? ax_net_family_name(f)
				      : "network");
	if (arith && !json_is_object(arith))
		return ax_net_error(b, err,
				    "\"arith\" must be an object {\"layer or "
				    "pattern\": \"approx\", ...}");
	b->net->classes = classes;
	if (ax_net_get_int(b, &b->net->classes, d, "classes", 1, 65535, err) <
	    0)
		return -1;
	if (b->net->classes == 0)
		return ax_net_error(b, err, "\"classes\" is missing");
	if (classes && b->net->classes != classes)
		return ax_net_error(b, err,
				    "\"classes\" is %zu, but the data set has "
				    "%zu",
				    b->net->classes, classes);
	if (get_input(b, &shape, d, input, f, err) < 0)
		return -1;
	ax_net_begin(b, &shape);
	if ((f ? ax_net_family_build(b, f, d, full, err)
	       : build_layers(b, json_object_get(d, "layers"), err)) < 0 ||
	    ax_net_finish(b, arith, err) < 0)
		return -1;
	set_text(b->net, full);
	return 0;
}

int
ax_network_parse(struct ax_network *out, json_t *description,
		 const size_t input[3], size_t classes, struct ax_err *err)
{
	struct ax_net_builder b = {.net = out, .names = AX_MAP_INIT};
	json_t *full;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!json_is_object(description))
		return ax_net_error(&b, err, "an object is expected");
	full = json_deep_copy(description);
	rc = parse(&b, description, full, input, classes, err);
	json_decref(full);
	ax_map_free(&b.names);
	if (rc < 0)
		ax_network_free(out);
	return rc;
}

int
ax_network_parse_text(struct ax_network *out, const char *text,
		      const size_t input[3], size_t classes, struct ax_err *err)
{
	struct ax_json j;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_json_parse(&j, "network", text, strlen(text), err) < 0)
		return -1;
	rc = ax_network_parse(out, j.root, input, classes, err);
	ax_json_free(&j);
	return rc;
}
