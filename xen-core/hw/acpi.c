/* Finding the firmware's ACPI tables, and the record of what they say. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/acpi.h"

#include "hw/acpi_parse.h"
#include "hw/device_map.h"
#include "lib/bytes.h"
#include "lib/print.h"
#include "lib/string.h"

#define TABLES_MAX     64
#define TABLE_SIZE_MAX MIB(16) /* more is a broken length; the largest DSDTs have some 100 KiB */

#define RSDP_SIZE_V1 20
#define RSDP_SIZE_V2 36

struct acpi_info acpi;

static struct table {
	const struct acpi_header *header;
	paddr_t address;
} tables[TABLES_MAX];
static unsigned table_count;

static bool sums_to_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

static bool is_rsdp(const uint8_t *at)
{
	return memcmp(at, "RSD PTR ", 8) == 0 && sums_to_zero(at, RSDP_SIZE_V1);
}

/* It stands on a 16-byte border. */
static const uint8_t *search_rsdp(paddr_t start, size_t size)
{
	const uint8_t *area = device_map(start, size, true);

	if (!area)
		return NULL;
	for (size_t offset = 0; offset + RSDP_SIZE_V2 <= size; offset += 16)
		if (is_rsdp(area + offset))
			return area + offset;
	return NULL;
}

/* The BIOS leaves the segment of its extended data area at 0x40e. */
static const uint8_t *search_ebda(void)
{
	const uint8_t *bios_data = device_map(0x400, 0x100, true);
	paddr_t ebda = bios_data ? (paddr_t)load_le16(bios_data + 0xe) << 4 : 0;

	if (ebda < 0x400 || ebda > 0xa0000 - KIB(1))
		return NULL;
	return search_rsdp(ebda, KIB(1));
}

static const uint8_t *find_rsdp(paddr_t given)
{
	const uint8_t *rsdp = NULL;

	if (given)
		rsdp = device_map(given, RSDP_SIZE_V2, true);
	if (rsdp && !is_rsdp(rsdp))
		rsdp = NULL;
	if (!rsdp)
		rsdp = search_ebda();
	if (!rsdp)
		rsdp = search_rsdp(0xe0000, 0x20000);
	return rsdp;
}

/* Maps the table whole; NULL (and a warning) unless its length and checksum are sound. */
static const struct acpi_header *map_table(paddr_t address)
{
	const struct acpi_header *header = device_map(address, sizeof(*header), true);
	uint32_t length = header ? header->length : 0;

	if (length < sizeof(*header) || length > TABLE_SIZE_MAX) {
		log_warn("acpi: table at 0x%lx: length %u makes no sense\n", address, length);
		return NULL;
	}
	header = device_map(address, length, true);
	if (!header || !sums_to_zero(header, length)) {
		log_warn("acpi: table at 0x%lx: wrong checksum\n", address);
		return NULL;
	}
	return header;
}

static const struct acpi_header *add_table(paddr_t address)
{
	const struct acpi_header *header = address ? map_table(address) : NULL;

	if (!header || table_count == TABLES_MAX)
		return NULL;
	tables[table_count++] = (struct table){ .header = header, .address = address };
	return header;
}

/* The root table lists the others: 32-bit addresses in the RSDT, 64-bit ones in the XSDT. */
static bool add_listed(paddr_t root_address, const char *signature, unsigned entry_size)
{
	const struct acpi_header *root = root_address ? map_table(root_address) : NULL;
	const uint8_t *at, *end;

	if (!root || memcmp(root->signature, signature, 4) != 0)
		return false;
	end = (const uint8_t *)root + root->length;
	for (at = (const uint8_t *)(root + 1); end - at >= (ptrdiff_t)entry_size; at += entry_size)
		add_table(entry_size == 8 ? load_le64(at) : load_le32(at));
	return true;
}

/* The extended part (from revision 2 on) has a length and a checksum of its own. */
static bool has_xsdt(const uint8_t *rsdp)
{
	return rsdp[15] >= 2 && load_le32(rsdp + 20) == RSDP_SIZE_V2 &&
	       sums_to_zero(rsdp, RSDP_SIZE_V2);
}

static void find_tables(const uint8_t *rsdp)
{
	acpi.rsdp_revision = rsdp[15];
	if (has_xsdt(rsdp) && add_listed(load_le64(rsdp + 24), "XSDT", 8))
		return;
	if (!add_listed(load_le32(rsdp + 16), "RSDT", 4))
		log_error("acpi: neither XSDT nor RSDT is valid\n");
}

const struct acpi_header *acpi_table(const char *signature, unsigned n, paddr_t *address)
{
	for (unsigned i = 0; i < table_count; i++) {
		if (memcmp(tables[i].header->signature, signature, 4) != 0 || n-- > 0)
			continue;
		if (address)
			*address = tables[i].address;
		return tables[i].header;
	}
	return NULL;
}

const struct acpi_header *acpi_table_at(unsigned index, paddr_t *address)
{
	if (index >= table_count)
		return NULL;
	*address = tables[index].address;
	return tables[index].header;
}

static void read_fadt(const struct acpi_header *fadt)
{
	const struct acpi_header *dsdt;

	acpi_parse_fadt(fadt, &acpi);
	dsdt = add_table(acpi_dsdt_address(fadt));
	if (dsdt && memcmp(dsdt->signature, "DSDT", 4) == 0)
		acpi_parse_dsdt(dsdt, &acpi);
	if (acpi.reset_known && acpi.reset_space == 0)
		acpi.reset_register = device_map(acpi.reset_address, 1, false);
}

void acpi_init(paddr_t rsdp_given)
{
	const struct acpi_header *madt, *fadt;
	const uint8_t *rsdp = find_rsdp(rsdp_given);

	if (!rsdp) {
		log_error("acpi: no tables found\n");
		return;
	}
	find_tables(rsdp);
	madt = acpi_table("APIC", 0, NULL);
	if (madt)
		acpi_parse_madt(madt, &acpi);
	fadt = acpi_table("FACP", 0, NULL);
	if (fadt)
		read_fadt(fadt);
	log_info("acpi: revision %u, %u tables, %u CPUs, %u IO-APICs%s\n", acpi.rsdp_revision,
	         table_count, acpi.cpu_count, acpi.ioapic_count,
	         acpi.s5_known ? "" : ", no way to power off");
}
