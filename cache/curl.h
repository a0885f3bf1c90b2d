/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, loaded with the first transfer (artifacts/base/late.h). */
#ifndef AX_CURL_H
#define AX_CURL_H

/* its checks of argument types know no table of functions */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "artifacts/base/late.h"

#define AX_CURL_FUNCTIONS(F)                                                   \
	F(curl_easy_cleanup)                                                   \
	F(curl_easy_getinfo)                                                   \
	F(curl_easy_init)                                                      \
	F(curl_easy_perform)                                                   \
	F(curl_easy_reset)                                                     \
	F(curl_easy_setopt)                                                    \
	F(curl_easy_strerror)                                                  \
	F(curl_free)                                                           \
	F(curl_global_cleanup)                                                 \
	F(curl_global_init)                                                    \
	F(curl_slist_append)                                                   \
	F(curl_slist_free_all)                                                 \
	F(curl_url)                                                            \
	F(curl_url_cleanup)                                                    \
	F(curl_url_get)                                                        \
	F(curl_url_set)

struct ax_curl {
	AX_CURL_FUNCTIONS(AX_LATE_MEMBER)
};

/* NULL, with err, when it cannot be loaded. */
const struct ax_curl *ax_curl(struct ax_err *err);

#endif
