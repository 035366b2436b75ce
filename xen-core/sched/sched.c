/* Which vCPU a CPU runs next: the one that has had least of its share; who is idle, helps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/sched.h"

#include "hw/ipi.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "sched/cap.h"
#include "vcpu/runstate.h"

/*
 * Each vCPU has a virtual time that runs faster the less weight its domain has. A CPU's queue holds
 * the vCPUs that wait for it; the one furthest behind runs next, for a slice if others wait. One
 * that wakes is set a little behind the others, so that it soon gets its turn, but not so far that a
 * long sleep buys it a long run. A CPU with nothing to run takes from the other queues.
 *
 * A capped domain draws its running time from a budget (cap.h); without it its vCPUs wait, whatever
 * else is idle.
 *
 * A vCPU that stops stays "running", in no queue, until its CPU has written its runstate to the guest
 * and says sched_left: nobody else runs, wakes or frees it meanwhile.
 *
 * One lock guards all queues: they are short, and a vCPU then moves between them in one step.
 * pauses is counted without it, by anybody.
 */
#define SLICE         MILLISECONDS(5)
#define WAKE_CREDIT   MILLISECONDS(3)
#define WAKE_PREEMPTS MICROSECONDS(500) /* how far behind a waker must be to end another's turn */

struct runqueue {
	struct cpu *cpu;
	struct list waiting;
	uint64_t floor;     /* virtual time of the last vCPU picked: where newcomers start */
	nanos_t picked_at;  /* since when the current vCPU's time is not yet accounted */
	struct timer slice; /* ends the current vCPU's turn, or the wait of capped ones */
};

static struct lock lock = LOCK_INIT(LOCK_SCHED);
static struct runqueue queues[MAX_CPUS];

static struct runqueue *queue_of(const struct vcpu *vcpu)
{
	return &queues[vcpu->cpu->id];
}

bool sched_is_runnable(const struct vcpu *vcpu)
{
	return vcpu->up && !vcpu->blocked && !__atomic_load_n(&vcpu->pauses, __ATOMIC_SEQ_CST);
}

static void slice_over(struct timer *timer)
{
	(void)timer;
	__atomic_store_n(&this_cpu()->kicked, true, __ATOMIC_SEQ_CST);
}

void sched_cpu_init(struct cpu *cpu)
{
	struct runqueue *queue = &queues[cpu->id];

	queue->cpu = cpu;
	list_init(&queue->waiting);
	timer_init(&queue->slice, slice_over);
}

void sched_share_init(struct sched_share *share)
{
	*share = (struct sched_share){ .weight = SCHED_WEIGHT_DEFAULT };
}

int sched_share_set(struct sched_share *share, uint32_t weight, uint32_t cap)
{
	if (!weight || weight > SCHED_WEIGHT_MAX)
		return -EINVAL;
	lock_take(&lock);
	share->weight = weight;
	share->cap = cap;
	share->budget = 0;
	share->period_start = clock_now();
	lock_release(&lock);
	return 0;
}

int sched_vcpu_init(struct vcpu *vcpu, struct cpu *cpu, struct sched_share *share)
{
	vcpu->cpu = cpu;
	vcpu->affinity = ~0UL;
	vcpu->share = share;
	list_init(&vcpu->run_link);
	vcpu->runstate.state = RUNSTATE_offline;
	vcpu->runstate.state_entry_time = clock_now().v;
	return 0;
}

void sched_vcpu_destroy(struct vcpu *vcpu)
{
	lock_take(&lock);
	ASSERT(!vcpu->running);
	list_remove(&vcpu->run_link);
	lock_release(&lock);
}

/* Charges the current vCPU for the time since the last charge. */
static void account(struct runqueue *queue, nanos_t now)
{
	struct vcpu *vcpu = queue->cpu->current;
	uint64_t ran = now.v - queue->picked_at.v;

	queue->picked_at = now;
	if (!vcpu)
		return;
	vcpu->virtual_time += ran * SCHED_WEIGHT_DEFAULT / vcpu->share->weight;
	cap_charge(vcpu->share, ran);
	/* One that runs alone is not picked again: newcomers start from where it is. */
	if (list_is_empty(&queue->waiting) && (int64_t)(vcpu->virtual_time - queue->floor) > 0)
		queue->floor = vcpu->virtual_time;
}

static int waiting_state(const struct vcpu *vcpu)
{
	if (!vcpu->up || __atomic_load_n(&vcpu->pauses, __ATOMIC_RELAXED))
		return RUNSTATE_offline;
	return vcpu->blocked ? RUNSTATE_blocked : RUNSTATE_runnable;
}

/* Virtual times compare within a queue only: moving keeps the distance to its floor. */
static void move(struct vcpu *vcpu, struct runqueue *to)
{
	vcpu->virtual_time += to->floor - queue_of(vcpu)->floor;
	vcpu->cpu = to->cpu;
}

static bool may_run_on(const struct vcpu *vcpu, const struct cpu *cpu)
{
	return cpu->id < guest_cpu_count && vcpu->affinity >> cpu->id & 1;
}

