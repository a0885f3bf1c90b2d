/* SPDX-License-Identifier: Apache-2.0 */
/* Network descriptions: shapes, parameters, families, and what is refused. */
#include "artifacts/network.h"
#include "tests/lib/tap.h"

static struct ax_err err;
static const size_t rgb[3] = {3, 32, 32}, grey[3] = {1, 16, 16};

static int
parse(struct ax_network *n, const char *text, const size_t *input,
      size_t classes)
{
	ax_err_clear(&err);
	return ax_network_parse_text(n, text, input, classes, &err);
}

static void
refused(const char *text, const char *part)
{
	struct ax_network n;
	int rc = parse(&n, text, grey, 10);

	if (!ok(rc < 0 && err.exit == AX_EXIT_USAGE && strstr(err.text, part),
		"refused (%s): %.80s", part, text))
		printf("# rc %d: %s\n", rc, err.text);
	ax_network_free(&n);
}

/* refused, as the second layer of a list */
static void
bad_layer(const char *layer, const char *part)
{
	char *text = ax_asprintf("{\"layers\":[{\"op\":\"relu\",\"name\":\"a\"}"
				 ",%s]}",
				 layer);

	refused(text, part);
	free(text);
}

static void
test_resnet(void)
{
	struct ax_network n, again;
	const struct ax_op *op;
	size_t approx = 0, weights = 0;
	unsigned i;
	int p;

	ok(parse(&n, "{\"family\":\"resnet-cifar\"}", rgb, 100) == 0,
	   "resnet-cifar takes shape and classes from the data set");
	is_int(n.classes, 100, "classes");
	is_int(ax_network_trained(&n), 278324, "278,324 trained parameters");
	is_int(ax_network_products(&n, AX_ARITH_APPROX), 40556800,
	       "40,556,800 approximate products an image");
	is_int(ax_network_products(&n, AX_ARITH_FLOAT), 262144,
	       "262,144 of the two shortcut convolutions stay float");
	is_int(ax_network_products(&n, AX_ARITH_EXACT), 0, "none is exact");
	for (i = 0; i < n.n_ops; i++) {
		op = &n.ops[i];
		if ((op->kind == AX_OP_CONV || op->kind == AX_OP_LINEAR) &&
		    op->arith == AX_ARITH_APPROX) {
			approx++;
			weights += n.params[op->weight].n;
		}
	}
	is_int(approx, 20, "20 layers through the table");
	is_int(weights, 274096, "with 274,096 weights");
	p = ax_network_param(&n, "layer3.0.down.0.weight");
	ok(p >= 0 && n.params[p].dim[0] == 64 && n.params[p].dim[1] == 32 &&
		   n.params[p].dim[2] == 1,
	   "layer3.0.down.0.weight is [64,32,1,1]");
	p = ax_network_param(&n, "layer2.0.down.1.num_batches_tracked");
	ok(p >= 0 && n.params[p].dtype == AX_I64 && n.params[p].ndim == 0 &&
		   !n.params[p].trained,
	   "a counter of batch norm is an i64 scalar, not trained");
	op = &n.ops[n.n_ops - 1];
	ok(op->kind == AX_OP_LINEAR && op->bias_at >= 0 &&
		   op->out == n.n_values - 1 && op->last_use == n.n_ops,
	   "fc with bias makes the last value, which stays");
	for (i = 0, p = 1; i < n.n_ops; i++)
		p &= n.ops[i].in < n.ops[i].out &&
		     n.ops[i].with < n.ops[i].out && n.ops[i].out == i + 1;
	ok(p, "each operation reads values made before it");
	for (i = 0, p = 0; i < n.n_ops; i++)
		if (n.ops[i].kind == AX_OP_ADD) {
			p++;
			/* the residual is kept from the ReLU to the add */
			if (n.ops[i].with)
				p += n.ops[n.ops[i].with - 1].last_use == i;
		}
	is_int(p, 18, "nine residuals, each kept until it is added");
	ok(parse(&again, n.text, NULL, 0) == 0, "its text reads back");
	is_str(again.text, n.text, "to the same text");
	is_int(again.n_params, n.n_params, "and the same parameters");
	ax_network_free(&again);
	ax_network_free(&n);
	ok(parse(&n,
		 "{\"family\":\"resnet-cifar\",\"depth\":8,\"width\":4,"
		 "\"classes\":10,\"in_channels\":1,\"arith\":{\"conv1\":"
		 "\"exact\",\"fc\":\"float\"}}",
		 NULL, 0) == 0 &&
		   n.values[0].c == 1 && n.values[0].h == 32 &&
		   n.ops[0].arith == AX_ARITH_EXACT &&
		   n.ops[n.n_ops - 1].arith == AX_ARITH_FLOAT,
	   "a small one, with arith by name");
	ok(parse(&again, n.text, NULL, 0) == 0 &&
		   again.ops[0].arith == AX_ARITH_EXACT,
	   "which its text keeps");
	ax_network_free(&again);
	ax_network_free(&n);
}

