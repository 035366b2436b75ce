/* The connection to Corosync: the group "remus" (cpg), quorum (votequorum) and configuration (cmap). */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/votequorum.h>

#include "common/log.h"
#include "fencing/cluster/cluster.h"
#include "fencing/cluster/facts.h"
#include "fencing/cluster/gather.h"
#include "fencing/cluster/message.h"

/*
 *    DOWN --connect--> JOINING --join--> UP --(a call fails, Corosync ends)--> DOWN
 *
 * What the libraries tell is gathered (gather.h), and listeners hear of the whole. Votes are read before messages, for
 * an echo says of what was told before it that it is complete.
 */
#define GROUP       "remus"
#define RETRY       0.2         /* s between tries to connect or join */
#define TICK        0.025       /* s: words that wait, echoes after a change, the age of the view */
#define ECHO_SOON   20000000ull /* while a change waits for one */
#define ECHOES_MAX  64          /* that have not come back: Corosync hangs, and needs no more */
#define LAG_DEFAULT 10000       /* ms, for a Corosync that does not tell its timing */

enum connection { DOWN, JOINING, UP };

struct cluster {
	struct ev_loop *loop;
	enum connection connection;
	bool was_missed; /* that it is not there is logged */
	bool is_lost;    /* found so within a callback of a library: ended after it */
	cpg_handle_t group;
	votequorum_handle_t votes;
	cmap_handle_t map;
	ev_io group_ready, votes_ready;
	ev_timer retry, tick;
	struct gather gather;
	uint64_t echo_sent_at, echo_every;
	unsigned int echoes;
	bool has_foreign_version; /* logged */
	struct cluster_listener *listeners;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- telling --- */

static void tell(struct cluster *cluster)
{
	struct cluster_listener *listener, *next;
	struct cluster_change change;
	struct cluster_view view;

	if (!gather_tell(&cluster->gather, now_ns(), &view, &change))
		return;
	log_info("cluster: %s, %s, %u hosts, %u with remusd",
	         view.is_connected ? "connected" : "not connected",
	         view.is_quorate ? "quorum" : "no quorum", view.hosts.count, view.daemons.count);
	for (listener = cluster->listeners; listener; listener = next) {
		next = listener->next;
		listener->view(listener->data, &view, &change);
	}
}

static struct cluster_listener *find(const struct cluster *cluster, const uint8_t vm[16])
{
	struct cluster_listener *listener = cluster->listeners;

	while (listener && memcmp(listener->vm, vm, sizeof(listener->vm)) != 0)
		listener = listener->next;
	return listener;
}

/* --- sending --- */

/* False: Corosync does not take it now. */
static bool put(struct cluster *cluster, const struct message *message)
{
	struct iovec bytes = { .iov_len = sizeof(*message) };
	cs_error_t err;

	memcpy(&bytes.iov_base, &message, sizeof(message)); /* it is only read */
	err = cpg_mcast_joined(cluster->group, CPG_TYPE_AGREED, &bytes, 1);
	if (err != CS_OK && err != CS_ERR_TRY_AGAIN && err != CS_ERR_NO_RESOURCES)
		cluster->is_lost = true;
	return err == CS_OK;
}

static void send_echo(struct cluster *cluster)
{
	struct message message;
	uint64_t now = now_ns();

	message_echo(&message, cluster->gather.self, now);
	if (!put(cluster, &message))
		return;
	cluster->echo_sent_at = now;
	cluster->echoes++;
}

static void send_echo_if_due(struct cluster *cluster)
{
	uint64_t every = gather_is_settled(&cluster->gather) ? cluster->echo_every : ECHO_SOON;

	if (cluster->echoes < ECHOES_MAX && now_ns() >= cluster->echo_sent_at + every)
		send_echo(cluster);
}

static void send_word(struct cluster *cluster, struct cluster_listener *listener)
{
	struct message message;

	if (!listener->outgoing_to || cluster->connection != UP)
		return;
	message_word(&message, listener->outgoing_to, &listener->outgoing);
	if (put(cluster, &message))
		listener->outgoing_to = 0;
}

void cluster_say(struct cluster *cluster, struct cluster_listener *listener, uint32_t to,
                 const struct cluster_word *word)
{
	/* What waits is replaced by what is durable now; a question in it stays one. */
	bool was_asking = listener->outgoing_to == to && listener->outgoing.is_asking;

	if (cluster->connection != UP)
		return;
	listener->outgoing = *word;
	listener->outgoing.is_asking |= was_asking;
	listener->outgoing_to = to;
	send_word(cluster, listener);
}

/* --- what the libraries tell --- */

static void take_message(struct cluster *cluster, uint32_t from, uint32_t pid,
                         const struct message *message)
{
	struct cluster_listener *listener;
	struct cluster_word word;

	if (message->to != cluster->gather.self)
		return;
	if (message->kind == MESSAGE_ECHO) {
		if (from != message->to || pid != (uint32_t)getpid())
			return;
		cluster->echoes = 0;
		gather_echo(&cluster->gather, message->sent_at);
		tell(cluster);
		return;
	}
	listener = find(cluster, message->vm);
	if (!listener || from == cluster->gather.self)
		return;
	message_to_word(message, &word);
	listener->word(listener->data, from, &word);
}

static void on_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t from,
                       uint32_t pid, void *bytes, size_t size)
{
	struct message message;
	void *context;
	struct cluster *cluster;
	int err;

	(void)group;
	if (cpg_context_get(handle, &context) != CS_OK)
		return;
	cluster = context;
	err = message_read(&message, bytes, size);
	if (!err) {
		take_message(cluster, from, pid, &message);
		return;
	}
	if (!cluster->has_foreign_version)
		log_error("cluster: host %u says what is not understood here (%s); is its remusd "
		          "of another version?",
		          from, strerror(-err));
	cluster->has_foreign_version = true;
}

