/* A test guest's start, its traps, and memory at any address. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

#include <xen/arch-x86/cpuid.h>

#define WINDOW             0x8000000000UL /* the second entry of the top table */
#define VECTOR_USER_RETURN 0x80
#define MSR_APIC_BASE      0x1b
#define MSR_X2APIC_ICR     0x830

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct {
	uint32_t reserved;
	uint64_t rsp[3], unused, ist[7], unused_too;
	uint16_t unused_three, io_map; /* beyond the end: no port is for level 3 */
} __attribute__((packed)) tss = { .io_map = sizeof(tss) };

static struct gate idt[256];
static char trap_stack[8192] __attribute__((aligned(16)));
static char fault_stack[8192] __attribute__((aligned(16)));
static uint64_t window_tables[3][512] __attribute__((aligned(4096)));

extern uint64_t gdt[], try_stack, user_stack;
extern char trap_entries[], try_resume[], user_resume[], second_start[], second_start_end[];

struct trap_frame trapped;
uint64_t *window_entry = &window_tables[2][0];
bool is_amd;

void guest_start(void);
void guest_second(void);
void guest_trap(struct trap_frame *frame);

static void tables_load(void)
{
	struct table_pointer pointer = { sizeof(idt) - 1, (uint64_t)idt };
	uint64_t base = (uint64_t)&tss;

	tss.rsp[0] = (uint64_t)(trap_stack + sizeof(trap_stack));
	tss.ist[0] = (uint64_t)(fault_stack + sizeof(fault_stack));
	gdt[6] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 |
	         (base >> 24 & 0xff) << 56;
	gdt[7] = base >> 32;
	for (unsigned i = 0; i < 256; i++) {
		uint64_t entry = (uint64_t)trap_entries + 16 * i;

		idt[i] = (struct gate){
			.offset_low = (uint16_t)entry,
			.selector = 0x10,
			.ist = i == TRAP_DF,
			.type = i == VECTOR_USER_RETURN ? 0xee : 0x8e,
			.offset_middle = (uint16_t)(entry >> 16),
			.offset_high = (uint32_t)(entry >> 32),
		};
	}
	asm volatile("lidt %0; ltr %w1" : : "m"(pointer), "r"(0x30));
}

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	asm volatile("cpuid"
	             : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
	             : "a"(leaf), "c"(subleaf));
}

domid_t own_id(void)
{
	uint32_t r[4];

	cpuid(0x40000004, 0, r);
	return r[0] & XEN_HVM_CPUID_DOMID_PRESENT ? (domid_t)r[2] : DOMID_INVALID;
}

void guest_start(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	is_amd = r[2] == 0x444d4163; /* "cAMD" */
	tables_load();
	window_tables[0][0] = (uint64_t)window_tables[1] | PTE_PRESENT | PTE_WRITE | PTE_USER;
	window_tables[1][0] = (uint64_t)window_tables[2] | PTE_PRESENT | PTE_WRITE | PTE_USER;
	page_tables[1] = (uint64_t)window_tables[0] | PTE_PRESENT | PTE_WRITE | PTE_USER;
	test_main();
	finish();
}

static void go_on(struct trap_frame *frame, const char *where, uint64_t stack, uint64_t result)
{
	frame->rip = (uint64_t)where;
	frame->rsp = stack;
	frame->rax = result;
	frame->cs = 0x10;
	frame->ss = 0x18;
	frame->rflags &= ~0x40700UL; /* AC, DF, IF, TF */
}

void guest_trap(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_USER_RETURN) {
		go_on(frame, user_resume, user_stack, frame->rax);
		return;
	}
	if (try_stack) {
		trapped = *frame;
		go_on(frame, try_resume, try_stack, frame->vector);
		return;
	}
	failed("unexpected trap %lu error %#lx at %#lx", frame->vector, frame->error, frame->rip);
	finish();
}

static void (*second_function)(void);

void guest_second(void)
{
	struct table_pointer pointer = { sizeof(idt) - 1, (uint64_t)idt };

	asm volatile("lidt %0" : : "m"(pointer));
	second_function();
}

void second_prepare(void (*function)(void))
{
	second_function = function;
	for (char *from = second_start, *to = (char *)(SECOND_PAGE * PAGE_SIZE);
	     from < second_start_end;)
		*to++ = *from++;
}

void second_start_at(void (*function)(void))
{
	uint64_t base;

	second_prepare(function);
	msr_read(MSR_APIC_BASE, &base);
	msr_write(MSR_APIC_BASE, base | 0xc00);        /* x2APIC */
	msr_write(MSR_X2APIC_ICR, 2UL << 32 | 0x4500); /* INIT to id 2, which vCPU 1 has */
	msr_write(MSR_X2APIC_ICR, 2UL << 32 | 0x4600 | SECOND_PAGE);
}

void *window(uint64_t address, uint64_t flags)
{
	*window_entry = (address & 0x000ffffffffff000UL) | flags;
	asm volatile("invlpg %0" : : "m"(*(char *)WINDOW) : "memory");
	return (char *)WINDOW + (address & (PAGE_SIZE - 1));
}

static uint64_t msr_value;

static void try_rdmsr(uint64_t index)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"((uint32_t)index));
	msr_value = (uint64_t)high << 32 | low;
}

static void try_wrmsr(uint64_t index)
{
	asm volatile("wrmsr"
	             :
	             : "c"((uint32_t)index), "a"((uint32_t)msr_value),
	               "d"((uint32_t)(msr_value >> 32)));
}

static bool msr_outcome(const char *what, uint32_t index, int trap)
{
	if (trap != NO_TRAP && trap != TRAP_GP)
		failed("%s of MSR %#x: trap %d", what, index, trap);
	return trap == NO_TRAP;
}

bool msr_read(uint32_t index, uint64_t *value)
{
	int trap = try_call(try_rdmsr, index);

	*value = msr_value;
	return msr_outcome("read", index, trap);
}

bool msr_write(uint32_t index, uint64_t value)
{
	msr_value = value;
	return msr_outcome("write", index, try_call(try_wrmsr, index));
}

uint64_t pseudo_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
