/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/netlist/build.h"
#include "artifacts/netlist/formats.h"

#define MAX_WORD 64
#define MAX_LINE 512
#define PORT "# port "

/*
 * The published dump knows neither buses nor their names: its readers take the
 * first half of the inputs for A, the second for B, and the outputs for OUT.
 * Circuits of other ports say so in comments behind the first line, which those
 * readers pass over: "# port input 12 A", "# port output 20 OUT", in order.
 */
struct named {
	bool output;
	uint32_t width;
	unsigned line;
	char *name;
};

struct txt {
	const char *file;
	unsigned line;
	struct ax_build *b;
	uint32_t *in, *out; /* nets, by number */
	size_t n_in, cap_in, n_out, cap_out;
	struct named *port;
	size_t ports, cap_ports;
	struct ax_err *err;
};

static int
fail(struct txt *t, const char *what, const char *word)
{
	return ax_err_set(t->err, AX_EXIT_STAGE, "%s:%u: %s%s%.80s", t->file,
			  t->line, what, word ? ": " : "", word ? word : "");
}

/* A word of letters, digits and '_' from *s on; "" when there is none. */
static int
word(struct txt *t, const char **s, char *out)
{
	size_t n = 0;

	while (**s == ' ' || **s == '\t')
		++*s;
	while (isalnum((unsigned char)**s) || **s == '_') {
		if (n == MAX_WORD - 1)
			return fail(t, "a name is too long", NULL);
		out[n++] = *(*s)++;
	}
	out[n] = '\0';
	return 0;
}

static bool
mark(const char **s, char c)
{
	while (**s == ' ' || **s == '\t')
		++*s;
	if (**s != c)
		return false;
	++*s;
	return true;
}

/* "OUT12" -> 12; -1 when it is no such name. */
static long
numbered(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);
	long value = 0;

	if (strncmp(name, prefix, n) != 0 || name[n] == '\0' ||
	    strlen(name + n) > 6)
		return -1;
	for (const char *p = name + n; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return -1;
		value = value * 10 + (*p - '0');
	}
	return value;
}

static int
gate(struct txt *t, const char *target, const char *s)
{
	char name[MAX_WORD], arg[MAX_WORD];
	uint32_t in[2];
	unsigned n = 0;
	enum ax_gate kind;

	if (word(t, &s, name) < 0)
		return -1;
	kind = ax_gate_parse(name);
	if (kind == AX_GATE_KINDS)
		return fail(t, "unknown gate", name);
	if (!mark(&s, '('))
		return fail(t, "expected '(' after the gate", name);
	while (!mark(&s, ')')) {
		if (n > 0 && !mark(&s, ','))
			return fail(t, "expected ',' or ')' in", name);
		if (word(t, &s, arg) < 0)
			return -1;
		if (arg[0] == '\0' || n >= ax_gate_fanin(kind))
			return fail(t, "wrong number of inputs for", name);
		in[n++] = ax_build_net(t->b, arg, t->line);
	}
	if (n != ax_gate_fanin(kind))
		return fail(t, "wrong number of inputs for", name);
	while (isspace((unsigned char)*s))
		s++;
	if (*s)
		return fail(t, "text after the gate", s);
	return ax_build_gate(t->b, n, in, ax_gate_tt(kind),
			     ax_build_net(t->b, target, t->line), t->line,
			     t->err);
}

