/* Forgetting translations: each CPU has a generation, and tagged TLB entries of older ones are void. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_P2M_FLUSH_H
#define XEN_CORE_P2M_FLUSH_H

#include "lib/types.h"

/* On return no CPU of the mask uses a translation that was cached before the call. No lock is held. */
void p2m_flush(unsigned long cpu_mask);

/* The same for this CPU alone, which is not in guest mode. */
void p2m_flush_here(void);

/* This CPU's generation; the vendor backend takes a new tag for a vCPU when it has moved on. */
uint64_t p2m_flush_generation(unsigned cpu_id);

#endif
