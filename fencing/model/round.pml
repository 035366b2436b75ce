/* One round of one generation, with time: who goes on when the two hosts lose each other (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * p is the primary (record REPLICATING), s the standby (IN_SYNC). Time goes in ticks and is known only as the
 * age of what happened, each up to where nothing depends on it any more: so runs may be as long as they like.
 * In a tick one misfortune may strike, then each host has its turn, in either order. What a host is told comes
 * in this tick or the next, or never; what it writes is durable in this tick, or later.
 *
 *   FAULTS  misfortunes in one run, of any kind; mending, waking, booting and a vote without owner are free
 *   QUORUM  1: three votes, at most one side of a cut has quorum; 0: two nodes, both always have
 *   AGENT   1: a host that has quorum can have the other one switched off
 *   SKEW    1: a misfortune is also that a host's clock misses a tick, once
 *   CALM    1: after one misfortune somebody must run the VM again, even if nothing is mended but the device,
 *           which votes at once, votes for a host that is up, and the agent works at once;
 *           2: the same when all is mended; 3: and for ever, in temporal logic
 *   BREAK   the rule that is broken on purpose (tests/model/run.sh names them); 0: none
 */

#ifndef FAULTS
#define FAULTS 3
#endif
#ifndef QUORUM
#define QUORUM 1
#endif
#ifndef AGENT
#define AGENT 0
#endif
#ifndef SKEW
#define SKEW 0
#endif
#ifndef CALM
#define CALM 0
#endif
#ifndef BREAK
#define BREAK 0
#endif

#ifndef RISK
#define RISK 0
#endif
#ifndef KINDS
#define KINDS 255
#endif

#define DEATH 1
#define SLEEP 2
#define NAP   4
#define LOSS  8
#define LATE  16
#define SPLIT (RISK && BREAK != 15 -> 0 : 32)
#define VOTE  64
#define ORDER 128

#define TIME        (QUORUM || RISK)
#define LEASE       2
#define ENFORCEMENT 1
#define LAG         1                 /* a view that is due is seen before the tick ends, by who is awake */
#define GAP         1                 /* how much later by who naps, which nobody notices */
#define MARGIN      (LAG + (BREAK == 17 -> 0 : GAP))
#define STRETCH     (BREAK == 18 -> 0 : SKEW)
#define WINDOW      (LEASE + ENFORCEMENT + 2 * (LAG + GAP + SKEW) + 1)
#define TAKE_WAIT   (BREAK == 1 -> LEASE : LEASE + ENFORCEMENT + MARGIN + STRETCH)
#define SOLO_WAIT   (BREAK == 2 -> LEASE + MARGIN : WINDOW + MARGIN + STRETCH)
#define LATEST      (LEASE + 1)       /* a message under way for longer is lost */
#define OVER        (WINDOW + 1)
#define NEVER       (WINDOW + 2)
#define CALM_TICKS  (CALM == 1 -> SOLO_WAIT + LEASE + 4 : 14)

mtype = { LIVE, GOING_SOLO, SOLO, COLD, GIVING, GIVING_UP, HANDED, DROPPED, OFF,
	  IN_SYNC, CLAIMING, ACTIVATING, CONFIRMING, NEXT, MARKING, OUTDATED, TAKING };
mtype = { NOBODY, P, S };

/* The world. */
byte faults = FAULTS;
bool cluster_cut, split;      /* split: they are not members of one group */
mtype vote = NOBODY;          /* whose, while they are split */
bool cut_to_s, cut_to_p;       /* the replication link, each way */
bool skewed;
byte calm;                    /* ticks since it is */

/* Messages under way, one of a kind: beat, reply, and words. */
bool beat, reply, beat_late, reply_late, asks, says_handed, says_outdated, says_next;
byte beat_age, beat_confirms; /* since p sent it; age of the reply that it confirms */
byte reply_age, reply_beat;   /* since s sent it; age of the beat that it answers */

