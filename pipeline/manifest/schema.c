/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema of manifests, for editors. It is a little wider than the
 * language: wherever a value may be computed, "${...}" and {"$by": ...} are
 * allowed beside the value itself.
 */
#include "pipeline/manifest/describe.h"
#include "pipeline/manifest/place.h"

/* Definitions that do not depend on the stages. */
static const char fixed[] =
	"{"
	"\"name\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z][A-Za-z0-9_-]{0,"
	"99}$\"},"
	"\"text\":{\"description\":\"text, or a list of "
	"lines\",\"type\":[\"string\",\"array\"],\"items\":{\"type\":"
	"\"string\"}},"
	"\"variable\":{\"description\":\"a string with ${name}, or a choice by "
	"a coordinate or variable\",\"anyOf\":["
	"{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{[A-Za-z][A-Za-z0-9_-]*"
	"\\\\}\"},"
	"{\"type\":\"object\",\"properties\":{\"$by\":{\"type\":\"string\"}},"
	"\"required\":[\"$by\"]}]},"
	"\"sha256\":{\"description\":\"SHA-256 of the bytes, 64 hex "
	"digits\",\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{"
	"64}$\"},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"string\":{\"anyOf\":[{\"type\":\"string\"},{\"$ref\":\"#/$defs/"
	"variable\"}]},"
	"\"number\":{\"anyOf\":[{\"type\":\"number\"},{\"$ref\":\"#/$defs/"
	"variable\"}]},"
	"\"values\":{\"description\":\"values of a "
	"coordinate\",\"anyOf\":[{\"type\":\"array\",\"minItems\":1,\"items\":{"
	"\"type\":[\"string\",\"number\",\"boolean\"]}},{\"$ref\":\"#/$defs/"
	"variable\"}]},"
	"\"axes\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/"
	"$defs/values\"}},"
	"\"matrix\":{\"description\":\"a sweep: one node for each "
	"point\",\"anyOf\":["
	"{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"$"
	"ref\":\"#/$defs/values\"}},"
	"{\"type\":\"object\",\"properties\":{\"product\":{\"$ref\":\"#/$defs/"
	"axes\"},\"zip\":{\"$ref\":\"#/$defs/axes\"},"
	"\"exclude\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}},"
	"\"additionalProperties\":false,\"anyOf\":[{\"required\":[\"product\"]}"
	",{\"required\":[\"zip\"]}]},"
	"{\"$ref\":\"#/$defs/variable\"}]},"
	"\"reference\":{\"description\":\"\\\"name\\\" of an input, or "
	"\\\"name.output\\\", or "
	"\\\"name[wce=0.001].output\\\"\",\"anyOf\":[{\"type\":[\"string\","
	"\"null\"]},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"references\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
	"reference\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/"
	"reference\"}}]},"
	"\"pin\":{\"description\":\"the digest that an output must "
	"have\",\"anyOf\":[{\"$ref\":\"#/$defs/sha256\"},{\"type\":\"null\"}]},"
	"\"resources\":{\"type\":\"object\",\"properties\":{"
	"\"cpus\":{\"description\":\"0: all that -j "
	"allows\",\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"$ref\":\"#"
	"/$defs/variable\"}]},"
	"\"memory\":{\"description\":\"a size such as \\\"512 "
	"MiB\\\"\",\"type\":[\"string\",\"integer\",\"object\"]},"
	"\"timeout\":{\"description\":\"seconds, 0: "
	"none\",\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"$ref\":\"#/"
	"$defs/variable\"}]},"
	"\"grow\":{\"description\":\"after running out of time or memory, once "
	"more with both times this\",\"anyOf\":[{\"type\":\"number\","
	"\"minimum\":1,\"maximum\":16},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"retries\":{\"description\":\"tries after one that failed without "
	"fault of the program\",\"anyOf\":[{\"type\":\"integer\",\"minimum\":0,"
	"\"maximum\":10},{\"$ref\":\"#/$defs/variable\"}]}},"
	"\"additionalProperties\":false},"
	"\"input\":{\"oneOf\":["
	"{\"type\":\"object\",\"description\":\"a file or "
	"folder\",\"properties\":{\"file\":{\"$ref\":\"#/$defs/"
	"string\"},\"sha256\":{\"$ref\":\"#/$defs/sha256\"},"
	"\"matrix\":{\"$ref\":\"#/$defs/"
	"matrix\"}},\"required\":[\"file\"],\"additionalProperties\":false},"
	"{\"type\":\"object\",\"description\":\"bytes at an address, or a file "
	"of an archive "
	"there\",\"properties\":{\"url\":{\"$ref\":\"#/$defs/string\"},"
	"\"sha256\":{\"$ref\":\"#/$defs/"
	"sha256\"},\"size\":{\"type\":\"integer\",\"minimum\":1},\"member\":{"
	"\"$ref\":\"#/$defs/string\"},\"decompress\":{\"type\":\"boolean\"},"
	"\"matrix\":{\"$ref\":\"#/$defs/"
	"matrix\"}},\"required\":[\"url\",\"sha256\"],\"additionalProperties\":"
	"false},"
	"{\"type\":\"object\",\"description\":\"a file or folder of a "
	"repository at a "
	"commit\",\"properties\":{\"git\":{\"$ref\":\"#/$defs/string\"},"
	"\"rev\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{40}$\"},\"path\":"
	"{\"$ref\":\"#/$defs/string\"},\"sha256\":{\"$ref\":\"#/$defs/"
	"sha256\"},"
	"\"matrix\":{\"$ref\":\"#/$defs/"
	"matrix\"}},\"required\":[\"git\",\"rev\",\"path\"],"
	"\"additionalProperties\":false}]},"
	"\"axis\":{\"description\":\"an expression, a list of numbers, or with "
	"csv a column\",\"anyOf\":[{\"type\":[\"string\",\"array\"]},"
	"{\"$ref\":\"#/$defs/variable\"}]},"
	"\"flag\":{\"anyOf\":[{\"type\":\"boolean\"},{\"$ref\":\"#/$defs/"
	"variable\"}]},"
	"\"series\":{\"type\":\"object\",\"properties\":{\"label\":{\"type\":"
	"\"string\"},"
	"\"x\":{\"$ref\":\"#/$defs/axis\"},"
	"\"y\":{\"$ref\":\"#/$defs/axis\"},\"csv\":{\"description\":\"a "
	"CSV output: \\\"finetune.history\\\"\",\"type\":\"string\"},"
	"\"style\":{\"enum\":[\"points\",\"lines\",\"linespoints\",\"bars\"]}},"
	"\"required\":[\"x\",\"y\"],\"additionalProperties\":false},"
	"\"range\":{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":"
	"\"number\"},\"minItems\":2,\"maxItems\":2},"
	"{\"$ref\":\"#/$defs/variable\"}]},"
	"\"figure\":{\"type\":\"object\",\"properties\":{\"name\":{\"$ref\":\"#"
	"/$defs/"
	"name\"},\"title\":{\"type\":\"string\"},\"xlabel\":{\"type\":"
	"\"string\"},"
	"\"ylabel\":{\"type\":\"string\"},\"logx\":{\"$ref\":\"#/$defs/flag\"},"
	"\"logy\":{\"$ref\":\"#/$defs/flag\"},\"xrange\":{\"$ref\":\"#/$defs/"
	"range\"},\"yrange\":{\"$ref\":\"#/$defs/range\"},"
	"\"series\":{\"anyOf\":[{\"type\":\"array\",\"minItems\":1,\"items\":"
	"{\"anyOf\":[{\"$ref\":\"#/$defs/series\"},{\"$ref\":\"#/$defs/"
	"variable\"}]}},{\"$ref\":\"#/$defs/"
	"variable\"}]}},\"required\":[\"name\",\"series\"],"
	"\"additionalProperties\":false},"
	"\"claim\":{\"type\":\"object\",\"properties\":{\"figure\":{\"$ref\":"
	"\"#/$defs/string\"},\"text\":{\"$ref\":\"#/$defs/string\"},"
	"\"value\":{\"description\":\"an expression over metrics: "
	"evolve[wce=0.005].transistors\",\"$ref\":\"#/$defs/string\"},"
	"\"equals\":{\"anyOf\":[{\"type\":[\"number\",\"string\"]},{\"$ref\":"
	"\"#/$defs/variable\"}]},"
	"\"tolerance\":{\"description\":\"absolute, or a share such as \\\"1 "
	"%\\\"\",\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"type\":"
	"\"string\"},{\"$ref\":\"#/$defs/variable\"}]},"
	"\"at_most\":{\"$ref\":\"#/$defs/number\"},\"at_least\":{\"$ref\":\"#/"
	"$defs/number\"},"
	"\"between\":{\"$ref\":\"#/$defs/range\"},"
	"\"unit\":{\"type\":\"string\"},\"note\":{\"$ref\":\"#/$defs/"
	"string\"}},\"required\":[\"value\"],"
	"\"oneOf\":[{\"required\":[\"equals\"]},{\"required\":[\"at_most\"]},{"
	"\"required\":[\"at_least\"]},{\"required\":[\"between\"]}],"
	"\"additionalProperties\":false}"
	"}";

