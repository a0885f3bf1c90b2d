/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to jobs. */
#ifndef AX_EXEC_LOCAL_H
#define AX_EXEC_LOCAL_H

#include <stdint.h>

/* CPUs that this process may use: its affinity, and the quota of its cgroup,
 * rounded up. At least 1. */
unsigned ax_machine_cpus(void);
/* Bytes of memory: what is installed, or the limit of its cgroup if lower. */
uint64_t ax_machine_memory(void);

#endif