static int
statement(struct txt *t, const char *s)
{
	char name[MAX_WORD];
	long k;

	if (word(t, &s, name) < 0)
		return -1;
	if (name[0] == '\0')
		return fail(t, "expected INPUT, a gate or OUT", s);
	if (ax_streq(name, "INPUT")) {
		if (word(t, &s, name) < 0)
			return -1;
		if (numbered(name, "n") != (long)t->n_in)
			return fail(t,
				    "inputs are n0, n1, ... in order, but "
				    "here is",
				    name);
		if (t->n_in >= AX_NET_MAX_PORTS)
			return fail(t, "too many inputs", NULL);
		AX_GROW(t->in, t->n_in, t->cap_in);
		t->in[t->n_in++] = ax_build_net(t->b, name, t->line);
		while (isspace((unsigned char)*s))
			s++;
		return *s ? fail(t, "text after the input", s) : 0;
	}
	if (!mark(&s, '='))
		return fail(t, "expected '=' after", name);
	k = numbered(name, "OUT");
	if (k < 0)
		return gate(t, name, s);
	if (k != (long)t->n_out)
		return fail(t,
			    "outputs are OUT0, OUT1, ... in order, but "
			    "here is",
			    name);
	if (t->n_out >= AX_NET_MAX_PORTS)
		return fail(t, "too many outputs", NULL);
	if (word(t, &s, name) < 0)
		return -1;
	while (isspace((unsigned char)*s))
		s++;
	if (name[0] == '\0' || *s)
		return fail(t, "expected one name after OUT =", s);
	AX_GROW(t->out, t->n_out, t->cap_out);
	t->out[t->n_out++] = ax_build_net(t->b, name, t->line);
	return 0;
}

/* A comment that begins with PORT, behind that. */
static int
port(struct txt *t, const char *s)
{
	struct named p = {.line = t->line};
	size_t n = strcspn(s, " ");
	unsigned long width;
	char *end;

	p.output = n == 6 && strncmp(s, "output", n) == 0;
	if (!p.output && !(n == 5 && strncmp(s, "input", n) == 0))
		return fail(t, "expected 'input' or 'output' after 'port'", s);
	s += n + strspn(s + n, " ");
	width = isdigit((unsigned char)*s) ? strtoul(s, &end, 10) : 0;
	if (width == 0 || width > AX_NET_MAX_PORTS || *end != ' ')
		return fail(t, "expected the port's width and its name", s);
	s = end + strspn(end, " ");
	n = strcspn(s, "\r");
	if (n == 0)
		return fail(t, "the port has no name", NULL);
	if (t->ports >= 2 * AX_NET_MAX_PORTS)
		return fail(t, "too many ports", NULL);
	p.width = (uint32_t)width;
	p.name = ax_strndup(s, n);
	AX_GROW(t->port, t->ports, t->cap_ports);
	t->port[t->ports++] = p;
	return 0;
}

/* The ports that the dump names, which must take up all its bits. */
static int
named_ports(struct txt *t)
{
	size_t at[2] = {0, 0}, have[2] = {t->n_in, t->n_out};

	for (size_t i = 0; i < t->ports; i++) {
		const struct named *p = &t->port[i];
		uint32_t *net = p->output ? t->out : t->in;
		size_t k = at[p->output];

		t->line = p->line;
		if (p->width > have[p->output] - k)
			return fail(t, "more bits than the dump has, with port",
				    p->name);
		if (ax_build_port(t->b, p->output, p->name, p->width, 0,
				  p->width == 1, net + k, p->line, t->err) < 0)
			return -1;
		at[p->output] += p->width;
	}
	if (at[0] != have[0] || at[1] != have[1])
		return fail(t,
			    "the ports named up to here have fewer bits than "
			    "the dump",
			    NULL);
	return 0;
}

static int
ports(struct txt *t)
{
	uint32_t n = (uint32_t)t->n_in;

	if (t->line == 0)
		return ax_err_set(t->err, AX_EXIT_STAGE,
				  "%s: the file is empty; a netlist is a "
				  "CircuitsDNA dump, BLIF, structural Verilog "
				  "or Yosys JSON",
				  t->file);
	if (t->n_out == 0)
		return fail(t, "the dump has no outputs; is it cut short?",
			    NULL);
	if (t->ports)
		return named_ports(t);
	if (n > 0 && n % 2 == 0) {
		if (ax_build_port(t->b, false, "A", n / 2, 0, false, t->in, 1,
				  t->err) < 0 ||
		    ax_build_port(t->b, false, "B", n / 2, 0, false,
				  t->in + n / 2, 1, t->err) < 0)
			return -1;
	} else if (n > 0 && ax_build_port(t->b, false, "A", n, 0, false, t->in,
					  1, t->err) < 0) {
		return -1;
	}
	return ax_build_port(t->b, true, "OUT", (uint32_t)t->n_out, 0, false,
			     t->out, t->line, t->err);
}

