/* Starting the CPUs that the firmware left waiting. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "boot/smp.h"

#include "boot/trampoline.h"
#include "hw/acpi.h"
#include "hw/apic.h"
#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/ipi.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "hw/tsc_check.h"
#include "lib/options.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"

/* Generous: a CPU answers in less than a millisecond, but an emulated one has to be scheduled. */
#define ANSWER_WITHIN SECONDS(1)

/* What trampoline.S finds behind its code. */
struct parameters {
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint32_t far32;
	uint16_t far32_selector;
	uint32_t far64;
	uint16_t far64_selector;
	uint16_t padding;
	uint32_t cr0, cr3, cr4, efer;
	uint32_t padding_2;
	uint64_t stack;
	uint64_t entry;
} __attribute__((packed));

_Static_assert(offsetof(struct parameters, far32) == TRAMPOLINE_FAR32, "far32");
_Static_assert(offsetof(struct parameters, far64) == TRAMPOLINE_FAR64, "far64");
_Static_assert(offsetof(struct parameters, cr0) == TRAMPOLINE_CR0, "cr0");
_Static_assert(offsetof(struct parameters, efer) == TRAMPOLINE_EFER, "efer");
_Static_assert(offsetof(struct parameters, stack) == TRAMPOLINE_STACK, "stack");
_Static_assert(sizeof(struct parameters) == TRAMPOLINE_SIZE, "size");

extern const uint8_t trampoline_start[], trampoline_32[], trampoline_64[], trampoline_gdt[];
extern const uint8_t trampoline_parameters[], trampoline_end[];

/* What the started CPUs go on to, once the boot CPU has everything ready. */
static void (*released)(struct cpu *cpu);

/* The first of a started CPU's life in C; never returns. On its own stack, interrupts off. */
static void cpu_main(void)
{
	struct cpu *cpu = this_cpu();

	host_map_cpu_init();
	interrupt_cpu_init();
	apic_cpu_init();
	timer_cpu_init();
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	tsc_check_answer();
	for (;;) {
		void (*loop)(struct cpu *) = __atomic_load_n(&released, __ATOMIC_ACQUIRE);

		if (loop)
			loop(cpu);
		if (!__atomic_exchange_n(&cpu->kicked, false, __ATOMIC_SEQ_CST))
			asm volatile("sti; hlt; cli" ::: "memory");
	}
}

