/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"

int
main(int argc, char **argv)
{
	/* a parser without memory must not say that the text is wrong */
	json_set_alloc_funcs(ax_malloc, free);
	ax_heap_large_pages();
	return ax_cli_main(argc, argv);
}
