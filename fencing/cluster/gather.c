/* One view of the cluster from what Corosync's services tell apart, at different moments. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/cluster/gather.h"

#include <string.h>

#define MS 1000000ull

bool cluster_nodes_have(const struct cluster_nodes *nodes, uint32_t id)
{
	for (unsigned int i = 0; i < nodes->count; i++) {
		if (nodes->ids[i] == id)
			return true;
	}
	return false;
}

/* Whether it is in now; the same twice is once. */
static bool add(struct cluster_nodes *nodes, uint32_t id)
{
	if (cluster_nodes_have(nodes, id))
		return true;
	if (nodes->count == CLUSTER_NODES_MAX)
		return false;
	nodes->ids[nodes->count++] = id;
	return true;
}

static bool add_all(struct cluster_nodes *nodes, const uint32_t *ids, unsigned int count)
{
	bool fits = true;

	nodes->count = 0;
	for (unsigned int i = 0; i < count; i++)
		fits = add(nodes, ids[i]) && fits;
	return fits;
}

/* Adds those of `in` that are not in `without`. */
static void add_new(struct cluster_nodes *to, const struct cluster_nodes *in,
                    const struct cluster_nodes *without)
{
	for (unsigned int i = 0; i < in->count; i++) {
		if (!cluster_nodes_have(without, in->ids[i]))
			add(to, in->ids[i]);
	}
}

static bool are_same(const struct cluster_nodes *a, const struct cluster_nodes *b)
{
	for (unsigned int i = 0; i < a->count; i++) {
		if (!cluster_nodes_have(b, a->ids[i]))
			return false;
	}
	return a->count == b->count;
}

static void forget(struct gather *gather)
{
	struct cluster_view told = gather->told;

	memset(gather, 0, sizeof(*gather));
	gather->told = told;
	gather->change.is_anew = true;
}

void gather_begin(struct gather *gather, uint32_t self, uint32_t lag, bool quorum_decides)
{
	forget(gather);
	gather->self = self;
	gather->lag = lag;
	gather->quorum_decides = quorum_decides;
}

void gather_end(struct gather *gather)
{
	forget(gather);
}

void gather_ring_changes(struct gather *gather, uint64_t now)
{
	gather->changed_at = now;
}

void gather_hosts(struct gather *gather, const uint32_t *ids, unsigned int count, uint64_t now)
{
	struct cluster_nodes before = gather->hosts;

	gather->is_refused = !add_all(&gather->hosts, ids, count);
	if (gather->has_hosts) {
		add_new(&gather->change.came, &gather->hosts, &before);
		add_new(&gather->change.went, &before, &gather->hosts);
	}
	gather->has_hosts = true;
	gather_ring_changes(gather, now);
}

void gather_quorum(struct gather *gather, bool is_quorate)
{
	gather->has_quorum = true;
	gather->is_quorate = is_quorate;
}

void gather_decides(struct gather *gather, bool quorum_decides)
{
	gather->quorum_decides = quorum_decides;
}

void gather_daemons(struct gather *gather, const uint32_t *ids, unsigned int count)
{
	add_all(&gather->daemons, ids, count);
}

void gather_echo(struct gather *gather, uint64_t sent_at)
{
	if (sent_at > gather->echo_at)
		gather->echo_at = sent_at;
}

bool gather_is_settled(const struct gather *gather)
{
	return gather->has_hosts && gather->has_quorum &&
	       cluster_nodes_have(&gather->daemons, gather->self) && gather->echo_at &&
	       gather->echo_at >= gather->changed_at;
}

static bool is_fresh(const struct gather *gather, uint64_t now)
{
	return now <= gather->echo_at + gather->lag * MS;
}

static struct cluster_view make_view(const struct gather *gather, uint64_t now)
{
	struct cluster_view view = { .is_connected = true,
		                     .quorum_decides = gather->quorum_decides,
		                     .self = gather->self,
		                     .lag = gather->lag };

	if (gather_is_settled(gather)) {
		view.hosts = gather->hosts;
		view.daemons = gather->daemons;
		view.is_quorate = gather->is_quorate && !gather->is_refused;
	} else if (gather->was_told) {
		view = gather->told;
	} else {
		return (struct cluster_view){ 0 };
	}
	view.is_quorate = view.is_quorate && is_fresh(gather, now);
	return view;
}

static bool is_news(const struct cluster_view *view, const struct cluster_view *told)
{
	return view->is_connected != told->is_connected || view->is_quorate != told->is_quorate ||
	       view->quorum_decides != told->quorum_decides || view->self != told->self ||
	       view->lag != told->lag || !are_same(&view->hosts, &told->hosts) ||
	       !are_same(&view->daemons, &told->daemons);
}

bool gather_tell(struct gather *gather, uint64_t now, struct cluster_view *view,
                 struct cluster_change *change)
{
	bool is_settled = gather_is_settled(gather);
	bool has_change = is_settled && (gather->change.is_anew || gather->change.came.count ||
	                                 gather->change.went.count);

	*view = make_view(gather, now);
	if (!has_change && !is_news(view, &gather->told))
		return false;
	*change = gather->change;
	if (!is_settled)
		*change = (struct cluster_change){ .is_anew = !view->is_connected };
	else
		memset(&gather->change, 0, sizeof(gather->change));
	gather->was_told = gather->was_told || is_settled;
	gather->told = *view;
	return true;
}