static const char top[] =
	"{\"$schema\":{\"type\":\"string\"},"
	"\"axpipe\":{\"description\":\"version of the language\",\"const\":1},"
	"\"name\":{\"$ref\":\"#/$defs/name\"},"
	"\"description\":{\"$ref\":\"#/$defs/text\"},"
	"\"include\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
	"\"vars\":{\"description\":\"values for "
	"${name}\",\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/"
	"name\"}},"
	"\"inputs\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/"
	"name\"},\"additionalProperties\":{\"$ref\":\"#/$defs/input\"}},"
	"\"stages\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/"
	"name\"},\"additionalProperties\":{\"$ref\":\"#/$defs/entry\"}},"
	"\"figures\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#/"
	"$defs/figure\"},{\"$ref\":\"#/$defs/variable\"}]}},"
	"\"claims\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/"
	"claim\"}}}";

/* Comments are allowed in every closed object. */
static void
allow_comments(json_t *schema)
{
	json_t *properties, *names, *member;
	const char *key;
	size_t i;

	if (json_is_array(schema)) {
		json_array_foreach(schema, i, member) allow_comments(member);
		return;
	}
	if (!json_is_object(schema))
		return;
	properties = json_object_get(schema, "properties");
	if (json_is_object(properties) &&
	    json_is_false(json_object_get(schema, "additionalProperties")))
		json_object_set_new(properties, "//", json_true());
	names = json_object_get(schema, "propertyNames");
	if (names) {
		member = json_pack("{s:[O,{s:s}]}", "anyOf", names, "const",
				   "//");
		json_object_set_new(schema, "propertyNames", member);
		json_object_set_new(schema, "patternProperties",
				    json_pack("{s:b}", "^//$", 1));
		/* a comment is no entry */
		return;
	}
	json_object_foreach(schema, key, member) allow_comments(member);
}

