/* A cluster for tests of what stands on it: three hosts in one process, that die and are cut off by call. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fake_cluster.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS 64
#define LAG   200 /* ms */

struct cluster {
	uint32_t id;
	bool is_alive, is_cut, has_daemon;
	struct cluster_view view;
	struct cluster_listener *listeners;
};

struct said {
	uint32_t from, to;
	struct cluster_word word;
};

static struct cluster hosts[FAKE_HOSTS];
static struct said words[WORDS];
static unsigned int word_count;
static ev_timer delivery;
bool fake_cluster_decides;

bool cluster_nodes_have(const struct cluster_nodes *nodes, uint32_t id)
{
	for (unsigned int i = 0; i < nodes->count; i++) {
		if (nodes->ids[i] == id)
			return true;
	}
	return false;
}

static bool sees(const struct cluster *a, const struct cluster *b)
{
	return a == b || (a->is_alive && b->is_alive && !a->is_cut && !b->is_cut);
}

static struct cluster_view look(const struct cluster *host)
{
	struct cluster_view view = { .is_connected = host->is_alive,
		                     .quorum_decides = fake_cluster_decides,
		                     .self = host->id,
		                     .lag = LAG };

	if (!host->is_alive)
		return (struct cluster_view){ 0 };
	for (unsigned int i = 0; i < FAKE_HOSTS; i++) {
		if (!sees(host, &hosts[i]))
			continue;
		view.hosts.ids[view.hosts.count++] = hosts[i].id;
		if (hosts[i].has_daemon)
			view.daemons.ids[view.daemons.count++] = hosts[i].id;
	}
	view.is_quorate = view.hosts.count > FAKE_HOSTS / 2 || !fake_cluster_decides;
	return view;
}

static void add_missing(struct cluster_nodes *to, const struct cluster_nodes *from,
                        const struct cluster_nodes *without)
{
	for (unsigned int i = 0; i < from->count; i++) {
		if (!cluster_nodes_have(without, from->ids[i]))
			to->ids[to->count++] = from->ids[i];
	}
}

static void tell(struct cluster *host)
{
	struct cluster_view before = host->view;
	struct cluster_change change = { 0 };

	host->view = look(host);
	change.is_anew = before.is_connected != host->view.is_connected;
	add_missing(&change.came, &host->view.hosts, &before.hosts);
	add_missing(&change.went, &before.hosts, &host->view.hosts);
	for (struct cluster_listener *one = host->listeners; one; one = one->next)
		one->view(one->data, &host->view, &change);
}

static void tell_all(void)
{
	for (unsigned int i = 0; i < FAKE_HOSTS; i++)
		tell(&hosts[i]);
}

static void on_delivery(struct ev_loop *loop, ev_timer *timer, int events)
{
	for (unsigned int i = 0; i < word_count; i++) {
		struct said said = words[i];
		struct cluster *to = &hosts[said.to - 1];

		if (!sees(&hosts[said.from - 1], to) || !to->has_daemon)
			continue;
		for (struct cluster_listener *one = to->listeners; one; one = one->next)
			one->word(one->data, said.from, &said.word);
	}
	word_count = 0;
}

void fake_cluster_begin(struct ev_loop *loop)
{
	fake_cluster_decides = true;
	word_count = 0;
	for (uint32_t i = 0; i < FAKE_HOSTS; i++)
		hosts[i] = (struct cluster){ .id = i + 1, .is_alive = true, .has_daemon = true };
	ev_timer_init(&delivery, on_delivery, 0.002, 0.002);
	ev_timer_start(loop, &delivery);
	tell_all();
}

void fake_cluster_end(struct ev_loop *loop)
{
	ev_timer_stop(loop, &delivery);
}

void fake_cluster_set_alive(uint32_t host, bool is_alive)
{
	hosts[host - 1].is_alive = is_alive;
	tell_all();
}

void fake_cluster_set_cut(uint32_t host, bool is_cut)
{
	hosts[host - 1].is_cut = is_cut;
	tell_all();
}

void fake_cluster_set_daemon(uint32_t host, bool is_there)
{
	hosts[host - 1].has_daemon = is_there;
	tell_all();
}

struct cluster *fake_cluster_of(uint32_t host)
{
	return &hosts[host - 1];
}

const struct cluster_view *cluster_view(const struct cluster *cluster)
{
	return &cluster->view;
}

void cluster_listen(struct cluster *cluster, struct cluster_listener *listener)
{
	listener->next = cluster->listeners;
	cluster->listeners = listener;
}

void cluster_ignore(struct cluster *cluster, struct cluster_listener *listener)
{
	struct cluster_listener **link = &cluster->listeners;

	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
}

void cluster_say(struct cluster *cluster, struct cluster_listener *listener, uint32_t to,
                 const struct cluster_word *word)
{
	assert(word_count < WORDS && to >= 1 && to <= FAKE_HOSTS);
	words[word_count++] = (struct said){ cluster->id, to, *word };
}
