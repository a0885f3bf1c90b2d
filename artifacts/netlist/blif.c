/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "artifacts/base/map.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/formats.h"
#include "artifacts/netlist/logic.h"

/*
 * The Berkeley Logic Interchange Format (University of California, 1992; the
 * parts that describe combinational logic), and .conn as Yosys writes it.
 */

#define MAX_WORDS 200000
#define MAX_INSTANCES 2000000
#define MAX_LEVELS 32

struct model {
	char *name;
	size_t body;   /* offset behind the .model line */
	unsigned line; /* of it */
	bool blackbox; /* declares a library cell */
	bool used;     /* another model is made of it */
};

struct blif {
	const char *file;
	const char *text;
	size_t len;
	const struct ax_liberty *lib;
	struct ax_build *b;
	struct model *models;
	size_t n_models, cap_models;
	struct ax_map by_name;
	size_t instances;
	struct ax_str *warn;
	bool warned; /* of external don't-cares */
	struct ax_err *err;
};

/* A place in the text, and the words of the logical line read last. */
struct lines {
	size_t at;
	unsigned line, next; /* of the words; of `at` */
	char *buf;
	size_t cap;
	char **word;
	size_t n, cap_word;
};

static int
fail(const struct blif *f, unsigned line, const char *what, const char *name)
{
	return ax_err_set(f->err, AX_EXIT_STAGE, "%s:%u: %s%s%.200s", f->file,
			  line, what, name ? " " : "", name ? name : "");
}

/* The next line that holds words, with its continuations. 1, 0 at the end. */
static int
next_line(const struct blif *f, struct lines *l)
{
	size_t n = 0;
	bool more = false;

	l->n = 0;
	while (l->at < f->len && (l->n == 0 || more)) {
		const char *start = f->text + l->at;
		const char *nl = memchr(start, '\n', f->len - l->at);
		size_t len = nl ? (size_t)(nl - start) : f->len - l->at;
		const char *hash = memchr(start, '#', len);
		size_t use = hash ? (size_t)(hash - start) : len;

		if (!more)
			l->line = l->next;
		l->next++;
		l->at += len + 1;
		if (memchr(start, '\0', use))
			return fail(f, l->next - 1,
				    "a NUL byte; this is no text", NULL);
		while (use > 0 &&
		       (start[use - 1] == ' ' || start[use - 1] == '\t' ||
			start[use - 1] == '\r'))
			use--;
		more = use > 0 && start[use - 1] == '\\';
		if (more)
			use--;
		if (n + use + 2 > l->cap) {
			char *fresh;

			l->cap = (n + use + 2) * 2;
			fresh = ax_malloc(l->cap);
			if (n)
				memcpy(fresh, l->buf, n);
			/* words point into the buffer */
			for (size_t i = 0; i < l->n; i++)
				l->word[i] = fresh + (l->word[i] - l->buf);
			free(l->buf);
			l->buf = fresh;
		}
		for (size_t i = 0; i < use;) {
			size_t from;

			while (i < use && (start[i] == ' ' || start[i] == '\t'))
				i++;
			from = i;
			while (i < use && start[i] != ' ' && start[i] != '\t')
				i++;
			if (i == from)
				break;
			if (l->n >= MAX_WORDS)
				return fail(f, l->line,
					    "over 200000 words in one line",
					    NULL);
			AX_GROW(l->word, l->n, l->cap_word);
			l->word[l->n++] = l->buf + n;
			memcpy(l->buf + n, start + from, i - from);
			n += i - from;
			l->buf[n++] = '\0';
		}
	}
	return l->n > 0;
}

static void
free_lines(struct lines *l)
{
	free(l->buf);
	free(l->word);
}

static uint32_t
net_of(struct blif *f, const char *prefix, const char *name, unsigned line)
{
	char *full;
	uint32_t id;

	if (!*prefix)
		return ax_build_net(f->b, name, line);
	full = ax_asprintf("%s%s", prefix, name);
	id = ax_build_net(f->b, full, line);
	free(full);
	return id;
}

/* --- .names -------------------------------------------------------------- */

