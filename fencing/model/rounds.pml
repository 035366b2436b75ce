/* Rounds and generations, without time: words and beats that come late, reboots, takeovers, resyncs (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two hosts that are alike. Whatever can happen may happen at any time, or never. A word, a beat and a reply stay
 * under way for as long as they like; a new one takes the place of the old, or is lost. Of time only what
 * round.pml has shown of one round is taken for granted: by time, either the standby takes over, after the
 * lease, or the primary goes on alone, after the window, and never both.
 *
 *   CRASHES      in one run; a write under way was done, or not
 *   GENERATIONS  no takeover goes beyond, nor is a standby admitted in a round beyond ROUNDS
 *   BREAK        the rule that is broken on purpose; 0: none
 */

#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef GENERATIONS
#define GENERATIONS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef BREAK
#define BREAK 0
#endif

#define right_of(generation, round) ((generation) * 4 + (round))
#define generation_of(right) ((right) / 4)
#define round_of(right)      ((right) % 4)

mtype = { NONE, SOLO, ENTERING, LIVE, GOING_SOLO, GIVING, GIVING_UP, HANDED, DROPPING,
	  OUTDATED, MARKING, JOINING, IN_SYNC, TAKING, CONFIRMING, OFF };

typedef host {
	mtype state, record;
	byte right;          /* durable */
	byte next;           /* being written */
	byte synced;         /* its copy is complete for that round */
	bool fresh;          /* VM or copy: holds all that clients have seen */
	bool lease, heard;   /* primary: and a reply of this round came */
	bool window, closed; /* standby: closed: the primary went on by time */
	bool barred;         /* primary: the standby took over by time */
	mtype word;          /* the peer's last, for as long as it may matter */
	byte word_right;
	bool word_asks;
	mtype mail;          /* what is under way to it: a word, a beat, a reply */
	byte mail_right, beat, reply;
	bool mail_asks, beat_confirms;
}

host hosts[2];
byte crashes = CRASHES;

#define me hosts[h]
#define it hosts[1 - h]

inline say(situation, asks)
{
	it.mail = situation; it.mail_right = me.right; it.mail_asks = asks
}

/* What is written becomes durable: situation and right of the state that writes. */
inline write()
{
	if
	:: me.state == ENTERING -> me.record = LIVE; me.right = me.next
	:: me.state == GOING_SOLO -> me.record = SOLO
	:: me.state == GIVING || me.state == GIVING_UP -> me.record = HANDED
	:: me.state == MARKING || me.state == DROPPING -> me.record = OUTDATED; me.right = me.next
	:: me.state == JOINING -> me.record = IN_SYNC; me.right = me.next
	:: me.state == TAKING -> me.record = TAKING
	:: me.state == CONFIRMING -> me.record = SOLO; me.right = me.next
	:: else
	fi
}

inline written()
{
	write();
	if
	:: me.state == ENTERING -> me.state = LIVE; me.lease = 0; me.heard = 0; me.barred = 0; forget_word()
	:: me.state == GOING_SOLO -> me.state = SOLO; me.lease = 0; me.heard = 0; me.barred = 0; forget_word()
	:: me.state == GIVING || me.state == GIVING_UP -> me.state = HANDED; me.lease = 0
	:: me.state == MARKING || me.state == DROPPING -> me.state = OUTDATED; me.fresh = 0; me.synced = 0; me.window = 0
	:: me.state == JOINING -> me.state = IN_SYNC; me.window = 0; me.closed = 0; forget_word()
	:: me.state == TAKING -> me.state = CONFIRMING; me.next = right_of(generation_of(me.right) + 1, 0)
	:: me.state == CONFIRMING -> me.state = SOLO; me.window = 0; me.synced = 0; forget_word()
	fi
}

inline forget_word()
{
	me.word = NONE; me.word_right = 0; me.word_asks = 0
}

inline crash()
{
	if
	:: write()
	:: true
	fi;
	me.state = OFF; me.next = 0; me.synced = 0; me.lease = 0; me.heard = 0; me.window = 0;
	forget_word();
	me.mail = NONE; me.mail_right = 0; me.mail_asks = 0; me.beat = 0; me.beat_confirms = 0; me.reply = 0
}

inline boot()
{
	if
	:: me.record == LIVE -> me.state = GIVING_UP
	:: me.record == SOLO || me.record == HANDED || me.record == OUTDATED -> me.state = me.record
	:: me.record == IN_SYNC && BREAK == 3 -> me.state = IN_SYNC; me.window = 1; me.fresh = 0
	:: me.record == TAKING || (me.record == IN_SYNC && BREAK != 3) -> me.state = MARKING; me.next = me.right
	fi
}

/* What leaves SOLO is in no other copy; what leaves under a lease is in that of the standby that replied. */
inline let_out()
{
	assert(me.fresh);
	if
	:: me.lease && (it.state == IN_SYNC || it.record == IN_SYNC) && it.right == me.right
	:: else -> it.fresh = 0
	fi
}

#define lets_out (me.state == SOLO || me.state == ENTERING || (me.state == LIVE && me.lease) || \
                  (BREAK == 4 && me.state == CONFIRMING))
#define is_outdated \
	(me.word == OUTDATED && (me.word_right >= me.right || BREAK == 1))
