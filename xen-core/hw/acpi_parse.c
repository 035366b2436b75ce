/* Reading what we need out of ACPI tables whose checksum and length are known to be right. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/acpi_parse.h"

#include "lib/bytes.h"
#include "lib/string.h"

enum { SPACE_MEMORY = 0, SPACE_IO = 1 };

enum madt_entry {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_CPU_ENABLED BIT(0)

/* Where the fields stand in the FADT. */
enum fadt_field {
	FADT_DSDT = 40,
	FADT_SCI = 46,
	FADT_SMI_COMMAND = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_EVENT = 56,
	FADT_PM1A_CONTROL = 64,
	FADT_PM1B_CONTROL = 68,
	FADT_PM_TIMER = 76,
	FADT_CENTURY = 108,
	FADT_FLAGS = 112,
	FADT_RESET = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_DSDT = 140,
	FADT_X_PM1A_EVENT = 148,
	FADT_X_PM1A_CONTROL = 172,
	FADT_X_PM1B_CONTROL = 184,
	FADT_X_PM_TIMER = 208,
};

#define FADT_TIMER_32BIT BIT(8)
#define FADT_HAS_RESET   BIT(10)

/* A field of a table; 0 where an old, short table ends before it. */
static uint64_t field(const struct acpi_header *table, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	if (offset + size <= table->length)
		memcpy(&value, (const uint8_t *)table + offset, size);
	return value;
}

/* A generic address structure: 12 bytes, the space in byte 0, the address from byte 4. */
static uint8_t register_space(const struct acpi_header *table, unsigned offset)
{
	return (uint8_t)field(table, offset, 1);
}

static uint64_t register_address(const struct acpi_header *table, unsigned offset)
{
	return field(table, offset + 4, 8);
}

