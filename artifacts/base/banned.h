/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that this project does not call: they overflow, keep hidden state
 * or start a shell. Included by base.h, so that a use is a compile error.
 */
#ifndef AX_BANNED_H
#define AX_BANNED_H

#pragma GCC poison strcpy strcat sprintf vsprintf strtok ctime asctime gets
#pragma GCC poison system popen tmpnam mktemp

#endif
