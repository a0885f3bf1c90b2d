/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/lut.h"
#include "artifacts/netlist/sim.h"
#include "artifacts/npy.h"

/* A row `-2048,-2048,-2147483648` has 23 bytes; twice that for blanks. */
#define MAX_FILE ((size_t)48 << (2 * AX_LUT_MAX_BITS))

int
ax_lut_new(struct ax_lut *out, unsigned n, unsigned m, bool sign,
	   struct ax_err *err)
{
	memset(out, 0, sizeof(*out));
	if (n < 1 || n > AX_LUT_MAX_BITS || m < 1 || m > AX_LUT_MAX_BITS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "a truth table of %u x %u bits: operands of "
				  "1 to %d bits are supported",
				  n, m, AX_LUT_MAX_BITS);
	out->n = n;
	out->m = m;
	out->sign = sign;
	out->v = ax_calloc_large((size_t)1 << (n + m), sizeof(*out->v));
	return 0;
}

void
ax_lut_free(struct ax_lut *t)
{
	free(t->v);
	memset(t, 0, sizeof(*t));
}

int
ax_lut_exact(struct ax_lut *out, enum ax_lut_op op, unsigned n, unsigned m,
	     bool sign, struct ax_err *err)
{
	int32_t a0, b0, *v;

	if (ax_lut_new(out, n, m, sign, err) < 0)
		return -1;
	a0 = ax_lut_a_min(out);
	b0 = ax_lut_b_min(out);
	v = out->v;
	for (int32_t a = a0; a < a0 + (1 << n); a++) {
		for (int32_t b = b0; b < b0 + (1 << m); b++)
			*v++ = op == AX_LUT_MUL ? a * b : a + b;
	}
	return 0;
}

bool
ax_lut_equal(const struct ax_lut *a, const struct ax_lut *b)
{
	return a->n == b->n && a->m == b->m && a->sign == b->sign &&
	       memcmp(a->v, b->v, ax_lut_size(a) * sizeof(*a->v)) == 0;
}

/* --- from a netlist ------------------------------------------------------ */

/* Scalars that differ in a number alone follow each other: where the run of
 * them that begins with bus k ends. */
static uint32_t
run_end(const struct ax_bus *bus, uint32_t n, uint32_t k)
{
	int64_t number;
	char *stem = ax_name_stem(bus[k].name, &number), *other;
	bool same = bus[k].scalar && number != AX_NO_NUMBER;

	for (k++; same && k < n; k++) {
		other = ax_name_stem(bus[k].name, &number);
		same = bus[k].scalar && ax_streq(stem, other);
		free(other);
		if (!same)
			break;
	}
	free(stem);
	return k;
}

/* Whether a run is called that: a0, a1 or a_0_, a_1_ or, as ports of their own,
 * a[0], a[1] are a. One bit alone is if its number is 0. */
static bool
run_called(const char *first, bool alone, const char *name)
{
	int64_t number;
	char *stem = ax_name_stem(first, &number), *mark = strrchr(stem, '#');
	size_t n = mark ? (size_t)(mark - stem) : 0;
	bool same;

	while (n > 1 && strchr("_[<", stem[n - 1]))
		n--;
	same = (alone ? number == 0 : number != AX_NO_NUMBER) &&
	       n == strlen(name) && memcmp(stem, name, n) == 0;
	free(stem);
	return same;
}

static bool
find_bits(uint32_t *first, uint32_t *width, const struct ax_bus *bus,
	  uint32_t n, const char *name)
{
	const struct ax_bus *found = ax_bus_find(bus, n, name);
	uint32_t end;

	if (found) {
		*first = found->first;
		*width = found->width;
		return true;
	}
	for (uint32_t k = 0; k < n; k = end) {
		end = run_end(bus, n, k);
		if (!bus[k].scalar ||
		    !run_called(bus[k].name, end == k + 1, name))
			continue;
		*first = bus[k].first;
		*width = end - k;
		return true;
	}
	return false;
}

static int
named(uint32_t *first, uint32_t *width, const struct ax_bus *bus, uint32_t n,
      const char *name, const struct ax_netlist *net, struct ax_err *err)
{
	if (find_bits(first, width, bus, n, name))
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE, "netlist %s has no port %s",
			  net->name, name);
}

static bool
all_bits(const struct ax_bus *bus, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (bus[k].width != 1)
			return false;
	return true;
}

