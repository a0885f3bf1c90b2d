/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/queue.h"

#include "artifacts/base/base.h"

static bool
before(const struct ax_queued *a, const struct ax_queued *b)
{
	return a->height > b->height ||
	       (!(a->height < b->height) && a->node < b->node);
}

void
ax_queue_push(struct ax_queue *q, size_t node, double height)
{
	struct ax_queued x = {height, node};
	size_t i = q->n++;

	if (q->n > q->cap) {
		q->cap = q->cap ? 2 * q->cap : 64;
		q->heap = ax_realloc(q->heap, q->cap, sizeof(*q->heap));
	}
	for (; i && before(&x, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = x;
}

bool
ax_queue_pop(struct ax_queue *q, struct ax_queued *out)
{
	struct ax_queued x;
	size_t i = 0, k;

	if (q->n == 0)
		return false;
	*out = q->heap[0];
	x = q->heap[--q->n];
	while ((k = 2 * i + 1) < q->n) {
		if (k + 1 < q->n && before(&q->heap[k + 1], &q->heap[k]))
			k++;
		if (!before(&q->heap[k], &x))
			break;
		q->heap[i] = q->heap[k];
		i = k;
	}
	q->heap[i] = x;
	return true;
}

void
ax_queue_free(struct ax_queue *q)
{
	free(q->heap);
	q->heap = NULL;
	q->n = q->cap = 0;
}