static json_t *
reference_to(const char *name)
{
	return json_pack("{s:s+}", "$ref", "#/$defs/", name);
}

/* A parameter: its fragment, or something computed; "unit" goes into words. */
static json_t *
param_schema(const json_t *fragment)
{
	json_t *plain = json_deep_copy(fragment), *out;
	const char *text =
		json_string_value(json_object_get(fragment, "description"));
	const char *unit = json_string_value(json_object_get(fragment, "unit"));
	char *words;
	json_t *fallback = json_object_get(fragment, "default");

	words = ax_asprintf("%s%s%s%s", text ? text : "", unit ? " [" : "",
			    unit ? unit : "", unit ? "]" : "");
	json_object_del(plain, "unit");
	json_object_del(plain, "description");
	json_object_del(plain, "default");
	out = json_pack("{s:[o,o]}", "anyOf", plain, reference_to("variable"));
	if (fallback && json_is_null(fallback))
		json_array_append_new(json_object_get(out, "anyOf"),
				      json_pack("{s:s}", "type", "null"));
	if (*words)
		json_object_set_new(out, "description", json_string(words));
	if (fallback)
		json_object_set(out, "default", fallback);
	free(words);
	return out;
}

static json_t *
in_schema(const struct ax_stage *s)
{
	json_t *properties = json_object(), *required = json_array(), *one;
	struct ax_str words = AX_STR_INIT;

	for (size_t i = 0; i < s->ninputs; i++) {
		const struct ax_port *p = &s->inputs[i];

		one = reference_to(p->many ? "references" : "reference");
		ax_str_clear(&words);
		ax_str_addf(&words, "%s%s%s", p->type, p->summary ? ": " : "",
			    p->summary ? p->summary : "");
		json_object_set_new(one, "description", json_string(words.buf));
		json_object_set_new(properties, p->name, one);
		if (p->required)
			json_array_append_new(required, json_string(p->name));
	}
	ax_str_free(&words);
	return json_pack("{s:s,s:o,s:o,s:b}", "type", "object", "properties",
			 properties, "required", required,
			 "additionalProperties", 0);
}