/* The primary; LIVE is REPLICATING while the lease lasts, then HOLDING. */
mtype p = LIVE, p_record = LIVE;
bool p_hung, p_sending, p_naps; /* sending: it has looked at its right, and the packet has not left yet */
byte p_hung_for;
bool p_deaf;                  /* lost its memory while the VM ran: no reply means anything to it */
byte p_lease;                 /* how long it lasts yet */
byte p_acked, p_heard;        /* ages: of the last beat that was answered; since a reply came */
byte p_confirms = NEVER;      /* age of that reply */
bool p_quorate = 1, p_peer = 1, p_break;
byte p_awake = LAG, p_unbroken = LATEST;
bool p_unbroken_ok = 1;       /* quorum is unbroken since before s could have begun */
bool p_fencing, p_fence_done, p_fenced;
byte p_fenced_for;
bool p_knows_outdated, p_knows_next;

/* The standby; IN_SYNC is ALONE while p is gone and silent. */
mtype s = IN_SYNC, s_record = IN_SYNC;
bool s_hung, s_naps;
byte s_replied;               /* since its last reply */
byte s_window = NEVER;        /* age of its last confirmed reply */
bool s_quorate = 1, s_peer = 1;
byte s_awake = LAG;
bool s_fencing, s_fence_done, s_fenced, s_knows_handed, s_asked;

/* What clients have seen. */
bool out_solo, out_next;      /* what p let out alone; what s let out */

#define p_up     (p != OFF && !p_hung)
#define s_up     (s != OFF && !s_hung)
#define p_truth  (!QUORUM || !split || vote == P)
#define s_truth  (!QUORUM || !split || vote == S)
#define p_trusts (p_awake >= LAG || BREAK == 5)
#define s_trusts (s_awake >= LAG || BREAK == 5)
#define p_differs (p_quorate != p_truth || p_peer == split || p_break)
#define s_differs (s_quorate != s_truth || s_peer == split)
#define grow(age, end) age = (age < (end) -> age + 1 : age)

/* --- who is in the group, who has the vote, and who knows --- */

inline p_look()
{
	if
	:: p_break || !p_truth || !p_quorate || (!split && !p_peer) ->
		p_unbroken = 0;
		p_unbroken_ok = (p_acked + LAG <= LEASE)
	:: else
	fi;
	p_break = 0;
	p_quorate = p_truth;
	p_peer = !split
}

inline s_look()
{
	s_quorate = s_truth;
	s_peer = !split
}

/* What happens while it hangs leaves no trace. */
inline note_break()
{
	if
	:: p_up && !p_truth -> p_break = 1
	:: else
	fi
}

inline divide()
{
	if
	:: !split ->
		split = 1;
		vote = NOBODY;
		if
		:: p_up -> vote = P
		:: s_up -> vote = S
		:: CALM != 1
		:: else
		fi
	:: else ->
		if
		:: (vote == P && p == OFF) || (vote == S && s == OFF) -> vote = NOBODY
		:: else
		fi
	fi;
	note_break()
}

/* --- life and death; a write under way was done, or not --- */

inline p_forget()
{
	p_lease = 0; p_acked = 0; p_heard = 0; p_confirms = NEVER; p_unbroken = 0; p_unbroken_ok = 0;
	p_fencing = 0; p_fence_done = 0; p_fenced = 0; p_fenced_for = 0; p_deaf = 0;
	reply = 0; reply_late = 0; reply_age = 0; reply_beat = 0
}

inline p_off()
{
	if
	:: p == GOING_SOLO -> p_record = SOLO
	:: p == GIVING || p == GIVING_UP -> p_record = HANDED
	:: true
	fi;
	p = OFF; p_hung = 0; p_hung_for = 0; p_sending = 0; p_naps = 0;
	p_forget();
	p_quorate = 0; p_peer = 0; p_break = 0; p_awake = 0;
	p_knows_outdated = 0; p_knows_next = 0; says_outdated = 0; says_next = 0;
	divide()
}

inline s_forget()
{
	s_replied = 0; s_window = NEVER;
	s_fencing = 0; s_fence_done = 0; s_fenced = 0; s_knows_handed = 0; s_asked = 0;
	beat = 0; beat_late = 0; beat_age = 0; beat_confirms = 0
}

inline s_off()
{
	if
	:: s == MARKING -> s_record = OUTDATED
	:: s == CLAIMING -> s_record = TAKING
	:: s == CONFIRMING -> s_record = NEXT
	:: true
	fi;
	s = OFF; s_hung = 0; s_naps = 0;
	s_forget();
	s_quorate = 0; s_peer = 0; s_awake = 0;
	asks = 0; says_handed = 0;
	divide()
}

