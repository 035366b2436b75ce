/* The standby's side of a replicated VM: joins what comes from the primary, its stages, and the shadow of the VM. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/standby/standby.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "replication/wire/body.h"

struct standby {
	struct sink *sink;
	struct standby_settings settings;
	struct standby_states states;

	struct peer *peer; /* NULL: none */
	struct agreement agreement;
	uint64_t their_series;
	bool is_agreed; /* both hellos were said */
	bool is_deaf;   /* an epoch was refused: what follows is of no use */
	uint32_t sequence;

	struct stage *coming;                      /* NULL: no epoch has begun */
	struct stage *waiting[STANDBY_BEHIND_MAX]; /* whole, oldest first */
	unsigned int waiting_count;
};

struct standby *standby_new(struct sink *sink, const struct standby_settings *settings)
{
	struct standby *standby = calloc(1, sizeof(*standby));

	if (!standby)
		return NULL;
	standby->sink = sink;
	standby->settings = *settings;
	standby_states_init(&standby->states, settings->who);
	return standby;
}

static void forget_coming(struct standby *standby)
{
	stage_free(standby->coming);
	standby->coming = NULL;
}

static void forget_stages(struct standby *standby)
{
	forget_coming(standby);
	while (standby->waiting_count)
		stage_free(standby->waiting[--standby->waiting_count]);
}

static uint64_t staged_bytes(const struct standby *standby)
{
	uint64_t bytes = standby->coming ? stage_bytes(standby->coming) : 0;

	for (unsigned int i = 0; i < standby->waiting_count; i++)
		bytes += stage_bytes(standby->waiting[i]);
	return bytes;
}

/* --- what is said --- */

static void close_peer(struct standby *standby, const char *why)
{
	if (!standby->peer)
		return;
	log_warning("%s: the primary is lost: %s", standby->settings.who, why);
	standby->peer->ops->close(standby->peer);
	standby->peer = NULL;
	standby->is_agreed = false;
	forget_coming(standby);
	standby_states_drop(&standby->states, why);
}

static void say(struct standby *standby, enum wire_type type, uint64_t epoch, const void *body,
                uint32_t size)
{
	struct wire_header header;

	if (!standby->peer)
		return;
	frame_seal(&header, type, standby->sequence++, standby->settings.hello.generation, epoch,
	           body, size);
	/* What we say is small, and bounded by what the primary has in flight: a peer without room for it is none. */
	if (standby->peer->ops->send(standby->peer, &header, body))
		close_peer(standby, "its connection fails");
}

static void say_bye(struct standby *standby, enum wire_bye reason, const char *text)
{
	struct reason_body body;

	say(standby, WIRE_BYE, 0, &body, body_make_reason(&body, reason, text));
	close_peer(standby, text);
}

/* The epoch is dropped, and all that follows it. */
static void refuse(struct standby *standby, uint64_t epoch, enum wire_nack reason, const char *text)
{
	struct reason_body body;

	log_error("%s: epoch %llu is refused: %s", standby->settings.who, (unsigned long long)epoch,
	          text);
	forget_coming(standby);
	standby_states_drop(&standby->states, text);
	standby->is_deaf = true;
	say(standby, WIRE_NACK, epoch, &body, body_make_reason(&body, reason, text));
}

static void acknowledge(struct standby *standby)
{
	struct wire_ack ack = { .committed = standby->states.committed,
		                .staged_bytes = staged_bytes(standby) };

	say(standby, WIRE_ACK, standby->states.whole, &ack, sizeof(ack));
}

/* --- commit --- */

static int commit_oldest(struct standby *standby)
{
	struct stage *stage = standby->waiting[0];
	int err = stage_commit(stage, standby->sink);

	if (err) {
		log_error("%s: epoch %llu cannot be committed: errno %d", standby->settings.who,
		          (unsigned long long)stage_epoch(stage), -err);
		standby_states_commit_failed(&standby->states);
		return err;
	}
	standby_states_committed(&standby->states, stage_epoch(stage));
	standby->waiting_count--;
	for (unsigned int i = 0; i < standby->waiting_count; i++)
		standby->waiting[i] = standby->waiting[i + 1];
	stage_free(stage);
	return 0;
}

static bool is_broken(const struct standby *standby)
{
	return standby->states.machine.current == STANDBY_BROKEN;
}

bool standby_run(struct standby *standby)
{
	uint64_t epoch;

	if (!standby->waiting_count || is_broken(standby))
		return false;
	epoch = stage_epoch(standby->waiting[0]);
	if (commit_oldest(standby)) {
		refuse(standby, epoch, WIRE_NACK_DISK, "an epoch cannot be committed");
		return false;
	}
	return standby->waiting_count > 0;
}

