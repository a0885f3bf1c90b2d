/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/curl.h"

#include "artifacts/base/base.h"

const struct ax_curl *
ax_curl(struct ax_err *err)
{
	static const char *const names[] = {AX_CURL_FUNCTIONS(AX_LATE_NAME)};
	static struct ax_curl table;

	return ax_late_load(&table, names, AX_LEN(names), "libcurl.so.4",
			    "libcurl4", err) == 0
		       ? &table
		       : NULL;
}
