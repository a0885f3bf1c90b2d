/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes by how far they are from the end: the farthest first, and among equals
 * the first of the graph. */
#ifndef AX_QUEUE_H
#define AX_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct ax_queue {
	struct ax_queued {
		double height;
		size_t node;
	} * heap;
	size_t n, cap;
};

void ax_queue_push(struct ax_queue *q, size_t node, double height);
/* False when it is empty. */
bool ax_queue_pop(struct ax_queue *q, struct ax_queued *out);
void ax_queue_free(struct ax_queue *q);

#endif