/* --- what comes --- */

static void tell_marks(struct standby *standby)
{
	struct wire_marks *head = malloc(sizeof(*head) + WIRE_MARKS_BYTES_MAX);

	if (!head) {
		close_peer(standby, "no memory");
		return;
	}
	for (uint32_t i = 0; i < standby->settings.hello.disks; i++) {
		*head = (struct wire_marks){ .disk = i };
		head->size = standby->sink->ops->marks(standby->sink, i, (uint8_t *)(head + 1));
		say(standby, WIRE_MARKS, 0, head, (uint32_t)sizeof(*head) + head->size);
	}
	free(head);
}

static void on_hello(struct standby *standby, const struct frame *frame)
{
	struct wire_hello theirs;
	struct refusal refusal;
	const char *why;

	if (hello_parse(frame, &theirs, &why)) {
		say_bye(standby, WIRE_BYE_PROTOCOL, why);
		return;
	}
	if (hello_agree(&standby->settings.hello, &theirs, &standby->agreement, &refusal)) {
		say_bye(standby, refusal.reason, refusal.text);
		return;
	}
	standby->their_series = theirs.series;
	standby->is_agreed = true;
	if (theirs.pairing && theirs.pairing == standby->settings.hello.pairing)
		tell_marks(standby);
}

static struct stage_limits limits_now(const struct standby *standby)
{
	const struct wire_hello *hello = &standby->settings.hello;
	uint64_t used = staged_bytes(standby);
	struct stage_limits limits = {
		.bytes = used < hello->staged_max ? hello->staged_max - used : 0,
		.memory_pages = standby->agreement.memory_pages,
		.codecs = standby->agreement.codecs,
		.disks = { .disks = hello->disks },
	};

	for (uint32_t i = 0; i < hello->disks; i++)
		limits.disks.sectors[i] = hello->disk_sectors[i];
	return limits;
}

/* Room for one more: what waits is committed first, so the primary waits for our disk, not our memory. */
static bool make_room(struct standby *standby)
{
	while (standby->waiting_count == STANDBY_BEHIND_MAX && !is_broken(standby))
		standby_run(standby);
	return standby->waiting_count < STANDBY_BEHIND_MAX;
}

static void on_begin(struct standby *standby, const struct frame *frame)
{
	struct stage_limits limits;
	struct wire_begin begin;
	const char *why;
	bool is_base, drops;

	if (body_parse_begin(frame, &begin, &why)) {
		say_bye(standby, WIRE_BYE_PROTOCOL, why);
		return;
	}
	is_base = begin.flags & WIRE_BEGIN_BASE;
	if (!is_base && !make_room(standby))
		return; /* refused by standby_run() */
	if (standby_states_begin(&standby->states, standby->their_series, frame->epoch, begin.base,
	                         is_base, &drops)) {
		refuse(standby, frame->epoch, WIRE_NACK_ORDER, "it is not built on what is here");
		return;
	}
	if (drops)
		forget_stages(standby);
	limits = limits_now(standby);
	standby->coming = stage_new(&limits, frame, is_base);
	if (!standby->coming || (drops && standby->sink->ops->reset(standby->sink, begin.pairing)))
		refuse(standby, frame->epoch, WIRE_NACK_DOMAIN, "there is no room for it here");
}

static void on_part(struct standby *standby, const struct frame *frame)
{
	enum wire_nack reason;
	const char *why;
	int err;

	if (!standby->coming || frame->epoch != standby->states.staging) {
		say_bye(standby, WIRE_BYE_PROTOCOL, "a part of an epoch that has not begun");
		return;
	}
	err = stage_add(standby->coming, frame, standby->sink, &reason, &why);
	if (err == -EPROTO)
		say_bye(standby, WIRE_BYE_PROTOCOL, why);
	else if (err)
		refuse(standby, frame->epoch, reason, why);
}

static void on_end(struct standby *standby, const struct frame *frame)
{
	enum wire_nack reason;
	struct wire_end end;
	const char *why;

	if (!standby->coming || frame->epoch != standby->states.staging ||
	    body_parse_end(frame, &end, &why)) {
		say_bye(standby, WIRE_BYE_PROTOCOL, "an end of what has not begun");
		return;
	}
	if (stage_end(standby->coming, &end, &reason, &why)) {
		refuse(standby, frame->epoch, reason, why);
		return;
	}
	if (standby->states.is_base && standby->sink->ops->settle(standby->sink)) {
		refuse(standby, frame->epoch, WIRE_NACK_DISK, "a first copy cannot be kept");
		return;
	}
	if (standby->states.is_base)
		stage_free(standby->coming);
	else
		standby->waiting[standby->waiting_count++] = standby->coming;
	standby->coming = NULL;
	standby_states_whole(&standby->states);
	acknowledge(standby);
}

