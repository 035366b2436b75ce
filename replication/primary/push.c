/* Frames of epochs go to the peer, in order, as it takes them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "replication/primary/parts.h"

int primary_say(struct primary *primary, enum wire_type type, uint64_t epoch, const void *body,
                uint32_t size, uint64_t *sum)
{
	struct wire_header header;
	int err;

	frame_seal(&header, type, primary->sequence, primary->settings.hello.generation, epoch,
	           body, size);
	err = primary->peer->ops->send(primary->peer, &header, body);
	if (err)
		return err;
	primary->sequence++;
	primary->totals.sent += sizeof(header) + size;
	if (sum)
		*sum = header.sum;
	return 0;
}

/* A frame that the digest of its epoch takes in. */
static int send_part(struct primary *primary, struct kept_epoch *epoch, enum wire_type type,
                     const void *body, uint32_t size)
{
	uint64_t sum;
	int err = primary_say(primary, type, epoch->epoch, body, size, &sum);

	if (err)
		return err;
	epoch->digest = wire_digest_add(epoch->digest, sum);
	epoch->frames++;
	return 0;
}

static int send_begin(struct primary *primary, struct kept_epoch *epoch)
{
	bool is_base = epoch->flags & WIRE_BEGIN_BASE;
	struct wire_begin begin = { .base = epoch->base,
		                    .flags = epoch->flags,
		                    .pairing = is_base ? primary->pairing : 0 };
	int err = send_part(primary, epoch, WIRE_BEGIN, &begin, sizeof(begin));

	epoch->has_begun = !err;
	return err;
}

static int send_frames(struct primary *primary, struct kept_epoch *epoch)
{
	bool is_base = epoch->flags & WIRE_BEGIN_BASE;
	int err = 0;

	while (epoch->next_frame && !err) {
		const struct kept_frame *frame = epoch->next_frame;
		/* What does not fit is not kept: if the link is lost, everything is sent anew. */
		bool is_kept = !is_base && !epoch->is_partial &&
		               epoch->bytes < primary->settings.kept_bytes;

		err = send_part(primary, epoch, frame->type, frame->body, frame->size);
		if (!err)
			in_flight_sent(&primary->in_flight, epoch, is_kept);
	}
	return err;
}

static int send_end(struct primary *primary, struct kept_epoch *epoch)
{
	struct wire_end end = { .digest = epoch->digest,
		                .frames = epoch->frames,
		                .pages = epoch->pages,
		                .disk_writes = epoch->disk_writes,
		                .cut_time = epoch->cut_time };
	int err = primary_say(primary, WIRE_END, epoch->epoch, &end, sizeof(end), NULL);

	epoch->has_ended = !err;
	if (!err && !(epoch->flags & WIRE_BEGIN_BASE))
		primary_states_sent(&primary->states, epoch->epoch);
	return err;
}

static int push(struct primary *primary)
{
	struct kept_epoch *epoch;
	int err = 0;

	while (!err && (epoch = in_flight_sending(&primary->in_flight))) {
		err = epoch->has_begun ? 0 : send_begin(primary, epoch);
		if (!err)
			err = send_frames(primary, epoch);
		if (err || !epoch->is_whole)
			return err;
		err = send_end(primary, epoch);
	}
	return err;
}

int primary_push(struct primary *primary)
{
	int err = primary->is_agreed ? push(primary) : 0;

	return err == -EAGAIN ? 0 : err;
}
