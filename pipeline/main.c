/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/cli/cli.h"

int
main(int argc, char **argv)
{
	return ax_cli_main(argc, argv);
}
