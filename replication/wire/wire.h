/* What goes over the wire between the two hosts of a VM: every struct, number and limit of it. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/protocol.md tells it in words. Numbers are little-endian; structs are copied as they are, and reserved
 * fields are 0. What a peer sends is checked by the wire_*_parse functions of this folder before anybody else sees it.
 */

#ifndef REPLICATION_WIRE_WIRE_H
#define REPLICATION_WIRE_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC   0x53554d52u /* "RMUS" */
#define WIRE_VERSION 1u

/* One batch of whole pages, or one disk request of a mebibyte, with what describes them. */
#define WIRE_BODY_MAX  ((1u << 20) + (64u << 10))
#define WIRE_PAGES_MAX 256u /* of one batch */
#define WIRE_PAGE_SIZE 4096u
#define WIRE_LINE_SIZE 64u
#define WIRE_SECTOR    512u
#define WIRE_DISKS_MAX 16u
#define WIRE_TEXT_MAX  256u         /* bytes of a reason in words */
#define WIRE_STATE_MAX (8u << 20)   /* bytes of one kind of state in one epoch */
#define WIRE_GFN_MAX   (1ull << 40) /* gfns lie below */

enum wire_type {
	WIRE_HELLO = 1,  /* both ways, first; struct wire_hello */
	WIRE_BYE,        /* both ways, last: struct wire_reason, reason is enum wire_bye */
	WIRE_KEEPALIVE,  /* both ways: struct wire_keepalive */
	WIRE_BEGIN,      /* primary: an epoch begins; struct wire_begin */
	WIRE_PAGES,      /* of it: struct wire_pages, directory, payloads */
	WIRE_STATE,      /* of it: struct wire_state, bytes */
	WIRE_DISK_WRITE, /* of it: (struct wire_disk, data) repeated */
	WIRE_DISK_SYNC,  /* of it: the same, blocks of the disks' synchronisation */
	WIRE_END,        /* it is whole: struct wire_end */
	WIRE_PROGRESS,   /* primary: how far synchronisation is; struct wire_progress */
	WIRE_ACK,        /* standby: the epoch is staged, whole; struct wire_ack */
	WIRE_NACK,       /* standby: it was dropped; struct wire_reason, reason is enum wire_nack */
	WIRE_BEAT,       /* both ways: a word of the arbiter's; struct wire_beat */
	WIRE_MARKS,      /* standby, after the hellos: struct wire_marks, bits */
	WIRE_TYPES,
};

/* Before every body. sum: XXH3 (64 bits) of the body, seeded by XXH3 of the header up to it. */
struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t size; /* of the body */
	uint32_t
		sequence; /* of this direction of this connection: 0, 1, ...; 0 for KEEPALIVE, which is not counted */
	uint64_t generation;
	uint64_t epoch; /* 0 where none is meant */
	uint64_t sum;
};

enum wire_role { WIRE_PRIMARY = 1, WIRE_STANDBY = 2 };

/* Ways to send a page that a peer can read, as bits of wire_hello.codecs; ABSENT, ZERO and WHOLE all can. */
#define WIRE_CODEC_LINES     1u
#define WIRE_CODEC_LZ4       2u
#define WIRE_CODEC_SAME      4u
#define WIRE_CODEC_LINES_LZ4 8u
#define WIRE_CODECS          15u

struct wire_hello {
	uint16_t version_low,
		version_high; /* spoken by the sender; these stand here in all versions */
	uint32_t role;
	uint32_t codecs;
	uint32_t body_max;     /* bytes of a body that the sender takes; at least 64 KiB */
	uint64_t staged_max;   /* bytes of an epoch that it stages (standby; 0 from the primary) */
	uint64_t memory_pages; /* gfns of the VM lie below (primary; 0 from the standby: unknown) */
	uint64_t generation;
	uint64_t
		series; /* names the row of epochs that last_epoch is one of: drawn at each full synchronisation */
	uint64_t
		last_epoch; /* standby: the last it has whole; primary: the last acknowledged. 0: none */
	uint8_t vm[16]; /* UUID */
	char name[64];  /* of the VM and of the sender's host, for people; end in 0 */
	char host[64];
	uint32_t disks;
	uint32_t reserved;
	uint64_t disk_sectors[WIRE_DISKS_MAX]; /* 0 beyond disks */
	uint64_t round; /* of the generation, that this copy is made in; 0: without an arbiter */
	uint64_t
		pairing; /* that the sender's disks stand in, with marks of what they may hold beyond it; 0: none */
};

/* The standby has nothing to lose: pages and disk blocks of this epoch may be applied as they come. No state comes. */
#define WIRE_BEGIN_BASE 1u

struct wire_begin {
	uint64_t base; /* the epoch that this one is changes to; 0: to nothing */
	uint32_t flags;
	uint32_t reserved;
	uint64_t pairing; /* of a base: of the disks from now on; 0: none, or no base */
};

/*
 * A batch of pages: a directory of count entries of 64 bits, then the payloads in its order. An entry is
 * gfn | how << 40 | size << 48, size being bytes of its payload.
 */
struct wire_pages {
	uint32_t count;
	uint32_t reserved;
};

