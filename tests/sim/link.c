/* Bytes between two simulated hosts: in order, but late, changed, cut off in the middle. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static void put(struct sim_end *to, const void *bytes, uint32_t size)
{
	for (uint32_t done = 0; done < size;) {
		uint32_t at = (to->first + to->count) % SIM_PIPE;
		uint32_t part = size - done < SIM_PIPE - at ? size - done : SIM_PIPE - at;

		memcpy(to->bytes + at, (const uint8_t *)bytes + done, part);
		to->count += part;
		done += part;
	}
}

static int send_frame(struct peer *peer, const struct wire_header *header, const void *body)
{
	struct sim_end *end = (struct sim_end *)peer;
	uint32_t size = (uint32_t)sizeof(*header) + header->size;

	SIM_CHECK(end->is_open, "a frame on a connection that was closed");
	if (end->is_dead)
		return sim_once_in(2) ? 0 : -EPIPE; /* the kernel takes it for a while */
	if (size > SIM_PIPE - end->other->count)
		return -EAGAIN;
	put(end->other, header, sizeof(*header));
	put(end->other, body, header->size);
	return 0;
}

static void close_end(struct peer *peer)
{
	struct sim_end *end = (struct sim_end *)peer;

	SIM_CHECK(end->is_open, "a connection is closed twice");
	end->is_open = false;
	end->other->is_dead = true; /* what is on its way still arrives */
	end->is_dead = true;
	end->count = 0;
}

static const struct peer_ops ops = { send_frame, close_end };

static void open_end(struct sim_end *end, struct sim_end *other)
{
	end->peer.ops = &ops;
	end->other = other;
	end->is_open = true;
	end->is_dead = false;
	end->first = end->count = 0;
	frame_reader_free(end->reader);
	end->reader = frame_reader_new(64u << 10);
}

void link_open(struct sim_link *link)
{
	open_end(&link->primary, &link->standby);
	open_end(&link->standby, &link->primary);
}

void link_close(struct sim_link *link)
{
	frame_reader_free(link->primary.reader);
	frame_reader_free(link->standby.reader);
	link->primary.reader = link->standby.reader = NULL;
}

void link_cut(struct sim_link *link)
{
	link->primary.is_dead = link->standby.is_dead = true;
}

void link_corrupt(struct sim_end *end)
{
	if (end->count)
		end->bytes[(end->first + sim_random() % end->count) % SIM_PIPE] ^=
			(uint8_t)(1 + sim_random() % 255);
}

void link_truncate(struct sim_end *end)
{
	if (end->count)
		end->count = (uint32_t)(sim_random() % end->count);
	end->is_dead = end->other->is_dead = true;
}

int link_receive(struct sim_end *end, struct frame *frame, const char **why)
{
	int got = frame_reader_next(end->reader, frame, why);
	size_t room;
	uint8_t *to;
	uint32_t part;

	if (got)
		return got;
	if (!end->count) {
		/* A length that was changed has the reader wait for bytes that never come: the transport's timeout. */
		bool is_silent = !frame_reader_is_between(end->reader) && sim_once_in(64);

		*why = end->is_dead ? "hung up" : "silence";
		return end->is_dead || is_silent ? -EPIPE : 0;
	}
	to = frame_reader_room(end->reader, &room);
	part = 1 + (uint32_t)(sim_random() % (sim_once_in(4) ? 64 : 32768));
	part = part < end->count ? part : end->count;
	part = part < SIM_PIPE - end->first ? part : SIM_PIPE - end->first;
	part = part < room ? part : (uint32_t)room;
	memcpy(to, end->bytes + end->first, part);
	frame_reader_filled(end->reader, part);
	end->first = (end->first + part) % SIM_PIPE;
	end->count -= part;
	return frame_reader_next(end->reader, frame, why);
}