static void
test_others(void)
{
	struct ax_network n;

	ok(parse(&n, "{\"family\":\"lenet\",\"classes\":10}", NULL, 0) == 0 &&
		   ax_network_trained(&n) == 61706,
	   "lenet on 28x28 has 61,706 parameters");
	ax_network_free(&n);
	ok(parse(&n, "{\"family\":\"small-cnn\"}", grey, 10) == 0, "small-cnn");
	is_int(ax_network_trained(&n),
	       9 * 8 + 9 * 128 + 9 * 512 + 2 * (8 + 16 + 32) + 330,
	       "has the parameters that its widths give");
	ax_network_free(&n);
	ok(parse(&n,
		 "{\"name\":\"t\",\"input\":[2,7,9],\"classes\":3,\"layers\":["
		 "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":4,\"kernel\":[3,1],"
		 "\"stride\":[2,1],\"pad\":[1,0],\"groups\":2,\"bias\":true,"
		 "\"arith\":\"exact\"},"
		 "{\"op\":\"maxpool\",\"kernel\":3,\"stride\":1,\"pad\":1},"
		 "{\"op\":\"avgpool\",\"kernel\":2},"
		 "{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":\"f\","
		 "\"out\":3,\"bias\":false}]}",
		 NULL, 0) == 0,
	   "a list of layers");
	ok(n.values[1].c == 4 && n.values[1].h == 4 && n.values[1].w == 9,
	   "conv2d [2,7,9] -> [4,4,9]");
	ok(n.values[2].h == 4 && n.values[2].w == 9, "a padded pool keeps it");
	ok(n.values[3].h == 2 && n.values[3].w == 4, "avgpool -> [4,2,4]");
	is_int(n.ops[0].products, 4 * 4 * 9 * 1 * 3,
	       "products of a grouped "
	       "convolution");
	is_int(ax_network_products(&n, AX_ARITH_EXACT), 432, "all exact");
	ok(n.params[0].ndim == 4 && n.params[0].dim[1] == 1 &&
		   n.params[0].dim[2] == 3 && n.params[0].dim[3] == 1,
	   "its weights are [4,1,3,1]");
	ax_network_free(&n);
}

