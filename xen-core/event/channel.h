/* What a domain asks about its ports: bind, close, send, status. One function an ABI operation. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_EVENT_CHANNEL_H
#define XEN_CORE_EVENT_CHANNEL_H

#include "domain/domain.h"

/*
 * Errors: -EINVAL for a port that does not exist or is in no state for this, -ENOENT for a vCPU
 * that does not exist, -ENOSPC when the domain's ports are used up, -ENOMEM.
 */
int event_alloc_unbound(struct domain *domain, domid_t remote, evtchn_port_t *port);
int event_bind_interdomain(struct domain *domain, struct domain *remote, evtchn_port_t remote_port,
                           evtchn_port_t *port);
int event_bind_virq(struct domain *domain, unsigned virq, uint32_t vcpu, evtchn_port_t *port);
int event_bind_ipi(struct domain *domain, uint32_t vcpu, evtchn_port_t *port);
int event_bind_vcpu(struct domain *domain, evtchn_port_t port, uint32_t vcpu);
int event_close(struct domain *domain, evtchn_port_t port);
int event_send(struct domain *domain, evtchn_port_t port);
int event_unmask(struct domain *domain, evtchn_port_t port);
int event_status(struct domain *domain, struct evtchn_status *status);
int event_set_priority(struct domain *domain, evtchn_port_t port, uint32_t priority);

/* Closes all ports; the domain may go on and bind new ones, on the two-level form again. */
int event_reset(struct domain *domain);

/* The FIFO form: a vCPU's control block (the first one switches the domain over), a page of words. */
int event_fifo_init_control(struct domain *domain, struct evtchn_init_control *init);
int event_fifo_expand_array(struct domain *domain, uint64_t gfn);

/* Blocks the caller's own vCPU until a port is pending or, if not 0, until the time has come. */
int event_poll(struct vcpu *vcpu, const evtchn_port_t *ports, unsigned count, nanos_t timeout);

/* VIRQ_TIMER of this vCPU at an absolute time; every so many nanoseconds. 0 stops either. */
void event_timer_singleshot(struct vcpu *vcpu, nanos_t expires);
void event_timer_periodic(struct vcpu *vcpu, uint64_t nanoseconds);

#endif
