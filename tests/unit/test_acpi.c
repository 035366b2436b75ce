/* The ACPI reader: synthetic firmware tables in a made-up memory, sound, old, short and broken. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/hw/acpi.c xen-core/hw/acpi_parse.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hw/acpi_parse.h"
#include "hw/device_map.h"
#include "lib/print.h"

enum {
	RSDP = 0xf0010,
	EBDA_RSDP = 0x9fc20,
	RSDT = 0x100000,
	XSDT = 0x101000,
	MADT = 0x102000,
	FADT = 0x103000,
	DSDT = 0x104000,
	MEMORY_SIZE = 0x110000,
};

static uint8_t memory[MEMORY_SIZE];

void *device_map(paddr_t address, size_t size, bool cached)
{
	(void)cached;
	return address < MEMORY_SIZE && size <= MEMORY_SIZE - address ? memory + address : NULL;
}

void log_print(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

/* The byte at `at` is made such that all of them sum to zero. */
static void make_sum(uint8_t *data, size_t size, size_t at)
{
	uint8_t sum = 0;

	data[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + data[i]);
	data[at] = (uint8_t)-sum;
}

static void write_table(paddr_t address, const char *signature, const void *body, size_t size)
{
	struct acpi_header header = { .length = (uint32_t)(sizeof(header) + size) };

	memcpy(header.signature, signature, 4);
	memcpy(memory + address, &header, sizeof(header));
	memcpy(memory + address + sizeof(header), body, size);
	make_sum(memory + address, header.length, offsetof(struct acpi_header, checksum));
}

static void write_rsdp(paddr_t address, uint8_t revision)
{
	uint8_t *rsdp = memory + address;
	uint32_t rsdt = RSDT, length = 36;
	uint64_t xsdt = XSDT;

	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = revision;
	memcpy(rsdp + 16, &rsdt, 4);
	make_sum(rsdp, 20, 8);
	if (revision < 2)
		return;
	memcpy(rsdp + 20, &length, 4);
	memcpy(rsdp + 24, &xsdt, 8);
	make_sum(rsdp, 36, 32);
}

static const uint8_t madt_body[] = {
	0x00, 0x00, 0xe0, 0xfe, 1,    0,    0,    0, /* APIC address, flags */
	0,    8,    0,    0,    1,    0,    0,    0, /* CPU 0, enabled */
	0,    8,    1,    1,    0,    0,    0,    0, /* CPU 1, not enabled */
	0,    8,    2,    2,    1,    0,    0,    0, /* CPU 2, enabled */
	9,    16,   0,    0,    2,    0,    0,    0,    1,    0, 0, 0,
	2,    0,    0,    0, /* the same once more */
	9,    16,   0,    0,    0,    1,    0,    0,    1,    0, 0, 0,
	3,    0,    0,    0,                                           /* id 0x100 */
	1,    12,   5,    0,    0x00, 0x00, 0xc0, 0xfe, 24,   0, 0, 0, /* IO-APIC */
	2,    10,   0,    0,    2,    0,    0,    0,    0,    0,       /* IRQ 0 is GSI 2 */
	2,    10,   0,    9,    9,    0,    0,    0,    0x0d, 0,       /* IRQ 9: level, high */
	77,   4,    1,    2,                                           /* not known: skipped */
	5,    12,   0,    0,    0x00, 0x00, 0xd0, 0xfe, 0,    0, 0, 0, /* APIC address again */
};

/* From the byte behind the header on; the offsets are those of the table. */
struct fadt {
	uint8_t bytes[276];
};

static void put(struct fadt *fadt, unsigned offset, uint64_t value, unsigned size)
{
	memcpy(fadt->bytes + offset, &value, size);
}

static struct fadt make_fadt(void)
{
	struct fadt fadt = { { 0 } };

