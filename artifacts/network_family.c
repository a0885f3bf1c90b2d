/* SPDX-License-Identifier: Apache-2.0 */
/* Families: well-known networks, from a few numbers to a list of layers. */
#include "artifacts/network_build.h"

/* What a family may be given. */
#define HIDDEN 32
struct options {
	size_t depth, width, classes;
	bool small; /* stem for small images, "cifar"; else "imagenet" */
	size_t hidden[HIDDEN], n_hidden;
};

/*
 * Layers of a family: each reads the value before (or `in`), a failure is
 * remembered, so that a family reads as the list that it is.
 */
struct chain {
	struct ax_net_builder *b;
	struct ax_err *err;
	bool failed;
	unsigned last;
};

static void
layer(struct chain *c, const struct ax_op *op, const char *name, size_t out)
{
	int v;

	if (c->failed)
		return;
	snprintf(c->b->where, sizeof(c->b->where),
		 "layer %s '%s' of the "
		 "family",
		 ax_op_name(op->kind), name);
	v = ax_net_add(c->b, op, name, out, c->err);
	c->failed = v < 0;
	if (v >= 0)
		c->last = (unsigned)v;
}

static void
conv(struct chain *c, const char *prefix, const char *name, size_t out,
     size_t kernel, size_t stride, size_t pad, bool bias, enum ax_arith arith)
{
	struct ax_op op = ax_op_plain;
	char full[64];

	op.kind = AX_OP_CONV;
	op.in = c->last;
	op.kernel[0] = op.kernel[1] = kernel;
	op.stride[0] = op.stride[1] = stride;
	op.pad[0] = op.pad[1] = pad;
	op.bias = bias;
	op.arith = arith;
	snprintf(full, sizeof(full), "%s%s", prefix, name);
	layer(c, &op, full, out);
}

static void
simple(struct chain *c, enum ax_op_kind kind, const char *prefix,
       const char *name)
{
	struct ax_op op = ax_op_plain;
	char full[64];

	op.kind = kind;
	op.in = c->last;
	snprintf(full, sizeof(full), "%s%s", prefix, name);
	layer(c, &op, full, 0);
}

static void
maxpool(struct chain *c, size_t kernel, size_t stride, size_t pad,
	const char *name)
{
	struct ax_op op = ax_op_plain;

	op.kind = AX_OP_MAXPOOL;
	op.in = c->last;
	op.kernel[0] = op.kernel[1] = kernel;
	op.stride[0] = op.stride[1] = stride;
	op.pad[0] = op.pad[1] = pad;
	layer(c, &op, name, 0);
}

static void
linear(struct chain *c, const char *name, size_t out)
{
	struct ax_op op = ax_op_plain;

	op.kind = AX_OP_LINEAR;
	op.in = c->last;
	op.bias = true;
	layer(c, &op, name, out);
}

/* Mean over the image, then one linear layer. */
static void
head(struct chain *c, const char *name, size_t classes)
{
	simple(c, AX_OP_GLOBALPOOL, "", "");
	simple(c, AX_OP_FLATTEN, "", "");
	linear(c, name, classes);
}

/* Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the
 * shape changes: float, as published. */
static void
block(struct chain *c, const char *p, const char *down, size_t in_c, size_t out,
      size_t stride)
{
	unsigned in = c->last;
	struct ax_op add = ax_op_plain;
	char name[24];

	conv(c, p, "conv1", out, 3, stride, 1, false, AX_ARITH_APPROX);
	simple(c, AX_OP_BATCHNORM, p, "bn1");
	simple(c, AX_OP_RELU, "", "");
	conv(c, p, "conv2", out, 3, 1, 1, false, AX_ARITH_APPROX);
	simple(c, AX_OP_BATCHNORM, p, "bn2");
	add.kind = AX_OP_ADD;
	add.in = c->last;
	add.with = in;
	if (stride != 1 || in_c != out) {
		c->last = in;
		snprintf(name, sizeof(name), "%s.0", down);
		conv(c, p, name, out, 1, stride, 0, false, AX_ARITH_FLOAT);
		snprintf(name, sizeof(name), "%s.1", down);
		simple(c, AX_OP_BATCHNORM, p, name);
		add.with = c->last;
	}
	layer(c, &add, "", 0);
	simple(c, AX_OP_RELU, "", "");
}

static void
stages(struct chain *c, const char *down, const size_t *blocks, size_t n,
       size_t width)
{
	size_t stage, i, in = width;
	char p[64];

	for (stage = 0; stage < n; stage++)
		for (i = 0; i < blocks[stage]; i++) {
			snprintf(p, sizeof(p), "layer%zu.%zu.", stage + 1, i);
			block(c, p, down, in, width << stage,
			      stage && i == 0 ? 2 : 1);
			in = width << stage;
		}
}