/* The port of a register block that has an old 32-bit field and a newer extended one. */
static uint16_t block_port(const struct acpi_header *fadt, unsigned offset, unsigned extended)
{
	uint64_t port = register_address(fadt, extended);

	if (!port || register_space(fadt, extended) != SPACE_IO)
		port = field(fadt, offset, 4);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void add_cpu(struct acpi_info *info, uint32_t apic_id, uint32_t flags)
{
	if (!(flags & MADT_CPU_ENABLED) || info->cpu_count == ARRAY_SIZE(info->apic_ids))
		return;
	for (unsigned i = 0; i < info->cpu_count; i++)
		if (info->apic_ids[i] == apic_id)
			return;
	info->apic_ids[info->cpu_count++] = apic_id;
}

static void add_ioapic(struct acpi_info *info, const uint8_t *entry)
{
	if (info->ioapic_count == ACPI_MAX_IOAPICS)
		return;
	info->ioapics[info->ioapic_count++] = (struct acpi_ioapic){
		.id = entry[2],
		.address = load_le32(entry + 4),
		.gsi_base = load_le32(entry + 8),
	};
}

static void add_override(struct acpi_info *info, const uint8_t *entry)
{
	if (info->override_count == ACPI_MAX_OVERRIDES)
		return;
	info->overrides[info->override_count++] = (struct acpi_override){
		.bus = entry[2],
		.irq = entry[3],
		.gsi = load_le32(entry + 4),
		.flags = load_le16(entry + 8),
	};
}

static void set_lapic_address(struct acpi_info *info, uint64_t address)
{
	if (address <= UINT32_MAX)
		info->lapic_address = (uint32_t)address;
}

static void parse_madt_entry(const uint8_t *entry, uint8_t size, struct acpi_info *info)
{
	switch (entry[0]) {
	case MADT_LAPIC:
		if (size >= 8)
			add_cpu(info, entry[3], load_le32(entry + 4));
		break;
	case MADT_IOAPIC:
		if (size >= 12)
			add_ioapic(info, entry);
		break;
	case MADT_OVERRIDE:
		if (size >= 10)
			add_override(info, entry);
		break;
	case MADT_LAPIC_ADDRESS:
		if (size >= 12)
			set_lapic_address(info, load_le64(entry + 4));
		break;
	case MADT_X2APIC:
		if (size >= 16)
			add_cpu(info, load_le32(entry + 4), load_le32(entry + 8));
		break;
	}
}

void acpi_parse_madt(const struct acpi_header *madt, struct acpi_info *info)
{
	const uint8_t *at = (const uint8_t *)madt + 44;
	const uint8_t *end = (const uint8_t *)madt + madt->length;

	info->lapic_address = (uint32_t)field(madt, 36, 4);
	while (at < end && end - at >= 2 && at[1] >= 2 && at[1] <= end - at) {
		parse_madt_entry(at, at[1], info);
		at += at[1];
	}
}

static void parse_reset(const struct acpi_header *fadt, struct acpi_info *info)
{
	info->reset_space = register_space(fadt, FADT_RESET);
	info->reset_address = register_address(fadt, FADT_RESET);
	info->reset_value = (uint8_t)field(fadt, FADT_RESET_VALUE, 1);
	info->reset_known = info->reset_address != 0 && info->reset_space <= SPACE_IO;
}

void acpi_parse_fadt(const struct acpi_header *fadt, struct acpi_info *info)
{
	uint32_t flags = (uint32_t)field(fadt, FADT_FLAGS, 4);

	info->pm_timer_port = block_port(fadt, FADT_PM_TIMER, FADT_X_PM_TIMER);
	info->pm_timer_32bit = flags & FADT_TIMER_32BIT;
	info->pm1a_status = block_port(fadt, FADT_PM1A_EVENT, FADT_X_PM1A_EVENT);
	info->pm1a_control = block_port(fadt, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
	info->pm1b_control = block_port(fadt, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
	info->smi_command_port = (uint16_t)field(fadt, FADT_SMI_COMMAND, 4);
	info->acpi_enable = (uint8_t)field(fadt, FADT_ACPI_ENABLE, 1);
	info->sci_irq = (uint16_t)field(fadt, FADT_SCI, 2);
	info->rtc_century = (uint8_t)field(fadt, FADT_CENTURY, 1);
	if (flags & FADT_HAS_RESET)
		parse_reset(fadt, info);
}

paddr_t acpi_dsdt_address(const struct acpi_header *fadt)
{
	paddr_t address = field(fadt, FADT_X_DSDT, 8);

	return address ? address : field(fadt, FADT_DSDT, 4);
}

/* A small integer of AML: ZeroOp, OneOp, or BytePrefix and the byte. Bytes used, 0 if it is none. */
static unsigned aml_small_integer(const uint8_t *at, const uint8_t *end, uint8_t *value)
{
	if (end - at >= 1 && at[0] <= 1) {
		*value = at[0];
		return 1;
	}
	if (end - at >= 2 && at[0] == 0x0a) {
		*value = at[1];
		return 2;
	}
	return 0;
}

/* at: behind "_S5_", where Package () { type a, type b, ... } should stand. */
static bool parse_s5(const uint8_t *at, const uint8_t *end, struct acpi_info *info)
{
	uint8_t type_a, type_b;
	unsigned used;

	if (end - at < 2 || at[0] != 0x12)
		return false;
	/* The package's length: 1 byte and as many more as its upper two bits say; then the count. */
	used = 2u + (at[1] >> 6);
	if (end - at < (ptrdiff_t)used + 1 || at[used] < 2)
		return false;
	at += used + 1;
	used = aml_small_integer(at, end, &type_a);
	if (!used || !aml_small_integer(at + used, end, &type_b))
		return false;
	info->s5_type_a = type_a & 7;
	info->s5_type_b = type_b & 7;
	info->s5_known = true;
	return true;
}

/* Name (_S5_, ...) or Name (\_S5_, ...): the NameOp is 0x08. Not an interpreter: a pattern. */
static bool is_s5_name(const uint8_t *start, const uint8_t *at)
{
	if (memcmp(at, "_S5_", 4) != 0)
		return false;
	return (at - start >= 1 && at[-1] == 0x08) ||
	       (at - start >= 2 && at[-1] == '\\' && at[-2] == 0x08);
}

void acpi_parse_dsdt(const struct acpi_header *dsdt, struct acpi_info *info)
{
	const uint8_t *start = (const uint8_t *)(dsdt + 1);
	const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;

	for (const uint8_t *at = start; end - at >= 4; at++)
		if (is_s5_name(start, at) && parse_s5(at + 4, end, info))
			return;
}
