/* What a worker is told by its file: whom it serves, where its peer is, its certificates and limits. docs/workers.md */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/worker_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replication/encode/pool.h"
#include "replication/transport/tls.h"
#include "xen-core/abi/checkpoint.h"

#define MS  1000000ull
#define MIB (1ull << 20)

/* What the file may say in numbers, and what holds if it does not. */
struct numbers {
	json_int_t generation, round, domain, port;
	json_int_t interval_ms, shortest_ms, dirty_pages, in_flight;
	json_int_t kept_mib, staged_mib, small_pages, twins, encode_threads;
	json_int_t keepalive_ms, silence_ms, connect_ms, retry_ms;
};

static const struct numbers defaults = {
	.generation = 1,
	.interval_ms = 25,
	.shortest_ms = 2,
	.dirty_pages = 0,
	.in_flight = 3,
	.kept_mib = 64,
	.staged_mib = 256,
	.small_pages = 2048,
	.twins = 16384,
	.keepalive_ms = 500,
	.silence_ms = 3000,
	.connect_ms = 5000,
	.retry_ms = 500,
};

/* What is captured next, and TLS, want a CPU too; beyond four threads it is these that take the time. */
#define ENCODE_THREADS_USUAL 4

static json_int_t usual_threads(void)
{
	json_int_t spare = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	return spare < 0 ? 0 : spare < ENCODE_THREADS_USUAL ? spare : ENCODE_THREADS_USUAL;
}

static int refuse(char *why, const char *path, const char *what)
{
	snprintf(why, WORKER_CONFIG_WHY_MAX, "%s: %s", path, what);
	return -EINVAL;
}

static int parse_uuid(const char *text, uint8_t *uuid)
{
	unsigned int byte, digits = 0;

	for (unsigned int i = 0; i < 16; i++) {
		if (*text == '-')
			text++;
		if (sscanf(text, "%2x", &byte) != 1 || strspn(text, "0123456789abcdefABCDEF") < 2)
			return -EINVAL;
		uuid[i] = (uint8_t)byte;
		text += 2;
		digits += 2;
	}
	return *text || digits != 32 ? -EINVAL : 0;
}

static const char *find_wrong_number(const struct numbers *n, bool is_primary)
{
	if (n->domain < 1 || n->domain >= 0x7ff0)
		return "domain is no domid of a guest";
	/* Port 0: any free one, for tests of a standby. */
	if (n->port < (is_primary ? 1 : 0) || n->port > 65535)
		return "port is not from 1 to 65535";
	if (n->generation < 1)
		return "generation is not positive";
	if (n->round < 0)
		return "round is negative";
	if (n->interval_ms < 1 || n->interval_ms > WORKER_INTERVAL_MAX || n->shortest_ms < 0 ||
	    n->shortest_ms > n->interval_ms)
		return "interval_ms is not from 1 to 60000, or shortest_ms beyond it";
	if (n->in_flight < 1 || n->in_flight > 64)
		return "in_flight is not from 1 to 64";
	if (n->dirty_pages < 0 || n->small_pages < 0 || n->twins < 1 ||
	    n->twins > CHECKPOINT_TWINS_MAX)
		return "dirty_pages, small_pages or twins cannot be";
	if (n->encode_threads < 0 || n->encode_threads > ENCODE_THREADS_MAX)
		return "encode_threads is not from 0 to 16";
	if (n->kept_mib < WORKER_KEPT_MIN || n->kept_mib > WORKER_KEPT_MAX || n->staged_mib < 4 ||
	    n->staged_mib > 65536)
		return "kept_mib or staged_mib is not from 4 to 65536";
	if (n->keepalive_ms < 10 || n->silence_ms <= n->keepalive_ms || n->connect_ms < 10 ||
	    n->retry_ms < 10)
		return "keepalive_ms, connect_ms or retry_ms is below 10, or silence_ms not beyond "
		       "keepalive_ms";
	return NULL;
}

static void take_numbers(struct worker_config *config, const struct numbers *n, bool is_primary)
{
	config->domain = (uint16_t)n->domain;
	config->hello.generation = (uint64_t)n->generation;
	config->hello.round = (uint64_t)n->round;
	config->hello.staged_max = is_primary ? 0 : (uint64_t)n->staged_mib * MIB;
	config->pace = (struct pace_limits){ .longest = (uint64_t)n->interval_ms * MS,
		                             .shortest = (uint64_t)n->shortest_ms * MS,
		                             .dirty_pages = (uint64_t)n->dirty_pages,
		                             .in_flight = (unsigned int)n->in_flight };
	config->kept_bytes = (uint64_t)n->kept_mib * MIB;
	config->small_pages = (uint64_t)n->small_pages;
	config->twins = (uint32_t)n->twins;
	config->encode_threads = (unsigned int)n->encode_threads;
	config->contact.port = (uint16_t)n->port;
	config->contact.retry = (double)n->retry_ms / 1000;
	config->contact.channel.keepalive = (double)n->keepalive_ms / 1000;
	config->contact.channel.silence = (double)n->silence_ms / 1000;
	config->contact.transport.open_timeout = (double)n->connect_ms / 1000;
	config->contact.transport.silence_ms = (unsigned int)n->silence_ms;
}

