/* The primary's side of a replicated VM: joins its epochs, what is sent of them, and the VM itself. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/primary/primary.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/primary/parts.h"
#include "replication/wire/body.h"

static struct encode_pool *make_pool(const struct primary_settings *settings)
{
	const struct encode_pool_settings pool = { .threads = settings->encode_threads,
		                                   .alone = settings->encode_alone,
		                                   .codecs = WIRE_CODECS,
		                                   .done = settings->encoded,
		                                   .data = settings->encoded_data };

	return encode_pool_new(&pool);
}

struct primary *primary_new(struct vm *vm, const struct primary_settings *settings, uint64_t now)
{
	struct primary *primary = calloc(1, sizeof(*primary));

	assert(vm->batches >= ENCODE_JOBS(settings->encode_threads));
	if (!primary)
		return NULL;
	primary->pool = make_pool(settings);
	if (!primary->pool) {
		free(primary);
		return NULL;
	}
	primary->vm = vm;
	primary->settings = *settings;
	primary->series = settings->draw(settings->data);
	primary->stage = COLLECT_DONE;
	primary_states_init(&primary->states, settings->who, settings->last, settings->is_held);
	pace_init(&primary->pace, &settings->pace, now);
	in_flight_init(&primary->in_flight);
	return primary;
}

static bool is_in(const struct primary *primary, enum primary_state state)
{
	return primary->states.machine.current == state;
}

static void close_peer(struct primary *primary)
{
	if (primary->peer)
		primary->peer->ops->close(primary->peer);
	primary->peer = NULL;
	primary->is_agreed = false;
}

static void say_bye(struct primary *primary, enum wire_bye reason, const char *text)
{
	struct reason_body body;
	uint32_t size = body_make_reason(&body, reason, text);

	if (primary->peer)
		primary_say(primary, WIRE_BYE, 0, &body, size, NULL);
	close_peer(primary);
}

void primary_free(struct primary *primary)
{
	if (!primary)
		return;
	say_bye(primary, WIRE_BYE_STOPPING, "the primary's worker ends");
	in_flight_clear(&primary->in_flight);
	encode_pool_free(primary->pool);
	free(primary);
}

/* --- what the machine asks for; each 0 or a negative errno: a fault --- */

static int begin_epoch(struct primary *primary, uint64_t epoch, uint64_t base, uint32_t flags)
{
	primary_collect_begin(primary);
	return in_flight_add(&primary->in_flight, epoch, base, flags) ? 0 : -ENOMEM;
}

/* Both stand in the same pairing: what differs is marked here or there. */
static int attach_disks(struct primary *primary)
{
	struct vm *vm = primary->vm;
	uint64_t common = primary->common;
	int err = vm->ops->attach(vm, common, primary->settings.draw(primary->settings.data));

	primary->settled = 0;
	primary->pairing = err ? 0 : vm->ops->pairing(vm);
	primary->marks_due = 0;
	if (primary->pairing && primary->pairing == common)
		primary->marks_due = (1u << primary->settings.hello.disks) - 1;
	return err;
}

static int attach(struct primary *primary)
{
	int err;

	primary_collect_drop(primary);
	primary->has_write = false;
	primary->round_pages = primary->round_before = UINT64_MAX;
	primary->base_bytes = primary->round_sync = 0;
	primary->is_sync_left = false;
	err = attach_disks(primary);
	return err ? err : begin_epoch(primary, primary->states.base, 0, WIRE_BEGIN_BASE);
}

static void detach(struct primary *primary)
{
	primary_collect_drop(primary);
	primary->vm->ops->detach(primary->vm);
}

static int end_base(struct primary *primary)
{
	struct kept_epoch *epoch = in_flight_filling(&primary->in_flight);

	epoch->is_whole = true;
	return 0;
}

/* Devices go on whatever the capture did (I3). */
static int boundary(struct primary *primary, struct vm_cut *cut)
{
	struct vm *vm = primary->vm;
	uint64_t epoch = primary_states_open(&primary->states);
	int err = vm->ops->stop(vm, epoch);
	int gone_on;

	if (err)
		return err;
	err = vm->ops->capture(vm, cut);
	gone_on = vm->ops->go(vm, epoch);
	return err ? err : gone_on;
}

static void count_cut(struct primary_counts *totals, uint64_t pause)
{
	totals->cuts++;
	totals->pause = pause;
	totals->pauses += pause;
	if (pause > totals->pause_longest)
		totals->pause_longest = pause;
}