	put(&fadt, 40, DSDT, 4);
	put(&fadt, 46, 9, 2);
	put(&fadt, 48, 0xb2, 4);
	put(&fadt, 52, 2, 1);
	put(&fadt, 56, 0x600, 4);
	put(&fadt, 64, 0x604, 4);
	put(&fadt, 76, 0x608, 4);
	put(&fadt, 108, 0x32, 1);
	put(&fadt, 112, BIT(8) | BIT(10), 4);
	put(&fadt, 116, 1, 1); /* the reset register is a port, */
	put(&fadt, 120, 0xcf9, 8);
	put(&fadt, 128, 0xf, 1);
	return fadt;
}

static void write_fadt(const struct fadt *fadt, size_t size)
{
	write_table(FADT, "FACP", fadt->bytes + sizeof(struct acpi_header),
	            size - sizeof(struct acpi_header));
}

static const uint8_t dsdt_body[] = {
	0x10, 0x05, '_', 'S', '5', '_',  0x00, /* the name alone is not it */
	0x08, '_',  'S', '5', '_', 0x12, 0x08, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00,
};

static void write_all(uint8_t revision)
{
	uint32_t rsdt[] = { MADT, FADT };
	uint64_t xsdt[] = { FADT, MADT };
	struct fadt fadt = make_fadt();

	write_rsdp(RSDP, revision);
	write_table(RSDT, "RSDT", rsdt, sizeof(rsdt));
	write_table(XSDT, "XSDT", xsdt, sizeof(xsdt));
	write_table(MADT, "APIC", madt_body, sizeof(madt_body));
	write_table(DSDT, "DSDT", dsdt_body, sizeof(dsdt_body));
	write_fadt(&fadt, sizeof(fadt));
}

