/* A virtual disk: requests of a guest's ring, done on an image. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "common/log.h"
#include "replication/backend/disk_queue.h"

/* What a frontend is told a ring may have: 2^1 pages. */
#define RING_PAGE_ORDER_MAX 1u

_Static_assert(1u << RING_PAGE_ORDER_MAX == DEVICE_RING_PAGES_MAX, "a device maps these pages");

#define ARENA_BYTES ((size_t)DISK_REQUESTS_MAX * BLOCK_REQUEST_BYTES_MAX)

static struct disk *disk_of(struct device *device)
{
	return (struct disk *)device;
}

static int create(struct device *device, bool is_attach, const char **why)
{
	struct host *host = device->host;
	struct disk *disk = disk_of(device);
	int err;

	if (device->is_created)
		image_close(&disk->image);
	disk->image.fd = -1;
	if (is_attach)
		return 0;
	*why = "its features cannot be written";
	err = store_write(host->xs, device->back, "feature-max-indirect-segments", "%u",
	                  BLOCK_SEGMENTS_MAX);
	if (!err)
		err = store_write(host->xs, device->back, "max-ring-page-order", "%u",
		                  RING_PAGE_ORDER_MAX);
	if (!err)
		err = store_write(host->xs, device->back, "multi-queue-max-queues", "1");
	return err;
}

/* The hotplug script has found the storage and says so. */
static bool is_ready(struct device *device)
{
	char *found = store_read(device->host->xs, device->back, "physical-device");

	free(found);
	return found != NULL;
}

/* A raw file is used as such; the script has put a loop device over it, for which there is no need. */
static char *choose_path(struct device *device)
{
	char *params = store_read(device->host->xs, device->back, "params");
	struct stat status;

	if (params && *params == '/' && stat(params, &status) == 0 && S_ISREG(status.st_mode))
		return params;
	free(params);
	return store_read(device->host->xs, device->back, "physical-device-path");
}

static int open_image(struct disk *disk, const char **why)
{
	struct device *device = &disk->device;
	char *mode = store_read(device->host->xs, device->back, "mode");
	char *path = choose_path(device);
	bool is_read_only = !mode || *mode != 'w';
	uint64_t owner = (uint64_t)device->host->domid << 32 | device->id;
	int err = path ? image_open(&disk->image, path, is_read_only, owner) : -ENOENT;

	*why = "its image cannot be opened";
	if (!err)
		log_info("%s: %s, %llu sectors%s%s%s", device->machine.who, path,
		         (unsigned long long)disk->image.sectors, is_read_only ? ", read-only" : "",
		         disk->image.is_direct ? ", direct" : "",
		         disk->image.can_discard ? ", discard" : "");
	free(path);
	free(mode);
	return err;
}

/* What the frontend reads once we are connected. */
static int publish(struct disk *disk)
{
	struct device *device = &disk->device;
	const struct image *image = &disk->image;
	char *type = store_read(device->host->xs, device->back, "device-type");
	bool wants_discard = store_number(device->host->xs, device->back, "discard-enable", 1, 1);
	bool is_cd = type && strcmp(type, "cdrom") == 0;
	const struct {
		const char *name;
		unsigned long long value;
	} nodes[] = {
		{ "sectors", image->sectors },
		{ "sector-size", BLOCK_SECTOR_BYTES },
		{ "physical-sector-size", image->physical_sector },
		{ "info", (is_cd ? VDISK_CDROM | VDISK_REMOVABLE : 0u) |
		                  (image->is_read_only ? VDISK_READONLY : 0u) },
		{ "feature-flush-cache", 1 },
		{ "feature-barrier", 0 },
		{ "feature-persistent", 0 },
		{ "feature-discard", image->can_discard && wants_discard },
		{ "discard-granularity", image->discard_granularity },
		{ "discard-alignment", 0 },
		{ "discard-secure", 0 },
	};
	int err = 0;

	free(type);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && !err; i++)
		err = store_write(device->host->xs, device->back, nodes[i].name, "%llu",
		                  nodes[i].value);
	return err;
}

/* "/vm/UUID", which the guest cannot change. */
static bool read_uuid(struct host *host, uint8_t *uuid)
{
	char folder[STORE_PATH_BYTES];
	char *path, *text;
	bool is_uuid;

	snprintf(folder, sizeof(folder), "/local/domain/%u", host->domid);
	path = store_read(host->xs, folder, "vm");
	text = path ? strrchr(path, '/') : NULL;
	is_uuid = text && marks_parse_uuid(text + 1, uuid);
	free(path);
	return is_uuid;
}

static int open_marks(struct disk *disk)
{
	struct device *device = &disk->device;
	bool is_known = read_uuid(device->host, disk->marks.of.vm);

	disk->marks.of.device = device->id;
	return disk_marks_open(disk, is_known, device->host->marks);
}

