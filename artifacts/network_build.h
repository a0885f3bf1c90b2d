/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a network is put together, one operation after the other. Internal to
 * network.c (shapes, parameters), network_parse.c (JSON) and network_family.c.
 */
#ifndef AX_NETWORK_BUILD_H
#define AX_NETWORK_BUILD_H

#include <stdarg.h>

#include "artifacts/base/map.h"
#include "artifacts/network.h"

struct ax_net_builder {
	struct ax_network *net;
	struct ax_map names; /* layer name -> value index + 1 */
	unsigned cap_values, cap_ops, cap_params;
	size_t elements; /* of all parameters so far */
	char where[256]; /* for messages: "/layers/3 (conv2d 'conv2')" */
};

/* "network description, <where>: ...", exit code 2; returns -1. */
int ax_net_error(const struct ax_net_builder *b, struct ax_err *err,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ax_net_begin(struct ax_net_builder *b, const struct ax_value_shape *input);
/* Appends an operation like `proto` (in, with, kernel, ... filled in), infers
 * its shape and makes its parameters. Returns the index of its value or -1. */
int ax_net_add(struct ax_net_builder *b, const struct ax_op *proto,
	       const char *name, size_t out_channels, struct ax_err *err);
/* Checks the output against the classes, applies {"layer": "float"} (may be
 * NULL), finds last uses. */
int ax_net_finish(struct ax_net_builder *b, json_t *arith, struct ax_err *err);
/* Index of the word, or -1. */
int ax_op_kind_of(const char *name);
int ax_arith_of(const char *name);

/* An operation with every default. */
extern const struct ax_op ax_op_plain;
/* A member that is an integer: 1, absent: 0, anything else: -1. */
int ax_net_get_int(const struct ax_net_builder *b, size_t *out, json_t *object,
		   const char *key, size_t low, size_t high,
		   struct ax_err *err);

struct ax_net_family;
/* The family that member `family` names; *out is NULL when there is none. */
int ax_net_family(const struct ax_net_builder *b,
		  const struct ax_net_family **out, json_t *description,
		  struct ax_err *err);
const char *ax_net_family_name(const struct ax_net_family *f);
/* Its usual input [c,h,w]. */
const size_t *ax_net_family_input(const struct ax_net_family *f);
/* Appends its layers; writes what it filled in to `full`. */
int ax_net_family_build(struct ax_net_builder *b, const struct ax_net_family *f,
			json_t *description, json_t *full, struct ax_err *err);

#endif