/*
 * He et al., "Deep residual learning for image recognition", CVPR 2016,
 * section 4.2, with projection shortcuts. Names of the layers as in the
 * published checkpoints (down.0, down.1).
 */
static void
resnet_cifar(struct chain *c, const struct options *o)
{
	size_t n = (o->depth - 2) / 6, blocks[3] = {n, n, n};

	conv(c, "", "conv1", o->width, 3, 1, 1, false, AX_ARITH_APPROX);
	simple(c, AX_OP_BATCHNORM, "", "bn1");
	simple(c, AX_OP_RELU, "", "");
	stages(c, "down", blocks, 3, o->width);
	head(c, "fc", o->classes);
}

/* The same, section 4.1: 18 and 34 layers, names as in torchvision. The stem
 * for small images is one 3x3 convolution. */
static void
resnet(struct chain *c, const struct options *o)
{
	static const size_t blocks18[] = {2, 2, 2, 2},
			    blocks34[] = {3, 4, 6, 3};

	if (o->small)
		conv(c, "", "conv1", o->width, 3, 1, 1, false, AX_ARITH_APPROX);
	else
		conv(c, "", "conv1", o->width, 7, 2, 3, false, AX_ARITH_APPROX);
	simple(c, AX_OP_BATCHNORM, "", "bn1");
	simple(c, AX_OP_RELU, "", "");
	if (!o->small)
		maxpool(c, 3, 2, 1, "");
	stages(c, "downsample", o->depth == 18 ? blocks18 : blocks34, 4,
	       o->width);
	head(c, "fc", o->classes);
}

/*
 * Simonyan and Zisserman, ICLR 2015, configurations A, B, D, E with batch norm
 * and one linear layer, as is usual for small images. Names count as in
 * torchvision: features.<place>.
 */
static void
vgg(struct chain *c, const struct options *o)
{
	static const struct {
		size_t depth, convs[5];
	} kinds[] = {{11, {1, 1, 2, 2, 2}},
		     {13, {2, 2, 2, 2, 2}},
		     {16, {2, 2, 3, 3, 3}},
		     {19, {2, 2, 4, 4, 4}}};
	size_t at = 0, stage, i, kind = 0, place = 0;
	char name[24];

	while (kinds[kind].depth != o->depth)
		kind++;
	for (stage = 0; stage < 5; stage++) {
		for (i = 0; i < kinds[kind].convs[stage]; i++, place += 3) {
			snprintf(name, sizeof(name), "%zu", place);
			conv(c, "features.", name,
			     o->width << AX_MIN(stage, (size_t)3), 3, 1, 1,
			     true, AX_ARITH_APPROX);
			snprintf(name, sizeof(name), "%zu", place + 1);
			simple(c, AX_OP_BATCHNORM, "features.", name);
			simple(c, AX_OP_RELU, "", "");
			at++;
		}
		maxpool(c, 2, 2, 0, "");
		place++;
	}
	simple(c, AX_OP_FLATTEN, "", "");
	linear(c, "classifier", o->classes);
}

/*
 * Howard et al., "MobileNets", 2017: depthwise 3x3 and pointwise 1x1
 * convolutions in turn, with ReLU6. The stem for small images does not stride.
 */
static void
mobilenet(struct chain *c, const struct options *o)
{
	static const struct {
		unsigned times, stride; /* of `width` */
	} blocks[] = {{2, 1},  {4, 2},  {4, 1},  {8, 2},  {8, 1},
		      {16, 2}, {16, 1}, {16, 1}, {16, 1}, {16, 1},
		      {16, 1}, {32, 2}, {32, 1}};
	size_t i, in = o->width;
	struct ax_op dw, six = ax_op_plain;
	char name[32];

	six.kind = AX_OP_RELU;
	six.cap = 6;
	conv(c, "", "conv1", in, 3, o->small ? 1 : 2, 1, false,
	     AX_ARITH_APPROX);
	simple(c, AX_OP_BATCHNORM, "", "bn1");
	six.in = c->last;
	layer(c, &six, "", 0);
	for (i = 0; i < AX_LEN(blocks); i++) {
		dw = ax_op_plain;
		dw.kind = AX_OP_CONV;
		dw.in = c->last;
		dw.kernel[0] = dw.kernel[1] = 3;
		dw.stride[0] = dw.stride[1] = blocks[i].stride;
		dw.pad[0] = dw.pad[1] = 1;
		dw.groups = in;
		snprintf(name, sizeof(name), "block%zu.dw", i + 1);
		layer(c, &dw, name, in);
		snprintf(name, sizeof(name), "block%zu.", i + 1);
		simple(c, AX_OP_BATCHNORM, name, "bn1");
		six.in = c->last;
		layer(c, &six, "", 0);
		in = o->width * blocks[i].times;
		conv(c, name, "pw", in, 1, 1, 0, false, AX_ARITH_APPROX);
		simple(c, AX_OP_BATCHNORM, name, "bn2");
		six.in = c->last;
		layer(c, &six, "", 0);
	}
	head(c, "fc", o->classes);
}