static void on_beat(struct standby *standby, const struct frame *frame)
{
	struct wire_beat beat;
	const char *why;

	if (body_parse_beat(frame, &beat, &why))
		say_bye(standby, WIRE_BYE_PROTOCOL, why);
	else if (standby->settings.beat)
		standby->settings.beat(standby->settings.beat_data, &beat);
}

static void on_bye(struct standby *standby, const struct frame *frame)
{
	struct reason reason;
	const char *why;

	if (body_parse_reason(frame, &reason, &why))
		close_peer(standby, why);
	else
		close_peer(standby, reason.text);
}

static void on_agreed(struct standby *standby, const struct frame *frame)
{
	switch (frame->type) {
	case WIRE_BEGIN:
		on_begin(standby, frame);
		break;
	case WIRE_PAGES:
	case WIRE_STATE:
	case WIRE_DISK_WRITE:
	case WIRE_DISK_SYNC:
		on_part(standby, frame);
		break;
	case WIRE_END:
		on_end(standby, frame);
		break;
	case WIRE_BEAT:
		on_beat(standby, frame);
		break;
	case WIRE_KEEPALIVE:
	case WIRE_PROGRESS:
		break;
	default:
		say_bye(standby, WIRE_BYE_PROTOCOL, "a frame that no primary sends");
	}
}

void standby_frame(struct standby *standby, const struct frame *frame)
{
	if (!standby->peer)
		return;
	if (frame->type == WIRE_BYE)
		on_bye(standby, frame);
	else if (standby->is_deaf)
		return;
	else if (!standby->is_agreed && frame->type == WIRE_HELLO)
		on_hello(standby, frame);
	else if (!standby->is_agreed)
		say_bye(standby, WIRE_BYE_PROTOCOL, "it does not say hello");
	else if (frame->generation != standby->settings.hello.generation)
		say_bye(standby, WIRE_BYE_GENERATION, "a frame of another generation");
	else
		on_agreed(standby, frame);
}

void standby_connected(struct standby *standby, struct peer *peer)
{
	struct wire_hello *hello = &standby->settings.hello;

	close_peer(standby, "it comes anew");
	standby->peer = peer;
	standby->sequence = 0;
	standby->is_deaf = false;
	hello->last_epoch = standby_states_last(&standby->states);
	hello->series = hello->last_epoch ? standby->states.series : 0;
	hello->pairing = standby->sink->ops->pairing(standby->sink);
	if (standby->states.machine.current == STANDBY_ACTIVE)
		say_bye(standby, WIRE_BYE_ACTIVE, "the VM runs here");
	else
		say(standby, WIRE_HELLO, 0, hello, sizeof(*hello));
}

/* Not by say(): one that finds no room is lost, not the peer. */
bool standby_beat(struct standby *standby, const struct wire_beat *beat)
{
	struct wire_header header;

	if (!standby->is_agreed)
		return false;
	frame_seal(&header, WIRE_BEAT, standby->sequence, standby->settings.hello.generation, 0,
	           beat, sizeof(*beat));
	if (standby->peer->ops->send(standby->peer, &header, beat))
		return false;
	standby->sequence++;
	return true;
}

void standby_lost(struct standby *standby, const char *why)
{
	close_peer(standby, why);
}

/* --- the arbiter's word --- */

int standby_activate(struct standby *standby, uint64_t until)
{
	int err = standby_states_may_activate(&standby->states);

	if (err)
		return err;
	close_peer(standby, "the VM is to run here");
	while (standby->waiting_count && !err)
		err = commit_oldest(standby);
	if (!err)
		err = standby->sink->ops->activate(standby->sink, standby->states.whole, until);
	if (err)
		return err;
	standby_states_activate(&standby->states);
	return 0;
}

int standby_outdate(struct standby *standby)
{
	if (standby->states.machine.current == STANDBY_ACTIVE)
		return -EALREADY;
	close_peer(standby, "this copy is outdated");
	forget_stages(standby);
	standby_states_outdate(&standby->states);
	return 0;
}

void standby_free(struct standby *standby)
{
	if (!standby)
		return;
	say_bye(standby, WIRE_BYE_STOPPING, "the standby's worker ends");
	forget_stages(standby);
	free(standby);
}

bool standby_has_peer(const struct standby *standby)
{
	return standby->peer != NULL;
}

const struct standby_states *standby_states_of(const struct standby *standby)
{
	return &standby->states;
}
