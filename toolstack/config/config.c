/* The configuration of a host: read, and checked in full before any of it counts. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/config/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/config/reading.h"

#define TEXT_MAX     65536u
#define PORT_DEFAULT 7788

static void check_peer(struct reading *reading, const config_setting_t *group,
                       const struct config_peer *peer)
{
	const struct config *config = &reading->config;

	if (!strcmp(peer->name, config->name) || config_peer(config, peer->name))
		reading_complain(reading, reading_line(group), "two hosts are called %s",
		                 peer->name);
	if (!strcmp(peer->address, config->listen))
		reading_complain(reading, reading_line(group), "%s has this host's address",
		                 peer->name);
	for (unsigned int i = 0; i < config->peer_count; i++) {
		if (!strcmp(peer->address, config->peers[i].address))
			reading_complain(reading, reading_line(group), "%s and %s have one address",
			                 config->peers[i].name, peer->name);
	}
}

static bool read_bool(struct reading *reading, const config_setting_t *group, const char *name)
{
	const config_setting_t *member = config_setting_get_member(group, name);

	if (member && config_setting_type(member) != CONFIG_TYPE_BOOL)
		reading_complain(reading, reading_line(member), "%s must be true or false", name);
	return member && config_setting_get_bool(member);
}

static void read_agent(struct reading *reading, const config_setting_t *group,
                       struct config_agent *agent)
{
	static const char *const options[] = { "program", "options",  "timeout",
		                               "retries", "power_on", NULL };

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		reading_complain(reading, reading_line(group), "an agent is { program = ...; }");
		return;
	}
	reading_check(reading, group, options);
	reading_text(reading, group, "program", agent->program, sizeof(agent->program));
	if (agent->program[0] != '/' && strchr(agent->program, '/'))
		reading_complain(reading, reading_line(group),
		                 "program must be a name in /usr/sbin, or an absolute path");
	if (config_setting_get_member(group, "options"))
		reading_path(reading, group, "options", agent->options);
	agent->timeout = reading_number(reading, group, "timeout", 1, 300, 20);
	agent->retries = reading_number(reading, group, "retries", 0, 10, 1);
	agent->power_on = read_bool(reading, group, "power_on");
}

static void read_agents(struct reading *reading, const config_setting_t *group,
                        struct config_peer *peer)
{
	int count = reading_count(reading, group, "agents", CONFIG_AGENTS_MAX);
	const config_setting_t *list = config_setting_get_member(group, "agents");

	for (int i = 0; i < count && !reading->is_wrong; i++)
		read_agent(reading, config_setting_get_elem(list, (unsigned int)i),
		           &peer->agents[peer->agent_count++]);
}

static void read_peer(struct reading *reading, const config_setting_t *group)
{
	static const char *const options[] = { "name", "address", "agents", NULL };
	struct config_peer peer = { .agent_count = 0 };

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		reading_complain(reading, reading_line(group),
		                 "a peer is { name = ...; address = ...; }");
		return;
	}
	reading_check(reading, group, options);
	reading_name(reading, group, peer.name);
	reading_address(reading, group, "address", peer.address);
	read_agents(reading, group, &peer);
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
		reading_complain(reading, list ? reading_line(list) : 0,
		                 "peers must be a list of 1 to %d hosts, in parentheses",
		                 CONFIG_PEERS_MAX);
		return;
	}
	for (int i = 0; i < count; i++)
		read_peer(reading, config_setting_get_elem(list, (unsigned int)i));
}

static void read_certificates(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "authority", "certificate", "key", NULL };
	const config_setting_t *group = reading_group(reading, root, "certificates", options, true);

	if (!group)
		return;
	reading_path(reading, group, "authority", reading->config.authority);
	reading_path(reading, group, "certificate", reading->config.certificate);
	reading_path(reading, group, "key", reading->config.key);
}

static void read_exempt(struct reading *reading, const config_setting_t *group,
                        struct exempt *exempt)
{
	const config_setting_t *member = group ? config_setting_get_member(group, "exempt") : NULL;
	char text[EXEMPT_TEXT_SIZE];
	const char *wrong;

	if (!member)
		return;
	reading_text(reading, group, "exempt", text, sizeof(text));
	wrong = reading->is_wrong ? NULL : exempt_parse(exempt, text);
	if (wrong)
		reading_complain(reading, reading_line(member), "exempt: %s", wrong);
}

static void read_defaults(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "interval", "budget", "memory", "exempt", NULL };
	const config_setting_t *group = reading_group(reading, root, "defaults", options, false);
	struct config_vm_defaults *defaults = &reading->config.defaults;

	defaults->interval = reading_number(reading, group, "interval", 1, CONFIG_INTERVAL_MAX, 25);
	defaults->budget = reading_number(reading, group, "budget", CONFIG_BUDGET_MIN,
	                                  CONFIG_BUDGET_MAX, 16384);
	defaults->memory = reading_number(reading, group, "memory", CONFIG_MEMORY_MIN,
	                                  CONFIG_MEMORY_MAX, 256);
	read_exempt(reading, group, &defaults->exempt);
}

/* Times of arbitration: what is not said is the arbiter's to choose, so that only what is said is looked at here. */
static void read_cluster(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "lease", "watchdog", "window", "margin", NULL };
	const config_setting_t *group = reading_group(reading, root, "cluster", options, false);
	struct config_times *times = &reading->config.times;

	times->lease = reading_number(reading, group, "lease", 100, 60000, 0);
	times->watchdog = reading_number(reading, group, "watchdog", 1000, 60000, 0);
	times->window = reading_number(reading, group, "window", 1000, 600000, 0);
	times->margin = reading_number(reading, group, "margin", 100, 60000, 0);
	if (times->watchdog % 1000)
		reading_complain(reading, reading_line(group),
		                 "watchdog must be whole seconds: the hypervisor counts those");
	if (times->window && times->window <= times->lease + times->watchdog + 2 * times->margin)
		reading_complain(reading, reading_line(group),
		                 "window must be longer than lease, watchdog and two margins");
}