/* acpi_init is for once in a boot: every boot is a process of its own. */
static void assert_boot(bool (*boot)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(boot() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static bool is_complete(void)
{
	return acpi.cpu_count == 3 && acpi.pm_timer_port == 0x608 && acpi.s5_known;
}

static bool boot_xsdt(void)
{
	paddr_t address = 0;

	write_all(2);
	memset(memory + RSDT, 0, 4);
	acpi_init(0);
	return is_complete() && acpi.rsdp_revision == 2 && acpi_table("APIC", 0, &address) &&
	       address == MADT && !acpi_table("APIC", 1, NULL) && acpi_table("DSDT", 0, NULL);
}

static bool boot_rsdt(void)
{
	write_all(0);
	memset(memory + XSDT, 0, 4);
	acpi_init(0);
	return is_complete() && acpi.rsdp_revision == 0;
}

static bool boot_broken_xsdt(void)
{
	write_all(2);
	memory[XSDT + 20] ^= 1;
	acpi_init(0);
	return is_complete();
}

static bool boot_given_rsdp(void)
{
	write_all(2);
	memcpy(memory + 0x8003, memory + RSDP, 36);
	memset(memory + RSDP, 0, 36);
	acpi_init(0x8003);
	return is_complete();
}

static bool boot_bad_given_rsdp(void)
{
	write_all(2);
	acpi_init(0x9000);
	return is_complete();
}

static bool boot_rsdp_in_ebda(void)
{
	write_all(2);
	memcpy(memory + EBDA_RSDP, memory + RSDP, 36);
	memset(memory + RSDP, 0, 36);
	memory[0x40e] = 0xc0;
	memory[0x40f] = 0x9f;
	acpi_init(0);
	return is_complete();
}

static bool boot_without_acpi(void)
{
	write_all(2);
	memory[RSDP + 9] ^= 1;
	acpi_init(0);
	return acpi.cpu_count == 0 && !acpi_table("APIC", 0, NULL);
}

static bool boot_broken_madt(void)
{
	write_all(2);
	memory[MADT + 50] ^= 1;
	acpi_init(0);
	return acpi.cpu_count == 0 && acpi.s5_known;
}

static bool boot_endless_madt(void)
{
	write_all(2);
	memset(memory + MADT + 4, 0xff, 4);
	acpi_init(0);
	return acpi.cpu_count == 0 && acpi.s5_known;
}

static bool boot_tables_beyond_memory(void)
{
	uint64_t xsdt[] = { 1UL << 52, 0, FADT };

	write_all(2);
	write_table(XSDT, "XSDT", xsdt, sizeof(xsdt));
	acpi_init(0);
	return acpi.cpu_count == 0 && acpi.s5_known;
}

static void test_boots(void **state)
{
	(void)state;
	assert_boot(boot_xsdt);
	assert_boot(boot_rsdt);
	assert_boot(boot_broken_xsdt);
	assert_boot(boot_given_rsdp);
	assert_boot(boot_bad_given_rsdp);
	assert_boot(boot_rsdp_in_ebda);
	assert_boot(boot_without_acpi);
	assert_boot(boot_broken_madt);
	assert_boot(boot_endless_madt);
	assert_boot(boot_tables_beyond_memory);
}

/* A copy of exactly its length, so that the sanitizer sees any step beyond it. */
static struct acpi_header *exact_table(const void *body, size_t size)
{
	struct acpi_header *table = calloc(1, sizeof(*table) + size);

	assert_non_null(table);
	table->length = (uint32_t)(sizeof(*table) + size);
	if (size)
		memcpy(table + 1, body, size);
	return table;
}

static void test_madt(void **state)
{
	struct acpi_header *madt = exact_table(madt_body, sizeof(madt_body));
	struct acpi_info info = { .cpu_count = 0 };

	(void)state;
	acpi_parse_madt(madt, &info);
	free(madt);
	assert_int_equal(info.cpu_count, 3);
	assert_int_equal(info.apic_ids[0], 0);
	assert_int_equal(info.apic_ids[1], 2);
	assert_int_equal(info.apic_ids[2], 0x100);
	assert_int_equal(info.ioapic_count, 1);
	assert_int_equal(info.ioapics[0].id, 5);
	assert_int_equal(info.ioapics[0].address, 0xfec00000);
	assert_int_equal(info.ioapics[0].gsi_base, 24);
	assert_int_equal(info.override_count, 2);
	assert_int_equal(info.overrides[1].irq, 9);
	assert_int_equal(info.overrides[1].flags, 0xd);
	assert_int_equal(info.lapic_address, 0xfed00000);
}

/* Cut anywhere, with entries of any length: nothing is read beyond the end, and it ends. */
static void test_madt_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size <= sizeof(madt_body); size++) {
		struct acpi_header *madt = exact_table(madt_body, size);
		struct acpi_info info = { .cpu_count = 0 };

		acpi_parse_madt(madt, &info);
		for (size_t at = 8; at + 1 < size; at++) {
			((uint8_t *)(madt + 1))[at + 1] = (uint8_t)(at % 3);
			acpi_parse_madt(madt, &info);
		}
		free(madt);
	}
}

static void test_madt_too_many(void **state)
{
	enum { COUNT = 300 };
	uint8_t body[8 + COUNT * 12] = { 0 };
	struct acpi_header *madt;
	struct acpi_info info = { .cpu_count = 0 };

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		uint8_t *entry = body + 8 + i * 12;

		entry[0] = (uint8_t)(i % 3);
		entry[1] = 12;
		entry[3] = (uint8_t)(i / 3);
		entry[4] = 1;
	}
	madt = exact_table(body, sizeof(body));
	acpi_parse_madt(madt, &info);
	free(madt);
	assert_int_equal(info.cpu_count, 64);
	assert_int_equal(info.ioapic_count, ACPI_MAX_IOAPICS);
	assert_int_equal(info.override_count, ACPI_MAX_OVERRIDES);
}

static struct acpi_info parse_fadt(const struct fadt *fadt, size_t size)
{
	struct acpi_header *table = exact_table(fadt->bytes + sizeof(*table),
	                                        size - sizeof(*table));
	struct acpi_info info = { .cpu_count = 0 };

	acpi_parse_fadt(table, &info);
	free(table);
	return info;
}

