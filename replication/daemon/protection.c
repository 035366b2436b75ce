/* What is known for good of a protected VM on one of its two hosts: as JSON, of a file or of a peer. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/protection.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DOMID_RESERVED 0x7ff0

static const char *const role_names[] = {
	[PROTECTION_PRIMARY] = "primary", [PROTECTION_STANDBY] = "standby"
};

const char *protection_role_name(enum protection_role role)
{
	return role_names[role];
}

bool protection_is_name(const char *name)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t length = strlen(name);

	return length && length < PROTECTION_NAME_SIZE && name[0] != '.' &&
	       strspn(name, letters) == length;
}

static bool is_uuid(const char *text)
{
	for (unsigned int i = 0; i < PROTECTION_UUID_SIZE - 1; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[PROTECTION_UUID_SIZE - 1];
}

static json_t *disks_to_json(const struct protection *protection)
{
	json_t *disks = json_array();

	for (unsigned int i = 0; i < protection->disk_count; i++) {
		const struct protection_disk *disk = &protection->disks[i];

		json_array_append_new(disks, json_pack("{s:s, s:I, s:I}", "path", disk->path,
		                                       "device", (json_int_t)disk->device, "bytes",
		                                       (json_int_t)disk->bytes));
	}
	return disks;
}

const char *protection_exempt(const struct config_vm_defaults *settings,
                              char text[EXEMPT_TEXT_SIZE])
{
	return exempt_is_none(&settings->exempt) ? NULL : exempt_write(&settings->exempt, text);
}

json_t *protection_to_json(const struct protection *protection)
{
	const struct config_vm_defaults *settings = &protection->settings;
	char exempt[EXEMPT_TEXT_SIZE];

	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:I, s:i, s:{s:I, s:I, s:I, s:s*}, s:b, s:o, s:{s:b, s:I, s:b}}",
		"name", protection->name, "uuid", protection->uuid, "domid", (int)protection->domid,
		"role", role_names[protection->role], "peer", protection->peer, "generation",
		(json_int_t)protection->generation, "port", (int)protection->port, "settings",
		"interval", (json_int_t)settings->interval, "budget", (json_int_t)settings->budget,
		"memory", (json_int_t)settings->memory, "exempt",
		protection_exempt(settings, exempt), "devices", protection->has_devices, "disks",
		disks_to_json(protection), "arbiter", "on", protection->is_arbitrated, "round",
		(json_int_t)protection->round, "accepts_split_brain",
		protection->accepts_split_brain);
}

bool protection_is_same(const struct protection *one, const struct protection *other)
{
	json_t *first = protection_to_json(one), *second = protection_to_json(other);
	bool is_same = first && second && json_equal(first, second);

	json_decref(second);
	json_decref(first);
	return is_same;
}

/* jansson's functions for reading do not change what they read, but do not say so. */
static json_t *reading(const json_t *json)
{
	return (json_t *)(uintptr_t)json;
}

static const char *read_disk(struct protection *protection, const json_t *json)
{
	struct protection_disk *disk = &protection->disks[protection->disk_count];
	json_int_t device, bytes;
	const char *path;

	if (json_unpack_ex(reading(json), NULL, JSON_STRICT, "{s:s, s:I, s:I}", "path", &path,
	                   "device", &device, "bytes", &bytes))
		return "a disk is {path, device, bytes}";
	if (path[0] != '/' || strlen(path) >= sizeof(disk->path) || strstr(path, "/../"))
		return "a disk's path is not absolute, or too long";
	if (device < 0 || device > UINT32_MAX || bytes < WIRE_SECTOR || bytes % WIRE_SECTOR)
		return "a disk's number or size cannot be";
	for (unsigned int i = 0; i < protection->disk_count; i++) {
		if (protection->disks[i].device == (uint32_t)device ||
		    !strcmp(protection->disks[i].path, path))
			return "one disk twice";
	}
	strcpy(disk->path, path);
	disk->device = (uint32_t)device;
	disk->bytes = (uint64_t)bytes;
	protection->disk_count++;
	return NULL;
}

