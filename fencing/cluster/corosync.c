/* What Corosync tells, and what is told through it: the group "remus" (cpg), quorum (votequorum). */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/aside.h"
#include "common/log.h"
#include "fencing/cluster/cluster.h"
#include "fencing/cluster/connect.h"
#include "fencing/cluster/gather.h"
#include "fencing/cluster/message.h"

/*
 *    DOWN --(connected aside)--> UP --(a call fails, Corosync ends)--> DOWN
 *
 * To connect, and to read names, is done aside: Corosync may be starting, or hang, and the loop has leases to keep.
 *
 * What the libraries tell is gathered (gather.h), and listeners hear of the whole. Votes are read before messages, for
 * an echo says of what was told before it that it is complete.
 */
#define RETRY      0.2         /* s between tries to connect */
#define MISSED     2000000000u /* ns without an answer: it is logged */
#define TICK       0.025       /* s: words that wait, echoes after a change, the age of the view */
#define ECHO_SOON  20000000ull /* while a change waits for one */
#define ECHOES_MAX 64          /* that have not come back: Corosync hangs, and needs no more */

struct cluster {
	struct ev_loop *loop;
	bool is_up;      /* connection is ours */
	bool was_missed; /* that it is not there is logged */
	bool is_lost;    /* found so within a callback of a library: ended after it */
	struct connection connection;
	struct facts facts; /* those of the last connection while there is none */
	struct aside *aside;
	uint64_t asked_at;
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
	err = cpg_mcast_joined(cluster->connection.group, CPG_TYPE_AGREED, &bytes, 1);
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

	if (!listener->outgoing_to || !cluster->is_up)
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

	if (!cluster->is_up)
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

/* --- names --- */

static int read_names(void *order)
{
	return facts_read(order);
}

static void drop_names(void *order, int err)
{
	(void)err;
	free(order);
}

static void on_names(void *data, void *order, int err)
{
	struct cluster *cluster = data;

	if (!err)
		cluster->facts = *(struct facts *)order;
	free(order);
}

/* The configuration was read again, and has more hosts. */
static void ask_names(struct cluster *cluster)
{
	struct aside_job job = { read_names, on_names, drop_names, NULL, cluster };

	if (aside_is_busy(cluster->aside))
		return;
	job.order = calloc(1, sizeof(struct facts));
	if (job.order && aside_begin(cluster->aside, &job))
		free(job.order);
}

static bool are_known(const struct cluster *cluster, const uint32_t *ids, uint32_t count)
{
	char name[CLUSTER_NAME_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		if (facts_name(&cluster->facts, ids[i], name))
			return false;
	}
	return true;
}

static void on_hosts(votequorum_handle_t handle, uint64_t tracking, votequorum_ring_id_t ring,
                     uint32_t count, uint32_t *ids)
{
	struct cluster *cluster = of_votes(handle);

	(void)tracking;
	(void)ring;
	if (!cluster)
		return;
	if (!are_known(cluster, ids, count))
		ask_names(cluster);
	gather_hosts(&cluster->gather, ids, count, now_ns());
	tell(cluster);
}

static void on_expected(votequorum_handle_t handle, uint64_t tracking, uint32_t expected)
{
	struct cluster *cluster = of_votes(handle);

	(void)tracking;
	(void)expected;
	if (!cluster)
		return;
	gather_decides(&cluster->gather, connect_decides(handle, cluster->gather.self));
	tell(cluster);
}

/* --- the connection --- */

static void disconnect(struct cluster *cluster)
{
	if (!cluster->is_up)
		return;
	ev_io_stop(cluster->loop, &cluster->group_ready);
	ev_io_stop(cluster->loop, &cluster->votes_ready);
	connect_end(&cluster->connection);
	cluster->is_up = cluster->is_lost = false;
}

static void lose(struct cluster *cluster)
{
	log_warning("cluster: the connection to Corosync is lost");
	disconnect(cluster);
	gather_end(&cluster->gather);
	tell(cluster);
	cluster->asked_at = now_ns();
	ev_timer_again(cluster->loop, &cluster->retry);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct cluster *cluster = io->data;

	(void)loop;
	(void)events;
	if (votequorum_dispatch(cluster->connection.votes, CS_DISPATCH_ALL) != CS_OK ||
	    cpg_dispatch(cluster->connection.group, CS_DISPATCH_ALL) != CS_OK || cluster->is_lost)
		lose(cluster);
}

static void watch(struct cluster *cluster)
{
	int group = -1, votes = -1;

	cpg_fd_get(cluster->connection.group, &group);
	votequorum_fd_get(cluster->connection.votes, &votes);
	ev_io_init(&cluster->group_ready, on_ready, group, EV_READ);
	ev_io_init(&cluster->votes_ready, on_ready, votes, EV_READ);
	cluster->group_ready.data = cluster->votes_ready.data = cluster;
	ev_io_start(cluster->loop, &cluster->group_ready);
	ev_io_start(cluster->loop, &cluster->votes_ready);
}

static int connect_work(void *order)
{
	return connect_corosync(order);
}

static void connect_drop(void *order, int err)
{
	if (!err)
		connect_end(order);
	free(order);
}

static void on_connected(void *data, void *order, int err)
{
	struct cluster *cluster = data;

	if (!err) {
		cluster->connection = *(struct connection *)order;
		cluster->facts = cluster->connection.facts;
		cluster->is_up = true;
		cluster->was_missed = cluster->has_foreign_version = false;
		cluster->echo_every = cluster->facts.echo * 1000000ull;
		cluster->echoes = 0;
		gather_begin(&cluster->gather, cluster->connection.self, cluster->facts.lag,
		             cluster->connection.decides);
		ev_timer_stop(cluster->loop, &cluster->retry);
		watch(cluster);
	}
	free(order);
}

static void begin_connecting(struct cluster *cluster)
{
	struct aside_job job = { connect_work, on_connected, connect_drop, NULL, cluster };
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return;
	connection->calls = (struct connect_calls){
		.message = on_message,
		.group = on_group,
		.votes = { on_quorum, on_expected, on_hosts },
		.context = cluster,
	};
	job.order = connection;
	if (aside_begin(cluster->aside, &job))
		free(connection);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct cluster *cluster = timer->data;

	(void)loop;
	(void)events;
	if (!aside_is_busy(cluster->aside))
		begin_connecting(cluster);
	if (cluster->was_missed || now_ns() < cluster->asked_at + MISSED)
		return;
	log_warning("cluster: Corosync does not answer; it is asked again");
	cluster->was_missed = true;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct cluster *cluster = timer->data;

	(void)loop;
	(void)events;
	if (cluster->is_up) {
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
	int err;

	if (!cluster)
		return -ENOMEM;
	err = aside_open(loop, &cluster->aside);
	if (err) {
		free(cluster);
		return err;
	}
	cluster->loop = loop;
	cluster->asked_at = now_ns();
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
	aside_close(cluster->aside);
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
	return cluster->is_up ? facts_find(&cluster->facts, name, id) : -ENOTCONN;
}

int cluster_name(struct cluster *cluster, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	return cluster->is_up ? facts_name(&cluster->facts, id, name) : -ENOTCONN;
}
