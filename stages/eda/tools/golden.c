/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/tools/golden.h"

#include "artifacts/base/io.h"

#define SHOWN 10

void
ax_golden_free(struct ax_golden *g)
{
	free(g->text);
	memset(g, 0, sizeof(*g));
}

/* A run of bits at *p after the word `label`; 0 when it is not there. */
static unsigned
field(const char **p, const char *label, const char *alphabet)
{
	size_t n = strlen(label);

	if (strncmp(*p, label, n) != 0)
		return 0;
	*p += n;
	n = strspn(*p, alphabet);
	*p += n;
	return n > 1000 ? 1001 : (unsigned)n;
}

static uint32_t
number(const char *bits, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 1 | (bits[i] == '1');
	return v;
}

uint32_t
ax_golden_a(const struct ax_golden *g, size_t line)
{
	return number(g->text + line * g->stride + g->a_at, g->a_bits);
}

uint32_t
ax_golden_b(const struct ax_golden *g, size_t line)
{
	return number(g->text + line * g->stride + g->b_at, g->b_bits);
}

static void
note_order(struct ax_golden *g)
{
	unsigned bits = g->a_bits + g->b_bits;
	uint8_t *seen;

	g->sign = ax_golden_a(g, 0) == (uint32_t)1 << (g->a_bits - 1);
	if (bits > 26 || g->lines != (size_t)1 << bits)
		return;
	seen = ax_calloc(((size_t)1 << bits) / 8 + 1, 1);
	g->exhaustive = true;
	for (size_t i = 0; i < g->lines && g->exhaustive; i++) {
		uint32_t p = ax_golden_a(g, i) << g->b_bits | ax_golden_b(g, i);

		g->exhaustive = !(seen[p >> 3] & 1 << (p & 7));
		seen[p >> 3] |= (uint8_t)(1 << (p & 7));
	}
	free(seen);
}

int
ax_golden_load(struct ax_golden *out, const char *path, bool unknown,
	       struct ax_err *err)
{
	const char *alphabet = unknown ? "01xzXZ" : "01", *p, *line;
	struct ax_golden g = {0};
	unsigned a, b, r;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (ax_read_file(&g.text, &len, path, AX_GOLDEN_MAX_FILE, err) < 0)
		return -1;
	for (p = g.text; *p;) {
		line = p;
		a = field(&p, "A = ", "01");
		b = field(&p, " B = ", "01");
		r = field(&p, " RESULT = ", alphabet);
		if (!a || !b || !r || (*p != '\n' && *p))
			goto malformed;
		if (a > AX_GOLDEN_MAX_BITS || b > AX_GOLDEN_MAX_BITS ||
		    r > AX_GOLDEN_MAX_RESULT)
			goto malformed;
		p += *p == '\n';
		if (!g.lines) {
			g.a_bits = a, g.b_bits = b, g.r_bits = r;
			g.a_at = 4;
			g.b_at = g.a_at + a + 5;
			g.r_at = g.b_at + b + 10;
			g.stride = g.r_at + r + 1;
		} else if (a != g.a_bits || b != g.b_bits || r != g.r_bits) {
			goto malformed;
		}
		g.lines++;
	}
	line = p;
	if (!g.lines || (size_t)(p - g.text) != len)
		goto malformed;
	note_order(&g);
	*out = g;
	return 0;
malformed:
	ax_err_set(err, AX_EXIT_STAGE,
		   "%s:%zu: expected `A = <bits> B = <bits> RESULT = <bits>` "
		   "with the widths of line 1 (operands up to %d bits, result "
		   "up to %d), found: %.*s",
		   path, g.lines + 1, AX_GOLDEN_MAX_BITS, AX_GOLDEN_MAX_RESULT,
		   (int)AX_MIN(strcspn(line, "\n"), (size_t)80), line);
	free(g.text);
	return -1;
}

static void
add_bits(char *to, uint32_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = (char)('0' + (v >> (n - 1 - i) & 1));
}