void smp_release(void (*loop)(struct cpu *cpu))
{
	__atomic_store_n(&released, loop, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			ipi_kick(cpus[i]);
}

/* Page 0 has the firmware's data. Frames that are in use are not given; the highest one is at 636 KiB. */
static mfn_t borrow_page(void)
{
	for (uint64_t mfn = 1; mfn < 0x9f; mfn++)
		if (frame_claim(MFN(mfn), 1, DOMID_XEN) == 0)
			return MFN(mfn);
	return MFN_NONE;
}

/* The address in the page at `base` of what has this address in our image. */
static uint32_t relocated(uint32_t base, const uint8_t *address)
{
	return base + (uint32_t)(address - trampoline_start);
}

/* The new CPU's control registers become those of this one; what long mode must not find set yet is
 * left out (PCID), and so is what each CPU turns on for itself (SVM). */
static struct parameters *install_trampoline(mfn_t page)
{
	uint32_t base = (uint32_t)(page.v << PAGE_SHIFT);
	uint8_t *copy = mfn_to_virt(page);
	struct parameters *parameters;

	memcpy(copy, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	parameters = (void *)(copy + (trampoline_parameters - trampoline_start));
	*parameters = (struct parameters){
		.gdt_limit = 4 * 8 - 1,
		.gdt_base = relocated(base, trampoline_gdt),
		.far32 = relocated(base, trampoline_32),
		.far32_selector = 0x08,
		.far64 = relocated(base, trampoline_64),
		.far64_selector = 0x18,
		.cr0 = (uint32_t)(read_cr0() & ~CR0_TS),
		.cr3 = (uint32_t)host_map_boot_root(),
		.cr4 = (uint32_t)(read_cr4() & ~CR4_PCIDE),
		.efer = (uint32_t)(rdmsr(MSR_EFER) & (EFER_SCE | EFER_LME | EFER_NXE)),
		.entry = (uint64_t)cpu_main,
	};
	return parameters;
}

static struct cpu *new_cpu(unsigned id)
{
	struct cpu *cpu = heap_alloc(sizeof(*cpu));

	if (!cpu)
		return NULL;
	cpu->id = id;
	cpu->stack = host_map_stack(id);
	if (!cpu->stack) {
		heap_free(cpu);
		return NULL;
	}
	*(struct cpu **)((uintptr_t)cpu->stack + STACK_SIZE - 16) = cpu;
	return cpu;
}

static bool comes_online(const struct cpu *cpu, uint64_t within)
{
	uint64_t start = clock_now().v;

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (clock_now().v - start > within)
			return false;
		cpu_relax();
	}
	return true;
}

/* The pauses are those that the makers ask for; the second start-up only matters to old CPUs. */
static bool start_cpu(const struct cpu *cpu, mfn_t page)
{
	apic_send_init(cpu->apic_id);
	clock_delay(MILLISECONDS(10));
	apic_send_startup(cpu->apic_id, (uint8_t)page.v);
	if (comes_online(cpu, MICROSECONDS(200)))
		return true;
	apic_send_startup(cpu->apic_id, (uint8_t)page.v);
	return comes_online(cpu, ANSWER_WITHIN);
}

/* A CPU that comes late would run on the next one's stack: another INIT stops it for good. */
static bool bring_up(struct cpu *cpu, struct parameters *parameters, mfn_t page)
{
	parameters->stack = (uint64_t)cpu->stack + STACK_SIZE - 16;
	cpus[cpu->id] = cpu;
	if (start_cpu(cpu, page)) {
		cpu_count++;
		tsc_check_ask(cpu->id);
		return true;
	}
	apic_send_init(cpu->apic_id);
	clock_delay(MILLISECONDS(10));
	cpu->online = false;
	cpus[cpu->id] = NULL;
	log_error("smp: the CPU with APIC id %u does not answer, going on without it\n",
	          cpu->apic_id);
	return false;
}

/* The next id's CPU, kept for the next candidate when one does not answer. */
static void bring_up_all(struct parameters *parameters, mfn_t page, unsigned limit)
{
	struct cpu *cpu = NULL;

	for (unsigned i = 0; i < acpi.cpu_count && cpu_count < limit; i++) {
		if (acpi.apic_ids[i] == cpus[0]->apic_id || !apic_reaches(acpi.apic_ids[i]))
			continue;
		if (!cpu)
			cpu = new_cpu(cpu_count);
		if (!cpu) {
			log_error("smp: no memory for CPU %u\n", cpu_count);
			return;
		}
		cpu->apic_id = acpi.apic_ids[i];
		if (bring_up(cpu, parameters, page))
			cpu = NULL;
	}
}

/* The boot CPU's id becomes the last one, out of the reach of vCPUs. Nothing is kept by id yet. */
static void spare_boot_cpu(void)
{
	struct cpu *boot = cpus[0];

	for (unsigned i = 0; i < cpu_count; i++) {
		cpus[i] = i == cpu_count - 1 ? boot : cpus[i + 1];
		cpus[i]->id = i;
	}
	guest_cpu_count = cpu_count - 1;
}

void smp_start(void)
{
	unsigned limit = options.maxcpus ? MIN(options.maxcpus, (unsigned)MAX_CPUS) : MAX_CPUS;
	mfn_t page;

	ipi_init();
	if (acpi.cpu_count > 1 && limit > 1) {
		page = borrow_page();
		if (mfn_is_none(page)) {
			log_error("smp: no free page below 1 MiB to start other CPUs with\n");
		} else {
			bring_up_all(install_trampoline(page), page, limit);
			frame_free(page, 0);
		}
	}
	guest_cpu_count = cpu_count;
	if (options.spare_boot_cpu && cpu_count > 1)
		spare_boot_cpu();
	else if (cpu_count > 1 && cpu_has(CPU_QEMU))
		log_warn(
			"smp: QEMU can lose what is on its first of several CPUs: give it one more, and spare_boot_cpu here\n");
	print("%u CPUs online\n", guest_cpu_count);
}