int
ax_netlist_read_txt(struct ax_netlist **out, const char *name, const char *text,
		    size_t len, struct ax_str *warn, struct ax_err *err)
{
	struct txt t = {.file = name, .err = err};
	char line[MAX_LINE];
	int rc = 0;

	t.b = ax_build_new(name, "netlist", warn);
	for (size_t at = 0; at < len && rc == 0;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - text) - at : len - at;

		t.line++;
		if (n >= sizeof(line)) {
			rc = fail(&t, "the line is longer than 511 bytes",
				  NULL);
			break;
		}
		memcpy(line, text + at, n);
		line[n] = '\0';
		at += n + 1;
		if (strlen(line) != n)
			rc = fail(&t, "a NUL byte; this is no text", NULL);
		else if (strncmp(line, PORT, strlen(PORT)) == 0)
			rc = port(&t, line + strlen(PORT));
		else if (line[0] != '#' && line[strspn(line, " \t\r")])
			rc = statement(&t, line);
	}
	if (rc == 0)
		rc = ports(&t);
	if (rc == 0)
		rc = ax_build_finish(out, t.b, false, err);
	else
		ax_build_free(t.b);
	for (size_t i = 0; i < t.ports; i++)
		free(t.port[i].name);
	free(t.port);
	free(t.in);
	free(t.out);
	return rc;
}

static void
ref(struct ax_str *out, const struct ax_netlist *net, uint32_t r)
{
	if (r < net->inputs)
		ax_str_addf(out, "n%u", r);
	else
		ax_str_addf(out, "v%u_0", r - net->inputs);
}

/* Whether a reader finds the ports without their being named. */
static bool
published_ports(const struct ax_netlist *net)
{
	uint32_t n = net->inputs;

	if (net->outs != 1 || !ax_streq(net->out[0].name, "OUT") ||
	    net->ins > 2 || (net->ins && !ax_streq(net->in[0].name, "A")))
		return false;
	if (net->ins < 2)
		return n == 0 || n % 2;
	return ax_streq(net->in[1].name, "B") &&
	       net->in[0].width == net->in[1].width;
}

static int
name_ports(struct ax_str *out, const struct ax_bus *bus, uint32_t n,
	   const char *kind, struct ax_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *name = bus[i].name;

		if (strlen(name) > MAX_LINE - 64 || name[0] == '\0' ||
		    name[0] == ' ' || strpbrk(name, "\r\n"))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "the dump format cannot say the port "
					  "name '%.80s'; rename it",
					  name);
		ax_str_addf(out, PORT "%s %u %s\n", kind, bus[i].width, name);
	}
	return 0;
}

int
ax_netlist_write_txt(struct ax_str *out, const struct ax_netlist *net,
		     struct ax_err *err)
{
	ax_str_add(out, "# Netlist\n");
	if (!published_ports(net) &&
	    (name_ports(out, net->in, net->ins, "input", err) < 0 ||
	     name_ports(out, net->out, net->outs, "output", err) < 0))
		return -1;
	for (uint32_t i = 0; i < net->inputs; i++)
		ax_str_addf(out, "INPUT n%u\n", i);
	ax_str_add(out, "\n");
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];

		if (node->kind == AX_CELL)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "node %zu is no gate that the dump "
					  "format has; expand the netlist "
					  "first",
					  j);
		ax_str_addf(out, "v%zu_0 = %s(", j,
			    ax_gate_name((enum ax_gate)node->kind));
		for (unsigned i = 0; i < node->n; i++) {
			if (i)
				ax_str_add(out, ", ");
			ref(out, net, node->in[i]);
		}
		ax_str_add(out, ")\n\n");
	}
	for (uint32_t i = 0; i < net->outputs; i++) {
		ax_str_addf(out, "OUT%u = ", i);
		ref(out, net, net->out_ref[i]);
		ax_str_addc(out, '\n');
	}
	return 0;
}