struct cover {
	uint32_t *in; /* nets */
	size_t n;
	uint32_t out;
	unsigned line;
	int plane;     /* -1 no row yet */
	uint64_t tt;   /* n <= 6 */
	uint32_t *sum; /* n > 6: a net for each row */
	size_t rows, cap;
};

static uint32_t
tree(struct blif *f, uint32_t *in, size_t n, bool sum, unsigned line)
{
	/* pairs of neighbours, level by level; in place */
	for (; n > 1; n = (n + 1) / 2) {
		for (size_t i = 0; i < n / 2; i++) {
			uint32_t out = ax_build_anon(f->b, line);

			if (ax_build_gate(f->b, 2, in + 2 * i, sum ? 0xe : 0x8,
					  out, line, f->err) < 0)
				return AX_NO_NET;
			in[i] = out;
		}
		if (n % 2)
			in[n / 2] = in[n - 1];
	}
	return in[0];
}

static int
wide_row(struct blif *f, struct cover *c, const char *row, unsigned line)
{
	uint32_t *lit = ax_calloc(c->n, sizeof(*lit)), out;
	size_t k = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (row[i] == '-')
			continue;
		lit[k] = c->in[i];
		if (row[i] == '0') {
			lit[k] = ax_build_anon(f->b, line);
			if (ax_build_gate(f->b, 1, &c->in[i], 0x1, lit[k], line,
					  f->err) < 0) {
				free(lit);
				return -1;
			}
		}
		k++;
	}
	out = k ? tree(f, lit, k, false, line) : ax_build_const(f->b, true);
	free(lit);
	if (out == AX_NO_NET)
		return -1;
	AX_GROW(c->sum, c->rows, c->cap);
	c->sum[c->rows++] = out;
	return 0;
}

static int
row(struct blif *f, struct cover *c, const struct lines *l)
{
	const char *in = c->n ? l->word[0] : "", *out = l->word[l->n - 1];
	uint64_t cube = UINT64_MAX;

	if (l->n != (c->n ? 2u : 1u) || strlen(in) != c->n ||
	    strlen(out) != 1 || (*out != '0' && *out != '1') ||
	    strspn(in, "01-") != c->n)
		return fail(f, l->line,
			    "a row of .names holds one of 0 1 - for each "
			    "input, a blank, and 0 or 1; this does not:",
			    l->word[0]);
	if (c->plane >= 0 && c->plane != *out - '0')
		return fail(f, l->line,
			    "rows for 0 and for 1 in the same .names", NULL);
	c->plane = *out - '0';
	if (c->n > 6)
		return wide_row(f, c, in, l->line);
	for (size_t i = 0; i < c->n; i++) {
		if (in[i] != '-')
			cube &= in[i] == '1' ? ax_tt_var((unsigned)i)
					     : ~ax_tt_var((unsigned)i);
	}
	c->tt |= cube;
	return 0;
}

static int
end_cover(struct blif *f, struct cover *c)
{
	unsigned n = (unsigned)c->n;
	uint32_t sum;

	if (c->n <= 6) {
		uint64_t tt = (c->plane == 0 ? ~c->tt : c->tt) & ax_tt_mask(n);

		if (n == 1 && tt == 0x2)
			return ax_build_wire(f->b, c->out, c->in[0], c->line,
					     f->err);
		return ax_build_gate(f->b, n, c->in, tt, c->out, c->line,
				     f->err);
	}
	if (c->rows == 0)
		return ax_build_wire(f->b, c->out, ax_build_const(f->b, false),
				     c->line, f->err);
	sum = tree(f, c->sum, c->rows, true, c->line);
	if (sum == AX_NO_NET)
		return -1;
	if (c->plane == 0)
		return ax_build_gate(f->b, 1, &sum, 0x1, c->out, c->line,
				     f->err);
	return ax_build_wire(f->b, c->out, sum, c->line, f->err);
}

/* --- models -------------------------------------------------------------- */

static int body(struct blif *f, size_t model, const char *prefix,
		unsigned level);

