/* The IO-APICs and the legacy interrupt controllers: all masked at boot, then dom0's. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/ioapic.h"

#include "hw/acpi.h"
#include "hw/apic.h"
#include "hw/device_map.h"
#include "hw/port.h"
#include "lib/print.h"

/* Two words of the page: the number of an inner register, and that register. */
#define SELECT (0x00 / 4)
#define WINDOW (0x10 / 4)

#define REG_VERSION 1
#define REG_PIN(n)  (0x10 + 2 * (n)) /* its lower half; the upper one is next */
#define PIN_MASKED  BIT(16)

#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0

static uint32_t read_register(volatile uint32_t *ioapic, unsigned reg)
{
	ioapic[SELECT] = reg;
	return ioapic[WINDOW];
}

static void write_register(volatile uint32_t *ioapic, unsigned reg, uint32_t value)
{
	ioapic[SELECT] = reg;
	ioapic[WINDOW] = value;
}

static void mask_pins(const struct acpi_ioapic *info)
{
	volatile uint32_t *ioapic = device_map(info->address, 0x20, false);
	unsigned highest;

	if (!ioapic) {
		log_error("ioapic: %u at 0x%x cannot be mapped\n", info->id, info->address);
		return;
	}
	highest = read_register(ioapic, REG_VERSION) >> 16 & 0xff;
	for (unsigned pin = 0; pin <= highest; pin++) {
		write_register(ioapic, REG_PIN(pin), PIN_MASKED);
		write_register(ioapic, REG_PIN(pin) + 1, 0);
	}
	log_debug("ioapic: %u at 0x%x, GSI %u to %u\n", info->id, info->address, info->gsi_base,
	          info->gsi_base + highest);
}

/* Four command words start an 8259; then everything is masked. */
static void init_pic(uint16_t port, uint8_t first_vector, uint8_t cascade)
{
	outb(port, 0x11); /* edge triggered, cascaded, word 4 follows */
	outb(port + 1, first_vector);
	outb(port + 1, cascade);
	outb(port + 1, 0x01); /* 8086 mode */
	outb(port + 1, 0xff);
}

void ioapic_mask_all(void)
{
	/* Even masked, a PIC can raise its line 7, spuriously: 0xf7 is nobody's, 0xff is VECTOR_SPURIOUS. */
	init_pic(PIC_MASTER, 0xf0, 1 << 2);
	init_pic(PIC_SLAVE, 0xf8, 2);
	for (unsigned i = 0; i < acpi.ioapic_count; i++)
		mask_pins(&acpi.ioapics[i]);
}
