/* What the files of the arbiter share. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_ARBITER_PRIVATE_H
#define FENCING_ARBITER_PRIVATE_H

#include "fencing/arbiter/arbiter.h"

#define ARBITER_RETRY   2000000000ull /* between tries of what failed */
#define ARBITER_ASK     500000000ull  /* between questions to the peer */
#define ARBITER_GAP_MAX 250000000ull  /* longer without an event: the host slept */

static inline bool arbiter_is(const struct arbiter *arbiter, enum arbiter_state state)
{
	return arbiter->machine.current == state;
}

/* rules.c: what is proved; none of them changes anything. */
bool arbiter_is_awake(const struct arbiter *arbiter);
bool arbiter_has_lease(const struct arbiter *arbiter);
bool arbiter_is_superseded(const struct arbiter *arbiter);
bool arbiter_may_go_solo(const struct arbiter *arbiter, const char **cause);
bool arbiter_may_take_over(const struct arbiter *arbiter, const char **cause);
bool arbiter_window_is_over(const struct arbiter *arbiter);
bool arbiter_must_mark(const struct arbiter *arbiter, const char **cause);
bool arbiter_may_fence(const struct arbiter *arbiter);

/* actions.c */
struct arbiter_action *arbiter_act(struct arbiter_actions *actions, enum action_kind kind);
void arbiter_alarm(struct arbiter_actions *actions, enum alarm alarm);
void arbiter_say(struct arbiter *arbiter, bool is_asking, struct arbiter_actions *actions);
void arbiter_write(struct arbiter *arbiter, enum situation situation, struct right right,
                   struct arbiter_actions *actions);

/* beats.c: the lease and the window. */
void arbiter_beats_begin(struct arbiter *arbiter);
void arbiter_beat(struct arbiter *arbiter, struct arbiter_actions *actions);
void arbiter_take_beat(struct arbiter *arbiter, const struct arbiter_event *event,
                       struct arbiter_actions *actions);
void arbiter_take_reply(struct arbiter *arbiter, const struct arbiter_event *event);

/* moves.c: goes on from state to state until nothing is left to do. */
void arbiter_move(struct arbiter *arbiter, enum arbiter_state to, const char *cause,
                  struct arbiter_actions *actions);
void arbiter_settle(struct arbiter *arbiter, struct arbiter_actions *actions);

#endif