static int
submodel(struct blif *f, const struct lines *l, size_t model,
	 const char *prefix, unsigned level)
{
	const struct model *m = &f->models[model];
	struct lines in = {.at = m->body, .next = m->line + 1};
	struct ax_map formals = AX_MAP_INIT;
	size_t used = 0;
	char *inner;
	int rc = 0;

	if (level >= MAX_LEVELS)
		return fail(f, l->line,
			    "models nested more than 32 deep (or in a circle), "
			    "at",
			    m->name);
	if (++f->instances > MAX_INSTANCES)
		return fail(f, l->line,
			    "more than two million instances of models, at",
			    m->name);
	for (size_t i = 2; i < l->n; i++) {
		char *eq = strchr(l->word[i], '=');

		if (!eq) {
			rc = fail(f, l->line, "expected formal=actual, not",
				  l->word[i]);
			goto done;
		}
		*eq = '\0';
		if (ax_map_set(&formals, l->word[i], eq + 1)) {
			rc = fail(f, l->line, "connected twice:", l->word[i]);
			goto done;
		}
	}
	inner = ax_asprintf("%s%s$%zu.", prefix, m->name, f->instances);
	rc = body(f, model, inner, level + 1);
	while (rc == 0 && (rc = next_line(f, &in)) > 0) {
		bool out = ax_streq(in.word[0], ".outputs");

		rc = 0;
		if (ax_streq(in.word[0], ".model") ||
		    ax_streq(in.word[0], ".end"))
			break;
		if (!out && !ax_streq(in.word[0], ".inputs"))
			continue;
		for (size_t i = 1; i < in.n && rc == 0; i++) {
			const char *actual = ax_map_get(&formals, in.word[i]);
			uint32_t a, b;

			if (!actual)
				continue; /* open; an undriven input warns */
			used++;
			a = net_of(f, prefix, actual, l->line);
			b = net_of(f, inner, in.word[i], in.line);
			rc = out ? ax_build_wire(f->b, a, b, l->line, f->err)
				 : ax_build_wire(f->b, b, a, l->line, f->err);
		}
	}
	free(inner);
	if (rc == 0 && used != l->n - 2)
		rc = fail(f, l->line, "a connection names no port of model",
			  m->name);
done:
	ax_map_free(&formals);
	free_lines(&in);
	return rc < 0 ? -1 : 0;
}

static int
instance(struct blif *f, const struct lines *l, const char *prefix,
	 unsigned level)
{
	struct ax_cell_model cell;
	const char **pins;
	uintptr_t model;
	uint32_t *nets;
	int rc = 0;

	if (l->n < 2)
		return fail(f, l->line, "a cell name is missing after",
			    l->word[0]);
	model = (uintptr_t)ax_map_get(&f->by_name, l->word[1]);
	/* .gate is for library cells, but some write it for models too */
	if (model && !f->models[model - 1].blackbox &&
	    (ax_streq(l->word[0], ".subckt") ||
	     ax_cell_find(&cell, f->lib, l->word[1], f->file, l->line, NULL) <
		     0))
		return submodel(f, l, model - 1, prefix, level);
	if (l->n > 64)
		return fail(f, l->line, "over 62 pins of cell", l->word[1]);
	pins = ax_calloc(l->n, sizeof(*pins));
	nets = ax_calloc(l->n, sizeof(*nets));
	for (size_t i = 2; i < l->n && rc == 0; i++) {
		char *eq = strchr(l->word[i], '=');

		if (!eq || eq == l->word[i] || !eq[1]) {
			rc = fail(f, l->line, "expected pin=net, not",
				  l->word[i]);
			break;
		}
		*eq = '\0';
		pins[i - 2] = l->word[i];
		nets[i - 2] = net_of(f, prefix, eq + 1, l->line);
	}
	if (rc == 0)
		rc = ax_cell_connect(f->b, f->lib, l->word[1],
				     (unsigned)l->n - 2, pins, nets, f->file,
				     l->line, f->err);
	free(pins);
	free(nets);
	return rc;
}