inline p_boot()
{
	if
	:: p_record == LIVE && BREAK != 7 -> p = GIVING_UP
	:: p_record == LIVE && BREAK == 7 -> p = COLD
	:: p_record == SOLO -> p = COLD
	:: p_record == HANDED -> p = HANDED
	:: else -> p = DROPPED
	fi
}

inline s_boot()
{
	if
	:: s_record == NEXT -> s = COLD
	:: s_record == OUTDATED -> s = OUTDATED
	:: else -> s = (BREAK == 13 && s_record == IN_SYNC -> IN_SYNC : MARKING);
		s_window = (BREAK == 13 -> 0 : NEVER)
	fi
}

inline p_wake()
{
	p_hung = 0; p_hung_for = 0; p_awake = 0;
	if
	:: BREAK != 6 -> p_unbroken = 0; p_unbroken_ok = (p_acked + LAG <= LEASE)
	:: else
	fi;
	note_break()
}

inline s_wake()
{
	s_hung = 0; s_awake = 0
}

/* --- the primary: rules.c, moves.c --- */

#define p_by_time (TIME && p_quorate && p_trusts && (p_unbroken_ok || BREAK == 4 || (BREAK == 14 && RISK)))
#define p_may_go_solo \
	(p_knows_outdated || \
	 (BREAK == 10 && p == HANDED && p_quorate && p_trusts && !p_peer) || \
	 (p == LIVE && p_lease == 0 && \
	  ((p_fenced && (!QUORUM || BREAK == 12 || \
	                 (p_by_time && p_fenced_for >= LAG + (BREAK == 19 -> 0 : GAP)))) || \
	   (p_by_time && p_heard >= SOLO_WAIT))))

inline p_decide()
{
	if
	:: p_knows_next && p != SOLO ->
		p = DROPPED; p_record = OUTDATED;
		p_forget()
	:: !p_knows_next && (p == LIVE || p == HANDED) && p_may_go_solo ->
		p = GOING_SOLO;
		p_forget()
	:: !p_knows_next && p == COLD && p_quorate && p_trusts -> p = SOLO
	:: else
	fi
}

inline p_write()
{
	if
	:: p == GOING_SOLO -> p = SOLO; p_record = SOLO
	:: p == GIVING || p == GIVING_UP -> p = HANDED; p_record = HANDED; p_forget()
	:: p == GIVING && faults > 0 && calm == 0 -> faults--; p = LIVE   /* it could not be written */
	:: p != GOING_SOLO && p != GIVING && p != GIVING_UP
	fi
}

inline p_take_reply()
{
	if
	:: p == LIVE && !p_deaf && reply_age <= p_confirms ->
		p_heard = 0;
		p_confirms = reply_age;
		if
		:: reply_beat <= p_acked || BREAK == 9 ->
			p_acked = (BREAK == 9 -> 0 : reply_beat);
			p_lease = (p_acked < LEASE -> LEASE - p_acked : 0);
			p_unbroken_ok = (p_acked + LAG <= LEASE + p_unbroken)
		:: else
		fi
	:: else
	fi;
	reply = 0; reply_late = 0; reply_age = 0; reply_beat = 0
}

#define p_has_right ((p == LIVE && p_lease > 0) || p == SOLO)

inline p_send()
{
	assert(!out_next);           /* I5, I6: nothing leaves p once s has let out */
	if
	:: p == SOLO -> out_solo = 1
	:: else
	fi
}

#define p_beats (p_up && p == LIVE && !p_deaf && !cut_to_s && !beat && s == IN_SYNC)

inline p_beat()
{
	if
	:: p_beats ->
		beat = 1; beat_age = 0; beat_confirms = p_confirms
	:: else
	fi
}

inline p_say()
{
	if
	:: !split && p == LIVE && p_lease == 0 && (p_acked > 0 || p_deaf) -> asks = 1
	:: !split && p == SOLO -> asks = 1
	:: !split && p == HANDED -> says_handed = 1
	:: else
	fi;
	if
	:: AGENT && BREAK != 23 && p == LIVE && p_lease == 0 && p_quorate && p_trusts && !p_peer && !p_fenced -> p_fencing = 1
	:: else
	fi
}