static bool is_idle(const struct cpu *cpu)
{
	return !cpu->current && list_is_empty(&queues[cpu->id].waiting);
}

/* Its last CPU if that is idle, else any idle one, else the last; where its affinity lets it. */
static struct cpu *place(const struct vcpu *vcpu)
{
	struct cpu *allowed = may_run_on(vcpu, vcpu->cpu) ? vcpu->cpu : NULL;

	if (allowed && is_idle(allowed))
		return allowed;
	for (unsigned i = 0; i < guest_cpu_count; i++) {
		if (!may_run_on(vcpu, cpus[i]))
			continue;
		if (is_idle(cpus[i]))
			return cpus[i];
		if (!allowed)
			allowed = cpus[i];
	}
	return allowed ? allowed : vcpu->cpu;
}

static bool should_preempt(struct runqueue *queue, const struct vcpu *waker, nanos_t now)
{
	const struct vcpu *current = queue->cpu->current;

	if (!current)
		return true;
	account(queue, now);
	return (int64_t)(current->virtual_time - waker->virtual_time) > (int64_t)WAKE_PREEMPTS;
}

/* The slice timer of a CPU that ran alone is not armed: the newcomer arms it. */
static void arm_slice(struct runqueue *queue, nanos_t now)
{
	if (!queue->slice.cpu)
		timer_set(&queue->slice, queue->cpu, NANOS(now.v + SLICE));
}

/* Under the lock. Returns the CPU that has to be told, or NULL. */
static struct cpu *enqueue(struct vcpu *vcpu)
{
	nanos_t now = clock_now();
	struct runqueue *queue;

	if (vcpu->running || !list_is_empty(&vcpu->run_link) || !sched_is_runnable(vcpu))
		return NULL;
	move(vcpu, &queues[place(vcpu)->id]);
	queue = queue_of(vcpu);
	if ((int64_t)(vcpu->virtual_time - (queue->floor - WAKE_CREDIT)) < 0)
		vcpu->virtual_time = queue->floor - WAKE_CREDIT;
	list_push_back(&queue->waiting, &vcpu->run_link);
	runstate_change(vcpu, RUNSTATE_runnable, now);
	if (should_preempt(queue, vcpu, now))
		return queue->cpu;
	arm_slice(queue, now);
	return NULL;
}

static void tell(struct cpu *cpu)
{
	if (cpu == this_cpu())
		__atomic_store_n(&cpu->kicked, true, __ATOMIC_SEQ_CST);
	else if (cpu)
		ipi_kick(cpu);
}

/* The waiting vCPU furthest behind that may run on the CPU now. Those that cannot run any more fall
 * out; what makes them runnable again puts them back. */
static struct vcpu *best_of(struct runqueue *queue, const struct cpu *cpu, nanos_t now)
{
	struct vcpu *best = NULL;

	LIST_FOR_EACH_SAFE(item, after, &queue->waiting) {
		struct vcpu *vcpu = LIST_ENTRY(item, struct vcpu, run_link);

		if (!sched_is_runnable(vcpu)) {
			list_remove(&vcpu->run_link);
			runstate_change(vcpu, waiting_state(vcpu), now);
			continue;
		}
		if (!may_run_on(vcpu, cpu) || !cap_has_budget(vcpu->share, now))
			continue;
		if (!best || (int64_t)(vcpu->virtual_time - best->virtual_time) < 0)
			best = vcpu;
	}
	return best;
}

static struct vcpu *steal(struct cpu *cpu, nanos_t now)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		struct vcpu *vcpu;

		if (cpus[i] == cpu || !queues[i].cpu || list_is_empty(&queues[i].waiting))
			continue;
		vcpu = best_of(&queues[i], cpu, now);
		if (vcpu) {
			move(vcpu, &queues[cpu->id]);
			return vcpu;
		}
	}
	return NULL;
}

/* When all that wait are out of budget: the first of them that gets some. */
static nanos_t soonest_refill(const struct runqueue *queue, nanos_t now)
{
	nanos_t soonest = NANOS(now.v + SLICE);

	LIST_FOR_EACH(item, &queue->waiting) {
		const struct vcpu *vcpu = LIST_ENTRY(item, struct vcpu, run_link);

		if (vcpu->share->cap && cap_refilled_at(vcpu->share).v < soonest.v)
			soonest = cap_refilled_at(vcpu->share);
	}
	return soonest;
}

/* When the CPU has to think again: others wait, or the budget of the one that runs ends. */
static void set_slice(struct runqueue *queue, const struct vcpu *next, nanos_t now)
{
	bool alone = list_is_empty(&queue->waiting);
	nanos_t until = NANOS(now.v + SLICE);

	if (alone && !(next && next->share->cap)) {
		timer_stop(&queue->slice);
		return;
	}
	if (!next)
		until = soonest_refill(queue, now);
	else if (cap_longest_run(next->share) < SLICE)
		until = NANOS(now.v + cap_longest_run(next->share));
	timer_set(&queue->slice, queue->cpu, until);
}

