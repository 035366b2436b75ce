/* The cluster as a guard sees it: who is in the group, whether there is quorum, words to and fro. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_CLUSTER_H
#define FENCING_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "fencing/generation/record.h"

/*
 * One connection to Corosync a process, on its loop; all VMs share it. It opens also when Corosync does not run,
 * connects by itself, and again when Corosync is restarted. Nothing here waits for a Corosync that starts or hangs, but
 * cluster_close().
 */
struct cluster;

#define CLUSTER_NODES_MAX 32 /* hosts; a larger cluster is refused: it never becomes quorate here */
#define CLUSTER_NAME_SIZE 64

struct cluster_nodes {
	unsigned int count;
	uint32_t ids[CLUSTER_NODES_MAX];
};

bool cluster_nodes_have(const struct cluster_nodes *nodes, uint32_t id);

/* What Corosync says. Before the first connection, and while there is none, all is false and empty. */
struct cluster_view {
	bool is_connected;
	bool is_quorate;
	bool quorum_decides; /* of two partitions at most one has quorum: three votes and more */
	uint32_t self;       /* this host's number */
	uint32_t
		lag; /* ms: how old all this can be on a host that is awake, by Corosync's own timing */
	struct cluster_nodes hosts;   /* in Corosync's membership */
	struct cluster_nodes daemons; /* whose remusd is in the group: some of hosts */
};

/* What has happened since the last view that was told. */
struct cluster_change {
	bool is_anew; /* the connection is new or lost: who came and went meanwhile is not known */
	struct cluster_nodes came, went; /* hosts, not daemons */
};

/* What one host tells another of a VM. */
struct cluster_word {
	uint8_t vm[16]; /* its UUID */
	struct record record;
	bool is_asking;
	/* ns; the sender's, by which both must go */
	uint64_t lease, enforcement, window;
};

/* One a VM, the caller's; it stays where it is while it listens. Both functions may say words, and may not
 * end the listening of others. */
struct cluster_listener {
	uint8_t vm[16];
	void (*view)(void *data, const struct cluster_view *view,
	             const struct cluster_change *change);
	void (*word)(void *data, uint32_t from, const struct cluster_word *word);
	void *data;
	struct cluster_listener *next; /* from here on the cluster's own */
	struct cluster_word outgoing;  /* waits for Corosync to take it; a later one replaces it */
	uint32_t outgoing_to;          /* 0: none waits */
};

/* 0, or -ENOMEM. A Corosync that is not there is no error. */
int cluster_open(struct ev_loop *loop, struct cluster **cluster);
void cluster_close(struct cluster *cluster); /* nobody listens any more */

const struct cluster_view *cluster_view(const struct cluster *cluster);

/* The listener is not told the view of now: cluster_view() has it. */
void cluster_listen(struct cluster *cluster, struct cluster_listener *listener);
void cluster_ignore(struct cluster *cluster, struct cluster_listener *listener);

/* Sends what the listener's VM has to say to host `to`; may be lost, as if the host were gone. Words of one VM keep
 * their order. */
void cluster_say(struct cluster *cluster, struct cluster_listener *listener, uint32_t to,
                 const struct cluster_word *word);

/* Numbers and names of hosts, by corosync.conf. 0, -ENOENT, or -ENOTCONN. */
int cluster_find(struct cluster *cluster, const char *name, uint32_t *id);
int cluster_name(struct cluster *cluster, uint32_t id, char name[CLUSTER_NAME_SIZE]);

#endif
