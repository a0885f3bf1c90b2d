/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a node runs. The causes, each with words of its own:
 *
 *   new                    it never ran under this name
 *   evicted                it ran with this key; record or object is gone
 *   changed                components of its key differ from its last run's
 *   nondeterministic ...   an input differs although the node that made it has
 *                          the key it had
 *   previous failure, tainted   its last try with this key
 *   waits for              not known before another node has run
 */
#include "pipeline/run/engine.h"

#include "artifacts/base/base.h"

#define SHOWN 3      /* changes on one line */
#define MAX_VALUE 48 /* characters of a value */

static bool
is_hex(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n == AX_HEX_LEN && !s[n];
}

/* Digests short, long values cut, the digest after a tool's version short. */
static void
add_value(struct ax_str *s, const char *value)
{
	size_t n = strlen(value);

	if (is_hex(value)) {
		ax_str_addn(s, value, 8);
	} else if (n > AX_HEX_LEN && value[n - AX_HEX_LEN - 1] == ' ' &&
		   is_hex(value + n - AX_HEX_LEN)) {
		size_t words = AX_MIN(n - AX_HEX_LEN, (size_t)MAX_VALUE);

		ax_str_addn(s, value, words);
		ax_str_addn(s, value + n - AX_HEX_LEN, 8);
	} else if (n > MAX_VALUE) {
		/* not in the middle of a character */
		for (n = MAX_VALUE; n && (value[n] & 0xc0) == 0x80;)
			n--;
		ax_str_addn(s, value, n);
		ax_str_add(s, "...");
	} else {
		ax_str_add(s, value);
	}
}

/* The node wired to "input.x" or "input.x[i]", or NULL. */
static const struct ax_node *
maker(const struct ax_node *n, const char *component)
{
	const char *name, *bracket;
	size_t len, at = 0;

	if (!ax_starts(component, "input."))
		return NULL;
	name = component + strlen("input.");
	bracket = strchr(name, '[');
	len = bracket ? (size_t)(bracket - name) : strlen(name);
	if (bracket)
		at = strtoul(bracket + 1, NULL, 10);
	for (size_t i = 0; i < n->nwires; i++) {
		const struct ax_wire *w = &n->wires[i];

		if (strlen(w->port->name) == len &&
		    strncmp(w->port->name, name, len) == 0 && at < w->n)
			return w->links[at].node;
	}
	return NULL;
}

/* An input that differs from before although its maker's key does not. */
static const struct ax_node *
fickle(const struct ax_run *r, const struct ax_node *n, const char *component,
       const json_t *record)
{
	const struct ax_node *p = maker(n, component);
	const char *then = json_string_value(
		json_object_get(json_object_get(record, "from"), component));
	char hex[AX_HEX_LEN + 1];

	if (!p || !then || !r->outcomes[p->index].has_key)
		return NULL;
	ax_hex(hex, &r->outcomes[p->index].key);
	return ax_streq(then, hex) ? p : NULL;
}

struct diff {
	struct ax_run *run;
	const struct ax_node *node;
	const json_t *record;
	struct ax_str *out;
	const char *between, *after; /* around each change */
	size_t shown, total, most;
	bool fickle;
	bool waits; /* inputs that are not known yet did not change */
};

