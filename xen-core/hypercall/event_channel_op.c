/* Event channels as guests ask for them: arguments in, one operation of event/channel.h, answers out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "event/channel.h"

union operand {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_close close;
	struct evtchn_send send;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_unmask unmask;
	struct evtchn_reset reset;
	struct evtchn_init_control init_control;
	struct evtchn_expand_array expand_array;
	struct evtchn_set_priority set_priority;
};

/* The domain that an operation is about, with a reference: the caller's own, or any for dom0. */
static int target(struct hypercall *call, domid_t id, struct domain **domain)
{
	*domain = domain_get(id, call->caller);
	if (!*domain)
		return -ESRCH;
	if (*domain == call->caller->domain || call->caller->domain->privileged)
		return 0;
	domain_put(*domain);
	return -EPERM;
}

static domid_t resolve(const struct hypercall *call, domid_t id)
{
	return id == DOMID_SELF ? call->caller->domain->id : id;
}

static int alloc_unbound(struct hypercall *call, union operand *op)
{
	struct domain *domain;
	int err = target(call, op->alloc_unbound.dom, &domain);

	if (err)
		return err;
	err = event_alloc_unbound(domain, resolve(call, op->alloc_unbound.remote_dom),
	                          &op->alloc_unbound.port);
	domain_put(domain);
	return err;
}

/* The remote end says who may bind to it; no privilege is asked. */
static int bind_interdomain(struct hypercall *call, union operand *op)
{
	struct domain *remote = domain_get(op->bind_interdomain.remote_dom, call->caller);
	int err;

	if (!remote)
		return -ESRCH;
	err = event_bind_interdomain(call->caller->domain, remote, op->bind_interdomain.remote_port,
	                             &op->bind_interdomain.local_port);
	domain_put(remote);
	return err;
}

static int bind_virq(struct hypercall *call, union operand *op)
{
	return event_bind_virq(call->caller->domain, op->bind_virq.virq, op->bind_virq.vcpu,
	                       &op->bind_virq.port);
}

static int bind_ipi(struct hypercall *call, union operand *op)
{
	return event_bind_ipi(call->caller->domain, op->bind_ipi.vcpu, &op->bind_ipi.port);
}

static int close(struct hypercall *call, union operand *op)
{
	return event_close(call->caller->domain, op->close.port);
}

static int send(struct hypercall *call, union operand *op)
{
	return event_send(call->caller->domain, op->send.port);
}

static int status(struct hypercall *call, union operand *op)
{
	struct domain *domain;
	int err = target(call, op->status.dom, &domain);

	if (err)
		return err;
	err = event_status(domain, &op->status);
	domain_put(domain);
	return err;
}

static int bind_vcpu(struct hypercall *call, union operand *op)
{
	return event_bind_vcpu(call->caller->domain, op->bind_vcpu.port, op->bind_vcpu.vcpu);
}

static int unmask(struct hypercall *call, union operand *op)
{
	return event_unmask(call->caller->domain, op->unmask.port);
}

static int reset(struct hypercall *call, union operand *op)
{
	struct domain *domain;
	int err = target(call, op->reset.dom, &domain);

	if (err)
		return err;
	err = event_reset(domain);
	domain_put(domain);
	return err;
}

static int init_control(struct hypercall *call, union operand *op)
{
	return event_fifo_init_control(call->caller->domain, &op->init_control);
}

static int expand_array(struct hypercall *call, union operand *op)
{
	return event_fifo_expand_array(call->caller->domain, op->expand_array.array_gfn);
}

static int set_priority(struct hypercall *call, union operand *op)
{
	return event_set_priority(call->caller->domain, op->set_priority.port,
	                          op->set_priority.priority);
}

#define OPERATION(name, answers_)                                                                  \
	{                                                                                          \
		.act = name, .size = sizeof(((union operand *)NULL)->name), .answers = (answers_)  \
	}

static const struct operation {
	int (*act)(struct hypercall *call, union operand *op);
	size_t size;
	bool answers; /* the operand has fields for the caller */
} operations[] = {
	[EVTCHNOP_bind_interdomain] = OPERATION(bind_interdomain, true),
	[EVTCHNOP_bind_virq] = OPERATION(bind_virq, true),
	[EVTCHNOP_close] = OPERATION(close, false),
	[EVTCHNOP_send] = OPERATION(send, false),
	[EVTCHNOP_status] = OPERATION(status, true),
	[EVTCHNOP_alloc_unbound] = OPERATION(alloc_unbound, true),
	[EVTCHNOP_bind_ipi] = OPERATION(bind_ipi, true),
	[EVTCHNOP_bind_vcpu] = OPERATION(bind_vcpu, false),
	[EVTCHNOP_unmask] = OPERATION(unmask, false),
	[EVTCHNOP_reset] = OPERATION(reset, false),
	[EVTCHNOP_init_control] = OPERATION(init_control, true),
	[EVTCHNOP_expand_array] = OPERATION(expand_array, false),
	[EVTCHNOP_set_priority] = OPERATION(set_priority, false),
};

/*
 * args: operation, operand. A port that was bound stays so if the answer cannot be written: the
 * caller gave us a bad address and may close everything with a reset.
 */
long hypercall_event_channel_op(struct hypercall *call)
{
	const struct operation *operation;
	union operand op = { 0 };
	long err;

	if (call->args[0] >= ARRAY_SIZE(operations) || !operations[call->args[0]].act)
		return -ENOSYS;
	operation = &operations[call->args[0]];
	err = copy_from_guest(call->caller, &op, call->args[1], operation->size);
	if (!err)
		err = operation->act(call, &op);
	if (!err && operation->answers)
		err = copy_to_guest(call->caller, call->args[1], &op, operation->size);
	return err;
}
