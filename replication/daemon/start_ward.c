/* The VM is started from its disk, when its guard says that this host is to: after both hosts were off. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/daemon/ledger.h"
#include "replication/daemon/ward.h"

#define PATIENCE 300.0

/* In a folder that is empty after a boot. False: the path is too long. */
static bool mark_path(const struct ward *ward, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s.ran", ward->wards->settings.run, ward->is.name) <
	       PATH_MAX;
}

void ward_note_run(struct ward *ward)
{
	char path[PATH_MAX];
	int fd;

	if (ward->has_run || !mark_path(ward, path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_warning("%s: %s: %s", ward->who, path, strerror(errno));
		return;
	}
	close(fd);
	ward->has_run = true;
}

static bool has_run(struct ward *ward)
{
	char path[PATH_MAX];

	return ward->has_run || !mark_path(ward, path) || !access(path, F_OK);
}

static void on_started(const char *output, const char *why, void *data)
{
	struct ward *ward = data;

	ward->starting = NULL;
	ward->is_fresh = output != NULL;
	if (output)
		log_warning("%s: it was started from its disk on this host", ward->who);
	else
		log_error("%s: it cannot be started from its disk: %s", ward->who, why);
	if (ward->guard)
		guard_started(ward->guard, output != NULL);
}

void ward_start(struct ward *ward)
{
	const struct wards_settings *settings = &ward->wards->settings;
	char program[PATH_MAX], listing[PATH_MAX], domid[12];
	const char *words[] = { program, listing, domid, NULL };
	struct host_vm vm;
	int err = settings->host->ops->find(settings->host, ward->is.uuid, &vm);

	if (err != -ENOENT) {
		guard_started(ward->guard, !err);
		return;
	}
	if (has_run(ward)) {
		log_error("%s: it has ended since this host was booted, and is not started again: "
		          "xl create its file, or unprotect it",
		          ward->who);
		guard_started(ward->guard, false);
		return;
	}
	snprintf(program, sizeof(program), "%s/remus-start", settings->programs);
	snprintf(domid, sizeof(domid), "%u", ward->is.domid);
	ledger_listing(settings->ledger, ward->is.name, listing, sizeof(listing));
	ward->starting = program_run(settings->loop, words, PATIENCE, on_started, ward);
	if (!ward->starting)
		guard_started(ward->guard, false);
}

void ward_start_leave(struct ward *ward)
{
	if (ward->starting)
		program_leave(ward->starting);
	ward->starting = NULL;
}
