/* A guest gives up the CPU, waits for events, or ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

#include "domain/clock.h"
#include "domain/watchdog.h"
#include "event/channel.h"
#include "event/event.h"
#include "sched/sched.h"

#define POLL_MAX 128 /* ports in one poll */

static long block(struct vcpu *vcpu)
{
	sched_block(vcpu);
	if (event_upcall_pending(vcpu)) /* one that came before the block wakes nobody else */
		sched_wake(vcpu);
	return 0;
}

static long shut_down(struct hypercall *call)
{
	struct sched_shutdown shutdown;
	long err = copy_from_guest(call->caller, &shutdown, call->args[1], sizeof(shutdown));

	if (err)
		return err;
	if (shutdown.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain_shutdown(call->caller->domain, shutdown.reason);
	return 0;
}

static long remote_shutdown(struct hypercall *call)
{
	struct sched_remote_shutdown shutdown;
	struct domain *domain;
	long err = copy_from_guest(call->caller, &shutdown, call->args[1], sizeof(shutdown));

	if (err)
		return err;
	if (!call->caller->domain->privileged)
		return -EPERM;
	if (shutdown.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain = domain_get(shutdown.domain_id, call->caller);
	if (!domain)
		return -ESRCH;
	domain_shutdown(domain, shutdown.reason);
	domain_put(domain);
	return 0;
}

/* The code only: the domain goes on and will end with it. */
static long shutdown_code(struct hypercall *call)
{
	struct domain *domain = call->caller->domain;
	struct sched_shutdown shutdown;
	long err = copy_from_guest(call->caller, &shutdown, call->args[1], sizeof(shutdown));

	if (err)
		return err;
	if (shutdown.reason > SHUTDOWN_MAX)
		return -EINVAL;
	lock_take(&domain->lock);
	if (!domain->shut_down)
		domain->shutdown_code = shutdown.reason;
	lock_release(&domain->lock);
	return 0;
}

static long poll(struct hypercall *call)
{
	evtchn_port_t ports[POLL_MAX];
	struct sched_poll request;
	long err = argument_take(call, &shape_sched_poll, &request, call->args[1], 1);

	if (err)
		return err;
	if (request.nr_ports > POLL_MAX)
		return -EINVAL;
	err = copy_from_guest(call->caller, ports, (uint64_t)(uintptr_t)request.ports.p,
	                      request.nr_ports * sizeof(ports[0]));
	if (err)
		return err;
	return event_poll(call->caller, ports, request.nr_ports,
	                  request.timeout ? domain_clock_host_time(call->caller, request.timeout)
	                                  : NANOS(0));
}

static long watchdog(struct hypercall *call)
{
	struct sched_watchdog request;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	return err ? err : domain_watchdog_set(call->caller->domain, request.id, request.timeout);
}

long hypercall_sched_op(struct hypercall *call)
{
	switch (call->args[0]) {
	case SCHEDOP_yield:
		sched_yield(call->caller);
		return 0;
	case SCHEDOP_block:
		return block(call->caller);
	case SCHEDOP_shutdown:
		return shut_down(call);
	case SCHEDOP_poll:
		return poll(call);
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(call);
	case SCHEDOP_shutdown_code:
		return shutdown_code(call);
	case SCHEDOP_watchdog:
		return watchdog(call);
	default:
		return -ENOSYS;
	}
}
