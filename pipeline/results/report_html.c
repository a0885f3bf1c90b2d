/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/report_html.h"

#include <stdarg.h>

#include "artifacts/base/base.h"

void
ax_html(struct ax_str *s, const char *tag, const char *class_, const char *text)
{
	ax_str_addf(s, "<%s", tag);
	if (class_)
		ax_str_addf(s, " class=\"%s\"", class_);
	ax_str_addc(s, '>');
	ax_str_add_html(s, text ? text : "");
	ax_str_addf(s, "</%s>", tag);
}

void
ax_html_table(struct ax_str *s, const char *label, const struct ax_head *heads,
	      size_t n)
{
	ax_str_add(s, "<div class=\"card\" role=\"region\" tabindex=\"0\" "
		      "aria-label=\"");
	ax_str_add_html(s, label);
	ax_str_add(s, "\"><table class=\"sort\"><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		ax_str_addf(s, "<th scope=\"col\"%s",
			    heads[i].number ? " class=\"n\"" : "");
		if (heads[i].hint) {
			ax_str_add(s, " title=\"");
			ax_str_add_html(s, heads[i].hint);
			ax_str_addc(s, '"');
		}
		ax_str_addc(s, '>');
		ax_str_add_html(s, heads[i].text);
		if (heads[i].unit && *heads[i].unit) {
			ax_str_add(s, "<br>");
			ax_html(s, "small", NULL, heads[i].unit);
		}
		ax_str_add(s, "</th>");
	}
	ax_str_add(s, "</tr></thead><tbody>\n");
}

void
ax_html_table_end(struct ax_str *s)
{
	ax_str_add(s, "</tbody></table></div>\n");
}

void
ax_html_number(struct ax_str *s, const char *sort, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ax_str_add(s, "<td class=\"n\"");
	if (sort && strcmp(sort, text) != 0) {
		ax_str_add(s, " data-v=\"");
		ax_str_add_html(s, sort);
		ax_str_add(s, "\" title=\"");
		ax_str_add_html(s, sort);
		ax_str_addc(s, '"');
	}
	ax_str_addc(s, '>');
	ax_str_add_html(s, text);
	ax_str_add(s, "</td>");
}

void
ax_html_time(struct ax_str *s, double t)
{
	time_t whole = (time_t)t;
	char text[40] = "";
	struct tm tm;

	if (t > 0 && t < 1e11 && gmtime_r(&whole, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	ax_html(s, "td", "t", text);
}
