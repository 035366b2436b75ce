/* A paused domain of this host as a standby makes a VM of it: memory, state, images, and its start. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/domain_sink.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "replication/domain/devices.h"
#include "replication/domain/pairing.h"

/* Bytes written to images and not synced: a fraction of a second of a slow disk's time. */
#define UNSYNCED_MAX (16u << 20)

static struct domain_sink *domain_of(struct sink *sink)
{
	return (struct domain_sink *)sink;
}

/* Before anything is written: what the old marks say does not hold any more. */
static int pair_disks(struct domain_sink *sink, uint64_t pairing)
{
	uint64_t before = pairing_find(sink->disks);

	log_info("disks: %s",
	         pairing && pairing == before ? "what differs is copied" : "a full copy begins");
	if (pairing && pairing == before)
		return 0;
	if (pairing && pairing_make(sink->disks, pairing, false) == 0)
		return 0;
	return pairing_remove(sink->disks);
}

/* What the domain was made with, and the VM does not have, has to go once all that the VM has is there. */
static int reset(struct sink *base, uint64_t pairing)
{
	struct domain_sink *sink = domain_of(base);
	int err = pair_disks(sink, pairing);

	if (err)
		return err;
	own_pages_free(&sink->own);
	sink->own = (struct own_pages){ 0 };
	sink->state_size = 0;
	sink->is_first = true;
	return own_pages_list(sink->hyper, sink->domain, &sink->own);
}

static int read_page(struct sink *base, uint64_t gfn, uint8_t *page)
{
	return shadow_memory_read(&domain_of(base)->memory, gfn, page);
}

static int apply(struct sink *base, const struct sink_page *pages, uint32_t count)
{
	struct domain_sink *sink = domain_of(base);
	struct hyper_pages *batch = &sink->pages;

	if (count > batch->room)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		bool is_there = pages[i].contents != NULL;

		batch->pages[i] = (struct checkpoint_page){
			.gfn = pages[i].gfn,
			.flags = is_there ? 0 : CHECKPOINT_PAGE_ABSENT,
		};
		if (is_there)
			memcpy(batch->contents + (size_t)i * HYPER_PAGE_SIZE, pages[i].contents,
			       HYPER_PAGE_SIZE);
		shadow_memory_changes(&sink->memory, pages[i].gfn, is_there);
	}
	batch->count = count;
	if (sink->is_first)
		own_pages_mark(&sink->own, batch);
	return hyper_apply(sink->hyper, sink->domain, batch);
}

/* The first state comes with the first epoch on top of the base: now all is there. */
static int end_first(struct domain_sink *sink)
{
	int err = own_pages_clear_unmarked(sink->hyper, sink->domain, &sink->own);

	if (err)
		return err;
	for (size_t i = 0; i < sink->own.count; i++) {
		if (!(sink->own.gfns[i] & OWN_PAGE_KEPT))
			shadow_memory_changes(&sink->memory, sink->own.gfns[i], 0);
	}
	own_pages_free(&sink->own);
	sink->own = (struct own_pages){ 0 };
	sink->is_first = false;
	return 0;
}

static uint64_t pairing(struct sink *base)
{
	return pairing_find(domain_of(base)->disks);
}

static uint32_t marks(struct sink *base, uint32_t disk, uint8_t *bits)
{
	return pairing_tell(domain_of(base)->disks, disk, bits, WIRE_MARKS_BYTES_MAX);
}

/* The primary has marked what it has written since; what was written here alone has been overwritten. */
static int settle(struct sink *base)
{
	struct images *disks = domain_of(base)->disks;
	uint64_t pairing = pairing_find(disks);
	int err = images_flush(disks);

	if (err || !pairing)
		return err;
	return pairing_make(disks, pairing, false) ? pairing_remove(disks) : 0;
}

