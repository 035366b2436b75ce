/* A job beside the loop: for calls that may wait for ever. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef COMMON_ASIDE_H
#define COMMON_ASIDE_H

#include <stdbool.h>

#include <ev.h>

/* One job at a time, on a thread that is made for it; signals stay the loop's. */
struct aside;

struct aside_job {
	int (*work)(void *order); /* on the thread; returns 0 or a negative errno */
	/* On the loop; the order is the receiver's from then on. */
	void (*done)(void *data, void *order, int err);
	/* Instead of done, on the thread, if nobody waits any more: undoes what work has done, and frees the order. */
	void (*drop)(void *order, int err);
	void *order;
	void *data;
};

/* 0, or -ENOMEM. */
int aside_open(struct ev_loop *loop, struct aside **aside);

/* A job under way is left to itself; it may never end. */
void aside_close(struct aside *aside);

bool aside_is_busy(struct aside *aside);

/* 0, or a negative errno: nothing was begun, and the order is the caller's. Not while another is under way. */
int aside_begin(struct aside *aside, const struct aside_job *job);

#endif