static void
change(struct diff *d, const char *name, const char *from, const char *to)
{
	const struct ax_node *p;
	struct ax_str *s = d->out;

	if (d->waits && !to && ax_starts(name, "input."))
		return;
	d->total++;
	p = fickle(d->run, d->node, name, d->record);
	if (p && from && to)
		d->fickle = true;
	if (d->total > d->most)
		return;
	ax_str_add(s, d->shown++ ? d->between : "");
	ax_str_add(s, name);
	ax_str_addc(s, ' ');
	if (from)
		add_value(s, from);
	else
		ax_str_add(s, "(none)");
	ax_str_add(s, " -> ");
	if (to)
		add_value(s, to);
	else
		ax_str_add(s, "(none)");
	if (p && from && to)
		ax_str_addf(s, " (%s gave other bytes for the same key)",
			    p->name);
	else if ((p = maker(d->node, name)) != NULL)
		ax_str_addf(s, " (made by %s)", p->name);
	ax_str_add(s, d->after);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Walks the two sorted lists of components. */
static void
diff_components(struct diff *d)
{
	const struct ax_outcome *o = &d->run->outcomes[d->node->index];
	json_t *old = json_object_get(d->record, "components");
	size_t n = json_object_size(old), i = 0, k = 0;
	const char **names = ax_calloc(n + 1, sizeof(*names)), *name;
	json_t *value;

	json_object_foreach(old, name, value) names[i++] = name;
	if (n)
		qsort(names, n, sizeof(*names), by_text);
	for (i = 0; i < n || k < o->ncomponents;) {
		const struct ax_component *c = &o->components[k];
		int cmp = i == n                ? 1
			  : k == o->ncomponents ? -1
						: strcmp(names[i], c->name);
		const char *was;

		if (cmp > 0) {
			change(d, c->name, NULL, c->value);
			k++;
			continue;
		}
		was = json_string_value(json_object_get(old, names[i]));
		was = was ? was : "?";
		if (cmp < 0) {
			change(d, names[i], was, NULL);
		} else {
			if (!ax_streq(was, c->value))
				change(d, c->name, was, c->value);
			k++;
		}
		i++;
	}
	free(names);
}

/* A past try under the key that the node has now. */
static bool
add_failure(struct ax_str *s, const struct ax_past *past,
	    const struct ax_outcome *o)
{
	if (!past || !past->failed || !ax_digest_eq(&past->failed_key, &o->key))
		return false;
	if (ax_starts(past->error, "tainted"))
		ax_str_addf(s, "%s (in run %s)", past->error, past->failed_run);
	else
		ax_str_addf(s, "previous failure in run %s: %s",
			    past->failed_run, past->error);
	return true;
}

/* The causes of a node whose key is known and has no usable record. `most`
 * changes are shown, each between `between` and `after`. */
static void
add_cause(struct ax_str *s, struct ax_run *r, const struct ax_node *n,
	  const char *evicted, size_t most, const char *first,
	  const char *between, const char *after)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_past *past =
		ax_journal_find(r->engine->journal, n->name);
	struct diff d = {.run = r,
			 .node = n,
			 .between = between,
			 .after = after,
			 .most = most};
	struct ax_str changes = AX_STR_INIT;
	json_t *record = NULL;

	if (evicted) {
		ax_str_add(s, evicted);
		return;
	}
	if (add_failure(s, past, o))
		return;
	if (!past || !past->ok) {
		ax_str_add(s, past ? "new: it never ran to its end"
				   : "new: it never ran");
		return;
	}
	if (ax_digest_eq(&past->key, &o->key)) {
		ax_str_addf(s, "evicted: the record of run %s is gone",
			    past->run);
		return;
	}
	if (ax_store_record_get(r->store, &past->key, &record, NULL) != 1) {
		ax_str_addf(s,
			    "changed since run %s (its record is gone, so what "
			    "changed cannot be named)",
			    past->run);
		return;
	}
	d.record = record;
	d.out = &changes;
	diff_components(&d);
	ax_str_addf(s, "%s since run %s:%s%s",
		    d.fickle ? "nondeterministic parent, changed" : "changed",
		    past->run, first, changes.buf ? changes.buf : "");
	if (d.total > d.shown)
		ax_str_addf(s, "%sand %zu more", between, d.total - d.shown);
	ax_str_free(&changes);
	json_decref(record);
}

/* What has changed of a node itself that waits for another one. */
static void
add_own(struct ax_str *s, struct ax_run *r, const struct ax_node *n)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_past *past =
		ax_journal_find(r->engine->journal, n->name);
	struct ax_str changes = AX_STR_INIT;
	struct diff d = {.run = r,
			 .node = n,
			 .out = &changes,
			 .between = ", ",
			 .after = "",
			 .most = SIZE_MAX,
			 .waits = true};
	json_t *record = NULL;

	if (past && past->ok &&
	    ax_store_record_get(r->store, &past->key, &record, NULL) == 1 &&
	    ax_key_components(r, n, true, NULL) == 0) {
		d.record = record;
		diff_components(&d);
	}
	if (d.total)
		ax_str_addf(s, "  %s: changed since run %s: %s\n", n->name,
			    past->run, changes.buf);
	o->components = NULL;
	o->ncomponents = 0;
	ax_str_free(&changes);
	json_decref(record);
}

void
ax_explain_dirty(struct ax_run *r, const struct ax_node *n, const char *evicted)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_str s = AX_STR_INIT;

	add_cause(&s, r, n, evicted, SHOWN, " ", ", ", "");
	free(o->why);
	o->why = ax_str_take(&s);
}

void
ax_explain_waits(struct ax_run *r, const struct ax_node *n)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	size_t cause = r->engine->cause[n->index];

	free(o->why);
	if (cause == n->index || cause == SIZE_MAX)
		o->why =
			ax_strdup("waits for an input that is not fetched yet");
	else
		o->why = ax_asprintf("waits for %s",
				     r->graph->nodes[cause]->name);
}

static const char *
text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* The first input whose bytes are others now than in `then`, the record of an
 * earlier try of `n`, and the node that made it. `components`: of now. */
static const struct ax_node *
changed_input(const struct ax_node *n, const json_t *then,
	      const json_t *components, const char **name)
{
	const json_t *old = json_object_get(then, "components");
	const struct ax_node *found = NULL;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)old, key, value)
	{
		const char *now = text_of(components, key);
		const struct ax_node *p = maker(n, key);

		if (!p || !now || ax_streq(now, json_string_value(value)) ||
		    ax_ends(key, ".coords") ||
		    (found && strcmp(*name, key) <= 0))
			continue;
		found = p;
		*name = key;
	}
	return found;
}

