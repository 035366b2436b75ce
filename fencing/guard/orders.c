/* What workers tell a guard, and what the operator orders. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "fencing/guard/clock.h"
#include "fencing/guard/private.h"

#define ASK_EVERY 500000000ull /* ns: the standby is asked to step back */

static void tell(struct guard *guard, enum event_kind kind, bool ok)
{
	guard_tell(guard, &(struct arbiter_event){ .kind = kind, .ok = ok });
}

void guard_beat(struct guard *guard, struct right right, uint64_t number, uint64_t heard)
{
	guard_tell(guard,
	           &(struct arbiter_event){
			   .kind = EVENT_BEAT, .right = right, .number = number, .heard = heard });
}

void guard_reply(struct guard *guard, struct right right, uint64_t number, uint64_t heard)
{
	guard_tell(guard,
	           &(struct arbiter_event){
			   .kind = EVENT_REPLY, .right = right, .number = number, .heard = heard });
}

void guard_synced(struct guard *guard, struct right right, bool ok)
{
	guard_tell(guard, &(struct arbiter_event){ .kind = EVENT_SYNCED,
	                                           .ok = ok && guard_terms_agree(guard),
	                                           .right = right });
}

void guard_activated(struct guard *guard, bool ok)
{
	tell(guard, EVENT_ACTIVATED, ok);
}

void guard_dropped(struct guard *guard)
{
	tell(guard, EVENT_DROPPED, true);
}

void guard_started(struct guard *guard, bool ok)
{
	tell(guard, EVENT_STARTED, ok);
}

void guard_flushed(struct guard *guard, bool ok)
{
	tell(guard, EVENT_FLUSHED, ok);
}

/* --- the operator --- */

static int refuse(const char **why, const char *text, int err)
{
	*why = text;
	return err;
}

int guard_protect(struct guard *guard, uint32_t peer, const char **why)
{
	const struct cluster_view *view = cluster_view(guard->shared.cluster);
	struct arbiter_config config = guard_config(guard, peer);
	enum arbiter_state state = arbiter_state(&guard->arbiter);
	const char *refusal = arbiter_refusal(&config);

	if (!peer || peer == view->self)
		return refuse(why, "a VM is protected by another host than the one it runs on",
		              -EINVAL);
	if (!view->is_connected)
		return refuse(why, "Corosync does not answer: `systemctl status corosync`",
		              -ENOTCONN);
	if (!view->is_quorate)
		return refuse(why, "the cluster has no quorum: `corosync-quorumtool`", -ENOTCONN);
	if (refusal)
		return refuse(why, refusal, -EPERM);
	if (state != ARBITER_IDLE && (state != ARBITER_SOLO || guard->arbiter.is_syncing))
		return refuse(why, "the VM is being protected already", -EALREADY);
	guard->is_unprotecting = false;
	arbiter_configure(&guard->arbiter, &config);
	guard_tell(guard, &(struct arbiter_event){ .kind = EVENT_ADOPT, .peer = peer });
	/* Whether that peer is there is not known to the arbiter before it is told again. */
	guard_look(guard);
	return 0;
}

int guard_switch_over(struct guard *guard)
{
	if (arbiter_state(&guard->arbiter) != ARBITER_REPLICATING)
		return -EBUSY;
	tell(guard, EVENT_SWITCHOVER, true);
	return 0;
}

int guard_resync(struct guard *guard)
{
	if (arbiter_state(&guard->arbiter) != ARBITER_REPLICATING || guard->is_unprotecting)
		return -EBUSY;
	log_info("%s: its standby's copy is to be made anew", guard->name);
	guard->is_resyncing = true;
	guard_unprotect_step(guard);
	return 0;
}

void guard_confirm_off(struct guard *guard)
{
	log_warning("%s: the operator vouches that host %u is off", guard->name,
	            guard->arbiter.record.peer);
	tell(guard, EVENT_CONFIRMED, true);
}

int guard_order_solo(struct guard *guard)
{
	enum arbiter_state state = arbiter_state(&guard->arbiter);

	if (state != ARBITER_HOLDING && state != ARBITER_HANDED && state != ARBITER_OUTDATED)
		return -EBUSY;
	log_warning("%s: the operator orders this copy to be the one", guard->name);
	tell(guard, EVENT_ORDERED_SOLO, true);
	return 0;
}

/* --- the end of protection --- */

static bool can_forget(const struct guard *guard)
{
	enum arbiter_state state = arbiter_state(&guard->arbiter);

	return state == ARBITER_SOLO || state == ARBITER_COLD || state == ARBITER_OUTDATED ||
	       state == ARBITER_IDLE;
}

static bool has_standby(const struct guard *guard)
{
	enum arbiter_state state = arbiter_state(&guard->arbiter);

	return state == ARBITER_ENTERING || state == ARBITER_REPLICATING ||
	       state == ARBITER_HOLDING || state == ARBITER_GOING_SOLO;
}

int guard_unprotect(struct guard *guard)
{
	if (!can_forget(guard) && !has_standby(guard))
		return -EBUSY;
	log_warning("%s: its protection is to end", guard->name);
	guard->is_unprotecting = true;
	guard_unprotect_step(guard);
	return 0;
}

static void on_forgotten(void *data, int err)
{
	struct guard *guard = data;

	guard->is_forgetting = guard->is_unprotecting = false;
	guard->is_over = !err;
	if (err) {
		log_error("%s: its record cannot be removed: %s", guard->name, strerror(-err));
		tell(guard, EVENT_SYNCED, false); /* one that was held back */
	}
	guard->ops->unprotected(guard->data, err);
}

static void forget(struct guard *guard)
{
	int err = writer_write(guard->shared.writer, guard->file, NULL, on_forgotten, guard);

	guard->is_forgetting = !err;
	if (err)
		on_forgotten(guard, err);
}

/* The standby that steps back by its own word lets the primary go solo without a pause. */
static void ask_to_step_back(struct guard *guard)
{
	uint64_t now = guard_now();

	if (arbiter_state(&guard->arbiter) != ARBITER_REPLICATING ||
	    now < guard->asked_at + ASK_EVERY)
		return;
	guard->asked_at = now;
	guard_say(guard, &guard->arbiter.record, true);
}

/* What the standby's arbiter does then leads to a new round by itself. */
static void resync_step(struct guard *guard)
{
	if (arbiter_state(&guard->arbiter) == ARBITER_REPLICATING)
		ask_to_step_back(guard);
	else
		guard->is_resyncing = false;
}

void guard_unprotect_step(struct guard *guard)
{
	if (guard->is_resyncing && !guard->is_handling)
		resync_step(guard);
	if (!guard->is_unprotecting || guard->is_forgetting || guard->is_handling)
		return;
	if (can_forget(guard) && !guard->arbiter.is_writing)
		forget(guard);
	else
		ask_to_step_back(guard);
}
