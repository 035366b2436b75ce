/* What waits to be sent: pieces in order, copied or lent, bounded by their bytes. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replication/transport/queue.h"

/* Copies share a block of this size: a record of TLS is not larger. */
#define BLOCK_BYTES 16384u

struct queued {
	struct queued *next;
	const uint8_t *bytes; /* copies: the memory behind this struct */
	size_t size, sent;
	size_t room; /* of memory, for copies */
	void (*release)(void *owner);
	void *owner;
	uint8_t memory[];
};

static void append(struct send_queue *queue, struct queued *entry)
{
	if (queue->last)
		queue->last->next = entry;
	else
		queue->first = entry;
	queue->last = entry;
}

static struct queued *make(const struct send_piece *piece)
{
	size_t room = piece->size > BLOCK_BYTES ? piece->size : BLOCK_BYTES;
	struct queued *entry;

	if (piece->release)
		room = 0;
	entry = malloc(sizeof(*entry) + room);
	if (!entry)
		return NULL;
	*entry = (struct queued){
		.bytes = piece->release ? piece->bytes : entry->memory,
		.size = piece->release ? piece->size : 0,
		.room = room,
		.release = piece->release,
		.owner = piece->owner,
	};
	return entry;
}

static void copy(struct queued *entry, const struct send_piece *piece)
{
	memcpy(entry->memory + entry->size, piece->bytes, piece->size);
	entry->size += piece->size;
}

static bool fits(const struct queued *entry, const struct send_piece *piece)
{
	return entry && !entry->release && !piece->release &&
	       entry->room - entry->size >= piece->size;
}

/* What the pieces need that is not there yet, as a chain; nothing of the queue has changed if it fails. */
static int make_all(const struct send_piece *pieces, unsigned int count, struct queued **made)
{
	struct queued **next = made;

	*made = NULL;
	for (unsigned int i = 0; i < count; i++) {
		*next = make(&pieces[i]);
		if (!*next) {
			while (*made) {
				struct queued *entry = *made;

				*made = entry->next;
				free(entry);
			}
			return -ENOMEM;
		}
		next = &(*next)->next;
	}
	return 0;
}

int queue_put(struct send_queue *queue, const struct send_piece *pieces, unsigned int count)
{
	struct queued *made;
	int err;

	if (queue->bytes >= queue->bytes_max)
		return -EAGAIN;
	/* Most often: a header that still fits behind the one before. */
	if (count == 1 && fits(queue->last, &pieces[0])) {
		copy(queue->last, &pieces[0]);
		queue->bytes += pieces[0].size;
		return 0;
	}
	err = make_all(pieces, count, &made);
	if (err)
		return err;
	for (unsigned int i = 0; i < count; i++) {
		struct queued *entry = made;

		made = entry->next;
		entry->next = NULL;
		if (fits(queue->last, &pieces[i])) {
			copy(queue->last, &pieces[i]);
			free(entry);
		} else {
			if (!pieces[i].release)
				copy(entry, &pieces[i]);
			append(queue, entry);
		}
		queue->bytes += pieces[i].size;
	}
	return 0;
}

size_t queue_look(const struct send_queue *queue, const uint8_t **bytes)
{
	const struct queued *entry = queue->first;

	if (!entry)
		return 0;
	*bytes = entry->bytes + entry->sent;
	return entry->size - entry->sent;
}

static void drop_first(struct send_queue *queue)
{
	struct queued *entry = queue->first;

	queue->first = entry->next;
	if (!queue->first)
		queue->last = NULL;
	if (entry->release)
		entry->release(entry->owner);
	free(entry);
}

void queue_take(struct send_queue *queue, size_t size)
{
	struct queued *entry = queue->first;

	assert(entry && size <= entry->size - entry->sent);
	entry->sent += size;
	queue->bytes -= size;
	if (entry->sent == entry->size)
		drop_first(queue);
}

void queue_clear(struct send_queue *queue)
{
	while (queue->first)
		drop_first(queue);
	queue->bytes = 0;
}
