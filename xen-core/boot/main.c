/* The boot CPU's way from head.S to the system: everything is set up here, in this order. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "boot/boot_info.h"
#include "boot/boot_system.h"
#include "boot/multiboot.h"
#include "boot/smp.h"
#include "hw/acpi.h"
#include "hw/apic.h"
#include "hw/console.h"
#include "hw/cpu.h"
#include "hw/device_map.h"
#include "hw/interrupt.h"
#include "hw/ioapic.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/options.h"
#include "lib/print.h"
#include "mm/boot_memory.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "mm/memory_map.h"
#include "version.h"

/* From head.S. */
struct cpu boot_cpu;
extern char boot_stack[];
void boot_main(uint32_t magic, paddr_t info);

static void boot_cpu_init(void)
{
	boot_cpu.stack = boot_stack;
	boot_cpu.online = true;
	cpus[0] = &boot_cpu;
	cpu_count = 1;
}

static void print_memory_map(void)
{
	static const char *const names[] = { "", "RAM", "reserved", "ACPI", "ACPI NVS", "bad" };

	for (unsigned i = 0; i < memory_map.count; i++) {
		const struct memory_range *range = &memory_map.ranges[i];

		log_debug("memory %012lx-%012lx %s\n", range->start, range->end,
		          names[range->type]);
	}
}

/* What is in use before there is an allocator to know it. */
static void reserve_memory(void)
{
	boot_memory_reserve(boot_info.image_start, boot_info.image_end);
	for (unsigned i = 0; i < boot_info.module_count; i++)
		boot_memory_reserve(boot_info.modules[i].start, boot_info.modules[i].end);
}

static void memory_init(void)
{
	memory_map_sanitise(&memory_map);
	print_memory_map();
	reserve_memory();
	host_map_init();
	frame_init();
	device_map_set(host_map_device);
	print("%lu MiB of memory, %lu MiB free\n", frames_total() >> 8, frames_free() >> 8);
}

static void time_init(void)
{
	clock_init();
	apic_timer_calibrate();
	timer_cpu_init();
	console_poll_start();
}

void boot_main(uint32_t magic, paddr_t info)
{
	boot_cpu_init();
	console_init();
	print("xen-core " XEN_CORE_VERSION " (" XEN_CORE_CHANGESET ")\n");
	interrupt_init();
	interrupt_cpu_init();
	multiboot_read(magic, info);
	options_parse(boot_info.command_line);
	console_use_options();
	print("started by %s with: %s\n", boot_info.loader, boot_info.command_line);
	cpu_detect();
	memory_init();
	acpi_init(boot_info.rsdp);
	apic_init();
	apic_cpu_init();
	ioapic_mask_all();
	time_init();
	smp_start();
	boot_system();
}