inline p_turn()
{
	if
	:: p_up ->
		if
		:: p_differs -> p_look()
		:: p_differs && calm == 0
		:: !p_differs
		fi;
		p_knows_outdated = p_knows_outdated || says_outdated;
		p_knows_next = p_knows_next || says_next;
		says_outdated = 0; says_next = 0;
		if
		:: p_fence_done -> p_fence_done = 0; p_fenced = 1; p_fenced_for = 0
		:: else
		fi;
		if
		:: reply -> p_take_reply()
		:: reply && reply_late && calm == 0
		:: !reply
		fi;
		p_write();
		p_decide();
		if
		:: p == GOING_SOLO || p == GIVING || p == GIVING_UP -> p_write()
		:: calm == 0
		:: else
		fi;
		p_knows_outdated = p_knows_outdated && (p == LIVE || p == HANDED || p == GIVING || p == GIVING_UP);
		p_knows_next = p_knows_next && p != DROPPED && p != SOLO;
		if
		:: p_has_right -> p_send()
		:: else
		fi;
		p_say()
	:: else
	fi
}

/* --- the standby: rules.c, moves.c --- */

#define s_in_window (s_window <= WINDOW)
#define s_by_time \
	(TIME && (s_quorate || BREAK == 3) && s_trusts && s_replied >= TAKE_WAIT)
#define s_may_take_over \
	((s_in_window || BREAK == 8) && \
	 (s_knows_handed || \
	  (!s_peer && s_replied >= 1 && ((s_quorate && s_trusts && s_fenced) || s_by_time))))

inline s_decide()
{
	if
	:: s == IN_SYNC && s_may_take_over -> s = CLAIMING
	:: s == IN_SYNC && !s_may_take_over && (s_asked || s_window == OVER || (s_window == NEVER && s_knows_handed)) ->
		s = MARKING; s_forget()
	:: s == CLAIMING && s_window == OVER && BREAK != 8 -> s = MARKING; s_forget()
	:: s == COLD && s_quorate && s_trusts -> s = NEXT
	:: else
	fi;
	s_asked = 0
}

/* And the hypervisor, which refuses after the window. */
inline s_write()
{
	if
	:: s == MARKING -> s = OUTDATED; s_record = OUTDATED
	:: s == CLAIMING -> s = ACTIVATING; s_record = TAKING
	:: s == ACTIVATING && (s_in_window || BREAK == 8 || BREAK == 24) -> s = CONFIRMING; s_forget()
	:: s == ACTIVATING && !s_in_window && BREAK != 8 && BREAK != 24 -> s = MARKING; s_forget()
	:: s == CONFIRMING -> s = NEXT; s_record = NEXT
	:: s != MARKING && s != CLAIMING && s != ACTIVATING && s != CONFIRMING
	fi
}

inline s_take_beat()
{
	if
	:: s == IN_SYNC ->
		if
		:: BREAK == 16 -> s_window = 0
		:: BREAK != 16 && beat_confirms < s_window -> s_window = (beat_confirms <= OVER -> beat_confirms : s_window)
		:: else
		fi;
		s_replied = 0;
		if
		:: !reply && !cut_to_p && p == LIVE -> reply = 1; reply_age = 0; reply_beat = beat_age
		:: else
		fi
	:: else
	fi;
	beat = 0; beat_late = 0; beat_age = 0; beat_confirms = 0
}

inline s_send()
{
	if
	:: s == NEXT || (BREAK == 20 && s == CONFIRMING) ->
		assert(!out_solo);           /* I6: what p let out alone, s does not have */
		out_next = 1
	:: else
	fi
}

inline s_say()
{
	if
	:: !split && (p == LIVE || p == HANDED || p == GIVING || p == GIVING_UP) &&
	   s == OUTDATED && BREAK != 21 -> says_outdated = 1
	:: !split && p != DROPPED && p != SOLO && s == NEXT -> says_next = 1
	:: else
	fi;
	if
	:: AGENT && s == IN_SYNC && s_quorate && s_trusts && !s_peer && s_replied >= 1 && !s_fenced -> s_fencing = 1
	:: else
	fi
}

inline s_turn()
{
	if
	:: s_up ->
		if
		:: s_differs -> s_look()
		:: s_differs && calm == 0
		:: !s_differs
		fi;
		s_asked = asks;
		s_knows_handed = says_handed && s == IN_SYNC;
		asks = 0; says_handed = 0;
		if
		:: s_fence_done -> s_fence_done = 0; s_fenced = (s == IN_SYNC)
		:: else
		fi;
		if
		:: beat -> s_take_beat()
		:: beat && beat_late && calm == 0
		:: !beat
		fi;
		s_write();
		s_decide();
		if
		:: s == CLAIMING || s == ACTIVATING -> s_write(); s_write(); s_write()
		:: calm == 0
		:: else
		fi;
		s_send();
		s_say()
	:: else
	fi
}