int
ax_golden_patterns(struct ax_golden *out, unsigned a_bits, unsigned b_bits,
		   unsigned r_bits, bool sign, struct ax_err *err)
{
	struct ax_golden g = {.a_bits = a_bits,
			      .b_bits = b_bits,
			      .r_bits = r_bits,
			      .exhaustive = true,
			      .sign = sign};
	struct ax_str head = AX_STR_INIT;

	memset(out, 0, sizeof(*out));
	if (!a_bits || !b_bits || a_bits + b_bits > 24 || !r_bits ||
	    r_bits > AX_GOLDEN_MAX_RESULT)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "cannot list all patterns of %u and %u bits "
				  "(result %u): at most 24 together",
				  a_bits, b_bits, r_bits);
	g.a_at = 4;
	g.b_at = g.a_at + a_bits + 5;
	g.r_at = g.b_at + b_bits + 10;
	g.stride = g.r_at + r_bits + 1;
	g.lines = (size_t)1 << (a_bits + b_bits);
	g.text = ax_malloc(g.lines * g.stride + 1);
	ax_str_addf(&head, "A = %0*d B = %0*d RESULT = %0*d\n", (int)a_bits, 0,
		    (int)b_bits, 0, (int)r_bits, 0);
	for (size_t i = 0; i < g.lines; i++) {
		uint32_t a = (uint32_t)(i >> b_bits), b = (uint32_t)i;
		char *line = g.text + i * g.stride;

		/* counting from the most negative flips the sign bit alone */
		if (sign) {
			a ^= 1u << (a_bits - 1);
			b ^= 1u << (b_bits - 1);
		}
		memcpy(line, head.buf, g.stride);
		add_bits(line + g.a_at, a, a_bits);
		add_bits(line + g.b_at, b, b_bits);
	}
	g.text[g.lines * g.stride] = '\0';
	ax_str_free(&head);
	*out = g;
	return 0;
}

static void
show(struct ax_str *to, const char *bits, unsigned n, bool sign)
{
	uint64_t v = 0;

	ax_str_addn(to, bits, n);
	if (strspn(bits, "01") < n)
		return;
	for (unsigned i = 0; i < n; i++)
		v = v << 1 | (bits[i] == '1');
	if (sign && n < 64 && bits[0] == '1')
		ax_str_addf(to, " (%lld)", (long long)v - (1LL << n));
	else
		ax_str_addf(to, " (%llu)", (unsigned long long)v);
}

int64_t
ax_golden_compare(struct ax_str *report, const struct ax_golden *want,
		  const struct ax_golden *got, struct ax_err *err)
{
	int64_t bad = 0;

	if (want->lines != got->lines || want->a_bits != got->a_bits ||
	    want->b_bits != got->b_bits || want->r_bits != got->r_bits)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"the simulation answered %zu patterns of %u, %u -> %u "
			"bits, the reference has %zu of %u, %u -> %u",
			got->lines, got->a_bits, got->b_bits, got->r_bits,
			want->lines, want->a_bits, want->b_bits, want->r_bits);
	for (size_t i = 0; i < want->lines; i++) {
		const char *w = want->text + i * want->stride;
		const char *g = got->text + i * got->stride;

		if (memcmp(w, g, want->stride - 1) == 0)
			continue;
		if (memcmp(w, g, want->r_at) != 0)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "line %zu of the results answers "
					  "another pattern than the reference "
					  "has there",
					  i + 1);
		if (bad++ >= SHOWN)
			continue;
		ax_str_add(report, "  A = ");
		show(report, w + want->a_at, want->a_bits, want->sign);
		ax_str_add(report, " B = ");
		show(report, w + want->b_at, want->b_bits, want->sign);
		ax_str_add(report, " expected ");
		show(report, w + want->r_at, want->r_bits, want->sign);
		ax_str_add(report, " got ");
		show(report, g + want->r_at, want->r_bits, want->sign);
		ax_str_addc(report, '\n');
	}
	if (bad > SHOWN)
		ax_str_addf(report, "  ... and %lld more\n",
			    (long long)(bad - SHOWN));
	while (report->len && report->buf[report->len - 1] == '\n')
		report->buf[--report->len] = '\0';
	return bad;
}
