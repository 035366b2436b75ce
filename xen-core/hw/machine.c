/* The end of the machine's run: power off, restart, halt. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/machine.h"

#include "hw/acpi.h"
#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/port.h"
#include "hw/serial.h"
#include "lib/print.h"

#define PM1_ACPI_ON          BIT(0)
#define PM1_SLEEP_TYPE(type) ((unsigned)(type) << 10)
#define PM1_SLEEP            BIT(13)

#define PORT_RESET    0xcf9
#define PORT_KEYBOARD 0x64
#define KEYBOARD_BUSY BIT(1)

/* Polls of a port, about a microsecond each: how long a register is given to do its work. */
#define POLLS 1000000

/* Firmware that still owns the power registers hands them over when it is asked. */
static void acpi_mode_on(void)
{
	if (!acpi.smi_command_port || inw(acpi.pm1a_control) & PM1_ACPI_ON)
		return;
	outb(acpi.smi_command_port, acpi.acpi_enable);
	for (unsigned i = 0; i < POLLS && !(inw(acpi.pm1a_control) & PM1_ACPI_ON); i++)
		cpu_relax();
}

static void sleep_s5(void)
{
	acpi_mode_on();
	outw(acpi.pm1a_control, (uint16_t)(PM1_SLEEP_TYPE(acpi.s5_type_a) | PM1_SLEEP));
	if (acpi.pm1b_control)
		outw(acpi.pm1b_control, (uint16_t)(PM1_SLEEP_TYPE(acpi.s5_type_b) | PM1_SLEEP));
	for (unsigned i = 0; i < POLLS; i++)
		inw(acpi.pm1a_control);
}

/* Bochs ends when it reads this word on a port that real machines do not have. */
static void tell_bochs(void)
{
	for (const char *c = "Shutdown"; *c; c++)
		outb(0x8900, (uint8_t)*c);
}

void machine_power_off(void)
{
	interrupts_off();
	serial_flush();
	if (acpi.s5_known && acpi.pm1a_control)
		sleep_s5();
	tell_bochs();
	log_error("this machine does not power off: halted\n");
	machine_halt();
}

static void reset_by_acpi(void)
{
	if (!acpi.reset_known)
		return;
	if (acpi.reset_register)
		*acpi.reset_register = acpi.reset_value;
	else
		outb((uint16_t)acpi.reset_address, acpi.reset_value);
}

static void reset_by_chipset(void)
{
	outb(PORT_RESET, 0x02);
	outb(PORT_RESET, 0x06);
}

static void reset_by_keyboard(void)
{
	for (unsigned i = 0; i < POLLS && inb(PORT_KEYBOARD) & KEYBOARD_BUSY; i++)
		cpu_relax();
	outb(PORT_KEYBOARD, 0xfe);
}

/* Without an interrupt table the first exception shuts the CPU down, and chipsets reset then. */
static void reset_by_triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_table;

	asm volatile("lidt %0; int3" ::"m"(no_table));
}

/* A reset takes a moment to come; the next way is only tried if it does not. */
static void wait_for_reset(void)
{
	for (unsigned i = 0; i < POLLS / 10; i++)
		inb(PORT_KEYBOARD);
}

void machine_restart(void)
{
	static void (*const ways[])(void) = {
		reset_by_acpi,
		reset_by_chipset,
		reset_by_keyboard,
		reset_by_triple_fault,
	};

	interrupts_off();
	serial_flush();
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		ways[i]();
		wait_for_reset();
	}
	machine_halt();
}

void machine_halt(void)
{
	interrupts_off();
	ipi_stop_others();
	for (;;)
		asm volatile("hlt");
}