#define is_superseded \
	((me.word == SOLO || me.word == LIVE || me.word == HANDED) && \
	 generation_of(me.word_right) > generation_of(me.right))
#define is_asked_off \
	((me.word == SOLO || (me.word == LIVE && me.word_asks)) && me.word_right >= me.right)

inline primary()
{
	if
	:: lets_out -> let_out()
	:: me.state == LIVE && me.lease -> me.lease = 0
	:: me.state == LIVE ->
		it.beat = me.right; it.beat_confirms = me.heard;
		it.fresh = (it.synced == me.right && it.state != OFF -> me.fresh : it.fresh)
	:: me.state == LIVE && me.reply != 0 ->
		me.lease = (me.reply == me.right || me.lease);
		me.heard = (me.reply == me.right || me.heard);
		me.reply = 0
	:: (me.state == LIVE || me.state == HANDED) && is_superseded ->
		me.state = DROPPING; me.lease = 0; me.next = me.word_right
	:: (me.state == LIVE || me.state == HANDED) && is_outdated && !is_superseded -> me.state = GOING_SOLO; me.lease = 0
	:: me.state == LIVE && !me.lease && !me.barred && !it.window && (it.state != IN_SYNC || it.right == me.right) &&
	   it.state != TAKING && it.state != CONFIRMING && !(it.state == SOLO && it.right > me.right) && !(it.record == SOLO && it.right > me.right) ->
		it.closed = 1;
		me.state = GOING_SOLO
	:: me.state == LIVE && me.lease -> me.state = GIVING
	:: me.state == GIVING -> me.state = LIVE                   /* it could not be written */
	:: BREAK == 2 && me.state == GIVING -> say(HANDED, 1)
	:: me.state == LIVE && !me.lease -> say(LIVE, 1)
	:: me.state == SOLO -> say(SOLO, 1)
	:: me.state == HANDED -> say(HANDED, 1)
	:: me.state == SOLO && me.word == OUTDATED && it.state == OUTDATED && round_of(me.right) < ROUNDS &&
	   generation_of(me.word_right) <= generation_of(me.right) ->
		me.next = (me.word_right > me.right -> me.word_right : me.right) + 1;
		if
		:: round_of(me.next) != 0 && round_of(me.next) <= ROUNDS ->
			it.synced = me.next;
			me.state = ENTERING
		:: else -> me.next = 0
		fi
	fi
}

inline standby()
{
	if
	:: me.state == OUTDATED && me.beat != 0 && me.beat == me.synced && me.beat > me.right ->
		me.state = JOINING; me.next = me.synced; me.beat = 0; me.beat_confirms = 0
	:: me.state == OUTDATED && me.word_asks && me.word_right > me.right && me.word != NONE ->
		me.state = MARKING; me.next = me.word_right; me.word_asks = 0
	:: me.state == OUTDATED -> say(OUTDATED, 0)
	:: me.state == IN_SYNC && me.beat != 0 ->
		if
		:: me.beat == me.right ->
			me.window = me.window || (me.beat_confirms && !me.closed);
			it.reply = me.right
		:: else
		fi;
		me.beat = 0; me.beat_confirms = 0
	:: me.state == IN_SYNC && me.window -> me.window = 0; me.closed = 1; me.state = MARKING; me.next = me.right
	:: me.state == IN_SYNC && is_asked_off -> me.state = MARKING; me.next = me.word_right
	:: me.state == IN_SYNC && me.window && me.word == HANDED && me.word_right == me.right &&
	   generation_of(me.right) < GENERATIONS ->
		me.state = TAKING
	:: me.state == IN_SYNC && me.window && !it.lease && generation_of(me.right) < GENERATIONS ->
		it.barred = 1; it.reply = 0;
		me.state = TAKING
	:: me.state == IN_SYNC -> say(IN_SYNC, 0)
	fi
}

inline any()
{
	if
	:: me.state == OFF -> boot()
	:: me.state != OFF && crashes > 0 -> crashes--; crash()
	:: me.state == ENTERING || me.state == GOING_SOLO || me.state == GIVING || me.state == GIVING_UP ||
	   me.state == MARKING || me.state == DROPPING || me.state == JOINING || me.state == TAKING ||
	   me.state == CONFIRMING -> written()
	:: me.state != OFF && me.mail != NONE ->
		me.word = me.mail; me.word_right = me.mail_right; me.word_asks = me.mail_asks;
		me.mail = NONE; me.mail_right = 0; me.mail_asks = 0
	:: me.state == SOLO || me.state == ENTERING || me.state == LIVE || me.state == GIVING ||
	   me.state == HANDED || (BREAK == 4 && me.state == CONFIRMING) -> primary()
	:: me.state == OUTDATED || me.state == IN_SYNC -> standby()
	fi
}

active proctype world()
{
	byte h;

	d_step {
		hosts[0].state = SOLO; hosts[0].record = SOLO; hosts[0].right = right_of(1, 0); hosts[0].fresh = 1;
		hosts[0].word = NONE; hosts[0].mail = NONE;
		hosts[1].state = OUTDATED; hosts[1].record = OUTDATED; hosts[1].right = right_of(0, 0);
		hosts[1].word = NONE; hosts[1].mail = NONE
	};
	do
	:: atomic { h = 0; any() }
	:: atomic { h = 1; any(); h = 0 }
	od
}
