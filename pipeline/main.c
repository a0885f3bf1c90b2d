/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
int
main(void)
{
	return AX_EXIT_USAGE;
}