/* --- misfortunes, at most one a tick, and what mends them --- */

/* Progress is promised once the standby has been admitted. */
#define may_fail (faults > 0 && calm == 0 && (CALM == 0 || faults < FAULTS || s_window != NEVER))
#define may(kind) (may_fail && (KINDS & kind))

inline misfortune()
{
	if
	:: p != OFF && may(DEATH) -> faults--; p_off()
	:: s != OFF && may(DEATH) -> faults--; s_off()
	:: p_up && may(SLEEP) -> faults--; p_hung = 1; p_hung_for = 0;
		if
		:: p_has_right -> p_sending = 1
		:: else
		fi
	:: s_up && may(SLEEP) -> faults--; s_hung = 1
	:: p_up && !p_naps && !p_differs && may(NAP) -> faults--; p_naps = 1
	:: s_up && !s_naps && !s_differs && may(NAP) -> faults--; s_naps = 1
	:: p_up && p == LIVE && may(ORDER) -> faults--; p_forget(); p_deaf = 1; p_acked = LATEST;
		p_quorate = 0; p_peer = 0; p_awake = 0
	:: p_up && p == LIVE && p_lease > 0 && may(ORDER) -> faults--; p = GIVING    /* a switchover */
	:: !cluster_cut && may(SPLIT) -> faults--; cluster_cut = 1; divide()
	:: !cluster_cut && may(SPLIT) -> faults--; cluster_cut = 1; cut_to_s = 1; cut_to_p = 1; divide()
	:: !cut_to_s && may(LOSS) -> faults--; cut_to_s = 1
	:: !cut_to_p && may(LOSS) -> faults--; cut_to_p = 1
	:: p_beats && may(LATE) -> faults--; beat_late = 1          /* and what is sent meanwhile is lost */
	:: p_up && p == LIVE && s == IN_SYNC && !reply && may(LATE) -> faults--; reply_late = 1
	:: split && vote != P && p_up && may(VOTE) -> faults--; vote = P
	:: split && vote != S && s_up && may(VOTE) -> faults--; vote = S; note_break()
	:: SKEW && !skewed && may_fail -> faults--; skewed = 1; p_ages()
	:: SKEW && !skewed && may_fail -> faults--; skewed = 1; s_ages()
	:: true
	fi
}

/* Free of charge, and more than one at once. */
inline mend()
{
	if
	:: p == OFF -> p_boot()
	:: p_hung && p_hung_for > 0 ->
		p_wake();
		p_sending = 0
	:: s == OFF -> s_boot()
	:: s_hung -> s_wake()
	:: true
	fi;
	if
	:: cluster_cut || cut_to_s || cut_to_p -> cluster_cut = 0; cut_to_s = 0; cut_to_p = 0
	:: true
	fi;
	if
	:: split && !cluster_cut && p_up && s_up -> split = 0; vote = NOBODY
	:: !split && (p_hung || s_hung) -> divide()
	:: split && ((vote == NOBODY && s == OFF) || (vote == S && s_hung)) && p_up -> vote = P
	:: split && ((vote == NOBODY && p == OFF) || (vote == P && p_hung)) && s_up -> vote = S
	:: true
	fi
}

/* A host that was switched off stays so for this tick. */
inline fence()
{
	if
	:: p_fencing && p_up -> p_fencing = 0; p_fence_done = 1; s_off()
	:: s_fencing && s_up -> s_fencing = 0; s_fence_done = 1; p_off()
	:: BREAK == 11 && p_fencing && p_up -> p_fencing = 0; p_fence_done = 1
	:: BREAK == 11 && s_fencing && s_up -> s_fencing = 0; s_fence_done = 1
	:: CALM != 1 && calm == 0
	:: else
	fi
}

/* --- time --- */

