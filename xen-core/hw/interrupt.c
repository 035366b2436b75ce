/* The hypervisor's own exceptions and interrupts: the table of gates, who serves a vector. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/interrupt.h"

#include "hw/apic.h"
#include "hw/descriptors.h"
#include "hw/fault.h"
#include "hw/fixup.h"
#include "hw/ipi.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "lib/print.h"

#define VECTORS             256
#define VECTOR_FIRST_DEVICE 0x20

/* In traps.S. */
extern const char trap_entries[VECTORS][16];

static struct gate gates[VECTORS];        /* each on the stack in use */
static struct gate gates_stacks[VECTORS]; /* #DF, NMI and #MC on stacks of their own */

static void (*handlers[VECTORS])(void);
static void (*device_sink)(uint8_t vector);

void interrupt_init(void)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		gates[vector] = descriptors_gate(trap_entries[vector], 0);
		gates_stacks[vector] = gates[vector];
	}
	/* In the order of the pages of a CPU's stack block (hw/percpu.h). */
	gates_stacks[EXCEPTION_DF] = descriptors_gate(trap_entries[EXCEPTION_DF], 1);
	gates_stacks[EXCEPTION_NMI] = descriptors_gate(trap_entries[EXCEPTION_NMI], 2);
	gates_stacks[EXCEPTION_MC] = descriptors_gate(trap_entries[EXCEPTION_MC], 3);
}

void interrupt_use_stacks(bool use)
{
	const struct gate *table = use ? gates_stacks : gates;
	struct descriptor_pointer pointer = { sizeof(gates) - 1, (uint64_t)table };

	asm volatile("lidt %0" ::"m"(pointer));
}

void interrupt_cpu_init(void)
{
	descriptors_load();
	interrupt_use_stacks(true);
}

void interrupt_register(uint8_t vector, void (*handler)(void))
{
	ASSERT(vector >= VECTOR_FIRST_OWN);
	handlers[vector] = handler;
}

void interrupt_set_device_sink(void (*sink)(uint8_t vector))
{
	device_sink = sink;
}

static void serve_own(uint8_t vector)
{
	if (vector == VECTOR_SPURIOUS)
		return;
	apic_eoi();
	if (handlers[vector])
		handlers[vector]();
	else
		log_warn("interrupt 0x%x on CPU %u: nobody serves it\n", vector, this_cpu()->id);
}

static void serve_device(uint8_t vector)
{
	if (device_sink) {
		device_sink(vector);
		return;
	}
	apic_eoi();
	log_warn("interrupt 0x%x on CPU %u before there is a dom0\n", vector, this_cpu()->id);
}

/* Nothing else of ours sends NMIs: otherwise the hardware reports an error that has no other name. */
static void exception(struct trap_frame *frame)
{
	uint64_t resume;

	if (frame->vector == EXCEPTION_NMI && ipi_is_stopping())
		for (;;)
			asm volatile("cli; hlt");
	resume = fault_is_hopeless(frame->vector) ? 0 : fixup_find(frame->rip);
	if (!resume)
		fault_report(frame);
	frame->rip = resume;
}

/* From traps.S, interrupts off. */
void interrupt_entry(struct trap_frame *frame);

void interrupt_entry(struct trap_frame *frame)
{
	uint8_t vector = (uint8_t)frame->vector;

	if (vector < VECTOR_FIRST_DEVICE) {
		exception(frame);
		return;
	}
	this_cpu()->interrupts++;
	if (vector >= VECTOR_FIRST_OWN)
		serve_own(vector);
	else
		serve_device(vector);
}
