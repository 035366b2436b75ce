/* The CPU's local APIC, by memory-mapped registers or (x2APIC) by MSRs. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/apic.h"

#include "hw/cpu.h"
#include "hw/calibrate.h"
#include "hw/device_map.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/assert.h"
#include "lib/print.h"

#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)

#define MSR_X2APIC       0x800
#define MSR_TSC_DEADLINE 0x6e0

/* Offsets of the memory-mapped registers; the MSRs are MSR_X2APIC + offset / 16. */
enum apic_register {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_ESR = 0x280,
	APIC_LVT_CMCI = 0x2f0,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_COUNTERS = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_COUNT = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define SVR_ENABLE   BIT(8)
#define LVT_MASKED   BIT(16)
#define LVT_DEADLINE BIT(18)
#define DIVIDE_BY_1  0xb

#define ICR_NMI     0x400
#define ICR_INIT    0x500
#define ICR_STARTUP 0x600
#define ICR_BUSY    BIT(12)
#define ICR_ASSERT  BIT(14)

static volatile uint32_t *registers; /* the xAPIC page; NULL in x2APIC mode */
static bool is_x2apic;
static bool has_deadline;
static uint64_t timer_khz;

static uint32_t apic_read(unsigned reg)
{
	return is_x2apic ? (uint32_t)rdmsr(MSR_X2APIC + reg / 16) : registers[reg / 4];
}

static void apic_write(unsigned reg, uint32_t value)
{
	if (is_x2apic)
		wrmsr(MSR_X2APIC + reg / 16, value);
	else
		registers[reg / 4] = value;
}

void apic_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	is_x2apic = cpu_has(CPU_X2APIC);
	has_deadline = cpu_has(CPU_TSC_DEADLINE);
	if (is_x2apic)
		return;
	registers = device_map(base & PAGE_MASK & (BIT(cpu_address_bits()) - 1), PAGE_SIZE, false);
	if (!registers)
		fatal("no room to map the local APIC\n");
}

uint32_t apic_id(void)
{
	return is_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

/* x2APIC mode is entered from xAPIC mode only, so enabling takes two steps. */
static void enable(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (is_x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

/*
 * An interrupt with a logical destination finds its CPU in flat mode: one bit for each of the first
 * eight. x2APIC's logical ids are fixed.
 */
static void set_logical_id(uint32_t id)
{
	if (is_x2apic)
		return;
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, id < 8 ? 1u << (24 + id) : 0);
}

/* The version register says how many LVT entries there are; absent ones must not be written. */
static void mask_lvts(void)
{
	unsigned highest = apic_read(0x30) >> 16 & 0xff;

	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_MASKED);
	if (highest >= 4)
		apic_write(APIC_LVT_COUNTERS, LVT_MASKED);
	if (highest >= 5)
		apic_write(APIC_LVT_THERMAL, LVT_MASKED);
	if (highest >= 6)
		apic_write(APIC_LVT_CMCI, LVT_MASKED);
}

static uint32_t take_errors(void)
{
	apic_write(APIC_ESR, 0); /* the write latches what has come up since the last one */
	return apic_read(APIC_ESR);
}

/* dom0 can raise these by programming an odd vector somewhere, so each kind is told once. */
static void error_interrupt(void)
{
	static uint32_t told;
	uint32_t errors = take_errors();
	uint32_t before = __atomic_fetch_or(&told, errors, __ATOMIC_RELAXED);

	if (errors & ~before)
		log_warn("apic: CPU %u reports errors 0x%x\n", this_cpu()->id, errors);
}

void apic_cpu_init(void)
{
	enable();
	this_cpu()->apic_id = apic_id();
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	set_logical_id(this_cpu()->apic_id);
	mask_lvts();
	take_errors();
	interrupt_register(VECTOR_ERROR, error_interrupt);
	apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
	apic_write(APIC_TIMER_COUNT, 0);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (has_deadline ? LVT_DEADLINE : 0));
	asm volatile("mfence" ::: "memory"); /* the mode is set before the first deadline is */
	apic_write(APIC_TPR, 0);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* ISR and TMR are 256 bits each, 32 to a register. */
static bool vector_bit(unsigned first_register, uint8_t vector)
{
	return apic_read(first_register + vector / 32 * 16) >> (vector % 32) & 1;
}

bool apic_in_service(uint8_t vector)
{
	return vector_bit(APIC_ISR, vector);
}

bool apic_is_level(uint8_t vector)
{
	return vector_bit(APIC_TMR, vector);
}

static void send_x2apic(uint32_t destination, uint32_t command)
{
	/* WRMSR to the x2APIC orders nothing: what the receiver is to see must be out first. */
	asm volatile("mfence; lfence" ::: "memory");
	wrmsr(MSR_X2APIC + APIC_ICR / 16, (uint64_t)destination << 32 | command);
}

/* Interrupts are off, or the handler's own sending could come between the two writes. */
static void send_xapic(uint32_t destination, uint32_t command)
{
	while (apic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
}

static void send(uint32_t destination, uint32_t command)
{
	if (is_x2apic)
		send_x2apic(destination, command);
	else
		send_xapic(destination, command);
}

void apic_send(uint32_t destination, uint8_t vector)
{
	send(destination, vector | ICR_ASSERT);
}

void apic_send_init(uint32_t destination)
{
	send(destination, ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(uint32_t destination, uint8_t page)
{
	send(destination, ICR_STARTUP | ICR_ASSERT | page);
}

/* One by one: the shorthand would also wake CPUs that were never started, in the firmware. */
void apic_send_nmi_others(void)
{
	for (unsigned i = 0; i < MAX_CPUS; i++)
		if (cpus[i] && cpus[i]->online && cpus[i] != this_cpu())
			send(cpus[i]->apic_id, ICR_NMI | ICR_ASSERT);
}

bool apic_reaches(uint32_t destination)
{
	return is_x2apic || destination < 0xff;
}

void apic_timer_set(uint32_t ticks)
{
	if (has_deadline)
		wrmsr(MSR_TSC_DEADLINE, ticks ? rdtsc() + ticks : 0);
	else
		apic_write(APIC_TIMER_COUNT, ticks);
}

uint64_t apic_timer_khz(void)
{
	return timer_khz;
}

static uint32_t read_timer(void)
{
	return UINT32_MAX - apic_read(APIC_TIMER_CURRENT);
}

static uint64_t measure_timer(void)
{
	struct calibrate_sample first, last;

	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_COUNT, UINT32_MAX);
	first = calibrate_sample(read_timer);
	clock_delay(MILLISECONDS(20));
	last = calibrate_sample(read_timer);
	apic_write(APIC_TIMER_COUNT, 0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	return (last.count - first.count) * clock_tsc_khz() / (last.tsc - first.tsc);
}

void apic_timer_calibrate(void)
{
	timer_khz = has_deadline ? clock_tsc_khz() : measure_timer();
	if (!timer_khz)
		fatal("the local APIC's timer does not count\n");
	log_info("apic: %s, timer %lu kHz%s\n", is_x2apic ? "x2APIC" : "xAPIC", timer_khz,
	         has_deadline ? " (TSC deadline)" : "");
}
