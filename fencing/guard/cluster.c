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

const char *guard_name(struct guard *guard, uint32_t host)
{
	if (!host)
		return NULL;
	if (guard->named != host) {
		guard->named = 0;
		if (cluster_name(guard->shared.cluster, host, guard->peer_name))
			return NULL;
		guard->named = host;
	}
	return guard->peer_name;
}

static void take_times(struct arbiter_config *config, const struct guard_times *times)
{
	if (times->lease)
		config->lease = times->lease * MS;
	if (times->watchdog)
		config->enforcement = times->watchdog * MS;
	if (times->window)
		config->window = times->window * MS;
	if (times->margin)
		config->margin = times->margin * MS;
}

/* Before the cluster is known there is no quorum either, and with quorum_decides nothing goes without. */
struct arbiter_config guard_config(struct guard *guard, uint32_t peer)
{
	const struct cluster_view *view = cluster_view(guard->shared.cluster);
	const struct guard_settings *settings = &guard->settings;
	bool quorum_decides = view->is_connected  ? view->quorum_decides
	                      : guard->is_started ? guard->arbiter.config.quorum_decides
	                                          : true;
	const char *name = guard_name(guard, peer);
	bool has_agent = name && fencer_has(guard->shared.fencer, name);
	struct arbiter_config config = arbiter_defaults(has_agent, quorum_decides);

	take_times(&config, &settings->times);
	config.risk_accepted = settings->accept_split_brain;
	if (view->lag)
		config.view_lag = view->lag * MS;
	else if (guard->is_started)
		config.view_lag = guard->arbiter.config.view_lag;
	if (config.margin < config.view_lag)
		config.margin = config.view_lag;
	if (!settings->times.window && config.window < least_window(&config))
		config.window = least_window(&config);
	return config;
}

/* Each host counts on the other's times until its word ends that. */
static bool counts_on_times(const struct guard *guard)
{
	switch (arbiter_state(&guard->arbiter)) {
	case ARBITER_IDLE:
	case ARBITER_COLD:
	case ARBITER_SOLO:
	case ARBITER_OUTDATED:
		return false;
	default:
		return guard->has_terms;
	}
}

/* Facts that changed are as good as a cluster that changed. */
bool guard_configure(struct guard *guard)
{
	const struct arbiter_config before = guard->arbiter.config;
	struct arbiter_config config = guard_config(guard, guard->arbiter.record.peer);

	if (counts_on_times(guard)) {
		config.lease = before.lease;
		config.enforcement = before.enforcement;
		config.window = before.window;
	}
	guard->has_terms = guard->has_terms || cluster_view(guard->shared.cluster)->is_connected;
	arbiter_configure(&guard->arbiter, &config);
	/* The peer waits for them to be the same. */
	if (config.lease != before.lease || config.enforcement != before.enforcement ||
	    config.window != before.window)
		guard_say(guard, &guard->arbiter.record, false);
	return config.quorum_decides != before.quorum_decides;
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
	bool is_reconfigured = guard_configure(guard);

	guard_tell(guard,
	           &(struct arbiter_event){
			   .kind = EVENT_MEMBERS,
			   .is_quorate = view->is_quorate,
			   .is_peer_present = cluster_nodes_have(&view->daemons, peer),
			   .others_changed = is_reconfigured || others_changed(change, peer) });
}

void guard_reconfigure(struct guard *guard, const struct guard_times *times)
{
	const struct cluster_change none = { .is_anew = false };

	guard->settings.times = *times;
	if (guard->is_started)
		on_view(guard, cluster_view(guard->shared.cluster), &none);
}

bool guard_terms_agree(const struct guard *guard)
{
	const struct arbiter_config *ours = &guard->arbiter.config;

	return !guard->has_peer_terms ||
	       (guard->peer_lease == ours->lease && guard->peer_enforcement == ours->enforcement &&
	        guard->peer_window == ours->window);
}

static void take_terms(struct guard *guard, uint32_t from, const struct cluster_word *word)
{
	const struct arbiter_config *ours = &guard->arbiter.config;

	guard->has_peer_terms = true;
	guard->peer_lease = word->lease;
	guard->peer_enforcement = word->enforcement;
	guard->peer_window = word->window;
	if (!guard_terms_agree(guard) && !guard->has_foreign_terms)
		log_error("%s: host %u has a lease of %llu ms, a watchdog of %llu ms and a window "
		          "of %llu ms for it, this one %llu, %llu and %llu ms: there is no standby "
		          "before these are the same",
		          guard->name, from, (unsigned long long)(word->lease / MS),
		          (unsigned long long)(word->enforcement / MS),
		          (unsigned long long)(word->window / MS),
		          (unsigned long long)(ours->lease / MS),
		          (unsigned long long)(ours->enforcement / MS),
		          (unsigned long long)(ours->window / MS));
	guard->has_foreign_terms = !guard_terms_agree(guard);
}

/* All words are heard, whatever their sender's times: what they promise holds for ever. Only a new standby wants both to
 * have the same. */
static void on_word(void *data, uint32_t from, const struct cluster_word *word)
{
	struct guard *guard = data;

	if (from != guard->arbiter.record.peer)
		return;
	take_terms(guard, from, word);
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
