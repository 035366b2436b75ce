/* Whether two CPUs' time-stamp counters agree: one asks, the other answers with its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_TSC_CHECK_H
#define XEN_CORE_HW_TSC_CHECK_H

#include "lib/types.h"

/* The boot CPU asks CPU `id`, which is in tsc_check_answer meanwhile; warns if they differ. */
void tsc_check_ask(unsigned id);
void tsc_check_answer(void);

#endif
