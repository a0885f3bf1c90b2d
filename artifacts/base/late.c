/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/late.h"

#include <dlfcn.h>

#include "artifacts/base/base.h"

int
ax_late_load(void *table, const char *const *names, size_t n,
	     const char *soname, const char *package, struct ax_err *err)
{
	const size_t size = sizeof(void *);
	void *lib, *at;

	/* the last is written last */
	memcpy(&at, (char *)table + (n - 1) * size, size);
	if (at)
		return 0;
	lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; lib && i < n; i++) {
		at = dlsym(lib, names[i]);
		if (!at)
			break;
		memcpy((char *)table + i * size, &at, size);
	}
	if (at)
		return 0;
	at = dlerror();
	return ax_err_set(err, AX_EXIT_ENV,
			  "%s cannot be loaded (%s); install the package %s",
			  soname, at ? (const char *)at : "out of memory",
			  package);
}