/* Those that wait come first if they are as far behind. */
static bool goes_on(struct vcpu *last, const struct vcpu *best, const struct cpu *cpu, nanos_t now)
{
	return sched_is_runnable(last) && may_run_on(last, cpu) &&
	       cap_has_budget(last->share, now) &&
	       (!best || (int64_t)(last->virtual_time - best->virtual_time) < 0);
}

static void set_current(struct runqueue *queue, struct vcpu *next, nanos_t now)
{
	queue->cpu->current = next;
	set_slice(queue, next, now);
	if (!next)
		return;
	next->running = true;
	if ((int64_t)(next->virtual_time - queue->floor) > 0)
		queue->floor = next->virtual_time;
	if (next->runstate.state != RUNSTATE_running)
		runstate_change(next, RUNSTATE_running, now);
}

struct vcpu *sched_pick(struct cpu *cpu)
{
	struct runqueue *queue = &queues[cpu->id];
	struct vcpu *last = cpu->current;
	struct vcpu *next;
	nanos_t now;

	lock_take(&lock);
	now = clock_now();
	account(queue, now);
	next = best_of(queue, cpu, now);
	if (last && goes_on(last, next, cpu, now))
		next = last;
	if (!next)
		next = steal(cpu, now);
	if (next)
		list_remove(&next->run_link);
	if (last && next != last)
		runstate_change(last, waiting_state(last), now);
	set_current(queue, next, now);
	lock_release(&lock);
	return next;
}

void sched_left(struct vcpu *vcpu)
{
	struct cpu *cpu;

	lock_take(&lock);
	vcpu->running = false;
	cpu = enqueue(vcpu);
	lock_release(&lock);
	tell(cpu);
}

void sched_wake(struct vcpu *vcpu)
{
	struct cpu *cpu;

	lock_take(&lock);
	vcpu->blocked = false;
	cpu = enqueue(vcpu);
	lock_release(&lock);
	tell(cpu);
}

void sched_kick(struct vcpu *vcpu)
{
	/* Most events find their target running here or elsewhere: no queue is touched then. */
	if (__atomic_load_n(&vcpu->blocked, __ATOMIC_SEQ_CST) || !vcpu->running)
		sched_wake(vcpu);
	else if (vcpu->cpu != this_cpu())
		ipi_kick(vcpu->cpu);
}

void sched_block(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->blocked, true, __ATOMIC_SEQ_CST);
}

void sched_yield(struct vcpu *vcpu)
{
	struct runqueue *queue = queue_of(vcpu);

	lock_take(&lock);
	if (!list_is_empty(&queue->waiting)) /* behind those that wait here */
		vcpu->virtual_time += WAKE_PREEMPTS;
	lock_release(&lock);
	__atomic_store_n(&queue->cpu->kicked, true, __ATOMIC_SEQ_CST);
}

void sched_up(struct vcpu *vcpu)
{
	lock_take(&lock);
	vcpu->up = true;
	lock_release(&lock);
	sched_wake(vcpu);
}

void sched_down(struct vcpu *vcpu)
{
	struct cpu *cpu;

	lock_take(&lock);
	vcpu->up = false;
	cpu = vcpu->running ? vcpu->cpu : NULL;
	lock_release(&lock);
	tell(cpu);
}

static void nothing(void *unused)
{
	(void)unused;
}

/* The call is served out of guest mode, and entry looks at the count. */
static void leave_guest_mode(const struct vcpu *vcpu)
{
	struct cpu *cpu = vcpu->cpu;

	if (vcpu->running && cpu != this_cpu())
		ipi_call(BIT(cpu->id), nothing, NULL);
}

void sched_pause(struct vcpu *vcpu)
{
	__atomic_fetch_add(&vcpu->pauses, 1, __ATOMIC_SEQ_CST);
	leave_guest_mode(vcpu);
}

void sched_unpause(struct vcpu *vcpu)
{
	struct cpu *cpu;

	ASSERT(vcpu->pauses);
	__atomic_fetch_sub(&vcpu->pauses, 1, __ATOMIC_SEQ_CST);
	lock_take(&lock);
	cpu = enqueue(vcpu);
	lock_release(&lock);
	tell(cpu);
}

int sched_set_affinity(struct vcpu *vcpu, uint64_t cpu_mask)
{
	struct cpu *cpu = NULL;

	if (!(cpu_mask & (guest_cpu_count == 64 ? ~0UL : BIT(guest_cpu_count) - 1)))
		return -EINVAL;
	lock_take(&lock);
	vcpu->affinity = cpu_mask;
	if (!may_run_on(vcpu, vcpu->cpu) && !list_is_empty(&vcpu->run_link)) {
		list_remove(&vcpu->run_link);
		cpu = enqueue(vcpu);
	} else if (vcpu->running && !may_run_on(vcpu, vcpu->cpu)) {
		cpu = vcpu->cpu; /* its turn ends */
	}
	lock_release(&lock);
	tell(cpu);
	return 0;
}
