/* Fuzzes the readers of the firmware's ACPI tables: any bytes as a MADT, a FADT and a DSDT. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/hw/acpi_parse.c */

#include <stdlib.h>
#include <string.h>

#include "hw/acpi_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_header *table = calloc(1, sizeof(*table) + size);
	struct acpi_info info;

	if (!table)
		return 0;
	memset(&info, 0, sizeof(info));
	table->length = (uint32_t)(sizeof(*table) + size);
	if (size)
		memcpy(table + 1, data, size);
	acpi_parse_madt(table, &info);
	acpi_parse_fadt(table, &info);
	acpi_dsdt_address(table);
	acpi_parse_dsdt(table, &info);
	free(table);
	return 0;
}
