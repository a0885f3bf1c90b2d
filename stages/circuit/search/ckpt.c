/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/ckpt.h"

#include "artifacts/base/io.h"

#define MAGIC "axpipe-search-2\n" /* raise with the layout of any payload */
#define MAX_STATE (256u << 20)

void
ax_ck_put(struct ax_str *s, uint64_t v, unsigned bytes)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	ax_str_addn(s, b, bytes);
}

void
ax_ck_put_double(struct ax_str *s, double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	ax_ck_put(s, u, 8);
}

uint64_t
ax_ck_get(struct ax_ck_reader *r, unsigned bytes)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->bad = true;
		r->at = r->end;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)*r->at++ << 8 * i;
	return v;
}

uint64_t
ax_ck_get_max(struct ax_ck_reader *r, unsigned bytes, uint64_t max)
{
	uint64_t v = ax_ck_get(r, bytes);

	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}

double
ax_ck_get_double(struct ax_ck_reader *r)
{
	uint64_t u = ax_ck_get(r, 8);
	double v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

int
ax_ck_save(const char *dir, const struct ax_digest *key,
	   const struct ax_str *payload, struct ax_err *err)
{
	struct ax_digest sum = ax_hash_bytes(payload->buf, payload->len);
	struct ax_str s = AX_STR_INIT;
	char *path = ax_join(dir, "state");
	int rc;

	ax_str_addn(&s, MAGIC, sizeof(MAGIC) - 1);
	ax_str_addn(&s, key->b, sizeof(key->b));
	ax_str_addn(&s, sum.b, sizeof(sum.b));
	ax_str_addn(&s, payload->buf, payload->len);
	rc = ax_mkdirs(dir, err);
	if (rc == 0)
		rc = ax_write_file(path, s.buf, s.len, err);
	ax_str_free(&s);
	free(path);
	return rc;
}

int
ax_ck_load(char **bytes, size_t *n, const char *dir,
	   const struct ax_digest *key, const char **why)
{
	const size_t head = sizeof(MAGIC) - 1 + 2 * sizeof(key->b);
	char *path = ax_join(dir, "state"), *text = NULL;
	struct ax_digest sum;
	size_t len;
	int rc = 0;

	*why = "";
	if (!ax_is_file(path)) {
		free(path);
		return 0;
	}
	if (ax_read_file(&text, &len, path, MAX_STATE, NULL) < 0) {
		*why = "cannot be read";
	} else if (len < head || memcmp(text, MAGIC, sizeof(MAGIC) - 1) != 0) {
		*why = "is of another version";
	} else if (memcmp(text + sizeof(MAGIC) - 1, key->b, sizeof(key->b))) {
		*why = "is of other inputs or parameters";
	} else {
		sum = ax_hash_bytes(text + head, len - head);
		if (memcmp(text + head - sizeof(sum.b), sum.b, sizeof(sum.b)))
			*why = "is damaged";
		else
			rc = 1;
	}
	free(path);
	if (rc) {
		memmove(text, text + head, len - head);
		*bytes = text;
		*n = len - head;
	} else {
		free(text);
	}
	return rc;
}

void
ax_circuit_put(struct ax_str *s, const struct ax_circuit *c)
{
	ax_ck_put(s, c->n, 4);
	ax_str_addn(s, c->gate, c->n);
	for (unsigned j = 0; j < c->n; j++) {
		ax_ck_put(s, c->in[j][0], 2);
		ax_ck_put(s, c->in[j][1], 2);
	}
	for (unsigned o = 0; o < c->outs; o++)
		ax_ck_put(s, c->out[o], 2);
}

void
ax_circuit_get(struct ax_ck_reader *r, const struct ax_problem *p,
	       struct ax_circuit *c)
{
	unsigned n = (unsigned)ax_ck_get_max(r, 4, AX_CIRCUIT_NODES);

	ax_circuit_reserve(c, n + 1);
	c->ins = p->ins;
	c->outs = p->outs;
	c->n = n;
	for (unsigned j = 0; j < n; j++)
		c->gate[j] = (uint8_t)ax_ck_get_max(r, 1, AX_G_KINDS - 1);
	for (unsigned j = 0; j < n; j++)
		for (int w = 0; w < 2; w++)
			c->in[j][w] = (uint16_t)ax_ck_get_max(
				r, 2, (uint64_t)p->ins + j - 1);
	for (unsigned o = 0; o < p->outs; o++)
		c->out[o] = (uint16_t)ax_ck_get_max(r, 2, p->ins + n - 1);
}

void
ax_ck_put_errors(struct ax_str *s, const struct ax_errors *e)
{
	ax_ck_put(s, e->sum_abs, 8);
	ax_ck_put(s, e->wrong, 8);
	ax_ck_put(s, e->wce, 8);
	ax_ck_put_double(s, e->nmed);
	ax_ck_put_double(s, e->er);
	ax_ck_put_double(s, e->rwce);
	ax_ck_put_double(s, e->mre);
	ax_ck_put_double(s, e->smape);
}

void
ax_ck_get_errors(struct ax_ck_reader *r, struct ax_errors *e)
{
	e->sum_abs = ax_ck_get(r, 8);
	e->wrong = ax_ck_get(r, 8);
	e->wce = ax_ck_get(r, 8);
	e->nmed = ax_ck_get_double(r);
	e->er = ax_ck_get_double(r);
	e->rwce = ax_ck_get_double(r);
	e->mre = ax_ck_get_double(r);
	e->smape = ax_ck_get_double(r);
}