static void
mlp(struct chain *c, const struct options *o)
{
	char name[32];
	size_t i;

	simple(c, AX_OP_FLATTEN, "", "");
	for (i = 0; i < o->n_hidden; i++) {
		snprintf(name, sizeof(name), "fc%zu", i + 1);
		linear(c, name, o->hidden[i]);
		simple(c, AX_OP_RELU, "", "");
	}
	snprintf(name, sizeof(name), "fc%zu", i + 1);
	linear(c, name, o->classes);
}

/* LeCun et al., 1998, in the form used today: ReLU and max pooling. */
static void
lenet(struct chain *c, const struct options *o)
{
	conv(c, "", "conv1", 6, 5, 1, 2, true, AX_ARITH_APPROX);
	simple(c, AX_OP_RELU, "", "");
	maxpool(c, 2, 2, 0, "");
	conv(c, "", "conv2", 16, 5, 1, 0, true, AX_ARITH_APPROX);
	simple(c, AX_OP_RELU, "", "");
	maxpool(c, 2, 2, 0, "");
	simple(c, AX_OP_FLATTEN, "", "");
	linear(c, "fc1", 120);
	simple(c, AX_OP_RELU, "", "");
	linear(c, "fc2", 84);
	simple(c, AX_OP_RELU, "", "");
	linear(c, "fc3", o->classes);
}

/* Three convolutions with batch norm, widths w, 2w, 4w. */
static void
small_cnn(struct chain *c, const struct options *o)
{
	static const char *const convs[] = {"conv1", "conv2", "conv3"};
	static const char *const norms[] = {"bn1", "bn2", "bn3"};
	size_t i;

	for (i = 0; i < 3; i++) {
		conv(c, "", convs[i], o->width << i, 3, 1, 1, false,
		     AX_ARITH_APPROX);
		simple(c, AX_OP_BATCHNORM, "", norms[i]);
		simple(c, AX_OP_RELU, "", "");
		if (i < 2)
			maxpool(c, 2, 2, 0, "");
	}
	head(c, "fc", o->classes);
}

struct ax_net_family {
	const char *name;
	size_t input[3];
	size_t depth, width; /* defaults; 0: has no such member */
	bool stem, hidden;   /* has that member */
	void (*build)(struct chain *c, const struct options *o);
	size_t depths[5]; /* allowed ones; empty: 6 n + 2 */
};

static const struct ax_net_family families[] = {
	{"resnet-cifar", {3, 32, 32}, 20, 16, false, false, resnet_cifar, {0}},
	{"resnet", {3, 32, 32}, 18, 64, true, false, resnet, {18, 34}},
	{"vgg", {3, 32, 32}, 16, 64, false, false, vgg, {11, 13, 16, 19}},
	{"mobilenet", {3, 32, 32}, 0, 32, true, false, mobilenet, {0}},
	{"mlp", {1, 28, 28}, 0, 0, false, true, mlp, {0}},
	{"lenet", {1, 28, 28}, 0, 0, false, false, lenet, {0}},
	{"small-cnn", {1, 16, 16}, 0, 8, false, false, small_cnn, {0}},
};

const char *
ax_net_family_name(const struct ax_net_family *f)
{
	return f->name;
}

const size_t *
ax_net_family_input(const struct ax_net_family *f)
{
	return f->input;
}

/* Members that this family does not know. */
static int
check_members(const struct ax_net_builder *b, const struct ax_net_family *f,
	      json_t *d, struct ax_err *err)
{
	const char *odd = NULL;

	if (!f->depth && json_object_get(d, "depth"))
		odd = "depth";
	if (!f->width && json_object_get(d, "width"))
		odd = "width";
	if (!f->stem && json_object_get(d, "stem"))
		odd = "stem";
	if (!f->hidden && json_object_get(d, "hidden"))
		odd = "hidden";
	return odd ? ax_net_error(b, err, "family %s has no \"%s\"", f->name,
				  odd)
		   : 0;
}