static const char *read_disks(struct protection *protection, const json_t *disks)
{
	const json_t *disk;
	const char *wrong;
	size_t index;

	if (!json_is_array(disks) || json_array_size(disks) > WIRE_DISKS_MAX)
		return "disks are no list, or too many";
	json_array_foreach(disks, index, disk)
	{
		wrong = read_disk(protection, disk);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static bool is_within(json_int_t value, json_int_t least, json_int_t most)
{
	return value >= least && value <= most;
}

bool protection_may_set(json_int_t interval, json_int_t budget, json_int_t memory)
{
	return is_within(interval, 1, CONFIG_INTERVAL_MAX) &&
	       is_within(budget, CONFIG_BUDGET_MIN, CONFIG_BUDGET_MAX) &&
	       is_within(memory, CONFIG_MEMORY_MIN, CONFIG_MEMORY_MAX);
}

/* What the file or the peer says, before it is believed. */
struct said {
	const char *name, *uuid, *role, *peer, *exempt;
	json_int_t domid, generation, port, interval, budget, memory;
	int has_devices, is_arbitrated, accepts_split_brain;
	json_int_t round;
	json_t *disks;
};

static const char *find_wrong(const struct said *said)
{
	struct exempt exempt;

	if (!protection_is_name(said->name))
		return "name has other letters than a-z, A-Z, 0-9 and ._+-, or too many";
	if (!is_uuid(said->uuid))
		return "uuid is none";
	if (strcmp(said->role, "primary") && strcmp(said->role, "standby"))
		return "role is neither primary nor standby";
	if (!*said->peer || strlen(said->peer) >= CONFIG_NAME_SIZE)
		return "peer is no name";
	if (!is_within(said->domid, 1, DOMID_RESERVED - 1))
		return "domid is none of a guest";
	if (!is_within(said->generation, 1, INT64_MAX) || !is_within(said->port, 0, 65535) ||
	    !is_within(said->round, 0, INT64_MAX))
		return "generation, round or port cannot be";
	if (!protection_may_set(said->interval, said->budget, said->memory))
		return "interval, budget or memory is out of bounds";
	return exempt_parse(&exempt, said->exempt);
}

static void take(struct protection *protection, const struct said *said)
{
	strcpy(protection->name, said->name);
	strcpy(protection->uuid, said->uuid);
	strcpy(protection->peer, said->peer);
	protection->role = strcmp(said->role, "primary") ? PROTECTION_STANDBY : PROTECTION_PRIMARY;
	protection->domid = (uint16_t)said->domid;
	protection->generation = (uint64_t)said->generation;
	protection->port = (uint16_t)said->port;
	protection->has_devices = said->has_devices;
	protection->is_arbitrated = said->is_arbitrated;
	protection->accepts_split_brain = said->accepts_split_brain;
	protection->round = (uint64_t)said->round;
	protection->settings = (struct config_vm_defaults){ .interval = (uint32_t)said->interval,
		                                            .budget = (uint32_t)said->budget,
		                                            .memory = (uint32_t)said->memory };
	exempt_parse(&protection->settings.exempt, said->exempt);
}

int protection_from_json(struct protection *protection, const json_t *json,
                         char why[PROTECTION_WHY_SIZE])
{
	struct protection read = { .disk_count = 0 };
	const char *wrong;
	json_error_t error;
	struct said said = { .exempt = "none" };

	if (json_unpack_ex(reading(json), &error, JSON_STRICT,
	                   "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s?s}, s:b, s:o,"
	                   " s:{s:b, s:I, s:b}}",
	                   "name", &said.name, "uuid", &said.uuid, "domid", &said.domid, "role",
	                   &said.role, "peer", &said.peer, "generation", &said.generation, "port",
	                   &said.port, "settings", "interval", &said.interval, "budget",
	                   &said.budget, "memory", &said.memory, "exempt", &said.exempt, "devices",
	                   &said.has_devices, "disks", &said.disks, "arbiter", "on",
	                   &said.is_arbitrated, "round", &said.round, "accepts_split_brain",
	                   &said.accepts_split_brain)) {
		snprintf(why, PROTECTION_WHY_SIZE, "%.150s", error.text);
		return -EINVAL;
	}
	wrong = find_wrong(&said);
	if (!wrong) {
		take(&read, &said);
		wrong = read_disks(&read, said.disks);
	}
	if (wrong) {
		snprintf(why, PROTECTION_WHY_SIZE, "%s", wrong);
		return -EINVAL;
	}
	*protection = read;
	return 0;
}