static int cut(struct primary *primary, uint64_t now)
{
	struct primary_states *states = &primary->states;
	struct vm_cut cut = { 0 };
	struct kept_epoch *epoch;
	int err = boundary(primary, &cut);

	/* The number is used up in any case. */
	primary_states_cut(states);
	pace_cut(&primary->pace, now);
	if (err)
		return err;
	count_cut(&primary->totals, cut.pause);
	primary->round_before = primary->round_pages;
	primary->round_pages = cut.pages;
	assert(!in_flight_filling(&primary->in_flight) || is_in(primary, PRIMARY_BASE));
	if (is_in(primary, PRIMARY_BASE)) {
		primary_collect_begin(primary);
		primary->round_sync = 0;
		primary->is_sync_left = false;
		return 0;
	}
	err = begin_epoch(primary, states->cut,
	                  states->cut == states->first ? states->base : states->cut - 1, 0);
	epoch = in_flight_filling(&primary->in_flight);
	if (!err)
		epoch->cut_time = cut.time;
	if (primary->flush == PRIMARY_FLUSH_WAITS)
		primary->flush_epoch = states->cut;
	return err;
}

static int act(struct primary *primary, unsigned int asked, uint64_t now)
{
	struct vm *vm = primary->vm;
	uint64_t acked = primary->states.acked;
	int err = 0;

	if (asked & PRIMARY_CLOSE)
		close_peer(primary);
	if (asked & PRIMARY_DETACH)
		detach(primary);
	if (asked & PRIMARY_FREE)
		err = vm->ops->free(vm);
	if (!err && (asked & PRIMARY_ATTACH))
		err = attach(primary);
	if (asked & PRIMARY_FORGET)
		in_flight_drop(&primary->in_flight,
		               acked > primary->states.base ? acked : primary->states.base);
	if (!err && (asked & PRIMARY_RELEASE))
		err = vm->ops->release(vm, acked);
	if (!err && (asked & PRIMARY_HOLD))
		err = vm->ops->hold(vm);
	if (!err && (asked & PRIMARY_END))
		err = end_base(primary);
	if (!err && (asked & PRIMARY_CUT))
		err = cut(primary, now);
	return err;
}

/* A fault asks for things that cannot fail. */
static void follow(struct primary *primary, unsigned int asked, uint64_t now)
{
	int err = act(primary, asked, now);

	if (!err)
		return;
	log_error("%s: epoch %llu cannot be had: errno %d", primary->settings.who,
	          (unsigned long long)primary->states.cut, -err);
	primary_collect_drop(primary);
	act(primary, primary_states_fault(&primary->states), now);
}

/* --- the peer --- */

void primary_connected(struct primary *primary, struct peer *peer)
{
	struct wire_hello *hello = &primary->settings.hello;

	close_peer(primary);
	/* A row of epochs that cannot be gone on with gets another name. */
	if (!is_in(primary, PRIMARY_WAITING) || primary->states.is_broken)
		primary->series = primary->settings.draw(primary->settings.data);
	primary->peer = peer;
	primary->sequence = 0;
	hello->series = primary->series;
	hello->last_epoch = is_in(primary, PRIMARY_WAITING) ? primary->states.acked : 0;
	hello->pairing = primary->vm->ops->pairing(primary->vm);
	if (primary_say(primary, WIRE_HELLO, 0, hello, sizeof(*hello), NULL))
		close_peer(primary);
}

void primary_lost(struct primary *primary, const char *why)
{
	if (!primary->peer)
		return;
	log_warning("%s: the standby is lost: %s", primary->settings.who, why);
	close_peer(primary);
	act(primary, primary_states_lost(&primary->states), 0);
}

static void on_hello(struct primary *primary, const struct frame *frame, uint64_t now)
{
	struct wire_hello theirs;
	struct refusal refusal;
	const char *why;
	bool is_same;

	if (hello_parse(frame, &theirs, &why)) {
		primary_lost(primary, why);
		return;
	}
	if (hello_agree(&primary->settings.hello, &theirs, &primary->agreement, &refusal)) {
		log_error("%s: %s", primary->settings.who, refusal.text);
		say_bye(primary, refusal.reason, refusal.text);
		return;
	}
	primary->is_agreed = true;
	primary->common = theirs.pairing == primary->settings.hello.pairing ? theirs.pairing : 0;
	/* What cannot be sent once more is as good as lost. */
	is_same = in_flight_rewind(&primary->in_flight) && primary->agreement.is_same_series;
	pace_cut(&primary->pace, now);
	follow(primary,
	       primary_states_hello(&primary->states, is_same, primary->agreement.their_last), now);
}

