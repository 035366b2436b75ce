/* Reading what we need out of ACPI tables whose checksum and length are known to be right. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_ACPI_PARSE_H
#define XEN_CORE_HW_ACPI_PARSE_H

#include "hw/acpi.h"

/* Each fills its part of the record; contents that make no sense are skipped. */
void acpi_parse_madt(const struct acpi_header *madt, struct acpi_info *info);
void acpi_parse_fadt(const struct acpi_header *fadt, struct acpi_info *info);
void acpi_parse_dsdt(const struct acpi_header *dsdt, struct acpi_info *info);

/* Where the FADT says the DSDT is, or 0. */
paddr_t acpi_dsdt_address(const struct acpi_header *fadt);

#endif
