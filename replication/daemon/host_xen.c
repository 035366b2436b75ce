/* The host as its xenstore and hypervisor know it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/host_xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxl.h>

static struct host_xen *xen_of(struct host *host)
{
	return (struct host_xen *)host;
}

static char *read_node(struct host_xen *xen, const char *folder, const char *node)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, node);
	return xs_read(xen->xs, XBT_NULL, path, NULL);
}

static int look(struct host *host, unsigned int domid, struct host_vm *vm)
{
	char folder[48];
	char *name, *path;

	snprintf(folder, sizeof(folder), "/local/domain/%u", domid);
	name = read_node(xen_of(host), folder, "name");
	path = read_node(xen_of(host), folder, "vm"); /* "/vm/UUID" */
	*vm = (struct host_vm){ .domid = (uint16_t)domid };
	if (name && strlen(name) < sizeof(vm->name))
		strcpy(vm->name, name);
	if (path && !strncmp(path, "/vm/", 4) && strlen(path) == 4 + sizeof(vm->uuid) - 1)
		strcpy(vm->uuid, path + 4);
	free(path);
	free(name);
	return name ? 0 : -ENOENT;
}

static int find(struct host *host, const char *word, struct host_vm *vm)
{
	unsigned int count = 0;
	char **numbers = xs_directory(xen_of(host)->xs, XBT_NULL, "/local/domain", &count);
	int err = numbers ? -ENOENT : -EIO;

	for (unsigned int i = 0; numbers && err && i < count; i++) {
		unsigned int domid = (unsigned int)strtoul(numbers[i], NULL, 10);

		if (domid && !look(host, domid, vm) &&
		    (!strcmp(vm->name, word) || !strcasecmp(vm->uuid, word) ||
		     !strcmp(numbers[i], word)))
			err = 0;
	}
	free(numbers);
	return err;
}

/* The names in a folder of the xenstore, for free(): 0, also if there is no such folder; or a negative errno. */
static int list(struct host_xen *xen, const char *folder, char ***names, unsigned int *count)
{
	*count = 0;
	errno = 0;
	*names = xs_directory(xen->xs, XBT_NULL, folder, count);
	if (*names || errno == ENOENT)
		return 0;
	return errno ? -errno : -EIO;
}

/* A file's path, or a block device's, for free(). NULL: neither; or errno is not ENOENT, and it is not known. */
static char *image_of(struct host_xen *xen, const char *backend)
{
	char *params, *start;

	errno = 0;
	params = read_node(xen, backend, "params");
	if (!params)
		return NULL;
	start = *params != '/' ? strchr(params, '/') : params;
	if (start && start != params) /* "aio:/path" */
		memmove(params, start, strlen(start) + 1);
	if (start)
		return params;
	free(params);
	errno = ENOENT;
	return NULL;
}

static const char *refuse(struct host *host, const char *what, const char *why)
{
	snprintf(host->why, sizeof(host->why), "%.100s: %s", what, why);
	return host->why;
}

static const char *add_disk(struct host *host, const char *backend, const char *device,
                            struct protection *protection)
{
	struct protection_disk *disk = &protection->disks[protection->disk_count];
	char *path = image_of(xen_of(host), backend);
	const char *wrong = NULL;
	int64_t bytes;

	if (!path)
		return refuse(host, backend, "it is neither a file nor a block device");
	bytes = host_image_bytes(path);
	if (protection->disk_count == WIRE_DISKS_MAX)
		wrong = refuse(host, path, "the VM has too many disks");
	else if (strlen(path) >= sizeof(disk->path))
		wrong = refuse(host, path, "its path is too long");
	else if (bytes <= 0 || bytes % WIRE_SECTOR)
		wrong = refuse(host, path,
		               bytes < 0 ? strerror((int)-bytes) : "it has no whole sectors");
	if (!wrong) {
		strcpy(disk->path, path);
		disk->device = (uint32_t)strtoul(device, NULL, 10);
		disk->bytes = (uint64_t)bytes;
		protection->disk_count++;
	}
	free(path);
	return wrong;
}

static const char *disks(struct host *host, unsigned int domid, struct protection *protection)
{
	char folder[64], backend[128];
	const char *wrong = NULL;
	unsigned int count;
	char **devices;
	int err;

	protection->disk_count = 0;
	snprintf(folder, sizeof(folder), "/local/domain/0/backend/vbd/%u", domid);
	err = list(xen_of(host), folder, &devices, &count);
	if (err)
		wrong = refuse(host, folder, strerror(-err));
	for (unsigned int i = 0; !wrong && i < count; i++) {
		snprintf(backend, sizeof(backend), "%s/%.20s", folder, devices[i]);
		wrong = add_disk(host, backend, devices[i], protection);
	}
	free(devices);
	return wrong;
}

/* One file has several names, a block device several nodes. */
static bool is_same_image(const char *one, const char *other)
{
	struct stat first, second;

	if (!strcmp(one, other))
		return true;
	if (stat(one, &first) || stat(other, &second))
		return false;
	if (S_ISBLK(first.st_mode) && S_ISBLK(second.st_mode))
		return first.st_rdev == second.st_rdev;
	return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* 1, 0, or a negative errno. */
static int has_image(struct host_xen *xen, const char *guest, const char *path)
{
	char folder[64], backend[128], **devices;
	unsigned int count;
	int found;

	snprintf(folder, sizeof(folder), "/local/domain/0/backend/vbd/%.12s", guest);
	found = list(xen, folder, &devices, &count);
	for (unsigned int i = 0; !found && i < count; i++) {
		char *image;

		snprintf(backend, sizeof(backend), "%s/%.20s", folder, devices[i]);
		image = image_of(xen, backend);
		if (image)
			found = is_same_image(image, path);
		else if (errno != ENOENT)
			found = errno ? -errno : -EIO;
		free(image);
	}
	free(devices);
	return found;
}

static int is_used(struct host *host, const char *path, unsigned int but)
{
	unsigned int count;
	char **guests;
	int found = list(xen_of(host), "/local/domain/0/backend/vbd", &guests, &count);

	for (unsigned int i = 0; !found && i < count; i++) {
		if (strtoul(guests[i], NULL, 10) != but)
			found = has_image(xen_of(host), guests[i], path);
	}
	free(guests);
	return found;
}

static int64_t free_memory(struct host *host)
{
	libxl_physinfo info;
	libxl_ctx *ctx;
	int64_t free_kb = -EIO;

	(void)host;
	if (libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, NULL))
		return -EIO;
	libxl_physinfo_init(&info);
	if (!libxl_get_physinfo(ctx, &info))
		free_kb = (int64_t)((info.free_pages + info.scrub_pages) * 4);
	libxl_physinfo_dispose(&info);
	libxl_ctx_free(ctx);
	return free_kb;
}

static int watchdog(struct host *host, uint32_t seconds, uint32_t linger)
{
	return keeper_set(&xen_of(host)->keeper, seconds, linger);
}

static const struct host_ops ops = {
	.look = look,
	.find = find,
	.disks = disks,
	.is_used = is_used,
	.free_memory = free_memory,
	.watchdog = watchdog,
};

void host_xen_init(struct host_xen *xen, struct ev_loop *loop, struct xs_handle *xs,
                   const char *programs)
{
	*xen = (struct host_xen){ .host = { .ops = &ops, .root = "" },
		                  .xs = xs,
		                  .keeper = { .loop = loop } };
	snprintf(xen->keeper.program, sizeof(xen->keeper.program), "%s/remus-watchdog", programs);
}