/* Ports that are bits of a bus, x[0], x[1]: all of it, or what number they make
 * is not known. */
static int
check_gaps(const struct ax_netlist *net, const struct ax_bus *bus, uint32_t n,
	   struct ax_err *err)
{
	int64_t first, number;

	for (uint32_t k = 0, end; k < n; k = end) {
		end = run_end(bus, n, k);
		free(ax_name_stem(bus[k].name, &first));
		for (uint32_t i = k; i < end; i++) {
			const char *name = bus[i].name;

			free(ax_name_stem(name, &number));
			if (bus[i].scalar && strchr(name, '[') &&
			    number != first + i - k)
				return ax_err_set(
					err, AX_EXIT_STAGE,
					"netlist %s: before port %s bits of "
					"the bus are missing, so that it is "
					"not known what number they make",
					net->name, name);
		}
	}
	return 0;
}

/* Operands without names: two buses, or bits. */
static int
find_operands(struct ax_lut_ports *p, const struct ax_netlist *net,
	      struct ax_err *err)
{
	uint32_t runs = 0, longest = 0, second = 0;

	if (net->ins == 2) {
		p->a = net->in[0].first;
		p->n = net->in[0].width;
		p->b = net->in[1].first;
		p->m = net->in[1].width;
		return 0;
	}
	for (uint32_t k = 0, end; k < net->ins; k = end, runs++) {
		end = run_end(net->in, net->ins, k);
		longest = AX_MAX(longest, end - k);
		second = runs == 1 ? k : second;
	}
	if (!all_bits(net->in, net->ins))
		runs = net->ins == 1 ? 1 : 3;
	else if (longest == 1)
		runs = 1; /* names that tell nothing */
	if (runs == 2 || (runs == 1 && net->inputs % 2 == 0)) {
		p->a = 0;
		p->b = p->n = runs == 2 ? second : net->inputs / 2;
		p->m = net->inputs - p->n;
		return 0;
	}
	return ax_err_set(err, AX_EXIT_STAGE,
			  "netlist %s has %u input bits in %u ports and none "
			  "are called A and B: call the two operands so, or "
			  "name them (parameters a and b of stage lut)",
			  net->name, net->inputs, net->ins);
}

int
ax_lut_find_ports(struct ax_lut_ports *p, const struct ax_netlist *net,
		  const char *a, const char *b, const char *out,
		  struct ax_err *err)
{
	memset(p, 0, sizeof(*p));
	if (net->outputs == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist %s has no outputs", net->name);
	if (check_gaps(net, net->in, net->ins, err) < 0 ||
	    check_gaps(net, net->out, net->outs, err) < 0)
		return -1;
	/* a and b among c and d say nothing */
	for (int small = 0; small < 2 && !a && !b; small++) {
		const char *x = small ? "a" : "A", *y = small ? "b" : "B";

		if (find_bits(&p->a, &p->n, net->in, net->ins, x) &&
		    find_bits(&p->b, &p->m, net->in, net->ins, y) &&
		    (!small || p->n + p->m == net->inputs)) {
			a = x;
			b = y;
		}
	}
	if (a || b) {
		if (!a || !b)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "operand %s has a name (%s), the "
					  "other has none: name both operand "
					  "ports, or neither",
					  a ? "a" : "b", a ? a : b);
		if (named(&p->a, &p->n, net->in, net->ins, a, net, err) < 0 ||
		    named(&p->b, &p->m, net->in, net->ins, b, net, err) < 0)
			return -1;
	} else if (find_operands(p, net, err) < 0) {
		return -1;
	}
	if (p->n + p->m != net->inputs || p->a == p->b)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist %s has %u input bits, but its two "
				  "operands have %u and %u",
				  net->name, net->inputs, p->n, p->m);
	if (out)
		return named(&p->out, &p->width, net->out, net->outs, out, net,
			     err);
	if (find_bits(&p->out, &p->width, net->out, net->outs, "OUT"))
		return 0;
	p->out = 0;
	p->width = net->outputs;
	if (net->outs > 1 && !all_bits(net->out, net->outs))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist %s has %u output ports, of which "
				  "%s is only the first: call the result OUT, "
				  "or name it (parameter out of stage lut)",
				  net->name, net->outs, net->out[0].name);
	return 0;
}

