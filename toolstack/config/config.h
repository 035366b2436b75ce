/* The configuration of a host: /etc/remus/remus.conf, docs/configuration.md. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONFIG_CONFIG_H
#define TOOLSTACK_CONFIG_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/exempt.h"

#define CONFIG_FILE      "/etc/remus/remus.conf"
#define CONFIG_NAME_SIZE 64
#define CONFIG_PATH_SIZE 256
#define CONFIG_PEERS_MAX 15

#define CONFIG_AGENTS_MAX      4
#define CONFIG_PROGRAM_SIZE    128
#define CONFIG_IMAGES_MAX      16
#define CONFIG_SILENCE_MIN     1000 /* ms */
#define CONFIG_SILENCE_MAX     60000
#define CONFIG_SILENCE_DEFAULT 3000
#define CONFIG_IMAGES_DEFAULT  "/var/lib/remus/images"

/* A fence agent of a peer. */
struct config_agent {
	char program[CONFIG_PROGRAM_SIZE]; /* a name, or an absolute path */
	char options[CONFIG_PATH_SIZE];    /* the file that has them; "": it needs none */
	uint32_t timeout;                  /* seconds */
	uint32_t retries;
	bool power_on; /* a host that it has put off is put on again */
};

struct config_peer {
	char name[CONFIG_NAME_SIZE];
	char address[INET6_ADDRSTRLEN];
	unsigned int agent_count;
	struct config_agent agents[CONFIG_AGENTS_MAX]; /* in the order that they are tried in */
};

/* Of arbitration, in ms; 0: what the arbiter takes by itself. */
struct config_times {
	uint32_t lease, watchdog, window, margin;
};

#define CONFIG_INTERVAL_MAX 1000u
#define CONFIG_BUDGET_MIN   64u
#define CONFIG_BUDGET_MAX   (1u << 20)
#define CONFIG_MEMORY_MIN   16u
#define CONFIG_MEMORY_MAX   65536u

struct config_vm_defaults {
	uint32_t interval; /* ms, from 1 */
	uint32_t budget;   /* pages */
	uint32_t memory;   /* MiB */
	struct exempt exempt;
};

struct config {
	char name[CONFIG_NAME_SIZE];
	char listen[INET6_ADDRSTRLEN];
	uint16_t port;
	unsigned int peer_count;
	struct config_peer peers[CONFIG_PEERS_MAX];
	char authority[CONFIG_PATH_SIZE], certificate[CONFIG_PATH_SIZE], key[CONFIG_PATH_SIZE];
	uint32_t silence; /* ms: a peer of which nothing was heard for so long is given up */
	struct config_vm_defaults defaults;
	struct config_times times;
	/* Devices, files and folders: a peer may have disks on this host that are, or lie below, one of them. */
	unsigned int image_count;
	char images[CONFIG_IMAGES_MAX][CONFIG_PATH_SIZE];
};

/* Reads text, of at most 64 KiB. 0, or -EINVAL and one line without a newline that says where and why; *config is
 * then as it was. */
#define CONFIG_ERROR_SIZE 256
int config_parse(struct config *config, const char *text, char error[CONFIG_ERROR_SIZE]);

/* The same of a file; other errors are -errno of opening and reading it, told in the same way. */
int config_load(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE]);

/* NULL: no peer is called so. */
const struct config_peer *config_peer(const struct config *config, const char *name);

#endif