static int
check_depth(const struct ax_net_builder *b, const struct ax_net_family *f,
	    size_t depth, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	size_t i;

	if (!f->depths[0]) {
		if ((depth - 2) % 6 == 0)
			return 0;
		return ax_net_error(b, err,
				    "the depth of a resnet-cifar is 6 n + 2 "
				    "(8, 14, 20, 32, 44, 56, 110), not %zu",
				    depth);
	}
	for (i = 0; f->depths[i]; i++) {
		if (f->depths[i] == depth) {
			ax_str_free(&s);
			return 0;
		}
		ax_str_addf(&s, "%s%zu", i ? ", " : "", f->depths[i]);
	}
	ax_net_error(b, err, "the depth of a %s is one of %s, not %zu", f->name,
		     s.buf, depth);
	ax_str_free(&s);
	return -1;
}

static int
get_hidden(const struct ax_net_builder *b, struct options *o, json_t *d,
	   json_t *full, struct ax_err *err)
{
	json_t *v = json_object_get(d, "hidden"), *e;
	size_t i;

	if (!v) {
		o->hidden[0] = 128;
		o->hidden[1] = 64;
		o->n_hidden = 2;
		json_object_set_new(full, "hidden",
				    json_pack("[i,i]", 128, 64));
		return 0;
	}
	if (!json_is_array(v) || json_array_size(v) > HIDDEN)
		return ax_net_error(b, err,
				    "\"hidden\" must be a list of at most %d "
				    "widths",
				    HIDDEN);
	json_array_foreach(v, i, e)
	{
		if (!json_is_integer(e) || json_integer_value(e) < 1 ||
		    json_integer_value(e) > 65536)
			return ax_net_error(b, err,
					    "\"hidden\": widths must lie in "
					    "1..65536");
		o->hidden[i] = (size_t)json_integer_value(e);
	}
	o->n_hidden = i;
	return 0;
}

int
ax_net_family_build(struct ax_net_builder *b, const struct ax_net_family *f,
		    json_t *d, json_t *full, struct ax_err *err)
{
	struct chain c = {.b = b, .err = err};
	struct options o = {f->depth, f->width, b->net->classes, true, {0}, 0};
	json_t *stem = json_object_get(d, "stem");

	if (check_members(b, f, d, err) < 0 ||
	    ax_net_get_int(b, &o.width, d, "width", 1, 4096, err) < 0 ||
	    ax_net_get_int(b, &o.depth, d, "depth", 8, 2000, err) < 0 ||
	    (f->depth && check_depth(b, f, o.depth, err) < 0) ||
	    (f->hidden && get_hidden(b, &o, d, full, err) < 0))
		return -1;
	if (stem && !ax_streq(json_string_value(stem), "cifar") &&
	    !ax_streq(json_string_value(stem), "imagenet"))
		return ax_net_error(b, err,
				    "\"stem\" must be \"cifar\" or "
				    "\"imagenet\"");
	o.small = !ax_streq(json_string_value(stem), "imagenet");
	if (f->depth)
		json_object_set_new(full, "depth",
				    json_integer((json_int_t)o.depth));
	if (f->width)
		json_object_set_new(full, "width",
				    json_integer((json_int_t)o.width));
	if (f->stem)
		json_object_set_new(
			full, "stem",
			json_string(o.small ? "cifar" : "imagenet"));
	f->build(&c, &o);
	return c.failed ? -1 : 0;
}

int
ax_net_family(const struct ax_net_builder *b, const struct ax_net_family **out,
	      json_t *description, struct ax_err *err)
{
	json_t *v = json_object_get(description, "family");
	const char *names[AX_LEN(families)], *near;
	struct ax_str s = AX_STR_INIT;
	size_t i;

	*out = NULL;
	if (!v)
		return 0;
	for (i = 0; i < AX_LEN(families); i++) {
		names[i] = families[i].name;
		if (ax_streq(json_string_value(v), names[i]))
			*out = &families[i];
		ax_str_addf(&s, "%s\"%s\"", i ? ", " : "", names[i]);
	}
	if (!*out) {
		near = json_is_string(v) ? ax_nearest(json_string_value(v),
						      names, AX_LEN(families))
					 : NULL;
		ax_net_error(b, err, "\"family\" must be one of %s%s%s%s",
			     s.buf, near ? "; did you mean \"" : "",
			     near ? near : "", near ? "\"?" : "");
	}
	ax_str_free(&s);
	return *out ? 0 : -1;
}
