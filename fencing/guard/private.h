/* What the files of the guard share. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GUARD_PRIVATE_H
#define FENCING_GUARD_PRIVATE_H

#include "fencing/guard/guard.h"

#define GUARD_EVENTS    32 /* that wait; far more than an arbiter has questions open */
#define GUARD_UUID_SIZE 37

struct guard {
	struct guard_shared shared;
	struct guard_settings settings;
	const struct guard_ops *ops;
	void *data;
	char name[48];
	char file[GUARD_UUID_SIZE];
	struct record record; /* as read at the start */
	struct arbiter arbiter;
	ev_timer tick;
	struct cluster_listener listener;
	struct arbiter_event events[GUARD_EVENTS];
	unsigned int event_count;
	bool is_started, is_handling;
	bool has_foreign_terms; /* the peer goes by other times: logged */
	bool has_peer_terms;
	uint64_t peer_lease, peer_enforcement, peer_window; /* of its last word */
	bool has_terms; /* lease and window are those of the cluster as it was seen */
	uint32_t named; /* whose name peer_name is; 0: nobody's yet */
	char peer_name[CLUSTER_NAME_SIZE];

	bool is_unprotecting, is_forgetting, is_over, is_resyncing;
	uint64_t asked_at; /* to step back, for an end of the protection */
};

/* guard.c: the event is handled, now or after the one that is being handled. */
void guard_tell(struct guard *guard, const struct arbiter_event *event);
void guard_say(struct guard *guard, const struct record *record, bool is_asking);

/* cluster.c */
struct arbiter_config guard_config(struct guard *guard, uint32_t peer);
/* NULL: it is not known yet. */
const char *guard_name(struct guard *guard, uint32_t host);
/* Both hosts go by the same times, as far as the peer has said. */
bool guard_terms_agree(const struct guard *guard);
/* Settings, cluster and agents as they are now. True: what is known of quorum counts for nothing any more. */
bool guard_configure(struct guard *guard);
void guard_join(struct guard *guard);
void guard_look(struct guard *guard); /* tells the arbiter the view of now, as one begun anew */

/* orders.c: goes on with an end of protection that was ordered. */
void guard_unprotect_step(struct guard *guard);

#endif
