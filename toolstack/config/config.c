/* The configuration of a host: read, and checked in full before any of it counts. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX     65536u
#define PORT_DEFAULT 7788

/* What is read so far, and the first complaint. */
struct reading {
	struct config config;
	char *error;
	bool is_wrong;
};

static void complain(struct reading *reading, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct reading *reading, unsigned int line, const char *format, ...)
{
	va_list args;
	int used;

	if (reading->is_wrong)
		return;
	reading->is_wrong = true;
	used = line ? snprintf(reading->error, CONFIG_ERROR_SIZE, "line %u: ", line) : 0;
	va_start(args, format);
	vsnprintf(reading->error + used, CONFIG_ERROR_SIZE - (size_t)used, format, args);
	va_end(args);
}

static unsigned int line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

/* Only the options that are named here may stand in a group. */
static void check_options(struct reading *reading, const config_setting_t *group,
                          const char *const *known)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned int)i);
		const char *name = config_setting_name(member);
		const char *const *option = known;

		while (*option && strcmp(*option, name))
			option++;
		if (!*option)
			complain(reading, line_of(member), "there is no option %.40s here", name);
	}
}

/* A text that must be there and fit. */
static void read_text(struct reading *reading, const config_setting_t *group, const char *name,
                      char *text, size_t size)
{
	const config_setting_t *member = config_setting_get_member(group, name);
	const char *value = member ? config_setting_get_string(member) : NULL;

	if (!member)
		complain(reading, line_of(group), "%s is missing", name);
	else if (!value || !*value)
		complain(reading, line_of(member), "%s must be a text in quotes", name);
	else if (strlen(value) >= size)
		complain(reading, line_of(member), "%s is too long", name);
	else
		strcpy(text, value);
}

static void read_name(struct reading *reading, const config_setting_t *group,
                      char name[CONFIG_NAME_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

	read_text(reading, group, "name", name, CONFIG_NAME_SIZE);
	if (!reading->is_wrong && name[strspn(name, letters)])
		complain(reading, line_of(config_setting_get_member(group, "name")),
		         "a host's name has letters, digits, '-', '_' and '.' only");
}

/* Kept as inet_ntop() writes it, so that equal addresses are equal texts. */
static void read_address(struct reading *reading, const config_setting_t *group, const char *name,
                         char text[INET6_ADDRSTRLEN])
{
	unsigned char bytes[sizeof(struct in6_addr)];

	read_text(reading, group, name, text, INET6_ADDRSTRLEN);
	if (reading->is_wrong)
		return;
	if (inet_pton(AF_INET, text, bytes) == 1)
		inet_ntop(AF_INET, bytes, text, INET6_ADDRSTRLEN);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
	else
		complain(reading, line_of(config_setting_get_member(group, name)),
		         "%s must be an IPv4 or IPv6 address", name);
}

static void read_path(struct reading *reading, const config_setting_t *group, const char *name,
                      char path[CONFIG_PATH_SIZE])
{
	read_text(reading, group, name, path, CONFIG_PATH_SIZE);
	if (!reading->is_wrong && path[0] != '/')
		complain(reading, line_of(config_setting_get_member(group, name)),
		         "%s must be an absolute path", name);
}

static uint32_t read_number(struct reading *reading, const config_setting_t *group,
                            const char *name, uint32_t least, uint32_t most, uint32_t otherwise)
{
	const config_setting_t *member = group ? config_setting_get_member(group, name) : NULL;
	int type = member ? config_setting_type(member) : 0;
	long long value = member ? config_setting_get_int64(member) : otherwise;

	if (member && ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || value < least ||
	               value > most)) {
		complain(reading, line_of(member), "%s must be a number from %u to %u", name, least,
		         most);
		return otherwise;
	}
	return (uint32_t)value;
}

static void check_peer(struct reading *reading, const config_setting_t *group,
                       const struct config_peer *peer)
{
	const struct config *config = &reading->config;

	if (!strcmp(peer->name, config->name) || config_peer(config, peer->name))
		complain(reading, line_of(group), "two hosts are called %s", peer->name);
	if (!strcmp(peer->address, config->listen))
		complain(reading, line_of(group), "%s has this host's address", peer->name);
	for (unsigned int i = 0; i < config->peer_count; i++) {
		if (!strcmp(peer->address, config->peers[i].address))
			complain(reading, line_of(group), "%s and %s have one address",
			         config->peers[i].name, peer->name);
	}
}

