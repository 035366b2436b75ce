/* Fence agents and times of arbitration: from the configuration to the fencer and to guards. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/fences.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fencing/agent/options.h"

_Static_assert(CONFIG_AGENTS_MAX <= FENCER_AGENTS_MAX, "a host's agents");
_Static_assert(CONFIG_PROGRAM_SIZE <= AGENT_PROGRAM_SIZE, "an agent's program");
_Static_assert(CONFIG_NAME_SIZE <= FENCER_NAME_SIZE, "a host's name");

int fences_agent(struct agent *agent, const struct config_agent *from, char why[CONFIG_ERROR_SIZE])
{
	char wrong[OPTIONS_WHY_SIZE];
	int err;

	memset(agent, 0, sizeof(*agent));
	strcpy(agent->program, from->program);
	agent->timeout = from->timeout * 1000;
	agent->retries = from->retries;
	agent->power_on = from->power_on;
	err = *from->options ? options_read(agent, from->options, wrong) : 0;
	if (err)
		snprintf(why, CONFIG_ERROR_SIZE, "agent %.60s: %s", from->program, wrong);
	return err;
}

static int read_agents(struct agent agents[CONFIG_AGENTS_MAX], const struct config_peer *peer,
                       char why[CONFIG_ERROR_SIZE])
{
	int err = 0;

	for (unsigned int i = 0; i < peer->agent_count && !err; i++)
		err = fences_agent(&agents[i], &peer->agents[i], why);
	return err;
}

static int set_all(struct fencer *fencer, const struct config *config,
                   struct agent (*agents)[CONFIG_AGENTS_MAX])
{
	int err = 0;

	for (unsigned int i = 0; i < config->peer_count && !err; i++)
		err = fencer_set(fencer, config->peers[i].name, agents[i],
		                 config->peers[i].agent_count);
	return err;
}

static void forget_others(struct fencer *fencer, const struct config *config,
                          const struct config *before)
{
	for (unsigned int i = 0; i < before->peer_count; i++) {
		if (!config_peer(config, before->peers[i].name))
			fencer_set(fencer, before->peers[i].name, NULL, 0);
	}
}

int fences_set(struct fencer *fencer, const struct config *config, const struct config *before,
               char why[CONFIG_ERROR_SIZE])
{
	struct agent(*agents)[CONFIG_AGENTS_MAX] = calloc(CONFIG_PEERS_MAX, sizeof(*agents));
	int err = agents ? 0 : -ENOMEM;

	if (!agents)
		snprintf(why, CONFIG_ERROR_SIZE, "no memory");
	for (unsigned int i = 0; i < config->peer_count && !err; i++)
		err = read_agents(agents[i], &config->peers[i], why);
	if (!err && fencer) {
		err = set_all(fencer, config, agents);
		forget_others(fencer, config, before);
		if (err)
			snprintf(why, CONFIG_ERROR_SIZE, "its agents cannot be used: %s",
			         strerror(-err));
	}
	if (agents)
		explicit_bzero(agents, CONFIG_PEERS_MAX * sizeof(*agents));
	free(agents);
	return err;
}

struct guard_times fences_times(const struct config *config)
{
	return (struct guard_times){ .lease = config->times.lease,
		                     .watchdog = config->times.watchdog,
		                     .window = config->times.window,
		                     .margin = config->times.margin };
}