inline p_ages()
{
	if
	:: p == LIVE || p == GIVING ->
		p_lease = (p_lease > 0 && BREAK != 22 -> p_lease - 1 : p_lease);
		grow(p_acked, LATEST);
		grow(p_heard, SOLO_WAIT);
		grow(p_unbroken, LATEST)
	:: else
	fi;
	grow(p_awake, LAG);
	beat_age = (beat -> beat_age + 1 : 0);
	reply_beat = (reply -> reply_beat + 1 : 0);
	if
	:: p_fenced -> grow(p_fenced_for, LAG + GAP)
	:: else
	fi
}

inline s_ages()
{
	if
	:: s == IN_SYNC || s == CLAIMING || s == ACTIVATING ->
		grow(s_replied, TAKE_WAIT);
		grow(s_window, OVER)
	:: else
	fi;
	grow(s_awake, LAG);
	grow(p_confirms, OVER);
	if
	:: beat -> grow(beat_confirms, OVER)
	:: else
	fi;
	reply_age = (reply -> reply_age + 1 : 0)
}

inline tick()
{
	if
	:: p_sending -> p_send()
	:: else
	fi;
	if
	:: RISK && split && !cluster_cut && p_up && s_up -> split = 0; vote = NOBODY
	:: else
	fi;
	/* Who is awake has seen by now what happened in this tick; who naps sees it in the next. */
	if
	:: p_up && p_differs && !p_naps -> p_look()
	:: p_up && p_differs && p_naps -> p_naps = 0
	:: else
	fi;
	if
	:: s_up && s_differs && !s_naps -> s_look()
	:: s_up && s_differs && s_naps -> s_naps = 0
	:: else
	fi;
	p_ages();
	s_ages();
	if
	:: beat && beat_age > LATEST -> beat = 0; beat_late = 0; beat_age = 0; beat_confirms = 0
	:: else
	fi;
	if
	:: reply && reply_beat > LATEST -> reply = 0; reply_late = 0; reply_age = 0; reply_beat = 0
	:: else
	fi;
	beat_late = beat_late && beat;
	reply_late = reply_late && reply;
	if
	:: s != IN_SYNC && s != CLAIMING && s != ACTIVATING -> p_confirms = NEVER
	:: else
	fi;
	/* The hypervisor's watchdog. Who has no packet in his hands may sleep as long as he likes. */
	if
	:: p_hung && p_hung_for >= ENFORCEMENT && p_sending -> p_off()
	:: p_hung && p_hung_for < ENFORCEMENT -> p_hung_for++
	:: else
	fi
}

#define somebody_runs (p == SOLO || (p == LIVE && p_lease > 0) || s == NEXT)

/* From here on nothing changes but by the rules; what was fenced boots. */
inline mend_all()
{
	if
	:: p == OFF -> p_boot()
	:: p_hung -> p_wake(); p_sending = 0
	:: else
	fi;
	if
	:: s == OFF -> s_boot()
	:: s_hung -> s_wake()
	:: else
	fi;
	cluster_cut = 0; cut_to_s = 0; cut_to_p = 0
}

inline be_calm()
{
	if
	:: CALM >= 2 -> mend_all()
	:: else
	fi;
	if
	:: split && p_up && s_up && !cluster_cut -> split = 0; vote = NOBODY
	:: !split && (p_hung || s_hung) -> divide()
	:: split && vote == NOBODY && p_up -> vote = P
	:: split && vote == NOBODY && !p_up && s_up -> vote = S
	:: else
	fi
}

inline judge()
{
	if
	:: CALM < 3 && calm > CALM_TICKS -> assert(somebody_runs); break
	:: CALM < 3 && calm > 0 && calm <= CALM_TICKS -> calm++
	:: CALM == 0 && ((s_record == OUTDATED && !out_next) || (p_record == OUTDATED && !out_solo)) ->
		break                                      /* nothing can happen any more */
	:: else
	fi
}

active proctype world()
{
	do
	:: true ->
		if
		:: calm == 0 -> atomic { misfortune() }; atomic { mend() }
		:: CALM != 0 && calm == 0 && (CALM >= 2 || faults < FAULTS) -> d_step { calm = 1; be_calm() }
		:: calm > 0 -> d_step { be_calm() }
		fi;
		d_step { p_beat() };
		atomic { s_turn() };
		if
		:: AGENT -> atomic { fence() }
		:: else
		fi;
		atomic { p_turn() };
		d_step { tick() };
		judge()
	od
}

#if CALM == 3
ltl goes_on { [] (calm -> <> [] somebody_runs) }
#endif
