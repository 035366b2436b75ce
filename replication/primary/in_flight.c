/* Epochs that were cut and are not acknowledged: their frames, kept so that they can be sent once more. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/primary/in_flight.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void in_flight_init(struct in_flight *in_flight)
{
	*in_flight = (struct in_flight){ .last = &in_flight->first };
}

static void free_first_frame(struct in_flight *in_flight, struct kept_epoch *epoch)
{
	struct kept_frame *frame = epoch->first;

	epoch->first = frame->next;
	if (!epoch->first)
		epoch->last = &epoch->first;
	epoch->bytes -= sizeof(*frame) + frame->size;
	in_flight->bytes -= sizeof(*frame) + frame->size;
	free(frame);
}

static void free_first(struct in_flight *in_flight)
{
	struct kept_epoch *epoch = in_flight->first;

	while (epoch->first)
		free_first_frame(in_flight, epoch);
	in_flight->first = epoch->next;
	if (!in_flight->first)
		in_flight->last = &in_flight->first;
	free(epoch);
}

void in_flight_clear(struct in_flight *in_flight)
{
	while (in_flight->first)
		free_first(in_flight);
	assert(in_flight->bytes == 0);
}

struct kept_epoch *in_flight_add(struct in_flight *in_flight, uint64_t number, uint64_t base,
                                 uint32_t flags)
{
	struct kept_epoch *epoch = calloc(1, sizeof(*epoch));

	if (!epoch)
		return NULL;
	epoch->epoch = number;
	epoch->base = base;
	epoch->flags = flags;
	epoch->last = &epoch->first;
	*in_flight->last = epoch;
	in_flight->last = &epoch->next;
	return epoch;
}

struct kept_epoch *in_flight_filling(const struct in_flight *in_flight)
{
	struct kept_epoch *epoch = in_flight->first;

	while (epoch && epoch->is_whole)
		epoch = epoch->next;
	return epoch;
}

struct kept_epoch *in_flight_sending(const struct in_flight *in_flight)
{
	struct kept_epoch *epoch = in_flight->first;

	while (epoch && epoch->has_ended)
		epoch = epoch->next;
	return epoch;
}

int in_flight_put(struct in_flight *in_flight, struct kept_epoch *epoch, enum wire_type type,
                  const void *body, uint32_t size)
{
	struct kept_frame *frame = malloc(sizeof(*frame) + size);

	assert(!epoch->is_whole);
	if (!frame)
		return -ENOMEM;
	frame->next = NULL;
	frame->type = type;
	frame->size = size;
	memcpy(frame->body, body, size);
	*epoch->last = frame;
	epoch->last = &frame->next;
	if (!epoch->next_frame)
		epoch->next_frame = frame;
	epoch->bytes += sizeof(*frame) + size;
	in_flight->bytes += sizeof(*frame) + size;
	return 0;
}

void in_flight_sent(struct in_flight *in_flight, struct kept_epoch *epoch, bool is_kept)
{
	epoch->next_frame = epoch->next_frame->next;
	epoch->is_partial = epoch->is_partial || !is_kept;
	while (!is_kept && epoch->first != epoch->next_frame)
		free_first_frame(in_flight, epoch);
}

void in_flight_drop(struct in_flight *in_flight, uint64_t epoch)
{
	while (in_flight->first && in_flight->first->epoch <= epoch)
		free_first(in_flight);
}

bool in_flight_rewind(struct in_flight *in_flight)
{
	bool is_complete = true;

	for (struct kept_epoch *epoch = in_flight->first; epoch; epoch = epoch->next) {
		epoch->has_begun = epoch->has_ended = false;
		epoch->next_frame = epoch->first;
		epoch->digest = epoch->frames = 0;
		is_complete = is_complete && !epoch->is_partial;
	}
	return is_complete;
}
