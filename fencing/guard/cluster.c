/* What a guard makes of the cluster: its settings, the view, the peer's words. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log.h"
#include "fencing/guard/private.h"

#define MS 1000000ull

/* A standby needs time within its window to see that the lease is over, on a host that is slow by a margin. */
static uint64_t least_window(const struct arbiter_config *config)
{
	return config->lease + config->enforcement + 2 * config->margin + 1000 * MS;
}

/* Before the cluster is known there is no quorum either, and with quorum_decides nothing goes without. */
struct arbiter_config guard_config(const struct guard *guard, uint32_t peer)
{
	const struct cluster_view *view = cluster_view(guard->shared.cluster);
	const struct guard_settings *settings = &guard->settings;
	bool quorum_decides = view->is_connected  ? view->quorum_decides
	                      : guard->is_started ? guard->arbiter.config.quorum_decides
	                                          : true;
	struct arbiter_config config = arbiter_defaults(fencer_has(guard->shared.fencer, peer),
	                                                quorum_decides);

	if (settings->lease)
		config.lease = settings->lease * MS;
	if (settings->window)
		config.window = settings->window * MS;
	config.risk_accepted = settings->accept_split_brain;
	if (view->lag)
		config.view_lag = view->lag * MS;
	else if (guard->is_started)
		config.view_lag = guard->arbiter.config.view_lag;
	if (config.margin < config.view_lag)
		config.margin = config.view_lag;
	if (!settings->window && config.window < least_window(&config))
		config.window = least_window(&config);
	return config;
}

/* Facts that changed are as good as a cluster that changed. */
static bool configure(struct guard *guard)
{
	struct arbiter_config config = guard_config(guard, guard->arbiter.record.peer);
	bool is_changed = config.quorum_decides != guard->arbiter.config.quorum_decides;

	arbiter_configure(&guard->arbiter, &config);
	return is_changed;
}

/* A host that came may have been where we were not; one that went, but the peer, may be there now. */
static bool others_changed(const struct cluster_change *change, uint32_t peer)
{
	if (change->is_anew || change->came.count)
		return true;
	for (unsigned int i = 0; i < change->went.count; i++) {
		if (change->went.ids[i] != peer)
			return true;
	}
	return false;
}

static void on_view(void *data, const struct cluster_view *view,
                    const struct cluster_change *change)
{
	struct guard *guard = data;
	uint32_t peer = guard->arbiter.record.peer;
	bool is_reconfigured = configure(guard);

	guard_tell(guard,
	           &(struct arbiter_event){
			   .kind = EVENT_MEMBERS,
			   .is_quorate = view->is_quorate,
			   .is_peer_present = cluster_nodes_have(&view->daemons, peer),
			   .others_changed = is_reconfigured || others_changed(change, peer) });
}

/* Two windows would be two ideas of when the standby's right ends. */
static bool is_of_one_mind(struct guard *guard, uint32_t from, const struct cluster_word *word)
{
	bool is_foreign = word->window != guard->arbiter.config.window;

	if (is_foreign && !guard->has_foreign_window)
		log_error("%s: host %u has a window of %llu ms for it, this one %llu ms: neither "
		          "hears the other before these are the same",
		          guard->name, from, (unsigned long long)(word->window / MS),
		          (unsigned long long)(guard->arbiter.config.window / MS));
	guard->has_foreign_window = is_foreign;
	return !is_foreign;
}

static void on_word(void *data, uint32_t from, const struct cluster_word *word)
{
	struct guard *guard = data;

	if (from != guard->arbiter.record.peer || !is_of_one_mind(guard, from, word))
		return;
	guard_tell(guard, &(struct arbiter_event){ .kind = EVENT_WORD,
	                                           .situation = word->record.situation,
	                                           .right = word->record.right,
	                                           .is_asking = word->is_asking });
}

void guard_look(struct guard *guard)
{
	const struct cluster_change anew = { .is_anew = true };

	on_view(guard, cluster_view(guard->shared.cluster), &anew);
}

void guard_join(struct guard *guard)
{
	memcpy(guard->listener.vm, guard->settings.vm, sizeof(guard->listener.vm));
	guard->listener.view = on_view;
	guard->listener.word = on_word;
	guard->listener.data = guard;
	cluster_listen(guard->shared.cluster, &guard->listener);
	guard_look(guard);
}