static void test_fadt(void **state)
{
	struct fadt fadt = make_fadt();
	struct acpi_info info = parse_fadt(&fadt, sizeof(fadt));

	(void)state;
	assert_int_equal(info.pm_timer_port, 0x608);
	assert_true(info.pm_timer_32bit);
	assert_int_equal(info.pm1a_status, 0x600);
	assert_int_equal(info.pm1a_control, 0x604);
	assert_int_equal(info.pm1b_control, 0);
	assert_int_equal(info.smi_command_port, 0xb2);
	assert_int_equal(info.acpi_enable, 2);
	assert_int_equal(info.sci_irq, 9);
	assert_int_equal(info.rtc_century, 0x32);
	assert_true(info.reset_known);
	assert_int_equal(info.reset_space, 1);
	assert_int_equal(info.reset_address, 0xcf9);
	assert_int_equal(info.reset_value, 0xf);
}

/* The extended blocks win, if they are ports; a reset register in configuration space is not taken. */
static void test_fadt_extended(void **state)
{
	struct fadt fadt = make_fadt();
	struct acpi_info info;

	(void)state;
	put(&fadt, 172, 1, 1);
	put(&fadt, 176, 0x1804, 8);
	put(&fadt, 208, 0, 1);
	put(&fadt, 212, 0xfed80000, 8);
	put(&fadt, 116, 2, 1);
	info = parse_fadt(&fadt, sizeof(fadt));
	assert_int_equal(info.pm1a_control, 0x1804);
	assert_int_equal(info.pm_timer_port, 0x608);
	assert_false(info.reset_known);
}

/* Revision 1 ends behind the flags; anything shorter is broken, and still read no further. */
static void test_fadt_short(void **state)
{
	struct fadt fadt = make_fadt();
	struct acpi_info info = parse_fadt(&fadt, 116);

	(void)state;
	assert_int_equal(info.pm_timer_port, 0x608);
	assert_false(info.reset_known);
	for (size_t size = sizeof(struct acpi_header); size < sizeof(fadt); size++)
		parse_fadt(&fadt, size);
}

static struct acpi_info parse_dsdt(const void *body, size_t size)
{
	struct acpi_header *table = exact_table(body, size);
	struct acpi_info info = { .cpu_count = 0 };

	acpi_parse_dsdt(table, &info);
	free(table);
	return info;
}

static void test_s5(void **state)
{
	static const uint8_t rooted[] = { 0x08, '\\', '_',  'S',  '5',  '_', 0x12,
		                          0x46, 0x00, 0x02, 0x00, 0x0a, 0x07 };
	static const uint8_t no_package[] = { 0x08, '_', 'S', '5', '_', 0x0a, 5, 1, 1, 1 };
	static const uint8_t words[] = { 0x08, '_', 'S', '5', '_', 0x12, 6, 2, 0x0b, 1, 2, 0 };
	struct acpi_info info = parse_dsdt(dsdt_body, sizeof(dsdt_body));

	(void)state;
	assert_true(info.s5_known);
	assert_int_equal(info.s5_type_a, 5);
	assert_int_equal(info.s5_type_b, 1);
	info = parse_dsdt(rooted, sizeof(rooted));
	assert_true(info.s5_known);
	assert_int_equal(info.s5_type_a, 0);
	assert_int_equal(info.s5_type_b, 7);
	assert_false(parse_dsdt(no_package, sizeof(no_package)).s5_known);
	assert_false(parse_dsdt(words, sizeof(words)).s5_known);
	for (size_t size = 0; size < sizeof(rooted); size++)
		assert_false(parse_dsdt(rooted, size).s5_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boots),      cmocka_unit_test(test_madt),
		cmocka_unit_test(test_madt_cut),   cmocka_unit_test(test_madt_too_many),
		cmocka_unit_test(test_fadt),       cmocka_unit_test(test_fadt_extended),
		cmocka_unit_test(test_fadt_short), cmocka_unit_test(test_s5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
