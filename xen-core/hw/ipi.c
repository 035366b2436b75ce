/* Interrupts from one CPU to another: a kick out of guest or idle, and calls. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/ipi.h"

#include "hw/apic.h"
#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/assert.h"
#include "lib/bits.h"

#define ASK_AGAIN MILLISECONDS(1)

/*
 * Each caller has a call of its own, so that no lock is needed: it fills it in, sets its bit in
 * cpu->calls of each target, and waits until every target has cleared its bit in `left`.
 */
static struct call {
	void (*fn)(void *arg);
	void *arg;
	unsigned long left; /* bit per target */
} calls[MAX_CPUS];

static bool stopping;

/* The flag is all there is to a kick; the interrupt only brings the CPU round to look at it. */
static void kick_interrupt(void)
{
}

/* One kick is enough for a CPU that is on its way; one in guest mode is told again, in case the first
 * interrupt was lost on an emulated CPU. */
void ipi_kick(struct cpu *cpu)
{
	bool kicked = __atomic_exchange_n(&cpu->kicked, true, __ATOMIC_SEQ_CST);
	bool on_its_way = kicked && !__atomic_load_n(&cpu->in_guest, __ATOMIC_SEQ_CST);

	if (!on_its_way && cpu != this_cpu())
		apic_send(cpu->apic_id, VECTOR_KICK);
}

static void serve_one(struct cpu *self, struct call *call)
{
	call->fn(call->arg);
	__atomic_fetch_and(&call->left, ~BIT(self->id), __ATOMIC_RELEASE);
}

void ipi_serve(struct cpu *self)
{
	unsigned long callers;

	if (!__atomic_load_n(&self->calls, __ATOMIC_RELAXED))
		return;
	callers = __atomic_exchange_n(&self->calls, 0, __ATOMIC_ACQUIRE);
	for (; callers; callers &= callers - 1)
		serve_one(self, &calls[bit_lowest(callers)]);
}

static void call_interrupt(void)
{
	ipi_serve(this_cpu());
}

static void ask(struct cpu *self, unsigned long targets)
{
	for (; targets; targets &= targets - 1) {
		struct cpu *cpu = cpus[bit_lowest(targets)];

		ASSERT(cpu && cpu->online);
		__atomic_fetch_or(&cpu->calls, BIT(self->id), __ATOMIC_RELEASE);
		apic_send(cpu->apic_id, VECTOR_CALL);
	}
}

/* An emulated CPU can lose an interrupt. Those that have not taken the call by now get another one. */
static void ask_again(const struct cpu *self, unsigned long targets)
{
	for (; targets; targets &= targets - 1) {
		const struct cpu *cpu = cpus[bit_lowest(targets)];

		if (__atomic_load_n(&cpu->calls, __ATOMIC_RELAXED) & BIT(self->id))
			apic_send(cpu->apic_id, VECTOR_CALL);
	}
}

static void wait_for_all(struct cpu *self, const struct call *call)
{
	nanos_t asked = clock_now();
	unsigned long left;

	while ((left = __atomic_load_n(&call->left, __ATOMIC_ACQUIRE))) {
		ipi_serve(self);
		cpu_relax();
		if (clock_now().v - asked.v < ASK_AGAIN)
			continue;
		ask_again(self, left);
		asked = clock_now();
	}
}

void ipi_call(unsigned long cpu_mask, void (*fn)(void *arg), void *arg)
{
	struct cpu *self = this_cpu();
	struct call *call = &calls[self->id];
	unsigned long others = cpu_mask & ~BIT(self->id);

	ASSERT(!call->left);
	call->fn = fn;
	call->arg = arg;
	__atomic_store_n(&call->left, others, __ATOMIC_RELEASE);
	ask(self, others);
	if (cpu_mask & BIT(self->id))
		fn(arg);
	wait_for_all(self, call);
}

void ipi_stop_others(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	apic_send_nmi_others();
}

bool ipi_is_stopping(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_SEQ_CST);
}

void ipi_init(void)
{
	interrupt_register(VECTOR_KICK, kick_interrupt);
	interrupt_register(VECTOR_CALL, call_interrupt);
}