static bool is_ring_change(const struct cpg_address *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].reason == CPG_REASON_NODEDOWN || list[i].reason == CPG_REASON_NODEUP)
			return true;
	}
	return false;
}

static void on_group(cpg_handle_t handle, const struct cpg_name *group,
                     const struct cpg_address *members, size_t count,
                     const struct cpg_address *left, size_t left_count,
                     const struct cpg_address *joined, size_t joined_count)
{
	uint32_t ids[CPG_MEMBERS_MAX];
	struct cluster *cluster;
	void *context;

	(void)group;
	if (cpg_context_get(handle, &context) != CS_OK)
		return;
	cluster = context;
	if (count > CPG_MEMBERS_MAX)
		count = CPG_MEMBERS_MAX;
	for (size_t i = 0; i < count; i++)
		ids[i] = members[i].nodeid;
	gather_daemons(&cluster->gather, ids, (unsigned int)count);
	if (is_ring_change(left, left_count) || is_ring_change(joined, joined_count))
		gather_ring_changes(&cluster->gather, now_ns());
	tell(cluster);
}

static struct cluster *of_votes(votequorum_handle_t handle)
{
	void *context;

	return votequorum_context_get(handle, &context) == CS_OK ? context : NULL;
}

static void on_quorum(votequorum_handle_t handle, uint64_t tracking, uint32_t is_quorate,
                      uint32_t count, votequorum_node_t *nodes)
{
	struct cluster *cluster = of_votes(handle);

	(void)tracking;
	(void)count;
	(void)nodes;
	if (!cluster)
		return;
	gather_quorum(&cluster->gather, is_quorate);
	tell(cluster);
}

static void on_hosts(votequorum_handle_t handle, uint64_t tracking, votequorum_ring_id_t ring,
                     uint32_t count, uint32_t *ids)
{
	struct cluster *cluster = of_votes(handle);

	(void)tracking;
	(void)ring;
	if (!cluster)
		return;
	gather_hosts(&cluster->gather, ids, count, now_ns());
	tell(cluster);
}

/* Two votes are never a quorum that decides, whatever Corosync was told of two nodes. */
static bool ask_decides(votequorum_handle_t votes, uint32_t self)
{
	struct votequorum_info info;

	return votequorum_getinfo(votes, self, &info) == CS_OK &&
	       !(info.flags & VOTEQUORUM_INFO_TWONODE) && info.highest_expected >= 3;
}

static void on_expected(votequorum_handle_t handle, uint64_t tracking, uint32_t expected)
{
	struct cluster *cluster = of_votes(handle);

	(void)tracking;
	(void)expected;
	if (!cluster)
		return;
	gather_decides(&cluster->gather, ask_decides(handle, cluster->gather.self));
	tell(cluster);
}

/* --- the connection --- */

static void disconnect(struct cluster *cluster)
{
	if (cluster->connection == DOWN)
		return;
	ev_io_stop(cluster->loop, &cluster->group_ready);
	ev_io_stop(cluster->loop, &cluster->votes_ready);
	cpg_finalize(cluster->group);
	votequorum_finalize(cluster->votes);
	cmap_finalize(cluster->map);
	cluster->connection = DOWN;
	cluster->is_lost = false;
}

static void lose(struct cluster *cluster)
{
	log_warning("cluster: the connection to Corosync is lost");
	disconnect(cluster);
	gather_end(&cluster->gather);
	tell(cluster);
	ev_timer_again(cluster->loop, &cluster->retry);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct cluster *cluster = io->data;

	(void)loop;
	(void)events;
	if (votequorum_dispatch(cluster->votes, CS_DISPATCH_ALL) != CS_OK ||
	    cpg_dispatch(cluster->group, CS_DISPATCH_ALL) != CS_OK || cluster->is_lost)
		lose(cluster);
}

static int open_votes(struct cluster *cluster)
{
	votequorum_callbacks_t callbacks = { on_quorum, on_expected, on_hosts };

	if (votequorum_initialize(&cluster->votes, &callbacks) != CS_OK)
		return -ENOTCONN;
	if (votequorum_context_set(cluster->votes, cluster) == CS_OK)
		return 0;
	votequorum_finalize(cluster->votes);
	return -ENOTCONN;
}

