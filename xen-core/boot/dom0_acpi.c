/* dom0's ACPI root: the machine's tables, but with its own list of CPUs and without what it lacks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/dom0.h"
#include "hw/acpi.h"
#include "irq/vlapic.h"
#include "lib/string.h"
#include "mm/host_map.h"

#define RSDP_SIZE     36
#define MADT_X2APIC   9
#define MADT_IOAPIC   1
#define MADT_OVERRIDE 2
#define MADT_ENABLED  1

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == RSDP_SIZE, "rsdp");

struct madt {
	struct acpi_header header;
	uint32_t lapic_address;
	uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t id, flags, uid;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

/*
 * Timers that are the hypervisor's, IOMMUs, memory affinity of memory that dom0 mostly has not, and the
 * MADT, which is replaced. The DSDT is reached through the FADT.
 */
static const char *const dropped[] = { "APIC", "DSDT", "HPET", "DMAR", "IVRS",
	                               "SRAT", "SLIT", "MPST", "PMTT" };

static bool is_dropped(const struct acpi_header *table)
{
	for (unsigned i = 0; i < ARRAY_SIZE(dropped); i++)
		if (!memcmp(table->signature, dropped[i], 4))
			return true;
	return false;
}

static uint8_t checksum(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void header_fill(struct acpi_header *header, const char *signature, uint8_t revision)
{
	*header = (struct acpi_header){ .revision = revision,
		                        .oem_revision = 1,
		                        .creator_revision = 1 };
	memcpy(header->signature, signature, 4);
	memcpy(header->oem_id, "REMUS ", 6);
	memcpy(header->oem_table_id, "XEN-CORE", 8);
	memcpy(&header->creator_id, "RMUS", 4);
}

static void header_finish(struct acpi_header *header, const void *end)
{
	header->length = (uint32_t)((const char *)end - (const char *)header);
	header->checksum = checksum(header, header->length);
}

static void madt_build(struct madt *madt, const struct domain *domain)
{
	char *at = (char *)(madt + 1);

	header_fill(&madt->header, "APIC", 4);
	madt->lapic_address = (uint32_t)VLAPIC_ADDRESS;
	madt->flags = 0; /* no 8259s */
	for (unsigned i = 0; i < domain->vcpu_count; i++, at += sizeof(struct madt_x2apic))
		*(struct madt_x2apic *)at = (struct madt_x2apic){ MADT_X2APIC,
			                                          sizeof(struct madt_x2apic),
			                                          0,
			                                          domain->vcpus[i]->apic_id,
			                                          MADT_ENABLED,
			                                          i };
	for (unsigned i = 0; i < acpi.ioapic_count; i++, at += sizeof(struct madt_ioapic))
		*(struct madt_ioapic *)at = (struct madt_ioapic){
			MADT_IOAPIC, sizeof(struct madt_ioapic), acpi.ioapics[i].id,
			0,           acpi.ioapics[i].address,    acpi.ioapics[i].gsi_base
		};
	for (unsigned i = 0; i < acpi.override_count; i++, at += sizeof(struct madt_override))
		*(struct madt_override *)at = (struct madt_override){
			MADT_OVERRIDE,         sizeof(struct madt_override), acpi.overrides[i].bus,
			acpi.overrides[i].irq, acpi.overrides[i].gsi,        acpi.overrides[i].flags
		};
	header_finish(&madt->header, at);
}

static void xsdt_build(struct acpi_header *xsdt, paddr_t madt)
{
	uint64_t *entry = (void *)(xsdt + 1);
	const struct acpi_header *table;
	paddr_t address;

	header_fill(xsdt, "XSDT", 1);
	memcpy(entry++, &madt, sizeof(madt));
	for (unsigned i = 0; (table = acpi_table_at(i, &address)); i++)
		if (!is_dropped(table))
			memcpy(entry++, &address, sizeof(address));
	header_finish(xsdt, entry);
}

/* One page for RSDP and XSDT, the rest for the MADT: 16 bytes a CPU leave ample room. */
paddr_t dom0_acpi_build(const struct domain *domain, paddr_t at)
{
	struct rsdp *rsdp = paddr_to_virt(at);
	paddr_t xsdt = at + 64, madt = at + PAGE_SIZE;

	memset(rsdp, 0, DOM0_ACPI_PAGES * PAGE_SIZE);
	madt_build(paddr_to_virt(madt), domain);
	xsdt_build(paddr_to_virt(xsdt), madt);
	*rsdp = (struct rsdp){ .revision = 2, .length = RSDP_SIZE, .xsdt = xsdt };
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "REMUS ", 6);
	rsdp->checksum = checksum(rsdp, 20);
	rsdp->extended_checksum = checksum(rsdp, RSDP_SIZE);
	return at;
}
