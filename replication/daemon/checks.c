/* What stands against the protection of a VM, on either host: all of it in one list. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

static void add(json_t *blockers, const char *code, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void add(json_t *blockers, const char *code, const char *remedy, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(blockers, json_pack("{s:s, s:s, s:s}", "code", code, "message", text,
	                                          "remedy", remedy));
}

json_t *checks_primary(const struct protection *protection, const struct vm_config *config)
{
	json_t *blockers = json_array();

	if (strcmp(config->type, "pvh"))
		add(blockers, "vm-type", "type = \"pvh\" in its configuration",
		    "%s is of type %s: only PVH guests can be protected", protection->name,
		    config->type);
	if (config->unserved)
		add(blockers, "devices", "take them out of its configuration",
		    "%s has devices that cannot be replicated: %s", protection->name,
		    config->unserved);
	if (config->program)
		add(blockers, "programs", "take it out of its configuration",
		    "%s names a program that the other host would run: %s", protection->name,
		    config->program);
	return blockers;
}

int64_t host_image_bytes(const char *path)
{
	struct stat facts;
	int64_t bytes;
	int fd;

	if (stat(path, &facts))
		return -errno;
	if (!S_ISBLK(facts.st_mode) && !S_ISREG(facts.st_mode))
		return -EINVAL;
	/* O_EXCL without O_CREAT: a block device that is mounted is busy. */
	fd = open(path, O_RDONLY | O_CLOEXEC | (S_ISBLK(facts.st_mode) ? O_EXCL : 0));
	if (fd < 0)
		return -errno;
	bytes = lseek(fd, 0, SEEK_END);
	if (bytes < 0)
		bytes = -errno;
	close(fd);
	return bytes;
}

static bool lies_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	return !strncmp(path, folder, length) &&
	       (length == 1 || path[length] == '/' || !path[length]);
}

static bool is_listed(const struct config *here, const char *path)
{
	char real[PATH_MAX];

	for (unsigned int i = 0; i < here->image_count; i++) {
		if (realpath(here->images[i], real) && lies_below(path, real))
			return true;
	}
	return false;
}

static bool is_folder_listed(const struct config *here, const char *path)
{
	char copy[PATH_MAX], folder[PATH_MAX];

	if (strlen(path) >= sizeof(copy))
		return false;
	strcpy(copy, path);
	return realpath(dirname(copy), folder) && is_listed(here, folder);
}

bool checks_may_have_image(const struct config *here, const char *path)
{
	char real[PATH_MAX];
	struct stat facts;

	if (!realpath(path, real) || stat(real, &facts))
		return false;
	/* LVM and udev keep links to devices in folders of their own: the folder is what can be named. */
	return is_listed(here, real) || (S_ISBLK(facts.st_mode) && is_folder_listed(here, path));
}

/* What a peer may hear of: it is not told which files there are anywhere else. */
static bool may_ask_for_image(const struct config *here, const char *path)
{
	struct stat facts;

	return checks_may_have_image(here, path) ||
	       (lstat(path, &facts) && errno == ENOENT && is_folder_listed(here, path));
}

static void refuse_image(json_t *blockers, const char *path)
{
	add(blockers, "image-not-allowed",
	    "name it, or a folder above it, in `images` of /etc/remus/remus.conf",
	    "%.200s is not where peers may have disks", path);
}

/* What libxl is told of disks must not lead elsewhere, either. */
static void check_listed_disks(json_t *blockers, const struct config *here,
                               const struct protection *protection, const struct vm_config *config)
{
	const json_t *disk;
	size_t index;

	json_array_foreach(config->disks, index, disk)
	{
		const char *path = json_string_value(json_object_get(disk, "pdev_path"));
		bool is_known = !path || !*path;

		for (unsigned int i = 0; i < protection->disk_count && !is_known; i++)
			is_known = !strcmp(protection->disks[i].path, path);
		if (!is_known && !checks_may_have_image(here, path))
			refuse_image(blockers, path);
	}
}

static void check_disk(json_t *blockers, struct host *host, const struct config *here,
                       const struct protection *protection, const struct protection_disk *disk,
                       unsigned int own)
{
	int64_t bytes = own ? (int64_t)disk->bytes : host_image_bytes(disk->path);
	int used;

	if (!may_ask_for_image(here, disk->path)) {
		refuse_image(blockers, disk->path);
		return;
	}
	used = bytes == -EBUSY ? 1 : host->ops->is_used(host, disk->path, own);
	if (bytes < 0 && bytes != -EBUSY)
		add(blockers, "no-image", "make an image there, as large as the primary's",
		    "%s: %s", disk->path, strerror((int)-bytes));
	else if (used < 0)
		add(blockers, "image-in-use", "remusctl doctor, there",
		    "whether another VM has %s cannot be asked: %s", disk->path, strerror(-used));
	else if (used)
		add(blockers, "image-in-use",
		    "give the VM an image of its own, at the same path on both hosts",
		    "%s is mounted, or another VM's disk", disk->path);
	else if ((uint64_t)bytes != disk->bytes)
		add(blockers, "image-size", "make both images the same size",
		    "%s has %" PRId64 " bytes here, and %" PRIu64 " where %s runs", disk->path,
		    bytes, disk->bytes, protection->name);
}

