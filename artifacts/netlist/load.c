/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/netlist/formats.h"

/*
 * The first word that is neither blank nor comment decides. A dump starts with
 * "# Netlist" or "INPUT", BLIF has a line that starts with '.', JSON starts
 * with '{', Verilog with a comment, a directive, an attribute or "module".
 */
enum ax_net_format
ax_netlist_detect(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (isspace((unsigned char)text[i])) {
			i++;
		} else if (text[i] == '#') {
			while (i < len && text[i] != '\n')
				i++;
		} else if (text[i] == '{') {
			return AX_NET_JSON;
		} else if (text[i] == '.') {
			return AX_NET_BLIF;
		} else if (text[i] == '/' || text[i] == '`' || text[i] == '(' ||
			   (len - i > 6 &&
			    memcmp(text + i, "module", 6) == 0)) {
			return AX_NET_VERILOG;
		} else {
			return AX_NET_TXT;
		}
	}
	return AX_NET_TXT;
}

int
ax_netlist_parse(struct ax_netlist **out, const char *name, const char *text,
		 size_t len, enum ax_net_format format,
		 const struct ax_liberty *lib, struct ax_str *warn,
		 struct ax_err *err)
{
	*out = NULL;
	if (len >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: compressed by gzip; unpack it first",
				  name);
	if (format == AX_NET_AUTO)
		format = ax_netlist_detect(text, len);
	switch (format) {
	case AX_NET_BLIF:
		return ax_netlist_read_blif(out, name, text, len, lib, warn,
					    err);
	case AX_NET_VERILOG:
		return ax_netlist_read_verilog(out, name, text, len, lib, warn,
					       err);
	case AX_NET_JSON:
		return ax_netlist_read_json(out, name, text, len, lib, warn,
					    err);
	default:
		return ax_netlist_read_txt(out, name, text, len, warn, err);
	}
}

int
ax_netlist_load(struct ax_netlist **out, const char *path,
		enum ax_net_format format, const struct ax_liberty *lib,
		struct ax_str *warn, struct ax_err *err)
{
	char *text;
	size_t len;
	int rc;

	*out = NULL;
	if (ax_read_file(&text, &len, path, AX_NET_MAX_FILE, err) < 0)
		return -1;
	rc = ax_netlist_parse(out, path, text, len, format, lib, warn, err);
	free(text);
	return rc;
}