static int
start_cover(struct blif *f, struct cover *c, const struct lines *l,
	    const char *prefix)
{
	if (l->n < 2)
		return fail(f, l->line, ".names without a net", NULL);
	free(c->in);
	free(c->sum);
	memset(c, 0, sizeof(*c));
	c->n = l->n - 2;
	c->line = l->line;
	c->plane = -1;
	c->in = ax_calloc(c->n + 1, sizeof(*c->in));
	for (size_t i = 0; i < c->n; i++)
		c->in[i] = net_of(f, prefix, l->word[i + 1], l->line);
	c->out = net_of(f, prefix, l->word[l->n - 1], l->line);
	return 0;
}

static bool
ignored(const char *word)
{
	static const char *const words[] = {".inputs",
					    ".outputs",
					    ".attr",
					    ".param",
					    ".cname",
					    ".clock",
					    ".area",
					    ".delay",
					    ".default_input_arrival",
					    ".default_output_required",
					    ".default_input_drive",
					    ".default_output_load",
					    ".default_max_input_load",
					    ".input_arrival",
					    ".output_required",
					    ".input_drive",
					    ".output_load",
					    ".wire_load_slope",
					    ".wire",
					    ".blackbox"};

	for (size_t i = 0; i < AX_LEN(words); i++) {
		if (ax_streq(word, words[i]))
			return true;
	}
	return false;
}

static int
ports(struct blif *f, const struct lines *l, bool output)
{
	for (size_t i = 1; i < l->n; i++) {
		if (ax_build_port_bit(f->b, output, l->word[i], l->line,
				      f->err) < 0)
			return -1;
	}
	return 0;
}

/* One line of a model that starts with '.', except .names. */
static int
command(struct blif *f, const struct lines *l, const char *prefix,
	unsigned level)
{
	const char *word = l->word[0];

	if (ax_streq(word, ".gate") || ax_streq(word, ".subckt"))
		return instance(f, l, prefix, level);
	if ((ax_streq(word, ".conn") || ax_streq(word, ".barbuf") ||
	     ax_streq(word, ".short")) &&
	    l->n == 3) {
		uint32_t from = net_of(f, prefix, l->word[1], l->line);
		uint32_t to = net_of(f, prefix, l->word[2], l->line);

		return ax_build_wire(f->b, to, from, l->line, f->err);
	}
	if (level == 0 && ax_streq(word, ".inputs"))
		return ports(f, l, false);
	if (level == 0 && ax_streq(word, ".outputs"))
		return ports(f, l, true);
	if (ax_streq(word, ".latch") || ax_streq(word, ".mlatch"))
		return fail(f, l->line,
			    "a latch: only combinational netlists can be read",
			    NULL);
	if (!ignored(word))
		return fail(f, l->line, "unknown command", word);
	return 0;
}

static int
body(struct blif *f, size_t model, const char *prefix, unsigned level)
{
	struct lines l = {.at = f->models[model].body,
			  .next = f->models[model].line + 1};
	struct cover c = {0};
	bool open = false;
	int rc;

	while ((rc = next_line(f, &l)) > 0) {
		const char *word = l.word[0];

		if (word[0] != '.') {
			rc = open ? row(f, &c, &l)
				  : fail(f, l.line, "expected a command, found",
					 word);
			if (rc < 0)
				break;
			continue;
		}
		rc = open ? end_cover(f, &c) : 0;
		open = false;
		if (ax_streq(word, ".exdc") && f->warn && !f->warned) {
			ax_str_addf(f->warn,
				    "%s:%u: external don't-cares are not "
				    "used\n",
				    f->file, l.line);
			f->warned = true;
		}
		if (rc < 0 || ax_streq(word, ".end") ||
		    ax_streq(word, ".model") || ax_streq(word, ".exdc"))
			break;
		open = ax_streq(word, ".names");
		rc = open ? start_cover(f, &c, &l, prefix)
			  : command(f, &l, prefix, level);
		if (rc < 0)
			break;
	}
	if (rc == 0 && open)
		rc = end_cover(f, &c);
	free(c.in);
	free(c.sum);
	free_lines(&l);
	return rc;
}