static int read_disks(struct worker_config *config, const json_t *disks)
{
	const json_t *disk;
	size_t index;

	json_array_foreach(disks, index, disk)
	{
		const char *path;
		int device;

		if (json_unpack_ex((json_t *)(uintptr_t)disk, NULL, JSON_STRICT, "{s:s, s:i}",
		                   "path", &path, "device", &device))
			return -EINVAL;
		if (images_add(&config->disks, path, (uint32_t)device))
			return -EINVAL;
	}
	return 0;
}

static int read_file(struct worker_config *config, bool is_primary, const char *path, char *why)
{
	struct transport_settings *tls = &config->contact.transport;
	struct numbers n = defaults;
	const char *name, *uuid, *host, *exempt = "none", *wrong;
	json_t *disks = NULL;
	json_error_t error;
	int has_devices = 1, is_arbitrated = 0;

	n.encode_threads = usual_threads();
	if (json_unpack_ex(
		    config->file, &error, JSON_STRICT,
		    "{s:{s:s, s:s, s:I, s?I, s?I, s?o, s?b, s?s}, s:s, s:s, s:s, s:I,"
		    " s:{s:s, s:s, s:s}, s?s, s?b, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?I,"
		    " s?I, s?I, s?I, s?I, s?s}",
		    "vm", "name", &name, "uuid", &uuid, "domain", &n.domain, "generation",
		    &n.generation, "round", &n.round, "disks", &disks, "devices", &has_devices,
		    "shadow", &config->shadow, "host", &host, "peer", &tls->peer, "address",
		    &config->contact.address, "port", &n.port, "tls", "ca", &tls->ca, "certificate",
		    &tls->certificate, "key", &tls->key, "control", &config->control, "arbitrated",
		    &is_arbitrated, "interval_ms", &n.interval_ms, "shortest_ms", &n.shortest_ms,
		    "dirty_pages", &n.dirty_pages, "in_flight", &n.in_flight, "kept_mib",
		    &n.kept_mib, "staged_mib", &n.staged_mib, "small_pages", &n.small_pages,
		    "twins", &n.twins, "encode_threads", &n.encode_threads, "keepalive_ms",
		    &n.keepalive_ms, "silence_ms", &n.silence_ms, "connect_ms", &n.connect_ms,
		    "retry_ms", &n.retry_ms, "exempt", &exempt))
		return refuse(why, path, error.text);
	wrong = find_wrong_number(&n, is_primary);
	if (!wrong)
		wrong = exempt_parse(&config->exempt, exempt);
	if (wrong)
		return refuse(why, path, wrong);
	if (!*name || strlen(name) >= sizeof(config->hello.name) ||
	    strlen(host) >= sizeof(config->hello.host))
		return refuse(why, path, "a name is empty or too long");
	if (parse_uuid(uuid, config->hello.vm))
		return refuse(why, path, "uuid is none");
	if (disks && read_disks(config, disks))
		return refuse(why, path, "disks is not an array of {path, device}, or too long");
	config->disks.marks = MARKS_FOLDER;
	memcpy(config->disks.vm, config->hello.vm, sizeof(config->disks.vm));
	strcpy(config->hello.name, name);
	strcpy(config->hello.host, host);
	config->has_devices = has_devices;
	config->is_arbitrated = is_arbitrated;
	take_numbers(config, &n, is_primary);
	return 0;
}

/* Epochs wait in the queue as well as where they are kept. */
#define QUEUE_MAX (4u << 20)
/* gfns of a VM lie below: 64 GiB. */
#define MEMORY_PAGES (1u << 24)

int worker_config_read(struct worker_config *config, enum wire_role role, const char *path,
                       char *why)
{
	bool is_primary = role == WIRE_PRIMARY;
	json_error_t error;
	int err;

	memset(config, 0, sizeof(*config));
	hello_init(&config->hello);
	config->hello.role = role;
	config->hello.memory_pages = is_primary ? MEMORY_PAGES : 0;
	config->contact.ops = &tls_transport;
	config->contact.transport.queue_max = QUEUE_MAX;
	config->contact.is_listening = !is_primary;
	config->file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!config->file) {
		snprintf(why, WORKER_CONFIG_WHY_MAX, "%s, line %d: %s", path,
		         error.line > 0 ? error.line : 0, error.text);
		return -EINVAL;
	}
	err = read_file(config, is_primary, path, why);
	if (err) {
		worker_config_free(config);
		return err;
	}
	snprintf(config->who, sizeof(config->who), "VM %s (%s)", config->hello.name,
	         is_primary ? "primary" : "standby");
	config->contact.who = config->who;
	return 0;
}

void worker_config_free(struct worker_config *config)
{
	json_decref(config->file);
	config->file = NULL;
}
