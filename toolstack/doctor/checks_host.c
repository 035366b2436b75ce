/* Checks of what the host's files say. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "toolstack/doctor/check.h"

#define SPACE_LEAST (64ull << 20)

static const char *path_of(const struct finding *finding, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", finding->root, name);
	return path;
}

static bool exists(const struct finding *finding, const char *name)
{
	return !access(path_of(finding, name), F_OK);
}

/* The first line of a file, "" if there is none. */
static void read_line(const struct finding *finding, const char *name, char *line, int size)
{
	FILE *file = fopen(path_of(finding, name), "re");

	if (!file || !fgets(line, size, file))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	if (file)
		fclose(file);
}

enum verdict check_dom0(struct finding *finding)
{
	char line[128];

	read_line(finding, "/proc/xen/capabilities", line, sizeof(line));
	if (!strstr(line, "control_d"))
		return found(finding, CHECK_BLOCKER, "this is not dom0 of a Xen host");
	return found(finding, CHECK_OK, "this is dom0");
}

enum verdict check_hypervisor(struct finding *finding)
{
	char type[32], maker[64], name[64];

	read_line(finding, "/sys/hypervisor/type", type, sizeof(type));
	read_line(finding, "/sys/hypervisor/compilation/compiled_by", maker, sizeof(maker));
	read_line(finding, "/sys/hypervisor/compilation/compile_date", name, sizeof(name));
	if (strcmp(type, "xen"))
		return found(finding, CHECK_BLOCKER, "there is no hypervisor below");
	if (!strstr(maker, "xen-core") && !strstr(maker, "remus"))
		return found(finding, CHECK_BLOCKER, "the hypervisor is not xen-core");
	return found(finding, CHECK_OK, "xen-core of %s", name);
}

enum verdict check_kernel_backends(struct finding *finding)
{
	bool net = exists(finding, "/sys/module/xen_netback"),
	     disk = exists(finding, "/sys/module/xen_blkback");

	if (net || disk)
		return found(finding, CHECK_BLOCKER, "loaded: %s%s%s", net ? "xen-netback" : "",
		             net && disk ? ", " : "", disk ? "xen-blkback" : "");
	return found(finding, CHECK_OK, "the kernel's backends are not loaded");
}

enum verdict check_devices(struct finding *finding)
{
	static const char *const devices[] = { "/dev/net/tun", "/dev/xen/gntdev", "/dev/xen/evtchn",
		                               "/dev/xen/privcmd" };

	for (unsigned int i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (!exists(finding, devices[i]))
			return found(finding, CHECK_BLOCKER, "%s is missing", devices[i]);
	}
	return found(finding, CHECK_OK, "dom0's devices are there");
}

enum verdict check_bridge(struct finding *finding)
{
	DIR *folder = opendir(path_of(finding, "/sys/class/net"));
	struct dirent *entry;
	char name[NAME_MAX + 32];

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "/sys/class/net/%s/bridge", entry->d_name);
		if (!exists(finding, name))
			continue;
		found(finding, CHECK_OK, "bridge %s", entry->d_name);
		closedir(folder);
		return CHECK_OK;
	}
	if (folder)
		closedir(folder);
	return found(finding, CHECK_WARNING, "no bridge for guests' network cards");
}

enum verdict check_clock(struct finding *finding)
{
	struct timex clock = { .modes = 0 };

	if (adjtimex(&clock) == TIME_ERROR || clock.status & STA_UNSYNC)
		return found(finding, CHECK_WARNING, "the clock is not synchronised");
	return found(finding, CHECK_OK, "the clock is synchronised");
}

enum verdict check_space(struct finding *finding)
{
	static const char *const folders[] = { "/var/lib/remus", "/var/lib", "/" };
	struct statvfs space;
	unsigned long long bytes;

	for (unsigned int i = 0; statvfs(path_of(finding, folders[i]), &space); i++) {
		if (i + 1 == sizeof(folders) / sizeof(folders[0]))
			return found(finding, CHECK_WARNING, "cannot tell: %s", strerror(errno));
	}
	bytes = (unsigned long long)space.f_bavail * space.f_frsize;
	return found(finding, bytes < SPACE_LEAST ? CHECK_WARNING : CHECK_OK, "%llu MiB free",
	             bytes >> 20);
}

/* remusd makes the folder if it is missing. */
enum verdict check_marks(struct finding *finding)
{
	static const char *const folders[] = { "/var/lib/remus/disks", "/var/lib/remus",
		                               "/var/lib" };
	unsigned int i = 0;

	while (i < 2 && !exists(finding, folders[i]))
		i++;
	/* Of a file, too, nobody may search through. */
	if (!access(path_of(finding, folders[i]), R_OK | W_OK | X_OK))
		return found(finding, CHECK_OK, "%s may be written", folders[i]);
	return found(finding, CHECK_WARNING, "%s: %s: each copy of a disk is a full one",
	             folders[i], strerror(errno));
}