int
ax_lut_from_netlist(struct ax_lut *out, const struct ax_netlist *net, bool sign,
		    const char *a, const char *b, const char *result,
		    struct ax_pool *pool, struct ax_err *err)
{
	struct ax_lut_ports p;
	struct ax_sim *sim;
	uint8_t at[AX_SIM_MAX_INPUTS] = {0};
	uint32_t flip = 0;

	memset(out, 0, sizeof(*out));
	if (ax_lut_find_ports(&p, net, a, b, result, err) < 0)
		return -1;
	if (p.width > 32 || (p.width == 32 && !sign))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the result has %u bits; tables hold up to "
				  "31, or 32 when signed",
				  p.width);
	if (ax_lut_new(out, p.n, p.m, sign, err) < 0)
		return -1;
	if (ax_sim_new(&sim, net, err) < 0) {
		ax_lut_free(out);
		return -1;
	}
	/* in table order: A above B, both from the smallest */
	for (uint32_t i = 0; i < p.m; i++)
		at[p.b + i] = (uint8_t)i;
	for (uint32_t i = 0; i < p.n; i++)
		at[p.a + i] = (uint8_t)(p.m + i);
	if (sign)
		flip = 1u << (p.m - 1) | 1u << (p.n + p.m - 1);
	if (ax_sim_numbers(sim, pool, p.out, p.width, sign, at, flip, out->v,
			   err) < 0) {
		ax_sim_free(sim);
		ax_lut_free(out);
		return -1;
	}
	ax_sim_free(sim);
	return 0;
}

/* --- CSV ----------------------------------------------------------------- */

struct row {
	int32_t a, b, v;
};

/* A decimal in [-2^31, 2^31), ended by `end` (or by a carriage return and
 * line feed when end is '\n', or the end of the text). */
static int
decimal(const char **s, const char *stop, char end, int32_t *out)
{
	bool minus = *s < stop && **s == '-';
	int64_t v = 0;
	const char *from;

	*s += minus;
	for (from = *s; *s < stop && **s >= '0' && **s <= '9'; ++*s) {
		v = v * 10 + (**s - '0');
		if (v > (int64_t)INT32_MAX + 1)
			return -1;
	}
	if (*s == from)
		return -1;
	v = minus ? -v : v;
	if (v > INT32_MAX)
		return -1;
	*out = (int32_t)v;
	if (end == '\n' && *s < stop && **s == '\r')
		++*s;
	if (*s == stop)
		return end == '\n' ? 0 : -1;
	return *(*s)++ == end ? 0 : -1;
}

static unsigned
log2_of(int64_t n)
{
	unsigned k = 0;

	while (k < 62 && INT64_C(1) << k < n)
		k++;
	return INT64_C(1) << k == n ? k : 63;
}

/* The first pair that rows of a whole rectangle of operands lack, or have
 * twice. */
static int
no_table(const char *name, const struct row *row, size_t n, int64_t a0,
	 int64_t a1, int64_t b0, int64_t b1, struct ax_err *err)
{
	size_t wide = (size_t)(b1 - b0 + 1), all = (size_t)(a1 - a0 + 1) * wide;
	uint8_t *seen = ax_calloc(all, 1);
	size_t i, at = 0;

	for (i = 0; i < n; i++) {
		at = (size_t)(row[i].a - a0) * wide + (size_t)(row[i].b - b0);
		if (seen[at])
			break;
		seen[at] = 1;
	}
	if (i == n) /* fewer than all, then */
		for (at = 0; seen[at]; at++)
			;
	free(seen);
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: %zu rows with A in %" PRId64 "..%" PRId64
			  ", B in %" PRId64 "..%" PRId64
			  " are no complete truth table: the pair %" PRId64
			  ",%" PRId64 " %s",
			  name, n, a0, a1, b0, b1, a0 + (int64_t)(at / wide),
			  b0 + (int64_t)(at % wide),
			  i == n ? "is missing" : "occurs twice");
}

static int
shape(struct ax_lut *out, const char *name, const struct row *row, size_t n,
      struct ax_err *err)
{
	int64_t a0 = INT64_MAX, a1 = INT64_MIN, b0 = a0, b1 = a1;
	bool sign;
	unsigned bits_a, bits_b;