enum wire_page {
	WIRE_PAGE_ABSENT, /* the VM has no page there; no payload */
	WIRE_PAGE_ZERO,   /* no payload */
	WIRE_PAGE_LINES, /* mask of changed lines (64 bits, lowest first), then their new contents */
	WIRE_PAGE_LZ4,   /* one LZ4 block that gives the whole page */
	WIRE_PAGE_WHOLE,
	WIRE_PAGE_SAME,      /* index (32 bits) of an earlier entry that is LZ4 or WHOLE */
	WIRE_PAGE_LINES_LZ4, /* mask, then one LZ4 block that gives the new contents */
	WIRE_PAGE_HOWS,
};

enum wire_state_kind {
	WIRE_STATE_DOMAIN = 1, /* the hypervisor's records */
	WIRE_STATE_STORE = 2,  /* the VM's part of xenstore */
	WIRE_STATE_KINDS,
};

/* A piece of one kind of state. Pieces of a kind come in order and without gaps. */
struct wire_state {
	uint32_t kind;
	uint32_t offset;
	uint32_t total; /* bytes of that kind in this epoch, at most WIRE_STATE_MAX */
	uint32_t reserved;
};

enum wire_disk_op { WIRE_DISK_DATA = 1, WIRE_DISK_ZERO = 2 };

struct wire_disk {
	uint16_t disk;
	uint16_t op;
	uint32_t size; /* of the data that follows: sectors * 512, or 0 for WIRE_DISK_ZERO */
	uint64_t sector, sectors;
};

struct wire_end {
	uint64_t digest; /* over all frames of the epoch, BEGIN first: see wire_digest_add() */
	uint64_t frames; /* before this one, BEGIN counted */
	uint64_t pages, disk_writes;
	uint64_t cut_time; /* of the primary's host, ns */
};

enum wire_phase { WIRE_PHASE_MEMORY = 1, WIRE_PHASE_DISK = 2, WIRE_PHASE_DONE = 3 };

struct wire_progress {
	uint32_t phase;
	uint32_t disk;        /* which, in WIRE_PHASE_DISK */
	uint64_t done, total; /* pages, or sectors */
};

struct wire_ack {
	uint64_t committed;    /* the last epoch that is the standby's state */
	uint64_t staged_bytes; /* held at the moment */
};

enum wire_nack {
	WIRE_NACK_DIGEST = 1, /* not what was sent, or not all of it */
	WIRE_NACK_ORDER,      /* not built on what the standby has */
	WIRE_NACK_TOO_LARGE,  /* more than it stages */
	WIRE_NACK_CONTENTS,   /* an entry, record or write that cannot be */
	WIRE_NACK_DISK,       /* its disk failed */
	WIRE_NACK_DOMAIN,     /* its shadow domain failed */
	WIRE_NACKS,
};

enum wire_bye {
	WIRE_BYE_STOPPING = 1, /* the sender's program ends, and comes back */
	WIRE_BYE_VERSION,      /* no version that both speak */
	WIRE_BYE_WRONG_VM,     /* another VM, role, or disks that differ */
	WIRE_BYE_GENERATION,   /* the peer's copy is older: it must not run */
	WIRE_BYE_PROTOCOL,     /* something that cannot be */
	WIRE_BYE_UNPROTECT,    /* the operator has ended the protection */
	WIRE_BYE_BUSY,         /* another connection serves this VM */
	WIRE_BYE_ACTIVE,       /* the standby runs the VM now */
	WIRE_BYES,
};

struct wire_reason {
	uint32_t reason;
	uint32_t size; /* of the text that follows, at most WIRE_TEXT_MAX; it does not end in 0 */
};

struct wire_keepalive {
	uint64_t sent; /* the sender's clock, ns */
	/* sent of the last one received, and how long that was ago; 0 if there was none: the peer measures its round trip by it */
	uint64_t echo;
};

/* What the hosts' arbiters say to each other (fencing/arbiter); the workers carry it. Each at most WIRE_BEAT_MAX. */
#define WIRE_BEAT_MAX INT64_MAX
struct wire_beat {
	uint64_t generation, round;
	uint64_t number; /* of what the sender has sent in this round */
	uint64_t heard;  /* the last of the peer's that it has */
};

/* Of one disk: what the standby may have written to it and the primary does not know of. One frame a disk, and only if both hellos said
 * the same pairing. Words of 64 bits follow, one bit an extent, as in the files of marks (docs/resync.md). */
#define WIRE_MARKS_BYTES_MAX (132u << 10)
struct wire_marks {
	uint32_t disk;
	uint32_t size; /* bytes that follow */
};

_Static_assert(sizeof(struct wire_header) == 40, "wire format");
_Static_assert(sizeof(struct wire_hello) == 352, "wire format");
_Static_assert(sizeof(struct wire_begin) == 24, "wire format");
_Static_assert(sizeof(struct wire_pages) == 8, "wire format");
_Static_assert(sizeof(struct wire_state) == 16, "wire format");
_Static_assert(sizeof(struct wire_disk) == 24, "wire format");
_Static_assert(sizeof(struct wire_end) == 40, "wire format");
_Static_assert(sizeof(struct wire_progress) == 24, "wire format");
_Static_assert(sizeof(struct wire_ack) == 16, "wire format");
_Static_assert(sizeof(struct wire_reason) == 8, "wire format");
_Static_assert(sizeof(struct wire_keepalive) == 16, "wire format");
_Static_assert(sizeof(struct wire_beat) == 32, "wire format");
_Static_assert(sizeof(struct wire_marks) == 8, "wire format");

#endif