static void check_identity(json_t *blockers, struct host *host, const struct protection *protection,
                           unsigned int own)
{
	struct host_vm vm;

	if (protection->domid != own && !host->ops->look(host, protection->domid, &vm))
		add(blockers, "domid-in-use",
		    "start either VM anew; domid = \"random\" in /etc/xen/xl.conf keeps hosts apart",
		    "%s has number %u, which is %s's here", protection->name, protection->domid,
		    vm.name);
	if (!host->ops->find(host, protection->name, &vm) && vm.domid != own)
		add(blockers, "name-in-use", "rename either VM: xl rename",
		    "a VM of this host is called %s, too", protection->name);
}

static void check_memory(json_t *blockers, struct host *host, const struct vm_config *config,
                         unsigned int own)
{
	int64_t free_kb = own ? INT64_MAX : host->ops->free_memory(host);

	if (free_kb < 0)
		add(blockers, "no-memory", "xl info", "the hypervisor cannot be asked: %s",
		    strerror((int)-free_kb));
	else if ((uint64_t)free_kb < config->memory_kb)
		add(blockers, "no-memory", "end a VM, or take memory from one: xl mem-set",
		    "%" PRIu64 " MiB are needed, and %" PRId64 " are free",
		    (config->memory_kb + 1023) / 1024, free_kb / 1024);
}

static void check_bridges(json_t *blockers, const struct host *host, const struct vm_config *config)
{
	char path[512];

	for (unsigned int i = 0; i < config->bridge_count; i++) {
		snprintf(path, sizeof(path), "%s/sys/class/net/%s/bridge", host->root,
		         config->bridges[i]);
		if (access(path, F_OK))
			add(blockers, "no-bridge", "ip link add NAME type bridge",
			    "there is no bridge %s", config->bridges[i]);
	}
}

/* How files begin that libxl would load: a kernel, or an initial file system, whatever it is packed with. */
struct beginning {
	off_t at;
	unsigned int length;
	const char *bytes;
};

static const struct beginning kernels[] = {
	{ 0, 4, "\177ELF" },
	{ 0x202, 4, "HdrS" },
	{ 0 },
};

static const struct beginning initials[] = {
	{ 0, 2, "\x1f\x8b" },         /* gzip */
	{ 0, 6, "\xfd\x37zXZ\0" },    /* xz */
	{ 0, 4, "\x28\xb5\x2f\xfd" }, /* zstd */
	{ 0, 4, "\x02\x21\x4c\x18" }, /* lz4 */
	{ 0, 3, "BZh" },              /* bzip2 */
	{ 0, 3, "\x5d\0\0" },         /* lzma */
	{ 0, 5, "\x89LZO\0" },        /* lzo */
	{ 0, 5, "07070" },            /* cpio */
	{ 0 },
};

static bool begins_like(const char *path, const struct beginning *one)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_so = false;
	struct stat facts;
	char bytes[8];

	if (fd < 0)
		return false;
	for (; !is_so && !fstat(fd, &facts) && S_ISREG(facts.st_mode) && one->length; one++)
		is_so = pread(fd, bytes, one->length, one->at) == one->length &&
		        !memcmp(bytes, one->bytes, one->length);
	close(fd);
	return is_so;
}

/* Whether another file is there, or why one cannot be read, is nothing that a peer should learn. */
static void check_file(json_t *blockers, const char *path, const struct beginning *wanted)
{
	if (path && *path && !begins_like(path, wanted))
		add(blockers, "no-kernel", "copy it from the host that the VM runs on",
		    "%.200s is no %s here", path,
		    wanted == kernels ? "kernel" : "initial file system");
}

json_t *checks_standby(struct host *host, const struct config *here,
                       const struct protection *protection, const struct vm_config *config,
                       unsigned int own)
{
	json_t *blockers = checks_primary(protection, config); /* a peer may not have looked */

	check_identity(blockers, host, protection, own);
	check_memory(blockers, host, config, own);
	for (unsigned int i = 0; i < protection->disk_count; i++)
		check_disk(blockers, host, here, protection, &protection->disks[i], own);
	check_listed_disks(blockers, here, protection, config);
	check_bridges(blockers, host, config);
	check_file(blockers, config->kernel, kernels);
	check_file(blockers, config->ramdisk, initials);
	return blockers;
}

json_t *checks_refusal(const char *host, const char *vm, json_t *blockers)
{
	size_t count = json_array_size(blockers);
	json_t *refusal = control_refusal(CONTROL_BLOCKED, "mend what is listed, and try again",
	                                  "%s: %zu thing%s stand%s against the protection of %s",
	                                  host, count, count == 1 ? "" : "s", count == 1 ? "s" : "",
	                                  vm);

	json_object_set_new(json_object_get(refusal, "error"), "blockers", blockers);
	return refusal;
}