static void read_peer(struct reading *reading, const config_setting_t *group)
{
	static const char *const options[] = { "name", "address", NULL };
	struct config_peer peer;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		complain(reading, line_of(group), "a peer is { name = ...; address = ...; }");
		return;
	}
	check_options(reading, group, options);
	read_name(reading, group, peer.name);
	read_address(reading, group, "address", peer.address);
	if (reading->is_wrong)
		return;
	check_peer(reading, group, &peer);
	reading->config.peers[reading->config.peer_count++] = peer;
}

static void read_peers(struct reading *reading, const config_setting_t *root)
{
	const config_setting_t *list = config_setting_get_member(root, "peers");
	int count = list && config_setting_type(list) == CONFIG_TYPE_LIST
	                    ? config_setting_length(list)
	                    : 0;

	if (count < 1 || count > CONFIG_PEERS_MAX) {
		complain(reading, list ? line_of(list) : 0,
		         "peers must be a list of 1 to %d hosts, in parentheses", CONFIG_PEERS_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
		read_peer(reading, config_setting_get_elem(list, (unsigned int)i));
}

/* NULL if it is not there, or no group; `must`: complain if it is not there. */
static const config_setting_t *group_of(struct reading *reading, const config_setting_t *root,
                                        const char *name, const char *const *options, bool must)
{
	const config_setting_t *group = config_setting_get_member(root, name);

	if (!group && must)
		complain(reading, 0, "%s is missing", name);
	if (!group)
		return NULL;
	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		complain(reading, line_of(group), "%s must be a group in braces", name);
		return NULL;
	}
	check_options(reading, group, options);
	return group;
}

static void read_certificates(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "authority", "certificate", "key", NULL };
	const config_setting_t *group = group_of(reading, root, "certificates", options, true);

	if (!group)
		return;
	read_path(reading, group, "authority", reading->config.authority);
	read_path(reading, group, "certificate", reading->config.certificate);
	read_path(reading, group, "key", reading->config.key);
}

static void read_defaults(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "interval", "budget", "memory", NULL };
	const config_setting_t *group = group_of(reading, root, "defaults", options, false);
	struct config_vm_defaults *defaults = &reading->config.defaults;

	defaults->interval = read_number(reading, group, "interval", 1, CONFIG_INTERVAL_MAX, 25);
	defaults->budget = read_number(reading, group, "budget", CONFIG_BUDGET_MIN,
	                               CONFIG_BUDGET_MAX, 16384);
	defaults->memory = read_number(reading, group, "memory", CONFIG_MEMORY_MIN,
	                               CONFIG_MEMORY_MAX, 256);
}

static void read_all(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "name",         "listen",   "port", "peers",
		                               "certificates", "defaults", NULL };

	check_options(reading, root, options);
	read_name(reading, root, reading->config.name);
	read_address(reading, root, "listen", reading->config.listen);
	reading->config.port = (uint16_t)read_number(reading, root, "port", 1, 65535, PORT_DEFAULT);
	read_peers(reading, root);
	read_certificates(reading, root);
	read_defaults(reading, root);
}

int config_parse(struct config *config, const char *text, char error[CONFIG_ERROR_SIZE])
{
	struct reading reading = { .error = error };
	config_t file;

	if (strlen(text) > TEXT_MAX) {
		complain(&reading, 0, "it is longer than %u bytes", TEXT_MAX);
		return -EINVAL;
	}
	/* libconfig opens other files at "@include"; a file that remusd must trust stands alone. */
	if (strstr(text, "@include")) {
		complain(&reading, 0, "@include is not served");
		return -EINVAL;
	}
	config_init(&file);
	if (config_read_string(&file, text))
		read_all(&reading, config_root_setting(&file));
	else
		complain(&reading, (unsigned int)config_error_line(&file), "%s",
		         config_error_text(&file));
	config_destroy(&file);
	if (reading.is_wrong)
		return -EINVAL;
	*config = reading.config;
	return 0;
}

int config_load(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE])
{
	FILE *file = fopen(path, "re");
	char *text = file ? calloc(1, TEXT_MAX + 2) : NULL;
	int err;

	if (!file || !text) {
		err = file ? -ENOMEM : -errno;
		goto out;
	}
	errno = 0;
	fread(text, 1, TEXT_MAX + 1, file);
	err = ferror(file) ? -EIO : config_parse(config, text, error);
	if (err == -EINVAL)
		goto done;
out:
	if (err)
		snprintf(error, CONFIG_ERROR_SIZE, "%s", strerror(-err));
done:
	free(text);
	if (file)
		fclose(file);
	return err;
}

const struct config_peer *config_peer(const struct config *config, const char *name)
{
	for (unsigned int i = 0; i < config->peer_count; i++) {
		if (!strcmp(config->peers[i].name, name))
			return &config->peers[i];
	}
	return NULL;
}