static int map_ring(struct disk *disk)
{
	struct device *device = &disk->device;
	struct xs_handle *xs = device->host->xs;
	unsigned int order = store_number(xs, device->front, "ring-page-order", RING_PAGE_ORDER_MAX,
	                                  0);
	uint32_t refs[DEVICE_RING_PAGES_MAX];
	uint64_t ref;
	char name[24];

	disk->page_count = 1u << order;
	for (unsigned int i = 0; i < disk->page_count; i++) {
		snprintf(name, sizeof(name), "ring-ref%u", i);
		if (!store_read_number(xs, device->front, name, &ref) &&
		    (disk->page_count > 1 ||
		     !store_read_number(xs, device->front, "ring-ref", &ref)))
			return -ENOENT;
		refs[i] = (uint32_t)ref;
	}
	disk->pages = device_map(device, refs, disk->page_count);
	return disk->pages ? 0 : -errno;
}

static int allocate(struct disk *disk)
{
	if (!disk->arena) {
		void *arena = mmap(NULL, ARENA_BYTES + RING_PAGE_SIZE, PROT_READ | PROT_WRITE,
		                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (arena == MAP_FAILED)
			return -ENOMEM;
		disk->arena = arena;
		disk->indirect_page = disk->arena + ARENA_BYTES;
	}
	disk_queue_reset(disk);
	return 0;
}

static int choose_layout(struct disk *disk)
{
	char *protocol = store_read(disk->device.host->xs, disk->device.front, "protocol");

	disk->layout = block_layout(protocol);
	free(protocol);
	return disk->layout ? 0 : -EPROTONOSUPPORT;
}

static int connect_disk(struct device *device, bool is_attach, const char **why)
{
	struct disk *disk = disk_of(device);
	int err = open_image(disk, why);

	if (err)
		return err;
	*why = "its marks cannot be kept";
	err = open_marks(disk);
	if (err)
		goto close_image;
	*why = "its frontend speaks another protocol";
	err = choose_layout(disk);
	if (err)
		goto close_image;
	*why = "no memory for its requests";
	err = allocate(disk);
	if (err)
		goto close_image;
	*why = "its ring cannot be mapped";
	err = map_ring(disk);
	if (err)
		goto close_image;
	*why = "its ring holds more than fits";
	err = ring_open(&disk->ring, disk->pages, disk->page_count * RING_PAGE_SIZE,
	                disk->layout->slot_bytes, disk->layout->response_bytes, device->journal,
	                is_attach);
	if (err)
		goto unmap_ring;
	*why = "its event channel cannot be bound";
	err = device_bind(device, "event-channel");
	if (err)
		goto unmap_ring;
	*why = "its properties cannot be written";
	err = is_attach ? 0 : publish(disk);
	if (err)
		goto unmap_ring;
	/* Once, unasked: the notification of what was answered last may have been lost. */
	device_notify(device, 0);
	return 0;

unmap_ring:
	device_unmap(device, disk->pages, disk->page_count);
close_image:
	image_close(&disk->image);
	return err;
}

/* Jobs under way keep their buffers and the image; requests that wait are not started. */
static void disconnect_disk(struct device *device)
{
	struct disk *disk = disk_of(device);

	device_unmap(device, disk->pages, disk->page_count);
	if (!disk->running)
		image_close(&disk->image);
}

static bool is_idle(const struct device *device)
{
	return ((const struct disk *)device)->running == 0;
}

static bool is_noted(const struct device *device)
{
	return ((const struct disk *)device)->unnoted == 0;
}

static uint64_t oldest_note(const struct device *device)
{
	return disk_oldest_note((const struct disk *)device);
}

static void serve(struct device *device)
{
	disk_serve(disk_of(device));
}

static int mark(struct device *device, enum door_kind kind, uint64_t number)
{
	return disk_marks_tell(disk_of(device), kind, number);
}

static void destroy(struct device *device, bool is_final)
{
	struct disk *disk = disk_of(device);

	(void)is_final;
	image_close(&disk->image);
	disk_marks_close(disk);
	if (disk->arena)
		munmap(disk->arena, ARENA_BYTES + RING_PAGE_SIZE);
	disk->arena = NULL;
}

const struct device_kind disk_kind = {
	.name = "vbd",
	.bytes = sizeof(struct disk),
	.journals = 1,
	.create = create,
	.is_ready = is_ready,
	.connect = connect_disk,
	.disconnect = disconnect_disk,
	.is_idle = is_idle,
	.serve = serve,
	.is_noted = is_noted,
	.oldest_note = oldest_note,
	.mark = mark,
	.destroy = destroy,
};