/* A base is committed when the first epoch on top of it is. */
static void tell_committed(struct primary *primary, uint64_t epoch)
{
	const struct primary_states *states = &primary->states;

	if (!primary->pairing || !is_in(primary, PRIMARY_RUNNING) || epoch < states->first ||
	    epoch > states->acked || epoch <= primary->settled)
		return;
	primary->settled = epoch;
	primary->vm->ops->committed(primary->vm, epoch);
}

static void on_ack(struct primary *primary, const struct frame *frame, uint64_t now)
{
	struct wire_ack ack;
	const char *why;

	if (body_parse_ack(frame, &ack, &why)) {
		primary_lost(primary, why);
		return;
	}
	follow(primary, primary_states_ack(&primary->states, frame->epoch), now);
	tell_committed(primary, ack.committed);
}

static void on_marks(struct primary *primary, const struct frame *frame)
{
	struct marks_piece piece;
	const char *why;

	if (body_parse_marks(frame, &piece, &why)) {
		primary_lost(primary, why);
		return;
	}
	/* It tells them before it can know whether a base will come. */
	if (!(primary->marks_due >> piece.disk & 1))
		return;
	if (primary->vm->ops->differ(primary->vm, piece.disk, piece.bits, piece.size))
		primary_lost(primary, "marks of a disk of another size");
	else
		primary->marks_due &= ~(1u << piece.disk);
}

static void on_beat(struct primary *primary, const struct frame *frame)
{
	struct wire_beat beat;
	const char *why;

	if (body_parse_beat(frame, &beat, &why))
		primary_lost(primary, why);
	else if (primary->settings.beat)
		primary->settings.beat(primary->settings.beat_data, &beat);
}

static void on_reason(struct primary *primary, const struct frame *frame, uint64_t now)
{
	struct reason reason;
	const char *why;

	if (body_parse_reason(frame, &reason, &why)) {
		primary_lost(primary, why);
		return;
	}
	if (frame->type == WIRE_BYE && reason.reason != WIRE_BYE_PROTOCOL) {
		primary_lost(primary, reason.text);
		return;
	}
	/* What it cannot read it would not read a second time. */
	log_error("%s: the standby refuses (epoch %llu): %s: %s", primary->settings.who,
	          (unsigned long long)frame->epoch,
	          frame->type == WIRE_BYE ? bye_name(reason.reason) : nack_name(reason.reason),
	          reason.text);
	follow(primary, primary_states_nack(&primary->states), now);
}

void primary_frame(struct primary *primary, const struct frame *frame, uint64_t now)
{
	if (!primary->peer)
		return;
	if (frame->type == WIRE_HELLO && !primary->is_agreed)
		on_hello(primary, frame, now);
	else if (frame->type == WIRE_BYE)
		on_reason(primary, frame, now);
	else if (!primary->is_agreed)
		primary_lost(primary, "it does not say hello");
	else if (frame->generation != primary->settings.hello.generation)
		primary_lost(primary, "a frame of another generation");
	else if (frame->type == WIRE_ACK)
		on_ack(primary, frame, now);
	else if (frame->type == WIRE_NACK)
		on_reason(primary, frame, now);
	else if (frame->type == WIRE_BEAT)
		on_beat(primary, frame);
	else if (frame->type == WIRE_MARKS)
		on_marks(primary, frame);
	else if (frame->type != WIRE_KEEPALIVE)
		primary_lost(primary, "a frame that no standby sends");
}

/* --- what is due --- */

/* A VM that stands has one more epoch, at once. */
static uint64_t epoch_due(const struct primary *primary)
{
	uint64_t due = pace_due(&primary->pace, primary_states_in_flight(&primary->states));

	if (primary->flush == PRIMARY_FLUSH_NONE || due == PACE_NEVER)
		return due;
	return primary->flush == PRIMARY_FLUSH_WAITS && !primary->flush_epoch ? 0 : PACE_NEVER;
}

/* When what was written should be asked for: the budget may end the epoch. */
static uint64_t look_due(const struct primary *primary)
{
	return epoch_due(primary) == PACE_NEVER
	               ? PACE_NEVER
	               : pace_look(&primary->pace, primary_states_in_flight(&primary->states));
}

