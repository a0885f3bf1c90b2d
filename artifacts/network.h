/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network as a value: its JSON description, checked, with every shape
 * inferred, flattened into a list of operations in the order of execution.
 * What executes it (stages/nn/engine) and what trains it know only this list.
 *
 * The description is either a list of layers
 *   {"name": "tiny", "input": [1,16,16], "layers": [
 *     {"op": "conv2d", "name": "conv1", "out": 8, "kernel": 3, "pad": 1},
 *     {"op": "batchnorm", "name": "bn1"}, {"op": "relu", "name": "a"},
 *     {"op": "conv2d", "name": "conv2", "out": 8, "kernel": 3, "pad": 1},
 *     {"op": "add", "with": "a"}, {"op": "globalpool"}, {"op": "flatten"},
 *     {"op": "linear", "name": "fc", "out": 10}]}
 * or a family (network_family.c), which expands to such a list:
 *   {"family": "resnet-cifar", "depth": 20, "classes": 100, "width": 16}
 *   {"family": "resnet", "depth": 18, "stem": "cifar"}    18 or 34
 *   {"family": "vgg", "depth": 16, "width": 64}           11, 13, 16, 19
 *   {"family": "mobilenet", "width": 32, "stem": "cifar"}
 *   {"family": "mlp", "hidden": [128, 64]}
 *   {"family": "lenet", "classes": 10}
 *   {"family": "small-cnn", "classes": 10, "width": 8}
 *
 * Layer members (default in brackets): op; name (required where the layer has
 * parameters, [none] else); in (name of a layer or "input") [the layer before];
 *   conv2d: out, kernel, stride [1], pad [0], groups [1], bias [false], arith
 *   linear: out, bias [true], arith
 *   batchnorm: eps [1e-5], momentum [0.1]
 *   maxpool, avgpool: kernel, stride [kernel], pad [0]; avgpool divides by the
 *     whole kernel, padding included
 *   relu: slope [0] below zero, max [none]; relu6: the same with max 6;
 *     leakyrelu: slope [0.01], max [none]
 *   add: with; globalpool (average), flatten: nothing
 * kernel, stride and pad are a number or [vertical, horizontal].
 * arith is how products are made: "approx" [default], "exact", "float"; "skip"
 * is another word for "float": the layer is exempt. At the top,
 * {"arith": {"conv1": "exact", "layer1.*": "float"}} sets it by name, for
 * families as well (whose 1x1 shortcut convolutions are "float" by default).
 * `*` and `?` match any characters and any one. A name without them is
 * stronger than a pattern, a longer pattern than a shorter one; the order
 * does not matter.
 * Families also take name, input, in_channels.
 */
#ifndef AX_NETWORK_H
#define AX_NETWORK_H

#include <jansson.h>
#include <stddef.h>

#include "artifacts/base/base.h"
#include "artifacts/checkpoint.h"

#define AX_NETWORK_OPS 4096
#define AX_NETWORK_PARAMS 1000000000 /* elements of all parameters together */

enum ax_op_kind {
	AX_OP_CONV,       /* 2-d convolution (correlation), zero padding */
	AX_OP_LINEAR,     /* y = W x + b on [c,1,1] values */
	AX_OP_BATCHNORM,  /* over each channel */
	AX_OP_RELU,       /* min(x > 0 ? x : slope * x, cap) */
	AX_OP_ADD,        /* in + with */
	AX_OP_MAXPOOL,    /* padded places never win */
	AX_OP_AVGPOOL,    /* padded places count as zeros */
	AX_OP_GLOBALPOOL, /* mean over height and width */
	AX_OP_FLATTEN     /* [c,h,w] -> [c*h*w,1,1]; no bytes move */
};

/* How the products of a layer are made. */
enum ax_arith {
	AX_ARITH_APPROX, /* quantised operands, product from the table if any */
	AX_ARITH_EXACT,  /* quantised operands, exact product always */
	AX_ARITH_FLOAT   /* never quantised */
};

enum ax_role {
	AX_ROLE_WEIGHT,
	AX_ROLE_BIAS,
	AX_ROLE_GAMMA, /* batch norm: <name>.weight */
	AX_ROLE_BETA,  /*	      <name>.bias */
	AX_ROLE_MEAN,  /*	      <name>.running_mean, not trained */
	AX_ROLE_VAR,   /*	      <name>.running_var, not trained */
	AX_ROLE_COUNT  /*	      <name>.num_batches_tracked, i64 scalar */
};

/* What flows between operations, for one image: [c,h,w], contiguous. Value 0
 * is the input of the network, the last one its output (the logits). */
struct ax_value_shape {
	size_t c, h, w;
};

struct ax_net_param {
	char *name; /* as in checkpoints: "layer1.0.conv1.weight" */
	enum ax_role role;
	unsigned op;         /* index of the operation it belongs to */
	enum ax_dtype dtype; /* f32, or i64 for AX_ROLE_COUNT */
	unsigned ndim;
	size_t dim[4]; /* conv: [out, in/groups, kh, kw]; linear: [out, in] */
	size_t n;
	bool trained;
};

struct ax_op {
	enum ax_op_kind kind;
	char *name;        /* prefix of its parameters; "" when it has none */
	unsigned in, with; /* value indices; `with` only for AX_OP_ADD */
	unsigned out; /* value index; each value is made by one operation */
	size_t kernel[2], stride[2], pad[2]; /* vertical, horizontal */
	size_t groups;
	bool bias;
	enum ax_arith arith;  /* conv and linear */
	double eps, momentum; /* batch norm */
	float slope, cap;     /* relu: below zero; greatest value, 0: none */
	int weight, bias_at;  /* parameter indices, -1 when absent; for batch */
	int mean, var, count; /* norm weight = gamma and bias_at = beta */
	size_t products;      /* multiplications for one image */
	unsigned last_use;    /* the last operation that reads `out`; itself
				 when none does; n_ops for the logits */
};

struct ax_network {
	char *name;
	char *text; /* the description, canonical JSON, with input and classes
		       filled in: ax_network_parse reads it back to the same */
	struct ax_value_shape *values;
	unsigned n_values;
	struct ax_op *ops;
	unsigned n_ops;
	struct ax_net_param *params; /* in order of the operations */
	unsigned n_params;
	size_t classes;
};

/*
 * Reads and checks a description. `input` ([c,h,w]) and `classes` come from
 * the data set when the description leaves them out (NULL, 0: it must not); if
 * it gives them they must agree with non-zero ones passed here. Errors name
 * the JSON pointer of the layer at fault and the shapes involved; exit code 2.
 */
int ax_network_parse(struct ax_network *out, json_t *description,
		     const size_t input[3], size_t classes, struct ax_err *err);
/* The same from JSON text, such as ax_network.text kept in a checkpoint. */
int ax_network_parse_text(struct ax_network *out, const char *text,
			  const size_t input[3], size_t classes,
			  struct ax_err *err);
void ax_network_free(struct ax_network *n);
/* Changes how layers make their products by {"name or pattern": "exact", ...},
 * as the member `arith` of a description does, and `text` with it. */
int ax_network_set_arith(struct ax_network *n, json_t *arith,
			 struct ax_err *err);

/* Index of a parameter, or -1. */
int ax_network_param(const struct ax_network *n, const char *name);
/* Trained elements; multiplications for one image by arithmetic. */
size_t ax_network_trained(const struct ax_network *n);
size_t ax_network_products(const struct ax_network *n, enum ax_arith arith);

const char *ax_op_name(enum ax_op_kind k);
const char *ax_arith_name(enum ax_arith a);

#endif
