/* What a worker is told: its file below /run/remus, and where it is (docs/workers.md). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/worker_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int put_path(char path[WORKER_PATH_SIZE], const char *folder,
                    const struct protection *protection, const char *suffix)
{
	int length = snprintf(path, WORKER_PATH_SIZE, "%s/%s-%s%s", folder,
	                      protection_role_name(protection->role), protection->name, suffix);

	return length < WORKER_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

int worker_paths(struct worker_paths *paths, const char *folder,
                 const struct protection *protection)
{
	return put_path(paths->file, folder, protection, ".json") ||
	                       put_path(paths->control, folder, protection, "") ||
	                       put_path(paths->listing, folder, protection, ".xl")
	               ? -ENAMETOOLONG
	               : 0;
}

/* Written anew: nobody reads the old one's rest. */
static int write_json(const char *path, const json_t *json)
{
	int fd, err;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = json_dumpfd(json, fd, JSON_INDENT(2)) ? -EIO : 0;
	close(fd);
	return err;
}

static json_t *tell_disks(const struct protection *protection)
{
	json_t *disks = json_array();

	for (unsigned int i = 0; i < protection->disk_count; i++)
		json_array_append_new(disks,
		                      json_pack("{s:s, s:I}", "path", protection->disks[i].path,
		                                "device", (json_int_t)protection->disks[i].device));
	return disks;
}

/* The primary keeps the standby's address; the standby listens at its own. */
static const char *address_of(const struct protection *protection, const struct config *config)
{
	const struct config_peer *peer = config_peer(config, protection->peer);

	if (protection->role == PROTECTION_STANDBY)
		return config->listen;
	return peer ? peer->address : "";
}

/* What remusd decides for it, if an arbiter decides for remusd. */
static json_t *arbitrate(json_t *file, const struct protection *protection)
{
	if (!file || !protection->is_arbitrated)
		return file;
	json_object_set_new(file, "arbitrated", json_true());
	json_object_set_new(json_object_get(file, "vm"), "round",
	                    json_integer((json_int_t)protection->round));
	return file;
}

struct worker_pace worker_pace_of(const struct config_vm_defaults *settings)
{
	return (struct worker_pace){ .interval_ms = settings->interval,
		                     .shortest_ms = settings->interval < 2 ? settings->interval : 2,
		                     .dirty_pages = settings->budget,
		                     .kept_mib = settings->memory };
}

static json_t *make_file(const struct worker_paths *paths, const struct protection *protection,
                         const struct config *config)
{
	struct worker_pace pace = worker_pace_of(&protection->settings);
	char exempt[EXEMPT_TEXT_SIZE];
	bool is_standby = protection->role == PROTECTION_STANDBY;

	return json_pack(
		"{s:{s:s, s:s, s:i, s:I, s:o, s:b, s:s*}, s:s, s:s, s:s, s:i, s:{s:s, s:s, s:s}, s:s,"
		" s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
		"vm", "name", protection->name, "uuid", protection->uuid, "domain",
		(int)protection->domid, "generation", (json_int_t)protection->generation, "disks",
		tell_disks(protection), "devices", (int)protection->has_devices, "shadow",
		is_standby ? paths->listing : NULL, "host", config->name, "peer", protection->peer,
		"address", address_of(protection, config), "port", (int)protection->port, "tls",
		"ca", config->authority, "certificate", config->certificate, "key", config->key,
		"control", paths->control, "interval_ms", (json_int_t)pace.interval_ms,
		"shortest_ms", (json_int_t)pace.shortest_ms, "dirty_pages",
		(json_int_t)pace.dirty_pages, "kept_mib", (json_int_t)pace.kept_mib, "staged_mib",
		(json_int_t)pace.kept_mib, "silence_ms", (json_int_t)config->silence, "connect_ms",
		(json_int_t)config->silence + 2000, "exempt",
		exempt_write(&protection->settings.exempt, exempt));
}

int worker_file_write(const struct worker_paths *paths, const struct protection *protection,
                      const struct config *config, const json_t *listing)
{
	json_t *file = arbitrate(make_file(paths, protection, config), protection);
	int err = file ? 0 : -ENOMEM;

	if (!err && listing)
		err = write_json(paths->listing, listing);
	if (!err)
		err = write_json(paths->file, file);
	json_decref(file);
	return err;
}

void worker_file_remove(const struct worker_paths *paths)
{
	unlink(paths->file);
	unlink(paths->control);
	unlink(paths->listing);
}