/* Of the base, each round follows when the one before was handed over; epochs follow the pace. */
static uint64_t due(const struct primary *primary)
{
	const struct kept_epoch *sending = in_flight_sending(&primary->in_flight);

	if (is_in(primary, PRIMARY_RUNNING))
		return epoch_due(primary);
	if (!is_in(primary, PRIMARY_BASE) ||
	    (sending && (sending->next_frame || sending->is_whole)))
		return PACE_NEVER;
	return primary->states.is_ended && !primary->states.is_base_acked ? PACE_NEVER : 0;
}

/* When there is something to be done next. */
static uint64_t wake(const struct primary *primary)
{
	uint64_t end = due(primary);
	uint64_t look = is_in(primary, PRIMARY_RUNNING) ? look_due(primary) : PACE_NEVER;

	return look < end ? look : end;
}

/* Or the VM writes as fast as rounds are sent: another one would bring no less. */
static bool is_round_last(const struct primary *primary)
{
	uint64_t before = primary->round_before;

	return primary->round_pages <= primary->settings.small_pages ||
	       (before != UINT64_MAX && primary->round_pages >= before - before / 8);
}

static void cut_if_due(struct primary *primary, uint64_t now)
{
	bool is_small = is_round_last(primary);

	if (is_in(primary, PRIMARY_RUNNING) && now >= look_due(primary))
		pace_dirty(&primary->pace, primary->vm->ops->dirty(primary->vm), now);
	if (now < due(primary))
		return;
	/* What a round has told of disk writes is not told again: a base that fails begins with the disks. */
	if (is_in(primary, PRIMARY_BASE) && primary->states.cut > primary->states.base &&
	    primary->vm->ops->forget(primary->vm, primary->states.cut))
		return;
	follow(primary,
	       primary->is_sync_left ? primary_states_more(&primary->states)
	                             : primary_states_due(&primary->states, is_small),
	       now);
}

uint64_t primary_run(struct primary *primary, uint64_t now)
{
	int err = primary_collect(primary);
	bool is_collecting = err > 0;

	if (err < 0) {
		primary_collect_drop(primary);
		log_error("%s: epoch %llu cannot be had: errno %d", primary->settings.who,
		          (unsigned long long)primary->states.cut, -err);
		act(primary, primary_states_fault(&primary->states), now);
		return now;
	}
	if (primary->stage == COLLECT_DONE && !is_collecting)
		cut_if_due(primary, now);
	if (primary_push(primary)) {
		primary_lost(primary, "its connection fails");
		return now;
	}
	if (primary->stage == COLLECT_DONE && !is_collecting)
		return wake(primary);
	if (primary->is_encoding || (primary->stage == COLLECT_SYNC && primary->marks_due))
		return PACE_NEVER;
	/* What is kept is as much as may be: until the peer has taken or acknowledged some. */
	return primary->is_agreed && primary->in_flight.bytes >= primary->settings.kept_bytes
	               ? PACE_NEVER
	               : now;
}

bool primary_beat(struct primary *primary, const struct wire_beat *beat)
{
	return primary->is_agreed &&
	       primary_say(primary, WIRE_BEAT, 0, beat, sizeof(*beat), NULL) == 0;
}

struct primary_progress primary_progress_of(const struct primary *primary)
{
	return (struct primary_progress){ .sent = primary->base_bytes,
		                          .total = primary->vm->ops->size(primary->vm),
		                          .disks = primary->vm->ops->disks(primary->vm),
		                          .round = primary->states.rounds + 1 };
}

const struct primary_counts *primary_counts_of(const struct primary *primary)
{
	return &primary->totals;
}

void primary_set(struct primary *primary, const struct pace_limits *pace, uint64_t kept_bytes)
{
	assert(pace->shortest <= pace->longest && pace->in_flight > 0);
	primary->pace.limits = *pace;
	primary->settings.kept_bytes = kept_bytes;
}

void primary_want(struct primary *primary)
{
	pace_want(&primary->pace);
}

void primary_solo(struct primary *primary)
{
	follow(primary, primary_states_solo(&primary->states), 0);
}

bool primary_has_peer(const struct primary *primary)
{
	return primary->peer != NULL;
}

const struct primary_states *primary_states_of(const struct primary *primary)
{
	return &primary->states;
}
