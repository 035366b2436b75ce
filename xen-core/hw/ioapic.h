/* The IO-APICs: masked at boot, then dom0's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_IOAPIC_H
#define XEN_CORE_HW_IOAPIC_H

/* Masks every pin of every IO-APIC in the MADT, and the legacy PICs. */
void ioapic_mask_all(void);

#endif