/* Sizes that the families are known by. */
static void
test_families(void)
{
	static const struct {
		const char *text;
		size_t input[3], classes, params, products;
	} known[] = {
		{"{\"family\":\"resnet\",\"stem\":\"imagenet\"}",
		 {3, 224, 224},
		 1000,
		 11689512,
		 1814073344},
		{"{\"family\":\"resnet\",\"depth\":34,\"stem\":\"imagenet\"}",
		 {3, 224, 224},
		 1000,
		 21797672,
		 3663761408},
		{"{\"family\":\"resnet\"}",
		 {3, 32, 32},
		 10,
		 11173962,
		 555422720},
		{"{\"family\":\"vgg\"}", {3, 32, 32}, 10, 14728266, 313201664},
		{"{\"family\":\"vgg\",\"depth\":11}",
		 {3, 32, 32},
		 10,
		 9231114,
		 152769536},
		{"{\"family\":\"mobilenet\",\"stem\":\"imagenet\"}",
		 {3, 224, 224},
		 1000,
		 4231976,
		 568740352},
		{"{\"family\":\"mlp\"}", {1, 28, 28}, 10, 109386, 109184},
		{"{\"family\":\"mlp\",\"hidden\":[]}",
		 {1, 28, 28},
		 10,
		 7850,
		 7840},
		{"{\"family\":\"resnet-cifar\",\"depth\":8}",
		 {3, 32, 32},
		 10,
		 78042,
		 0},
		{"{\"family\":\"resnet-cifar\",\"depth\":32}",
		 {3, 32, 32},
		 10,
		 466906,
		 0},
		{"{\"family\":\"resnet-cifar\",\"depth\":44}",
		 {3, 32, 32},
		 10,
		 661338,
		 0},
		{"{\"family\":\"resnet-cifar\",\"depth\":56}",
		 {3, 32, 32},
		 10,
		 855770,
		 0},
	};
	struct ax_network n, again;
	size_t i, products;

	for (i = 0; i < AX_LEN(known); i++) {
		if (!ok(parse(&n, known[i].text, known[i].input,
			      known[i].classes) == 0,
			"%s %s", known[i].text, err.text))
			continue;
		is_int(ax_network_trained(&n), known[i].params,
		       "its trained parameters");
		products = ax_network_products(&n, AX_ARITH_APPROX) +
			   ax_network_products(&n, AX_ARITH_FLOAT);
		if (known[i].products)
			is_int(products, known[i].products,
			       "its multiplications");
		ok(parse(&again, n.text, NULL, 0) == 0 &&
			   ax_streq(again.text, n.text),
		   "its text reads back");
		ax_network_free(&again);
		ax_network_free(&n);
	}
}

static enum ax_arith
arith_of(const struct ax_network *n, const char *name)
{
	for (unsigned i = 0; i < n->n_ops; i++)
		if (ax_streq(n->ops[i].name, name))
			return n->ops[i].arith;
	return AX_ARITH_APPROX;
}

static void
test_arith(void)
{
	struct ax_network n, again;
	json_t *map;

	ok(parse(&n,
		 "{\"family\":\"resnet-cifar\",\"arith\":{\"*\":\"exact\","
		 "\"layer2.*\":\"approx\",\"layer2.0.conv1\":\"skip\","
		 "\"layer?.1.conv2\":\"float\"}}",
		 rgb, 10) == 0,
	   "arith by patterns: %s", err.text);
	ok(arith_of(&n, "fc") == AX_ARITH_EXACT &&
		   arith_of(&n, "layer3.0.down.0") == AX_ARITH_EXACT &&
		   arith_of(&n, "layer2.2.conv1") == AX_ARITH_APPROX &&
		   arith_of(&n, "layer2.1.conv2") == AX_ARITH_FLOAT &&
		   arith_of(&n, "layer2.0.conv1") == AX_ARITH_FLOAT,
	   "a name before a pattern, a longer pattern before a shorter one");
	map = json_pack("{s:s}", "layer2.*", "exact");
	ok(ax_network_set_arith(&n, map, &err) == 0 &&
		   arith_of(&n, "layer2.0.conv1") == AX_ARITH_EXACT,
	   "another map on top of it");
	ok(parse(&again, n.text, NULL, 0) == 0 &&
		   arith_of(&again, "layer2.1.conv2") == AX_ARITH_EXACT &&
		   arith_of(&again, "layer1.1.conv2") == AX_ARITH_FLOAT &&
		   ax_network_products(&again, AX_ARITH_EXACT) ==
			   ax_network_products(&n, AX_ARITH_EXACT),
	   "which its text keeps");
	ax_network_free(&again);
	json_decref(map);
	map = json_pack("{s:s}", "layer4.*", "exact");
	ok(ax_network_set_arith(&n, map, &err) < 0 &&
		   strstr(err.text, "no conv2d or linear layer"),
	   "a pattern that matches none is refused");
	json_decref(map);
	ax_network_free(&n);
	refused("{\"family\":\"small-cnn\",\"arith\":{\"conv?\":\"exact\","
		"\"c*nv1\":\"float\"}}",
		"name the layer");
}

