/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AX_GITLIB_H
#define AX_GITLIB_H

/* Before anything of libgit2; as often as one likes. */
void ax_git_start(void);

#endif