static int open_group(struct cluster *cluster, uint32_t *self)
{
	cpg_model_v1_data_t model = { .model = CPG_MODEL_V1,
		                      .cpg_deliver_fn = on_message,
		                      .cpg_confchg_fn = on_group };

	if (cpg_model_initialize(&cluster->group, CPG_MODEL_V1, (cpg_model_data_t *)&model,
	                         cluster) != CS_OK)
		return -ENOTCONN;
	if (cpg_local_get(cluster->group, self) == CS_OK)
		return 0;
	cpg_finalize(cluster->group);
	return -ENOTCONN;
}

static void watch(struct cluster *cluster)
{
	int group = -1, votes = -1;

	cpg_fd_get(cluster->group, &group);
	votequorum_fd_get(cluster->votes, &votes);
	ev_io_init(&cluster->group_ready, on_ready, group, EV_READ);
	ev_io_init(&cluster->votes_ready, on_ready, votes, EV_READ);
	cluster->group_ready.data = cluster->votes_ready.data = cluster;
	ev_io_start(cluster->loop, &cluster->group_ready);
	ev_io_start(cluster->loop, &cluster->votes_ready);
}

static int connect_all(struct cluster *cluster)
{
	uint32_t self, lag;

	if (cmap_initialize(&cluster->map) != CS_OK)
		return -ENOTCONN;
	if (open_votes(cluster))
		goto err_after_map;
	if (open_group(cluster, &self))
		goto err_after_votes;
	cluster->echo_every = facts_echo(cluster->map) * 1000000ull;
	lag = facts_lag(cluster->map);
	gather_begin(&cluster->gather, self, lag ? lag : LAG_DEFAULT,
	             ask_decides(cluster->votes, self));
	cluster->echoes = 0;
	cluster->connection = JOINING;
	watch(cluster);
	return 0;

err_after_votes:
	votequorum_finalize(cluster->votes);
err_after_map:
	cmap_finalize(cluster->map);
	return -ENOTCONN;
}

/* Corosync takes nobody in while its membership changes: -EAGAIN. */
static int join(struct cluster *cluster)
{
	struct cpg_name name = { .length = sizeof(GROUP) - 1, .value = GROUP };
	cs_error_t err = cpg_join(cluster->group, &name);

	if (err == CS_ERR_TRY_AGAIN)
		return -EAGAIN;
	if (err != CS_OK ||
	    votequorum_trackstart(cluster->votes, 0, CS_TRACK_CURRENT | CS_TRACK_CHANGES) != CS_OK)
		return -ENOTCONN;
	cluster->connection = UP;
	cluster->was_missed = cluster->has_foreign_version = false;
	ev_timer_stop(cluster->loop, &cluster->retry);
	return 0;
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct cluster *cluster = timer->data;
	int err = 0;

	(void)loop;
	(void)events;
	if (cluster->connection == DOWN)
		err = connect_all(cluster);
	if (!err)
		err = join(cluster);
	if (!err || err == -EAGAIN)
		return;
	disconnect(cluster);
	if (!cluster->was_missed)
		log_warning("cluster: Corosync does not answer; it is asked again");
	cluster->was_missed = true;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct cluster *cluster = timer->data;

	(void)loop;
	(void)events;
	if (cluster->connection == UP) {
		send_echo_if_due(cluster);
		for (struct cluster_listener *listener = cluster->listeners; listener;
		     listener = listener->next)
			send_word(cluster, listener);
	}
	if (cluster->is_lost)
		lose(cluster);
	tell(cluster);
}

/* --- for guards --- */

int cluster_open(struct ev_loop *loop, struct cluster **result)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	if (!cluster)
		return -ENOMEM;
	cluster->loop = loop;
	gather_end(&cluster->gather);
	ev_timer_init(&cluster->retry, on_retry, 0., RETRY);
	ev_timer_init(&cluster->tick, on_tick, TICK, TICK);
	cluster->retry.data = cluster->tick.data = cluster;
	ev_timer_start(loop, &cluster->retry);
	ev_timer_start(loop, &cluster->tick);
	*result = cluster;
	return 0;
}

void cluster_close(struct cluster *cluster)
{
	disconnect(cluster);
	ev_timer_stop(cluster->loop, &cluster->retry);
	ev_timer_stop(cluster->loop, &cluster->tick);
	free(cluster);
}

const struct cluster_view *cluster_view(const struct cluster *cluster)
{
	return &cluster->gather.told;
}

void cluster_listen(struct cluster *cluster, struct cluster_listener *listener)
{
	listener->outgoing_to = 0;
	listener->next = cluster->listeners;
	cluster->listeners = listener;
}

void cluster_ignore(struct cluster *cluster, struct cluster_listener *listener)
{
	struct cluster_listener **link = &cluster->listeners;

	while (*link && *link != listener)
		link = &(*link)->next;
	if (*link)
		*link = listener->next;
}

int cluster_find(struct cluster *cluster, const char *name, uint32_t *id)
{
	return cluster->connection == DOWN ? -ENOTCONN : facts_find(cluster->map, name, id);
}

int cluster_name(struct cluster *cluster, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	return cluster->connection == DOWN ? -ENOTCONN : facts_name(cluster->map, id, name);
}