static int
add_model(struct blif *f, const char *name, size_t text, unsigned line,
	  unsigned at)
{
	struct model *m;

	AX_GROW(f->models, f->n_models, f->cap_models);
	m = &f->models[f->n_models++];
	m->name = ax_strdup(name);
	m->body = AX_MIN(text, f->len);
	m->line = line;
	m->blackbox = m->used = false;
	if (ax_map_set(&f->by_name, m->name, (void *)(uintptr_t)f->n_models))
		return fail(f, at, "a second model", m->name);
	return 0;
}

static int
find_models(struct blif *f)
{
	struct lines l = {.next = 1};
	int rc;

	while ((rc = next_line(f, &l)) > 0) {
		const char *word = l.word[0];

		if (ax_streq(word, ".model"))
			rc = add_model(f, l.n > 1 ? l.word[1] : "top", l.at,
				       l.next - 1, l.line);
		else if (f->n_models == 0 && (ax_streq(word, ".inputs") ||
					      ax_streq(word, ".outputs")))
			/* the first model may do without its line */
			rc = add_model(f, "top", 0, 0, l.line);
		else if (f->n_models == 0)
			rc = fail(f, l.line, "expected .model, found", word);
		if (rc < 0)
			break;
		if (ax_streq(word, ".blackbox"))
			f->models[f->n_models - 1].blackbox = true;
	}
	free_lines(&l);
	if (rc == 0 && f->n_models == 0)
		rc = fail(f, 1, "no .model in the file", NULL);
	return rc;
}

/* Which models are parts of others. */
static int
mark_used(struct blif *f)
{
	struct lines l = {.next = 1};
	size_t at = 0;
	int rc;

	while ((rc = next_line(f, &l)) > 0) {
		uintptr_t k;

		while (at + 1 < f->n_models && l.line > f->models[at + 1].line)
			at++;
		if (l.n < 2 || (!ax_streq(l.word[0], ".subckt") &&
				!ax_streq(l.word[0], ".gate")))
			continue;
		k = (uintptr_t)ax_map_get(&f->by_name, l.word[1]);
		if (k && k - 1 != at)
			f->models[k - 1].used = true;
	}
	free_lines(&l);
	return rc;
}

/*
 * The circuit is the first model, says the format. Many a program writes parts
 * before what they are parts of, though, and ABC and Yosys take what is no part
 * of another: so does this, where the first is one (or a black box).
 */
static int
find_top(struct blif *f, size_t *top)
{
	*top = 0;
	if (f->n_models > 1 && mark_used(f) < 0)
		return -1;
	for (size_t i = 0; i < f->n_models; i++) {
		if (!f->models[i].used && !f->models[i].blackbox) {
			*top = i;
			break;
		}
	}
	if (f->models[*top].blackbox)
		return fail(f, f->models[*top].line,
			    "the first model is the circuit, but it is a black "
			    "box:",
			    f->models[*top].name);
	if (*top && f->warn)
		ax_str_addf(f->warn,
			    "%s:%u: model %s is taken as the circuit; what "
			    "stands before it is part of others\n",
			    f->file, f->models[*top].line,
			    f->models[*top].name);
	return 0;
}

int
ax_netlist_read_blif(struct ax_netlist **out, const char *name,
		     const char *text, size_t len, const struct ax_liberty *lib,
		     struct ax_str *warn, struct ax_err *err)
{
	struct blif f = {.file = name,
			 .text = text,
			 .len = len,
			 .lib = lib,
			 .warn = warn,
			 .err = err};
	size_t top;
	int rc = find_models(&f) < 0 ? -1 : find_top(&f, &top);

	if (rc == 0) {
		f.b = ax_build_new(name, f.models[top].name, warn);
		rc = body(&f, top, "", 0);
		if (rc == 0)
			rc = ax_build_finish(out, f.b, true, err);
		else
			ax_build_free(f.b);
	}
	for (size_t i = 0; i < f.n_models; i++)
		free(f.models[i].name);
	free(f.models);
	ax_map_free(&f.by_name);
	return rc;
}
