/* The first frame of each side: who it is, what it speaks, what it takes, and where it stands. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "replication/wire/hello.h"

/* A body of at least that size is taken by everybody: a page with its directory, and some. */
#define BODY_MAX_LEAST (64u << 10)
/* What every version's hello begins with. */
#define VERSION_BYTES 4u

void hello_init(struct wire_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	hello->version_low = WIRE_VERSION;
	hello->version_high = WIRE_VERSION;
	hello->codecs = WIRE_CODECS;
	hello->body_max = WIRE_BODY_MAX;
}

static bool is_printable(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	if (length == room)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

static const char *find_fault(const struct wire_hello *hello)
{
	if (hello->role != WIRE_PRIMARY && hello->role != WIRE_STANDBY)
		return "a hello of an unknown role";
	if (hello->body_max < BODY_MAX_LEAST)
		return "a hello with too small a limit";
	if (hello->memory_pages > WIRE_GFN_MAX)
		return "a hello with too much memory";
	if (hello->disks > WIRE_DISKS_MAX || hello->reserved)
		return "a hello with too many disks";
	for (uint32_t i = 0; i < hello->disks; i++) {
		if (hello->disk_sectors[i] == 0 || hello->disk_sectors[i] > INT64_MAX / WIRE_SECTOR)
			return "a hello with a disk that cannot be";
	}
	if (!is_printable(hello->name, sizeof(hello->name)) ||
	    !is_printable(hello->host, sizeof(hello->host)))
		return "a hello with a name that cannot be";
	return NULL;
}

static bool is_our_version(const struct wire_hello *hello)
{
	return hello->version_low <= WIRE_VERSION && hello->version_high >= WIRE_VERSION;
}

int hello_parse(const struct frame *frame, struct wire_hello *hello, const char **why)
{
	memset(hello, 0, sizeof(*hello));
	*why = NULL;
	if (frame->type != WIRE_HELLO)
		*why = "a peer that does not say hello";
	else if (frame->size < VERSION_BYTES)
		*why = "a hello of the wrong size";
	if (*why)
		return -EPROTO;

	memcpy(hello, frame->body, frame->size < sizeof(*hello) ? frame->size : sizeof(*hello));
	if (hello->version_low > hello->version_high)
		*why = "a hello of no version";
	else if (is_our_version(hello))
		*why = frame->size != sizeof(*hello) ? "a hello of the wrong size"
		                                     : find_fault(hello);
	return *why ? -EPROTO : 0;
}

__attribute__((format(printf, 3, 4))) static int refuse(struct refusal *refusal,
                                                        enum wire_bye reason, const char *format,
                                                        ...)
{
	va_list arguments;

	refusal->reason = reason;
	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
	va_end(arguments);
	return -EPROTO;
}

static int compare_disks(const struct wire_hello *mine, const struct wire_hello *theirs,
                         struct refusal *refusal)
{
	if (mine->disks != theirs->disks)
		return refuse(refusal, WIRE_BYE_WRONG_VM,
		              "the VM has %" PRIu32 " disks here and %" PRIu32 " there",
		              mine->disks, theirs->disks);
	for (uint32_t i = 0; i < mine->disks; i++) {
		if (mine->disk_sectors[i] != theirs->disk_sectors[i])
			return refuse(refusal, WIRE_BYE_WRONG_VM,
			              "disk %" PRIu32 " has %" PRIu64 " sectors here and %" PRIu64
			              " there",
			              i, mine->disk_sectors[i], theirs->disk_sectors[i]);
	}
	return 0;
}

static int compare(const struct wire_hello *mine, const struct wire_hello *theirs,
                   struct refusal *refusal)
{
	if (theirs->version_low > WIRE_VERSION || theirs->version_high < WIRE_VERSION)
		return refuse(refusal, WIRE_BYE_VERSION,
		              "protocol version %u is spoken here and %u to %u there", WIRE_VERSION,
		              theirs->version_low, theirs->version_high);
	if (memcmp(mine->vm, theirs->vm, sizeof(mine->vm)) != 0)
		return refuse(refusal, WIRE_BYE_WRONG_VM, "this is VM %s, not %s", mine->name,
		              theirs->name);
	if (mine->role == theirs->role)
		return refuse(refusal, WIRE_BYE_WRONG_VM, "both sides are the %s of VM %s",
		              mine->role == WIRE_PRIMARY ? "primary" : "standby", mine->name);
	/* The copy of the lower generation was left behind by a takeover. */
	if (theirs->role == WIRE_PRIMARY && theirs->generation < mine->generation)
		return refuse(refusal, WIRE_BYE_GENERATION,
		              "the primary is of generation %" PRIu64 ", the standby of %" PRIu64,
		              theirs->generation, mine->generation);
	if (mine->role == WIRE_PRIMARY && mine->generation < theirs->generation)
		return refuse(refusal, WIRE_BYE_GENERATION,
		              "the primary is of generation %" PRIu64 ", the standby of %" PRIu64,
		              mine->generation, theirs->generation);
	/* A copy that was made for an earlier round is none for this one. */
	if (mine->generation == theirs->generation && mine->round != theirs->round)
		return refuse(refusal, WIRE_BYE_GENERATION,
		              "round %" PRIu64 " of the protection here and %" PRIu64 " there",
		              mine->round, theirs->round);
	return compare_disks(mine, theirs, refusal);
}

int hello_agree(const struct wire_hello *mine, const struct wire_hello *theirs,
                struct agreement *agreement, struct refusal *refusal)
{
	const struct wire_hello *primary = mine->role == WIRE_PRIMARY ? mine : theirs;
	const struct wire_hello *standby = mine->role == WIRE_PRIMARY ? theirs : mine;
	int err = compare(mine, theirs, refusal);

	if (err)
		return err;
	*agreement = (struct agreement){
		.version = WIRE_VERSION,
		.codecs = mine->codecs & theirs->codecs,
		.body_max = theirs->body_max < WIRE_BODY_MAX ? theirs->body_max : WIRE_BODY_MAX,
		.staged_max = standby->staged_max,
		.memory_pages = primary->memory_pages,
		.is_same_series = mine->series && mine->series == theirs->series &&
		                  mine->generation == theirs->generation,
		.their_last = theirs->last_epoch,
	};
	return 0;
}
