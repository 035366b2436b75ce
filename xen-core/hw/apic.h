/* The CPU's local APIC (xAPIC or x2APIC) and the vectors that are ours. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_APIC_H
#define XEN_CORE_HW_APIC_H

#include "lib/types.h"

/*
 * dom0 programs the real IO-APIC and MSIs with vectors of its own choice, below 0xf0. Ours stand
 * above, in the highest priority class, so a level interrupt that dom0 has not yet ended never
 * blocks the hypervisor.
 */
#define VECTOR_FIRST_OWN 0xf0
#define VECTOR_TIMER     0xf8
#define VECTOR_KICK      0xf9
#define VECTOR_CALL      0xfa
#define VECTOR_ERROR     0xfe
#define VECTOR_SPURIOUS  0xff

void apic_init(void);     /* boot CPU: find and map */
void apic_cpu_init(void); /* each CPU */

uint32_t apic_id(void);
void apic_eoi(void);
bool apic_in_service(uint8_t vector);
bool apic_is_level(uint8_t vector); /* the trigger mode that the vector was accepted with */

void apic_send(uint32_t apic_id, uint8_t vector);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);
void apic_send_nmi_others(void);     /* to every other CPU that is online */
bool apic_reaches(uint32_t apic_id); /* ids beyond 8 bits need x2APIC */

/* One-shot timer in ticks of apic_timer_khz(); 0 stops it. With TSC deadline a tick is one of the TSC. */
void apic_timer_set(uint32_t ticks);
uint64_t apic_timer_khz(void);
void apic_timer_calibrate(void); /* boot CPU, after clock_init */

#endif
