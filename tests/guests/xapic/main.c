/* The local APIC by memory does what it should: interrupts to oneself, priorities, timer, another CPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "xapic";

#define MSR_APIC_BASE 0x1b
#define X2            0x400UL
#define APIC          0xfee00000UL
#define PATIENCE      10000000

enum {
	ID = 0x20,
	VERSION = 0x30,
	TPR = 0x80,
	PPR = 0xa0,
	EOI = 0xb0,
	LDR = 0xd0,
	DFR = 0xe0,
	SVR = 0xf0,
	ISR = 0x100,
	IRR = 0x200,
	ICR = 0x300,
	ICR_HIGH = 0x310,
	LVT_TIMER = 0x320,
	INITIAL = 0x380,
	CURRENT = 0x390,
	DIVIDE = 0x3e0,
};

static uint32_t get(unsigned offset)
{
	return *(volatile uint32_t *)(APIC + offset);
}

static void set(unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(APIC + offset) = value;
}

static bool is_set(unsigned bitmap, unsigned vector)
{
	return get(bitmap + vector / 32 * 16) >> vector % 32 & 1;
}

static void open_window(uint64_t unused)
{
	(void)unused;
	asm volatile("sti; nop; nop; cli");
}

/* The vector of an interrupt that waits, or NO_TRAP. */
static int interrupted(void)
{
	return try_call(open_window, 0);
}

static void to_self(uint8_t vector)
{
	set(ICR_HIGH, 0);
	set(ICR, 1 << 18 | vector);
}

static void registers(void)
{
	CHECK(get(ID) == 0);
	CHECK((get(VERSION) & 0xff) >= 0x10);
	set(SVR, 0x1ff);
	CHECK(get(SVR) == 0x1ff);
	set(TPR, 0x20);
	CHECK(get(TPR) == 0x20 && get(PPR) == 0x20);
	set(TPR, 0);
	set(LDR, 0x01000000);
	set(DFR, 0xffffffff);
	CHECK(get(LDR) == 0x01000000 && get(DFR) == 0xffffffff);
}

/* The moves that compilers and kernels use for such registers. */
static void ways_to_move(void)
{
	uint64_t read = 0;

	asm volatile("movl $0x30, (%0)" : : "r"(APIC + TPR) : "memory");
	CHECK(get(TPR) == 0x30);
	asm volatile("mov $0x40, %%r9d; mov %%r9d, 0x80(%0)" : : "r"(APIC) : "r9", "memory");
	CHECK(get(TPR) == 0x40);
	asm volatile("mov $0x50, %%eax; movabs %%eax, 0xfee00080" : : : "rax", "memory");
	asm volatile("movabs 0xfee00080, %%eax; mov %%rax, %0" : "=r"(read) : : "rax");
	CHECK(read == 0x50);
	asm volatile("mov -16(%1, %2, 4), %k0" : "=r"(read) : "r"(APIC), "r"((TPR + 16) / 4UL));
	CHECK(read == 0x50);
	asm volatile("addr32 mov (%k1), %k0" : "=r"(read) : "r"(APIC + TPR));
	CHECK(read == 0x50);
	asm volatile("mov (%1), %%r15d; mov %%r15, %0" : "=r"(read) : "r"(APIC + TPR) : "r15");
	CHECK(read == 0x50);
	asm volatile("movzbl (%1), %k0" : "=r"(read) : "r"(APIC + TPR));
	CHECK(read == 0x50);
	set(TPR, 0);
}

static void arrives(const char *what, uint8_t vector)
{
	int trap;

	if (!is_set(IRR, vector))
		failed("%s: %#x is not requested", what, vector);
	trap = interrupted();
	if (trap != vector)
		failed("%s: %d, not %#x", what, trap, vector);
	CHECK(is_set(ISR, vector) && !is_set(IRR, vector));
	CHECK(get(PPR) == (vector & 0xf0U));
	CHECK(interrupted() == NO_TRAP);
	set(EOI, 0);
	CHECK(!is_set(ISR, vector));
}

static void interrupts(void)
{
	to_self(0x41);
	arrives("to oneself", 0x41);
	set(ICR_HIGH, 0);
	set(ICR, 0x42);
	arrives("to the id", 0x42);
	set(ICR_HIGH, 0x01000000);
	set(ICR, 0x843);
	arrives("to the logical id", 0x43);
	set(ICR, 0x944);
	arrives("of lowest priority", 0x44);
	set(ICR, 2 << 18 | 0x45);
	arrives("to all", 0x45);
	set(ICR, 3 << 18 | 0x46);
	CHECK(!is_set(IRR, 0x46));
	CHECK(interrupted() == NO_TRAP);
}

static void priorities(void)
{
	set(TPR, 0x50);
	to_self(0x41);
	CHECK(interrupted() == NO_TRAP);
	set(TPR, 0x30);
	arrives("when the priority allows it", 0x41);
	set(TPR, 0);

	to_self(0x31);
	to_self(0x61);
	CHECK(interrupted() == 0x61);
	CHECK(interrupted() == NO_TRAP);
	to_self(0x71);
	CHECK(interrupted() == 0x71);
	set(EOI, 0);
	CHECK(interrupted() == NO_TRAP);
	set(EOI, 0);
	arrives("last", 0x31);
}

static int wait_interrupt(void)
{
	int trap = NO_TRAP;

	for (unsigned i = 0; i < PATIENCE && trap == NO_TRAP; i++)
		trap = interrupted();
	set(EOI, 0);
	return trap;
}

static void timer(void)
{
	set(DIVIDE, 0xb);
	set(LVT_TIMER, 0x51);
	set(INITIAL, 1000000);
	CHECK(get(CURRENT) <= 1000000);
	CHECK(wait_interrupt() == 0x51);
	CHECK(get(CURRENT) == 0);
	set(LVT_TIMER, 0x20052);
	set(INITIAL, 200000);
	for (unsigned i = 0; i < 5; i++)
		CHECK(wait_interrupt() == 0x52);
	set(LVT_TIMER, 0x10000);
	set(INITIAL, 0);
	while (interrupted() != NO_TRAP)
		set(EOI, 0);
}

static volatile bool second_runs;

static void second(void)
{
	second_runs = true;
	for (;;)
		asm volatile("pause");
}

static void start_second(void)
{
	second_prepare(second);
	set(ICR_HIGH, 2U << 24);
	set(ICR, 0x4500);
	set(ICR, 0x4600 | SECOND_PAGE);
	for (unsigned i = 0; i < PATIENCE && !second_runs; i++)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	CHECK(second_runs);
}

/* In the other mode nothing is at the address. */
static void gone(uint64_t base)
{
	CHECK(msr_write(MSR_APIC_BASE, base | X2));
	CHECK(get(VERSION) == 0xffffffff);
}

void test_main(void)
{
	uint64_t base;

	CHECK(msr_read(MSR_APIC_BASE, &base) && (base & 0xfffffffffffff000) == APIC);
	CHECK(!(base & X2));
	registers();
	ways_to_move();
	interrupts();
	priorities();
	timer();
	start_second();
	gone(base);
}
