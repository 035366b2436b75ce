/* What we need of ACPI: find tables, CPUs and IO-APICs, the power-off and reset registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_ACPI_H
#define XEN_CORE_HW_ACPI_H

#include "lib/types.h"

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 24

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_ioapic {
	uint8_t id;
	uint32_t address;
	uint32_t gsi_base;
};

struct acpi_override { /* a MADT interrupt source override, as it stands in the table */
	uint8_t bus, irq;
	uint32_t gsi;
	uint16_t flags;
};

struct acpi_info {
	unsigned cpu_count;    /* enabled ones */
	uint32_t apic_ids[64]; /* the boot CPU's among them */
	unsigned ioapic_count;
	struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
	unsigned override_count;
	struct acpi_override overrides[ACPI_MAX_OVERRIDES];
	uint32_t lapic_address;
	uint32_t pm_timer_port; /* 0: none */
	bool pm_timer_32bit;
	uint16_t pm1a_control, pm1b_control;
	uint16_t pm1a_status;
	uint16_t smi_command_port; /* acpi_enable written here turns ACPI mode on; 0: it is on */
	uint8_t acpi_enable;
	uint8_t s5_type_a, s5_type_b; /* from \_S5 in the DSDT */
	bool s5_known;
	bool reset_known;
	uint8_t reset_space; /* 0 memory, 1 I/O */
	uint64_t reset_address;
	uint8_t reset_value;
	volatile uint8_t *reset_register; /* mapped, if it is memory */
	uint8_t rtc_century;              /* CMOS index of the century, 0: none */
	uint16_t sci_irq;
	uint8_t rsdp_revision;
};

extern struct acpi_info acpi;

/* rsdp: the copy the boot loader handed over, or 0 to search the BIOS areas. */
void acpi_init(paddr_t rsdp);

/* The n-th table with this signature (n from 0), mapped read-only and checksummed, or NULL. */
const struct acpi_header *acpi_table(const char *signature, unsigned n, paddr_t *address);

/* All tables by index from 0, the DSDT among them; NULL after the last. */
const struct acpi_header *acpi_table_at(unsigned index, paddr_t *address);

#endif