	for (size_t i = 0; i < n; i++) {
		a0 = AX_MIN(a0, row[i].a);
		a1 = AX_MAX(a1, row[i].a);
		b0 = AX_MIN(b0, row[i].b);
		b1 = AX_MAX(b1, row[i].b);
	}
	sign = a0 < 0 || b0 < 0;
	bits_a = n ? log2_of(a1 - a0 + 1) : 63;
	bits_b = n ? log2_of(b1 - b0 + 1) : 63;
	if (bits_a < 1 || bits_a > AX_LUT_MAX_BITS || bits_b < 1 ||
	    bits_b > AX_LUT_MAX_BITS ||
	    a0 != (sign ? -(INT64_C(1) << (bits_a - 1)) : 0) ||
	    b0 != (sign ? -(INT64_C(1) << (bits_b - 1)) : 0))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: %zu rows with A in %" PRId64 "..%" PRId64
				  ", B in %" PRId64 "..%" PRId64
				  " are no complete truth table: operands of n "
				  "bits, 1 to %d, run from 0 to 2^n - 1, or "
				  "both from -2^(n-1) to 2^(n-1) - 1",
				  name, n, n ? a0 : 0, n ? a1 : 0, n ? b0 : 0,
				  n ? b1 : 0, AX_LUT_MAX_BITS);
	if (n != (size_t)1 << (bits_a + bits_b))
		return no_table(name, row, n, a0, a1, b0, b1, err);
	return ax_lut_new(out, bits_a, bits_b, sign, err);
}

int
ax_lut_parse_csv(struct ax_lut *out, const char *name, const char *text,
		 size_t len, struct ax_err *err)
{
	const char *s = text, *stop = text + len;
	struct row *row = NULL;
	size_t n = 0, cap = 0;
	uint8_t *seen;
	unsigned line = 1;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len >= 2 && memcmp(s, "\x1f\x8b", 2) == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: compressed by gzip; unpack it first",
				  name);
	if (len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		s += 3;
	if (stop - s < 8 || memcmp(s, "A,B,OUT", 7) != 0 ||
	    (s[7] != '\n' && (s[7] != '\r' || stop - s < 9 || s[8] != '\n')))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s:1: expected the header A,B,OUT", name);
	s += s[7] == '\n' ? 8 : 9;
	while (s < stop) {
		struct row r;

		line++;
		if (*s == '\n') { /* an empty last line */
			s++;
			continue;
		}
		if (n == (size_t)1 << (2 * AX_LUT_MAX_BITS) ||
		    decimal(&s, stop, ',', &r.a) < 0 ||
		    decimal(&s, stop, ',', &r.b) < 0 ||
		    decimal(&s, stop, '\n', &r.v) < 0) {
			free(row);
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s:%u: expected three integers, "
					  "a,b,out (at most 2^24 rows)",
					  name, line);
		}
		AX_GROW(row, n, cap);
		row[n++] = r;
	}
	rc = shape(out, name, row, n, err);
	seen = rc == 0 ? ax_calloc(n, 1) : NULL;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t at = ((size_t)(row[i].a - ax_lut_a_min(out)) << out->m) +
			    (size_t)(row[i].b - ax_lut_b_min(out));

		if (seen[at])
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"%s: the pair %d,%d occurs twice", name,
					row[i].a, row[i].b);
		seen[at] = 1;
		out->v[at] = row[i].v;
	}
	free(seen);
	free(row);
	if (rc < 0)
		ax_lut_free(out);
	return rc;
}

static char *
put_int(char *p, int32_t v, char end)
{
	char digits[12];
	uint32_t u = v < 0 ? 0u - (uint32_t)v : (uint32_t)v;
	int n = 0;

	do
		digits[n++] = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*p++ = '-';
	while (n > 0)
		*p++ = digits[--n];
	*p++ = end;
	return p;
}

void
ax_lut_write_csv(struct ax_str *out, const struct ax_lut *t)
{
	const int32_t *v = t->v;
	int32_t a0 = ax_lut_a_min(t), b0 = ax_lut_b_min(t);

	ax_str_add(out, "A,B,OUT\n");
	for (int32_t a = a0; a < a0 + (1 << t->n); a++) {
		for (int32_t b = b0; b < b0 + (1 << t->m); b++) {
			char line[48], *p = put_int(line, a, ',');

			p = put_int(p, b, ',');
			p = put_int(p, *v++, '\n');
			ax_str_addn(out, line, (size_t)(p - line));
		}
	}
}

/* --- .npy ---------------------------------------------------------------- */

/* How much of the spread of the table v the product of operands from -a0 and
 * -b0 explains: their covariance squared by the variance of the product. */
