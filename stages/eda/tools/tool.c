/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "stages/eda/tools/tool.h"

#include "artifacts/base/proc.h"

#define OUTPUT_MAX (64u << 20)
#define ARGS_MAX 4096

int
ax_tool_run(struct ax_task *t, const char *name, const char *const *args,
	    struct ax_str *out, int *status, struct ax_err *err)
{
	const char **argv;
	size_t n = 0;
	int rc;

	while (args[n])
		n++;
	if (n > ARGS_MAX)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: %zu arguments; at most %d files and "
				  "defines are taken",
				  name, n, ARGS_MAX);
	argv = ax_calloc(n + 2, sizeof(*argv));
	argv[0] = ax_task_tool(t, name);
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = args[i];
	out->max = OUTPUT_MAX;
	rc = ax_run(status, argv, NULL, NULL, out, NULL, true,
		    ax_task_num(t, "tool_timeout"), err);
	if (out->len)
		fwrite(out->buf, 1, out->len, stdout);
	fflush(stdout);
	free(argv);
	if (rc < 0)
		return ax_err_wrap(err,
				   "%s did not finish (parameter tool_timeout: "
				   "%g s); its output is in the log",
				   name, ax_task_num(t, "tool_timeout"));
	return 0;
}

static bool
has_word(const char *line, size_t n, const char *const *words)
{
	for (; words && *words; words++)
		if (memmem(line, n, *words, strlen(*words)))
			return true;
	return false;
}

static void
add_line(struct ax_str *to, const char *line, size_t n)
{
	ax_str_add(to, "  ");
	ax_str_addn(to, line, AX_MIN(n, (size_t)300));
	ax_str_addc(to, '\n');
}

void
ax_tool_excerpt(struct ax_str *to, const char *text, const char *const *words,
		const char *const *skip, unsigned max)
{
	const char *p, *end, *last = text;
	unsigned found = 0, lines = 0;
	size_t n;

	for (p = text; *p; p = end + (*end == '\n')) {
		end = strchrnul(p, '\n');
		n = (size_t)(end - p);
		if (!n || has_word(p, n, skip) || !has_word(p, n, words))
			continue;
		if (found++ < max)
			add_line(to, p, n);
	}
	if (found > max)
		ax_str_addf(to, "  ... and %u more\n", found - max);
	if (found)
		goto trim;
	/* back from the end, over the wanted number of lines */
	for (p = text + strlen(text); p > text && lines <= max; p--)
		if (p[-1] == '\n' && *p && lines++ == max)
			break;
	for (last = p; *last; last = end + (*end == '\n')) {
		end = strchrnul(last, '\n');
		if (end > last)
			add_line(to, last, (size_t)(end - last));
	}
trim:
	while (to->len && to->buf[to->len - 1] == '\n')
		to->buf[--to->len] = '\0';
}

bool
ax_tool_is_ident(const char *name)
{
	if (!name || strlen(name) > 200 ||
	    (!isalpha((unsigned char)name[0]) && name[0] != '_'))
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '$')
			return false;
	return true;
}

int
ax_tool_ident(struct ax_task *t, const char *param, const char **out,
	      struct ax_err *err)
{
	*out = ax_task_str(t, param);
	if (!ax_tool_is_ident(*out))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "parameter %s: '%s' is no Verilog identifier "
				  "(a letter or _, then letters, digits, _, $)",
				  param, *out ? *out : "null");
	return 0;
}

int
ax_tool_defines(struct ax_task *t, json_t **out, struct ax_err *err)
{
	json_t *list = ax_task_json(t, "defines"), *v;
	size_t i;

	*out = list;
	json_array_foreach(list, i, v)
	{
		const char *s = json_string_value(v);
		size_t n = s ? strcspn(s, "=") : 0;
		char *name = ax_strndup(s ? s : "", n);
		bool good = s && strlen(s) < 500 && ax_tool_is_ident(name);

		free(name);
		for (const char *p = s; good && *p; p++)
			if (!isgraph((unsigned char)*p) ||
			    strchr("\"'`;\\", *p))
				good = *p == '\'';
		if (!good)
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"parameter defines: '%s' is not NAME or "
				"NAME=VALUE without blanks and quotes",
				s ? s : "?");
	}
	return 0;
}

double
ax_tool_round(double value, int decimals)
{
	char text[64];

	if (!isfinite(value))
		return value;
	/* through text: the result is the double nearest to the decimal */
	snprintf(text, sizeof(text), "%.*f", decimals, value);
	value = strtod(text, NULL);
	return value == 0 ? 0 : value;
}
