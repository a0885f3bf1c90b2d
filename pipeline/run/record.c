/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/record.h"

#include <math.h>

#include "artifacts/base/base.h"

const char *const ax_record_members[] = {"axpipe",  "outputs", "metrics",
					 "started", "ended",   "cpu_seconds",
					 "max_rss", "log",     NULL};

/* Text that came from outside may not be UTF-8. */
static json_t *
text_or_null(const char *s)
{
	json_t *v = s ? json_string(s) : NULL;

	return v ? v : json_null();
}

/* Seconds with no more digits than are known. */
static json_t *
rounded(double seconds, double parts)
{
	return json_real(round(seconds * parts) / parts);
}

static void
add_from(json_t *from, const struct ax_run *r, const struct ax_wire *w)
{
	char hex[AX_HEX_LEN + 1], *name;

	for (size_t i = 0; i < w->n; i++) {
		const struct ax_outcome *o;

		if (!w->links[i].node)
			continue;
		o = &r->outcomes[w->links[i].node->index];
		if (!o->has_key)
			continue;
		name = w->port->many
			       ? ax_asprintf("input.%s[%zu]", w->port->name, i)
			       : ax_asprintf("input.%s", w->port->name);
		json_object_set_new(from, name,
				    json_string(ax_hex(hex, &o->key)));
		free(name);
	}
}

json_t *
ax_record_make(const struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_stage *s = n->stage;
	json_t *record = json_object(), *part;
	char hex[AX_HEX_LEN + 1];

	json_object_set_new(record, "axpipe", json_integer(1));
	json_object_set_new(record, "stage", json_string(s->name));
	json_object_set_new(record, "node", text_or_null(n->name));
	json_object_set_new(record, "run", text_or_null(r->id));
	json_object_set_new(record, "key", json_string(ax_hex(hex, &o->key)));
	part = json_object();
	for (size_t i = 0; i < o->ncomponents; i++)
		json_object_set_new(part, o->components[i].name,
				    text_or_null(o->components[i].value));
	json_object_set_new(record, "components", part);
	part = json_object();
	for (size_t i = 0; i < n->nwires; i++)
		add_from(part, r, &n->wires[i]);
	json_object_set_new(record, "from", part);
	part = json_object();
	for (size_t i = 0; i < s->noutputs; i++) {
		if (!o->have[i])
			continue;
		json_object_set_new(part, s->outputs[i].name,
				    json_pack("{s:s, s:I, s:b}", "sha256",
					      ax_hex(hex, &o->outputs[i]),
					      "size", (json_int_t)o->sizes[i],
					      "tree", (int)s->outputs[i].tree));
	}
	json_object_set_new(record, "outputs", part);
	if (o->metrics)
		json_object_set(record, "metrics", o->metrics);
	json_object_set_new(record, "started", rounded(o->started, 1e3));
	json_object_set_new(record, "ended", rounded(o->ended, 1e3));
	json_object_set_new(record, "cpu_seconds",
			    rounded(o->cpu_seconds, 1e6));
	json_object_set_new(record, "max_rss",
			    json_integer((json_int_t)o->max_rss));
	json_object_set_new(record, "log",
			    o->has_log ? json_string(ax_hex(hex, &o->log))
				       : json_null());
	json_object_set_new(record, "deterministic",
			    json_boolean(s->deterministic));
	json_object_set_new(record, "why", text_or_null(o->why));
	return record;
}

static bool
take_outputs(struct ax_outcome *o, const struct ax_stage *s, const json_t *map,
	     const char **reason)
{
	for (size_t i = 0; i < s->noutputs; i++) {
		const json_t *e = json_object_get(map, s->outputs[i].name);
		const char *hex =
			json_string_value(json_object_get(e, "sha256"));

		o->have[i] = false;
		if (!e) {
			if (s->outputs[i].optional)
				continue;
			*reason = "its record lacks an output that the stage "
				  "now declares";
			return false;
		}
		if (!hex || ax_unhex(&o->outputs[i], hex) < 0) {
			*reason = "its record is malformed";
			return false;
		}
		if (json_is_true(json_object_get(e, "tree")) !=
		    s->outputs[i].tree) {
			*reason = "an output changed between file and folder "
				  "in stage.json";
			return false;
		}
		o->sizes[i] = (uint64_t)json_integer_value(
			json_object_get(e, "size"));
		o->have[i] = true;
	}
	return true;
}

bool
ax_record_take(struct ax_outcome *o, const struct ax_node *n,
	       const json_t *record, const char **reason)
{
	const char *log = json_string_value(json_object_get(record, "log"));
	json_t *metrics = json_object_get(record, "metrics");

	if (json_integer_value(json_object_get(record, "axpipe")) != 1) {
		*reason = "its record is of another version of axpipe";
		return false;
	}
	if (!take_outputs(o, n->stage, json_object_get(record, "outputs"),
			  reason))
		return false;
	json_decref(o->metrics);
	o->metrics = json_is_object(metrics) ? json_incref(metrics) : NULL;
	o->started = json_number_value(json_object_get(record, "started"));
	o->ended = json_number_value(json_object_get(record, "ended"));
	o->cpu_seconds =
		json_number_value(json_object_get(record, "cpu_seconds"));
	o->max_rss = (uint64_t)json_integer_value(
		json_object_get(record, "max_rss"));
	o->has_log = log && ax_unhex(&o->log, log) == 0;
	return true;
}