static void
test_refused(void)
{
	refused("[]", "an object");
	refused("{}", "list of layers");
	refused("{\"layers\":[]}", "no layers");
	refused("{\"family\":\"resnet-cifr\"}",
		"did you mean \"resnet-cifar\"");
	refused("{\"family\":\"resnet-cifar\",\"depth\":21}", "6 n + 2");
	refused("{\"family\":\"lenet\",\"width\":3}", "no \"width\"");
	refused("{\"family\":\"lenet\",\"classes\":7}", "data set has 10");
	refused("{\"family\":\"lenet\",\"input\":[1,28,28]}",
		"the images are [1,16,16]");
	refused("{\"family\":\"small-cnn\",\"widht\":3}",
		"did you mean \"width\"");
	refused("{\"family\":\"small-cnn\",\"arith\":{\"conv4\":\"float\"}}",
		"did you mean 'conv");
	refused("{\"family\":\"small-cnn\",\"arith\":{\"conv1\":\"int8\"}}",
		"\"approx\", \"exact\"");
	bad_layer("{\"op\":\"conv\"}", "\"op\" must be");
	bad_layer("3", "\"op\" must be");
	bad_layer("{\"op\":\"conv2d\",\"kernel\":3,\"out\":4}", "needs a name");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"a\",\"kernel\":3,\"out\":4}",
		  "second layer named 'a'");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"../x y\",\"kernel\":3,"
		  "\"out\":4}",
		  "no name for a layer");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"out\":4}",
		  "\"kernel\" is missing");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":3}",
		  "\"out\" is missing");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":17,\"out\":4}",
		  "does not fit into 16");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":3,\"out\":4,"
		  "\"groups\":2}",
		  "do not divide");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":3,\"out\":4,"
		  "\"paddding\":1}",
		  "unknown member");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":-1,\"out\":4}",
		  "from 1 to");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":[3],\"out\":4}",
		  "[vertical, horizontal]");
	bad_layer("{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":3,\"out\":4,"
		  "\"in\":\"later\"}",
		  "no layer named 'later'");
	bad_layer("{\"op\":\"linear\",\"name\":\"f\",\"out\":10}",
		  "put a flatten in front");
	bad_layer("{\"op\":\"add\"}", "must name a layer");
	bad_layer("{\"op\":\"maxpool\",\"kernel\":2,\"name\":\"p\"},"
		  "{\"op\":\"add\",\"with\":\"a\"}",
		  "equal shapes, not [1,8,8] and [1,16,16]");
	bad_layer("{\"op\":\"avgpool\",\"kernel\":2,\"pad\":2}",
		  "half the kernel");
	bad_layer("{\"op\":\"relu\",\"slope\":-1}", "slope must lie");
	bad_layer("{\"op\":\"relu\",\"max\":0}", "\"max\" must be above 0");
	bad_layer("{\"op\":\"flatten\",\"slope\":1}", "unknown member");
	refused("{\"family\":\"resnet\",\"depth\":50}",
		"one of 18, 34, not 50");
	refused("{\"family\":\"vgg\",\"depth\":12}", "one of 11, 13, 16, 19");
	refused("{\"family\":\"vgg\"}", "does not fit into 1 ");
	refused("{\"family\":\"resnet\",\"stem\":\"large\"}",
		"\"cifar\" or \"imagenet\"");
	refused("{\"family\":\"lenet\",\"stem\":\"cifar\"}", "no \"stem\"");
	refused("{\"family\":\"mlp\",\"hidden\":[0]}", "1..65536");
	refused("{\"family\":\"mlp\",\"hidden\":7}", "a list of at most");
	refused("{\"family\":\"mlp\",\"hidden\":[65536,65536]}",
		"parameters in all");
	bad_layer("{\"op\":\"batchnorm\",\"name\":\"b\",\"eps\":0}", "(0,1)");
	bad_layer("{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":\"f\","
		  "\"out\":9}",
		  "10 classes want [10,1,1]");
	bad_layer(
		"{\"op\":\"conv2d\",\"name\":\"c\",\"kernel\":1,\"out\":65536,"
		"\"pad\":65536}",
		"too large");
}

int
main(void)
{
	test_resnet();
	test_others();
	test_families();
	test_arith();
	test_refused();
	return tap_done();
}