static int state(struct sink *base, enum wire_state_kind kind, const void *bytes, uint32_t size)
{
	struct domain_sink *sink = domain_of(base);
	int err;

	if (kind != WIRE_STATE_DOMAIN)
		return sink->heir ? sink->heir->ops->keep(sink->heir, kind, bytes, size) : 0;
	if (size > WIRE_STATE_MAX)
		return -EINVAL;
	err = sink->is_first ? end_first(sink) : 0;
	if (err)
		return err;
	memcpy(sink->state, bytes, size);
	sink->state_size = size;
	return 0;
}

/* A whole disk that waits in the page cache would be synced at the end of a first copy, at once, and the link be silent for so long. */
static int write_disk(struct sink *base, const struct disk_write *write)
{
	struct domain_sink *sink = domain_of(base);
	int err = images_write(sink->disks, write);

	sink->unsynced += write->size;
	if (err || sink->unsynced < UNSYNCED_MAX)
		return err;
	sink->unsynced = 0;
	return images_flush(sink->disks);
}

static int flush(struct sink *base)
{
	struct domain_sink *sink = domain_of(base);

	sink->unsynced = 0;
	return images_flush(sink->disks);
}

/* By the hypervisor's clock, which began with the host, not with dom0. Ours is looked at last: what passes in between makes the
 * deadline earlier. */
static int find_deadline(struct domain_sink *sink, uint64_t until, uint64_t *deadline)
{
	struct timespec time;
	uint64_t now;
	int err = hyper_clock(sink->hyper, sink->domain, deadline);

	clock_gettime(CLOCK_BOOTTIME, &time);
	now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	if (!err && until <= now)
		return -ETIME;
	*deadline += until - now;
	return err;
}

static int activate(struct sink *base, uint64_t epoch, uint64_t until)
{
	struct domain_sink *sink = domain_of(base);
	uint64_t deadline = 0;
	int err;

	(void)epoch;
	if (!sink->state_size)
		return -ENODATA;
	if (sink->is_held && !sink->is_held(sink->domain))
		return -EIO;
	err = until ? find_deadline(sink, until, &deadline) : 0;
	if (!err)
		err = images_flush(sink->disks);
	if (!err)
		err = hyper_load(sink->hyper, sink->domain, sink->state, sink->state_size);
	if (!err && sink->heir)
		err = sink->heir->ops->attach(sink->heir);
	if (!err)
		err = hyper_activate(sink->hyper, sink->domain, deadline);
	/* Nobody else looks into a VM that runs. Giving back so many pages takes long: not while it stands. */
	if (!err)
		shadow_memory_close(&sink->memory);
	return err;
}

static int release(struct sink *base)
{
	struct domain_sink *sink = domain_of(base);
	struct devices devices;
	int err;

	if (!sink->is_held)
		return 0;
	devices_init(&devices);
	err = devices_take(&devices, sink->domain, 0);
	if (!err)
		err = devices_ask(&devices, DOOR_FREE, 0);
	devices_leave(&devices);
	return err;
}

static const struct sink_ops ops = {
	.reset = reset,
	.pairing = pairing,
	.marks = marks,
	.settle = settle,
	.read = read_page,
	.apply = apply,
	.state = state,
	.write = write_disk,
	.flush = flush,
	.activate = activate,
	.release = release,
};

int domain_sink_open(struct domain_sink *sink, struct hyper *hyper, struct images *disks,
                     uint16_t domain)
{
	int err;

	*sink = (struct domain_sink){
		.sink = { .ops = &ops }, .hyper = hyper, .disks = disks, .domain = domain
	};
	sink->state = hyper_alloc(hyper, WIRE_STATE_MAX);
	if (!sink->state)
		return -ENOMEM;
	err = hyper_pages_make(hyper, &sink->pages, WIRE_PAGES_MAX, 0);
	if (!err)
		err = shadow_memory_open(&sink->memory, domain);
	if (err)
		domain_sink_close(sink);
	return err;
}

void domain_sink_close(struct domain_sink *sink)
{
	shadow_memory_close(&sink->memory);
	hyper_pages_free(sink->hyper, &sink->pages);
	own_pages_free(&sink->own);
	hyper_free(sink->hyper, sink->state, WIRE_STATE_MAX);
	*sink = (struct domain_sink){ .hyper = sink->hyper };
}
