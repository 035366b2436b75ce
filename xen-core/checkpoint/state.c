/* A stopped domain's state into a chain of records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/state.h"

#include "checkpoint/state_vcpu.h"
#include "event/state.h"
#include "grant/grant.h"
#include "grant/state.h"
#include "hw/cpu.h"
#include "lib/string.h"
#include "vcpu/xstate.h"

#define PORTS_ROOM  64 /* that may come while a buffer for the state is found */
#define FRAMES_ROOM 8

_Static_assert(STATE_PARAMS == HVM_NR_PARAMS, "state records");

static size_t record_size(size_t content)
{
	return sizeof(struct checkpoint_record) + ALIGN_UP(content, 8);
}

static size_t ports_size(uint32_t count)
{
	return sizeof(struct state_ports) + count * sizeof(struct state_port);
}

static size_t grants_size(uint32_t frames)
{
	return sizeof(struct state_grants) + frames * sizeof(uint64_t);
}

struct state_room state_room(const struct domain *domain)
{
	const uint32_t frames = grant_table_frames(domain) + FRAMES_ROOM;
	const uint32_t ports = event_state_ports(domain) + PORTS_ROOM;
	size_t vcpu = record_size(sizeof(struct state_vcpu)) +
	              record_size(sizeof(struct state_xstate) + xstate_size()) +
	              record_size(sizeof(struct state_lapic)) +
	              record_size(sizeof(struct state_queues));
	size_t size = record_size(sizeof(struct state_header)) +
	              record_size(sizeof(struct state_domain)) + domain->vcpu_count * vcpu +
	              record_size(PAGE_SIZE) + record_size(sizeof(struct state_events)) +
	              record_size(ports_size(ports)) + record_size(grants_size(frames)) +
	              frames * record_size(PAGE_SIZE) + record_size(0);

	return (struct state_room){ ports, frames, size };
}

/* The place of a record's content, zeroed. */
static void *begin(struct state_writer *writer, enum state_type type, uint32_t instance,
                   size_t content)
{
	struct checkpoint_record *record = (void *)writer->at;

	*record = (struct checkpoint_record){ type, instance, (uint32_t)ALIGN_UP(content, 8), 0 };
	memset(record + 1, 0, record->length);
	writer->at += sizeof(*record) + record->length;
	return record + 1;
}

static void save_header(struct state_writer *writer, const struct domain *domain)
{
	struct state_header *header = begin(writer, STATE_HEADER, 0, sizeof(*header));

	*header = (struct state_header){
		.magic = STATE_MAGIC,
		.version = STATE_VERSION,
		.vcpus = domain->vcpu_count,
		.tsc_khz = (uint32_t)clock_tsc_khz(),
		.time = clock_now().v + domain->vcpus[0]->time_offset,
		.tsc = rdtsc() + domain->vcpus[0]->tsc_offset,
	};
}

static void save_domain(struct state_writer *writer, const struct domain *domain)
{
	struct state_domain *to = begin(writer, STATE_DOMAIN, 0, sizeof(*to));

	to->flags = (domain->shut_down ? STATE_DOMAIN_SHUT_DOWN : 0) |
	            (domain->runstate_update_flag ? STATE_DOMAIN_RUNSTATE_UPDATE : 0) |
	            (domain->layout == &layout_narrow ? STATE_DOMAIN_NARROW : 0);
	to->shutdown_code = domain->shutdown_code;
	to->time_offset = domain->time_offset_seconds;
	to->shared_info_gfn = domain->shared_info_gfn.v;
	memcpy(to->params, domain->params, sizeof(to->params));
}

static void save_xstate(struct state_writer *writer, const struct vcpu *vcpu)
{
	struct state_xstate *to = begin(writer, STATE_XSTATE, vcpu->id,
	                                sizeof(*to) + xstate_size());

	to->xcr0 = vcpu->xcr0;
	xstate_get(vcpu, to->area);
}

/* A timer that fires while this goes on is told of twice, but never lost: vCPUs before pages. */
void state_save_vcpus(struct domain *domain, struct state_writer *writer)
{
	save_header(writer, domain);
	save_domain(writer, domain);
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		state_vcpu_save(vcpu, begin(writer, STATE_VCPU, i, sizeof(struct state_vcpu)));
		save_xstate(writer, vcpu);
		vlapic_save(vcpu, begin(writer, STATE_LAPIC, i, sizeof(struct state_lapic)));
	}
}

/* Ports are bound by others while we look; there is room for some more than there were. */
static void save_ports(struct state_writer *writer, struct domain *domain)
{
	uint32_t room = event_state_ports(domain);
	struct state_ports *ports;

	room = MIN(room, writer->room.ports);
	ports = begin(writer, STATE_PORTS, 0, ports_size(room));
	event_state_save_ports(domain, ports, room);
	while (ports->count < room) { /* one was closed meanwhile */
		room--;
		writer->at -= sizeof(struct state_port);
	}
	((struct checkpoint_record *)ports - 1)->length = (uint32_t)ports_size(ports->count);
}

void state_save_rest(struct domain *domain, struct state_writer *writer)
{
	uint32_t frames = MIN(grant_table_frames(domain), writer->room.frames);

	memcpy(begin(writer, STATE_SHARED_INFO, 0, PAGE_SIZE), domain->shared_info, PAGE_SIZE);
	event_state_save(domain, begin(writer, STATE_EVENTS, 0, sizeof(struct state_events)));
	save_ports(writer, domain);
	for (unsigned i = 0; event_state_is_fifo(domain) && i < domain->vcpu_count; i++)
		event_state_save_queues(domain->vcpus[i], begin(writer, STATE_QUEUES, i,
		                                                sizeof(struct state_queues)));
	grant_state_save(domain, begin(writer, STATE_GRANTS, 0, grants_size(frames)), frames);
	for (uint32_t i = 0; i < frames; i++)
		grant_state_save_frame(domain, i, begin(writer, STATE_GRANT_FRAME, i, PAGE_SIZE));
	begin(writer, STATE_END, 0, 0);
}
