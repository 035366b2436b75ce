/* The CPU's descriptor tables: segments, the task state with its interrupt stacks, interrupt gates. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/descriptors.h"

#include "hw/percpu.h"

#define CODE_64        0x00af9b000000ffffUL
#define DATA_FLAT      0x00cf93000000ffffUL
#define TSS_AVAILABLE  0x0000890000000000UL
#define GATE_INTERRUPT 0x00008e0000000000UL

#define INTERRUPT_STACKS 3

struct task_state {
	uint32_t reserved_1;
	uint64_t stacks[3]; /* of rings 0 to 2; we never leave ring 0 */
	uint64_t reserved_2;
	uint64_t interrupt_stacks[7];
	uint64_t reserved_3;
	uint16_t reserved_4;
	uint16_t io_bitmap; /* beyond the limit: there is none */
} __attribute__((packed));

static struct tables {
	uint64_t gdt[5];
	struct task_state task;
} __attribute__((aligned(64))) tables[MAX_CPUS];

static void fill_task(struct task_state *task, uint64_t stack)
{
	for (unsigned i = 0; i < INTERRUPT_STACKS; i++)
		task->interrupt_stacks[i] = stack + (i + 1) * PAGE_SIZE;
	task->io_bitmap = sizeof(*task);
}

static void fill_gdt(uint64_t *gdt, const struct task_state *task)
{
	uint64_t base = (uint64_t)task;

	gdt[SELECTOR_CODE / 8] = CODE_64;
	gdt[SELECTOR_DATA / 8] = DATA_FLAT;
	gdt[SELECTOR_TSS / 8] = TSS_AVAILABLE | (sizeof(*task) - 1) | (base & 0xffffff) << 16 |
	                        (base >> 24 & 0xff) << 56;
	gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

/* CS can only be changed by a far return. */
static void load_segments(void)
{
	asm volatile("pushq %0\n"
	             "leaq 1f(%%rip), %%rax\n"
	             "pushq %%rax\n"
	             "lretq\n"
	             "1:\n"
	             "movl %1, %%eax\n"
	             "movl %%eax, %%ss\n"
	             "movl %%eax, %%ds\n"
	             "movl %%eax, %%es\n"
	             "xorl %%eax, %%eax\n"
	             "movl %%eax, %%fs\n"
	             "movl %%eax, %%gs\n"
	             "lldt %%ax\n" ::"i"(SELECTOR_CODE),
	             "i"(SELECTOR_DATA)
	             : "rax", "memory");
}

void descriptors_load(void)
{
	const struct cpu *cpu = this_cpu();
	struct tables *own = &tables[cpu->id];
	struct descriptor_pointer pointer = { sizeof(own->gdt) - 1, (uint64_t)own->gdt };

	fill_task(&own->task, (uint64_t)cpu->stack);
	fill_gdt(own->gdt, &own->task);
	asm volatile("lgdt %0" ::"m"(pointer));
	load_segments();
	asm volatile("ltr %w0" ::"r"(SELECTOR_TSS));
}

struct gate descriptors_gate(const void *entry, unsigned stack)
{
	uint64_t address = (uint64_t)entry;

	return (struct gate){ {
		GATE_INTERRUPT | (uint64_t)stack << 32 | SELECTOR_CODE << 16 | (address & 0xffff) |
			(address >> 16 & 0xffff) << 48,
		address >> 32,
	} };
}