/* "  param.x 1 -> 2, code ...": what two records of a node differ in. */
static void
add_differences(struct ax_str *s, const json_t *then, const json_t *now)
{
	const json_t *old = json_object_get(then, "components");
	const json_t *new = json_object_get(now, "components");
	size_t shown = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)new, key, value)
	{
		const char *was = text_of(old, key);
		const char *is = json_string_value(value);

		if (ax_streq(was, is) || shown >= SHOWN)
			continue;
		ax_str_addf(s, "%s%s ", shown++ ? ", " : "", key);
		add_value(s, was ? was : "(none)");
		ax_str_add(s, " -> ");
		add_value(s, is ? is : "?");
	}
	if (!shown)
		ax_str_add(s, "fewer components than it had");
}

/* Where a node differs because of one that was made anew in an earlier run:
 * up along the inputs that differ, to the first node that has a cause of its
 * own. */
static void
add_origin(struct ax_str *s, struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_past *past =
		ax_journal_find(r->engine->journal, n->name);
	json_t *then = NULL, *now = json_object(), *old = NULL, *new = NULL;
	json_t *components = json_object();
	const struct ax_node *p;
	const char *name = NULL, *was;
	struct ax_digest key;

	for (size_t i = 0; i < o->ncomponents; i++)
		json_object_set_new(components, o->components[i].name,
				    json_string(o->components[i].value));
	json_object_set_new(now, "components", components);
	if (!past || !past->ok || !o->ncomponents ||
	    ax_store_record_get(r->store, &past->key, &then, NULL) != 1)
		goto out;
	for (size_t depth = 0; depth <= r->graph->n; depth++) {
		p = changed_input(n, then, json_object_get(now, "components"),
				  &name);
		was = p ? text_of(json_object_get(then, "from"), name) : NULL;
		if (!was || ax_unhex(&key, was) < 0 ||
		    !r->outcomes[p->index].has_key ||
		    ax_digest_eq(&key, &r->outcomes[p->index].key) ||
		    ax_store_record_get(r->store, &key, &old, NULL) != 1 ||
		    ax_store_record_get(r->store, &r->outcomes[p->index].key,
					&new, NULL) != 1)
			break;
		json_decref(then);
		json_decref(now);
		then = old;
		now = new;
		old = new = NULL;
		n = p;
		if (depth == r->graph->n ||
		    changed_input(n, then, json_object_get(now, "components"),
				  &name))
			continue;
		ax_str_addf(s, "  first to differ: %s: ", n->name);
		add_differences(s, then, now);
		ax_str_addc(s, '\n');
		break;
	}
out:
	json_decref(old);
	json_decref(new);
	json_decref(then);
	json_decref(now);
}

static void
add_time(struct ax_str *s, double when)
{
	time_t t = (time_t)when;
	struct tm tm;
	char text[40];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	ax_str_add(s, text);
}

void
ax_explain_node(struct ax_str *s, struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_past *past =
		ax_journal_find(r->engine->journal, n->name);
	size_t cause = r->engine->cause[n->index];
	char hex[AX_HEX_LEN + 1];

	ax_str_addf(s, "%s: ", n->name);
	switch (o->state) {
	case AX_HIT:
		ax_str_add(s, "up to date, made ");
		add_time(s, o->started);
		ax_str_addf(s, " in %.1f s", o->ended - o->started);
		if (past && past->ok && ax_digest_eq(&past->key, &o->key))
			ax_str_addf(s, " (run %s)", past->run);
		ax_str_addc(s, '\n');
		break;
	case AX_SUBSTITUTED:
		ax_str_add(s, "substituted: its pinned outputs are at hand\n");
		break;
	case AX_UNNEEDED:
		ax_str_add(s, "not needed: no target, or only a pinned node, "
			      "wants it\n");
		break;
	case AX_MAYBE:
		ax_str_addf(s, "may run: %s\n", o->why);
		if (cause != SIZE_MAX && cause != n->index)
			ax_str_addf(
				s, "  %s: %s\n", r->graph->nodes[cause]->name,
				r->outcomes[cause].why ? r->outcomes[cause].why
						       : "");
		if (cause != SIZE_MAX && cause != n->index)
			add_origin(s, r, r->graph->nodes[cause]);
		add_own(s, r, n);
		break;
	case AX_DIRTY:
		ax_str_add(s, "will run: ");
		/* what a record lacks is told in the line already */
		if (o->why && (ax_starts(o->why, "changed since") ||
			       ax_starts(o->why, "nondeterministic")))
			add_cause(s, r, n, NULL, SIZE_MAX, "\n  ", "\n  ", "");
		else
			ax_str_add(s, o->why ? o->why : "");
		ax_str_addc(s, '\n');
		add_origin(s, r, n);
		break;
	default:
		ax_str_addf(s, "%s%s%s\n", ax_state_name(o->state),
			    o->error ? ": " : "", o->error ? o->error : "");
	}
	if (o->has_key)
		ax_str_addf(s, "  key %s\n", ax_hex(hex, &o->key));
}
