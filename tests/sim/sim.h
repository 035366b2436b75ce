/* A simulated pair of hosts in one process: what its files share. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   guest.c   a VM that obeys a small program: memory, a disk, packets; what a primary asks of it (vm.h)
 *   shadow.c  what a standby makes of it (sink.h)
 *   link.c    bytes between the two, cut and changed on their way
 *   world.c   the network outside and the arbiter: what may be seen there, and who may run
 *   pair.c    schedules: random steps from a seed, and what holds after each
 *
 * Everything comes from the seed, so a failing schedule can be run again.
 */

#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/primary/primary.h"
#include "replication/standby/standby.h"

#define SIM_PAGES     5u
#define SIM_SECTORS   8u
#define SIM_RING      64u /* packets and writes that wait for devices that stand still */
#define SIM_HELD      4096u
#define SIM_SNAPSHOTS 64u
#define SIM_STATE     300u /* bytes of state */
#define SIM_MARKS     504u /* bytes of marks on the wire, one bit a sector */

/* --- chance --- */

void sim_seed(uint64_t seed);
uint64_t sim_random(void);
/* True once in so many times. */
bool sim_once_in(uint32_t times);

/* Say what does not hold, with the seed, and end. */
#define SIM_CHECK(condition, what) ((condition) ? (void)0 : sim_fail(what, __FILE__, __LINE__))
void sim_fail(const char *what, const char *file, int line) __attribute__((noreturn));

/* --- what a VM is made of; compared whole (I2) --- */

struct sim_state {
	uint64_t counter; /* steps of the program */
	uint64_t sent;    /* packets issued: they are numbered from 0 */
	uint8_t filler[SIM_STATE - 16];
};

struct sim_memory {
	uint8_t pages[SIM_PAGES][WIRE_PAGE_SIZE];
};

struct sim_disk {
	uint8_t sectors[SIM_SECTORS][WIRE_SECTOR];
};

/* What differs from the other host's disk since both were the same, as each host knows it. */
struct sim_marks {
	uint64_t pairing; /* 0: not known */
	bool marked[SIM_SECTORS];
};

struct sim_snapshot {
	uint64_t epoch;
	struct sim_state state;
	struct sim_memory memory;
	struct sim_disk disk;
};

/* --- the VM --- */

struct sim_request {
	bool is_packet;
	uint64_t number; /* of a packet; what a write puts */
	uint32_t sector;
};

struct sim_note {
	uint64_t epoch;
	uint32_t sector;
	uint8_t contents[WIRE_SECTOR];
};

struct sim_guest {
	struct vm vm; /* first */
	struct sim_state state;
	struct sim_memory memory;
	struct sim_disk disk;
	struct sim_request ring[SIM_RING];
	unsigned int ring_count;

	/* Its backend worker, which outlives the primary's worker. */
	bool is_stopped, is_expired, is_holding;
	bool is_noting;       /* a primary has taken it, whatever else failed then */
	uint64_t lease;       /* the last that was said; that it is kept, test_output shows */
	struct exempt exempt; /* the last that was said, likewise */
	bool is_paused;       /* by its primary, to be given over */
	uint64_t open;        /* epoch */
	struct {
		uint64_t packet, epoch;
	} held[SIM_HELD];
	unsigned int held_first, held_count;
	struct vm_held held_told; /* what it says of them */
	struct sim_note notes[SIM_HELD];
	uint64_t note_first, note_told, note_end;

	/* The hypervisor's log of it. */
	bool is_attached;
	bool dirty[SIM_PAGES], ended[SIM_PAGES], has_old[SIM_PAGES];
	struct sim_memory cut, old; /* at the last cut, at the one before */
	struct sim_state cut_state;
	uint32_t synced;
	bool todo[SIM_SECTORS]; /* that sync() gives */

	/* Kept by the backend worker, in a file. */
	struct sim_marks marks;
	bool fresh[SIM_SECTORS];
	uint64_t turn; /* 0: none */

	uint32_t fault_rate; /* one call in so many fails; 0: none */
	struct sim_snapshot snapshots[SIM_SNAPSHOTS];
};

void guest_init(struct sim_guest *guest);
/* A step of its program; as long as its host is alive. */
void guest_step(struct sim_guest *guest);
/* Its primary's worker has died: another may come. */
void guest_abandon(struct sim_guest *guest);
const struct sim_snapshot *guest_snapshot(const struct sim_guest *guest, uint64_t epoch);

/* --- the standby's copy --- */

struct sim_shadow {
	struct sink sink; /* first */
	bool is_released;
	uint64_t until; /* what it was activated with */
	struct sim_state state;
	struct sim_memory memory;
	struct sim_disk disk;
	uint64_t active; /* epoch that runs; 0: none */
	struct sim_marks marks;
	uint32_t fault_rate;
};

void shadow_init(struct sim_shadow *shadow);
/* It is what the VM was at the end of that epoch. */
void shadow_check(const struct sim_shadow *shadow, const struct sim_snapshot *snapshot);

/* Two hosts that were paired once: what may differ is marked by either. */
void marks_begin(struct sim_guest *guest, struct sim_shadow *shadow);
/* Whatever differs is marked by one of them. */
void marks_check(const struct sim_guest *guest, const struct sim_shadow *shadow);

/* --- the link: what one side sends, the other is given --- */

#define SIM_PIPE (96u << 10)

struct sim_end {
	struct peer peer; /* first */
	struct sim_end *other;
	bool is_open; /* as far as this side knows */
	bool is_dead; /* nothing comes through any more */
	struct frame_reader *reader;
	uint8_t bytes[SIM_PIPE]; /* on their way to this side */
	uint32_t first, count;
};

struct sim_link {
	struct sim_end primary, standby;
};

void link_open(struct sim_link *link);
void link_close(struct sim_link *link);
/* Both ends find out later. */
void link_cut(struct sim_link *link);
void link_corrupt(struct sim_end *end);
void link_truncate(struct sim_end *end);
/* Let some bytes arrive. 1: *frame is one; 0: not yet; negative: this end finds that the link is dead or errs. */
int link_receive(struct sim_end *end, struct frame *frame, const char **why);

/* --- outside --- */

struct sim_world {
	uint64_t arrived; /* packets seen: numbers 0 to arrived - 1 */
	uint64_t covered; /* packets that epochs had sent which a standby has acknowledged */
	struct standby *standby;
	bool is_quiet; /* the VM that sends is no more */
};

extern struct sim_world world;
void world_packet(uint64_t number, bool is_held);

/* --- schedules --- */

/* Run one; returns if all held. */
struct sim_totals {
	uint64_t schedules, steps, epochs, takeovers, refused_takeovers, resumed;
};
void pair_run(uint64_t seed, struct sim_totals *totals);

#endif