static double
explained(const struct ax_tensor *t, double a0, double b0)
{
	double mean = ((double)(t->dim[0] - 1) / 2 - a0) *
		      ((double)(t->dim[1] - 1) / 2 - b0);
	double with = 0, own = 0, p;

	for (size_t i = 0; i < t->n; i++) {
		p = ((double)(i / t->dim[1]) - a0) *
			    ((double)(i % t->dim[1]) - b0) -
		    mean;
		with += p * ax_tensor_get(t, i);
		own += p * p;
	}
	return with > 0 ? with * with / own : 0;
}

static bool
guess(const struct ax_tensor *t, int how)
{
	bool nearer = how != AX_LUT_GUESS &&
		      explained(t, (double)(t->dim[0] / 2),
				(double)(t->dim[1] / 2)) >= explained(t, 0, 0);
	size_t i;

	for (i = 0; i < t->n && !(ax_tensor_get(t, i) < 0); i++)
		;
	if (how == AX_LUT_GUESS_SIGNED)
		return i < t->n || nearer;
	return i < t->n && (how == AX_LUT_GUESS || nearer);
}

int
ax_lut_parse_npy(struct ax_lut *out, const char *name, const void *bytes,
		 size_t len, int sign, struct ax_err *err)
{
	struct ax_tensor t = {0};
	unsigned n, m;
	bool is_signed;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (ax_npy_parse(&t, name, bytes, len, err) < 0)
		return -1;
	n = t.ndim == 2 ? log2_of((int64_t)t.dim[0]) : 63;
	m = t.ndim == 2 ? log2_of((int64_t)t.dim[1]) : 63;
	if (n < 1 || n > AX_LUT_MAX_BITS || m < 1 || m > AX_LUT_MAX_BITS ||
	    t.dtype == AX_F32 || t.dtype == AX_F64) {
		char text[200];

		rc = ax_err_set(err, AX_EXIT_STAGE,
				"%s: %s is no truth table: expected integers "
				"of shape (2^n, 2^m), n and m from 1 to %d",
				name, ax_tensor_text(text, sizeof(text), &t),
				AX_LUT_MAX_BITS);
		ax_tensor_free(&t);
		return rc;
	}
	is_signed = sign < 0 ? guess(&t, sign) : sign > 0;
	rc = ax_lut_new(out, n, m, is_signed, err);
	for (size_t i = 0; rc == 0 && i < t.n; i++) {
		int64_t v = t.dtype == AX_I64 ? t.i64[i]
					      : (int64_t)ax_tensor_get(&t, i);

		if (v < INT32_MIN || v > INT32_MAX)
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"%s: the value %" PRId64
					" does not fit 32 bits",
					name, v);
		else
			out->v[i] = (int32_t)v;
	}
	if (rc < 0)
		ax_lut_free(out);
	ax_tensor_free(&t);
	return rc;
}

int
ax_lut_write_npy(struct ax_str *out, const struct ax_lut *t, struct ax_err *err)
{
	size_t dim[2] = {(size_t)1 << t->n, (size_t)1 << t->m};
	size_t n = ax_lut_size(t);
	struct ax_tensor x;
	bool small = true;

	for (size_t i = 0; i < n && small; i++)
		small = t->v[i] >= INT16_MIN && t->v[i] <= INT16_MAX;
	if (ax_tensor_init(&x, NULL, small ? AX_I16 : AX_I32, 2, dim, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (small)
			x.i16[i] = (int16_t)t->v[i];
		else
			x.i32[i] = t->v[i];
	}
	ax_npy_format(out, &x);
	ax_tensor_free(&x);
	return 0;
}

int
ax_lut_load(struct ax_lut *out, const char *path, int sign, struct ax_err *err)
{
	char *text;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_read_file(&text, &len, path, MAX_FILE, err) < 0)
		return -1;
	if (len >= 6 && memcmp(text, "\x93NUMPY", 6) == 0)
		rc = ax_lut_parse_npy(out, path, text, len, sign, err);
	else
		rc = ax_lut_parse_csv(out, path, text, len, err);
	free(text);
	if (rc == 0 && sign >= 0 && out->sign != (sign > 0)) {
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"%s: its operands are %s, but %s ones are "
				"asked for",
				path, out->sign ? "signed" : "unsigned",
				sign ? "signed" : "unsigned");
		ax_lut_free(out);
	}
	return rc;
}
