/* A stopped domain's state out of a chain of records: all is checked, then all is taken up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/place.h"
#include "checkpoint/state.h"
#include "checkpoint/state_vcpu.h"
#include "checkpoint/view.h"

#include "domain/clock.h"
#include "event/channel.h"
#include "event/event.h"
#include "event/state.h"
#include "grant/grant.h"
#include "grant/state.h"
#include "hw/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "vcpu/xstate.h"

static bool is_memory(struct domain *domain, uint64_t gfn)
{
	enum p2m_type type;

	p2m_peek(&domain->p2m, GFN(gfn), &type, NULL);
	return type == P2M_RAM;
}

/* Every page that a record names has to be what it says. */
static int check_places(struct domain *domain, const struct view *view)
{
	bool fits = place_is_free(domain, GFN(view->domain->shared_info_gfn)) &&
	            event_state_fits(domain, view->events);

	for (unsigned i = 0; fits && i < domain->vcpu_count; i++) {
		uint64_t info = view->vcpus[i]->info_gfn;

		fits = (info == STATE_NO_GFN || is_memory(domain, info)) &&
		       (!view->events->fifo ||
		        event_state_queues_fit(domain->vcpus[i], view->queues[i]));
	}
	for (uint32_t i = 0; fits && i < view->grants->frames; i++)
		fits = place_is_free(domain, GFN(view->grants->gfns[i]));
	return fits ? 0 : -EINVAL;
}

static void load_domain(struct domain *domain, const struct state_domain *from)
{
	lock_take(&domain->lock);
	memcpy(domain->params, from->params, sizeof(domain->params));
	domain_callback_from_param(domain);
	domain->time_offset_seconds = from->time_offset;
	domain->runstate_update_flag = from->flags & STATE_DOMAIN_RUNSTATE_UPDATE;
	domain->shutdown_code = from->shutdown_code;
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		domain->vcpus[i]->runstate_update_flag = domain->runstate_update_flag;
	lock_release(&domain->lock);
}

static void load_vcpus(struct domain *domain, const struct view *view)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		sched_down(vcpu);
		event_timer_singleshot(vcpu, NANOS(0));
		state_vcpu_load(vcpu, view->vcpus[i]);
		xstate_set(vcpu, view->xstates[i]->xcr0, view->xstates[i]->area);
		vlapic_load(vcpu, view->lapics[i]);
	}
}

static int load_pages(struct domain *domain, const struct view *view)
{
	int err = grant_state_load(domain, view->grants, view->grant_frames);

	if (!err) {
		memcpy(domain->shared_info, view->shared_info, PAGE_SIZE);
		err = place_shared_info(domain, GFN(view->domain->shared_info_gfn));
	}
	for (uint32_t i = 0; !err && i < view->grants->frames; i++)
		err = place_grant_frame(domain, i, GFN(view->grants->gfns[i]));
	for (unsigned i = 0; !err && i < domain->vcpu_count; i++)
		err = state_vcpu_load_info(domain->vcpus[i], view->vcpus[i]);
	return err;
}

/* Up at last, and awake: whoever slept looks for himself whether he may go on sleeping. */
static void start_vcpus(struct domain *domain, const struct view *view)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		state_vcpu_load_timers(domain->vcpus[i], view->vcpus[i]);
		if (view->vcpus[i]->flags & STATE_VCPU_UP)
			sched_up(domain->vcpus[i]);
	}
}

static int load(struct domain *domain, const struct view *view)
{
	int err;

	event_reset(domain);
	err = event_layout_change(domain, view->layout);
	if (err)
		return err;
	load_domain(domain, view->domain);
	load_vcpus(domain, view);
	err = load_pages(domain, view);
	if (err)
		return err;
	/* From here its clock goes on: what the guest reads next is later than all it has read. */
	domain_clock_set_offsets(domain, view->header->time - clock_now().v,
	                         view->header->tsc - rdtsc());
	err = event_state_load(domain, view->events, view->ports, view->queues);
	if (err)
		return err;
	start_vcpus(domain, view);
	if (view->domain->flags & STATE_DOMAIN_SHUT_DOWN)
		domain_shutdown(domain, view->domain->shutdown_code);
	else
		domain_resume(domain);
	return 0;
}

int state_load(struct domain *domain, const void *buffer, size_t size)
{
	const struct view_limits limits = {
		.vcpus = domain->vcpu_count,
		.address_bits = cpu_address_bits(),
		.xstate = xstate_supported(),
		.xstate_size = xstate_size(),
		.ports = event_state_limit(domain),
		.grant_frames = grant_table_max_frames(domain),
	};
	struct view *view = heap_alloc(sizeof(*view));
	int err;

	if (!view)
		return -ENOMEM;
	err = view_make(buffer, size, &limits, view);
	if (!err)
		err = check_places(domain, view);
	if (!err && !grant_state_fits(domain, view->grants->frames, view->grant_frames))
		err = -EBUSY;
	if (!err)
		err = load(domain, view);
	heap_free(view);
	return err;
}