/* What an entry must look like when "stage" names this one. */
static json_t *
stage_schema(const struct ax_stage *s)
{
	json_t *params = json_object(), *pins = json_object(), *out, *fragment;
	const char *name;
	bool needs = false;

	json_object_foreach(s->params, name, fragment)
		json_object_set_new(params, name, param_schema(fragment));
	for (size_t i = 0; i < s->noutputs; i++)
		json_object_set_new(pins, s->outputs[i].name,
				    reference_to("pin"));
	/* required parameters are not demanded here: a sweep may set them */
	out = json_pack("{s:{s:{s:s},s:o,s:{s:s,s:o,s:b},s:{s:s,s:o,s:b}}}",
			"properties", "stage", "const", s->name, "in",
			in_schema(s), "params", "type", "object", "properties",
			params, "additionalProperties", 0, "pin", "type",
			"object", "properties", pins, "additionalProperties",
			0);
	for (size_t i = 0; i < s->ninputs; i++)
		needs = needs || s->inputs[i].required;
	if (needs)
		json_object_set_new(out, "required", json_pack("[s]", "in"));
	json_object_set_new(out, "description", json_string(s->summary));
	return out;
}

static json_t *
entry_schema(const struct ax_stages *stages)
{
	json_t *names = json_array(), *cases = json_array(), *out;
	char *key;

	for (size_t i = 0; i < stages->n; i++) {
		const struct ax_stage *s = stages->list[i];

		json_array_append_new(names,
				      json_pack("{s:s,s:s}", "const", s->name,
						"description", s->summary));
		key = ax_asprintf("stage.%s", s->name);
		json_array_append_new(
			cases, json_pack("{s:{s:{s:{s:s}},s:[s]},s:o}", "if",
					 "properties", "stage", "const",
					 s->name, "required", "stage", "then",
					 reference_to(key)));
		free(key);
	}
	out = json_loads(
		"{\"type\":\"object\",\"properties\":{\"in\":{\"type\":"
		"\"object\"},\"matrix\":{\"$ref\":\"#/$defs/matrix\"},"
		"\"params\":{\"type\":\"object\"},\"pin\":{\"type\":\"object\"}"
		",\"resources\":{\"$ref\":\"#/$defs/resources\"}},"
		"\"required\":[\"stage\"],\"additionalProperties\":false}",
		0, NULL);
	if (json_array_size(names))
		json_object_set_new(json_object_get(out, "properties"), "stage",
				    json_pack("{s:s,s:o}", "description",
					      "which stage runs", "oneOf",
					      names));
	else
		json_decref(names);
	if (json_array_size(cases))
		json_object_set_new(out, "allOf", cases);
	else
		json_decref(cases);
	return out;
}

json_t *
ax_schema_manifest(const struct ax_stages *stages)
{
	json_t *defs = json_loads(fixed, 0, NULL), *out;
	char *key;

	json_object_set_new(defs, "entry", entry_schema(stages));
	for (size_t i = 0; i < stages->n; i++) {
		key = ax_asprintf("stage.%s", stages->list[i]->name);
		json_object_set_new(defs, key, stage_schema(stages->list[i]));
		free(key);
	}
	out = json_pack("{s:s,s:s,s:s,s:o,s:[s],s:b,s:o}", "$schema",
			"https://json-schema.org/draft/2020-12/schema", "title",
			"axpipe manifest", "type", "object", "properties",
			json_loads(top, 0, NULL), "required", "axpipe",
			"additionalProperties", 0, "$defs", defs);
	allow_comments(out);
	return out;
}
