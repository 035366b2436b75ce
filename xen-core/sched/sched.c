/* Which vCPU a CPU runs next: a queue for each CPU, taken in turn. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/sched.h"

#include "hw/ipi.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "vcpu/runstate.h"

/*
 * A vCPU is in its CPU's queue if it can run and does not. up, blocked and running change under
 * the lock of its CPU's queue; pauses is counted without it, by anybody.
 */
struct runqueue {
	struct lock lock;
	struct list waiting;
};

static struct runqueue queues[MAX_CPUS];

static struct runqueue *queue_of(const struct vcpu *vcpu)
{
	return &queues[vcpu->cpu->id];
}

bool sched_is_runnable(const struct vcpu *vcpu)
{
	return vcpu->up && !vcpu->blocked && !__atomic_load_n(&vcpu->pauses, __ATOMIC_SEQ_CST);
}

void sched_cpu_init(struct cpu *cpu)
{
	lock_init(&queues[cpu->id].lock, LOCK_SCHED);
	list_init(&queues[cpu->id].waiting);
}

int sched_vcpu_init(struct vcpu *vcpu, struct cpu *cpu)
{
	vcpu->cpu = cpu;
	vcpu->affinity = ~0UL;
	list_init(&vcpu->run_link);
	vcpu->runstate.state = RUNSTATE_offline;
	vcpu->runstate.state_entry_time = clock_now().v;
	return 0;
}

void sched_vcpu_destroy(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);

	lock_take(&queue->lock);
	ASSERT(!vcpu->running);
	list_remove(&vcpu->run_link);
	lock_release(&queue->lock);
}

static int waiting_state(const struct vcpu *vcpu)
{
	if (!vcpu->up || __atomic_load_n(&vcpu->pauses, __ATOMIC_RELAXED))
		return RUNSTATE_offline;
	return vcpu->blocked ? RUNSTATE_blocked : RUNSTATE_runnable;
}

/* Under the queue's lock. True if the CPU has to be told. */
static bool enqueue(struct runqueue *queue, struct vcpu *vcpu)
{
	if (vcpu->running || !list_is_empty(&vcpu->run_link) || !sched_is_runnable(vcpu))
		return false;
	list_push_back(&queue->waiting, &vcpu->run_link);
	runstate_change(vcpu, RUNSTATE_runnable, clock_now());
	return true;
}

/* The first that can run; those that were paused meanwhile fall out and come back by unpause. */
static struct vcpu *dequeue(struct runqueue *queue)
{
	while (!list_is_empty(&queue->waiting)) {
		struct vcpu *vcpu = LIST_ENTRY(queue->waiting.next, struct vcpu, run_link);

		list_remove(&vcpu->run_link);
		if (sched_is_runnable(vcpu))
			return vcpu;
		runstate_change(vcpu, waiting_state(vcpu), clock_now());
	}
	return NULL;
}

struct vcpu *sched_pick(struct cpu *cpu)
{
	struct runqueue *queue = &queues[cpu->id];
	struct vcpu *last = cpu->current, *next;

	lock_take(&queue->lock);
	if (last)
		last->running = false;
	if (last && !enqueue(queue, last))
		runstate_change(last, waiting_state(last), clock_now());
	next = dequeue(queue);
	if (next) {
		next->running = true;
		runstate_change(next, RUNSTATE_running, clock_now());
	}
	cpu->current = next;
	lock_release(&queue->lock);
	return next;
}

void sched_wake(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);
	bool tell;

	lock_take(&queue->lock);
	vcpu->blocked = false;
	tell = enqueue(queue, vcpu);
	lock_release(&queue->lock);
	if (tell)
		ipi_kick(vcpu->cpu);
}

void sched_kick(struct vcpu *vcpu)
{
	sched_wake(vcpu);
	if (vcpu->running)
		ipi_kick(vcpu->cpu);
}

void sched_block(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);

	lock_take(&queue->lock);
	vcpu->blocked = true;
	lock_release(&queue->lock);
}

void sched_yield(struct vcpu *vcpu)
{
	vcpu->cpu->kicked = true;
}

void sched_up(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);

	lock_take(&queue->lock);
	vcpu->up = true;
	lock_release(&queue->lock);
	sched_wake(vcpu);
}

void sched_down(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);

	lock_take(&queue->lock);
	vcpu->up = false;
	lock_release(&queue->lock);
}

static void nothing(void *unused)
{
	(void)unused;
}

void sched_pause(struct vcpu *vcpu)
{
	__atomic_fetch_add(&vcpu->pauses, 1, __ATOMIC_SEQ_CST);
	/* The call is served out of guest mode, and entry looks at the count. */
	if (vcpu->running && vcpu->cpu != this_cpu())
		ipi_call(BIT(vcpu->cpu->id), nothing, NULL);
}

void sched_unpause(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);
	bool tell;

	ASSERT(vcpu->pauses);
	__atomic_fetch_sub(&vcpu->pauses, 1, __ATOMIC_SEQ_CST);
	lock_take(&queue->lock);
	tell = enqueue(queue, vcpu);
	lock_release(&queue->lock);
	if (tell)
		ipi_kick(vcpu->cpu);
}