static void read_images(struct reading *reading, const config_setting_t *root)
{
	int count = reading_count(reading, root, "images", CONFIG_IMAGES_MAX);
	const config_setting_t *list = config_setting_get_member(root, "images");
	struct config *config = &reading->config;

	if (!list) {
		strcpy(config->images[config->image_count++], CONFIG_IMAGES_DEFAULT);
		return;
	}
	for (int i = 0; i < count; i++) {
		const char *path = config_setting_get_string_elem(list, i);

		if (!path || path[0] != '/' || strlen(path) >= CONFIG_PATH_SIZE)
			reading_complain(reading, reading_line(list),
			                 "images must be absolute paths in quotes");
		else
			strcpy(config->images[config->image_count++], path);
	}
}

static void read_all(struct reading *reading, const config_setting_t *root)
{
	static const char *const options[] = { "name",         "listen",   "port",    "peers",
		                               "certificates", "defaults", "silence", "cluster",
		                               "images",       NULL };

	reading_check(reading, root, options);
	reading_name(reading, root, reading->config.name);
	reading_address(reading, root, "listen", reading->config.listen);
	reading->config.port = (uint16_t)reading_number(reading, root, "port", 1, 65535,
	                                                PORT_DEFAULT);
	reading->config.silence = reading_number(reading, root, "silence", CONFIG_SILENCE_MIN,
	                                         CONFIG_SILENCE_MAX, CONFIG_SILENCE_DEFAULT);
	read_peers(reading, root);
	read_certificates(reading, root);
	read_defaults(reading, root);
	read_cluster(reading, root);
	read_images(reading, root);
}

int config_parse(struct config *config, const char *text, char error[CONFIG_ERROR_SIZE])
{
	struct reading reading = { .error = error };
	config_t file;

	if (strlen(text) > TEXT_MAX) {
		reading_complain(&reading, 0, "it is longer than %u bytes", TEXT_MAX);
		return -EINVAL;
	}
	/* libconfig opens other files at "@include"; a file that remusd must trust stands alone. */
	if (strstr(text, "@include")) {
		reading_complain(&reading, 0, "@include is not served");
		return -EINVAL;
	}
	config_init(&file);
	if (config_read_string(&file, text))
		read_all(&reading, config_root_setting(&file));
	else
		reading_complain(&reading, (unsigned int)config_error_line(&file), "%s",
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
