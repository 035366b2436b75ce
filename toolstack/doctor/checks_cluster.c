/* Checks of what failover by itself stands on: Corosync, and fence agents. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <corosync/votequorum.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "fencing/agent/agent.h"
#include "fencing/cluster/facts.h"
#include "replication/daemon/fences.h"
#include "toolstack/config/config.h"
#include "toolstack/doctor/check.h"

#define STATUS_OFF 2 /* an agent's exit status: 0 says on, 2 off */

static int load(const struct finding *finding, struct config *config, char error[CONFIG_ERROR_SIZE])
{
	char path[512];

	snprintf(path, sizeof(path), "%s" CONFIG_FILE, finding->root);
	return config_load(config, path, error);
}

/* --- the cluster --- */

/* NULL: this host and all its peers are in corosync.conf; else who is not. */
static const char *find_stranger(const struct facts *facts, const struct config *config)
{
	uint32_t id;

	if (facts_find(facts, config->name, &id))
		return config->name;
	for (unsigned int i = 0; i < config->peer_count; i++) {
		if (facts_find(facts, config->peers[i].name, &id))
			return config->peers[i].name;
	}
	return NULL;
}

static bool is_quorate(votequorum_handle_t votes, bool *is_two)
{
	struct votequorum_info info;
	unsigned int self = 0;

	if (votequorum_getinfo(votes, self, &info) != CS_OK)
		return false;
	*is_two = info.flags & VOTEQUORUM_INFO_TWONODE || info.highest_expected < 3;
	return info.flags & VOTEQUORUM_INFO_QUORATE;
}

static bool all_have_agents(const struct config *config)
{
	for (unsigned int i = 0; i < config->peer_count; i++) {
		if (!config->peers[i].agent_count)
			return false;
	}
	return true;
}

static enum verdict look_at_cluster(struct finding *finding, const struct config *config,
                                    const struct facts *facts, votequorum_handle_t votes)
{
	const char *stranger = find_stranger(facts, config);
	bool is_two = false;

	if (stranger)
		return found(finding, CHECK_BLOCKER, "corosync.conf knows no host %s", stranger);
	if (!is_quorate(votes, &is_two))
		return found(finding, CHECK_BLOCKER, "this host has no quorum");
	if (is_two && !all_have_agents(config))
		return found(finding, CHECK_WARNING,
		             "two votes, and not every peer has a fence agent: protection wants "
		             "--accept-split-brain");
	return found(finding, CHECK_OK, "this host has quorum%s",
	             is_two ? ", which decides nothing: there are two votes" : "");
}

enum verdict check_cluster(struct finding *finding)
{
	votequorum_callbacks_t callbacks = { NULL, NULL, NULL };
	char error[CONFIG_ERROR_SIZE];
	votequorum_handle_t votes;
	struct config config;
	struct facts facts;
	enum verdict verdict;

	if (load(finding, &config, error))
		return found(finding, CHECK_WARNING, "not known without a configuration");
	if (facts_read(&facts))
		return found(finding, CHECK_WARNING,
		             "Corosync does not answer: no VM is taken over but by order");
	if (votequorum_initialize(&votes, &callbacks) == CS_OK) {
		verdict = look_at_cluster(finding, &config, &facts, votes);
		votequorum_finalize(votes);
	} else {
		verdict = found(finding, CHECK_BLOCKER, "Corosync has no votequorum");
	}
	return verdict;
}

/* --- fence agents --- */

static void on_end(void *data, const struct agent_end *end)
{
	*(int *)data = end->status;
	ev_break(ev_default_loop(EVFLAG_AUTO), EVBREAK_ALL);
}

static int ask_status(const struct agent *agent)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	struct agent_run *run;
	int status = 0, err = agent_start(loop, agent, AGENT_STATUS, on_end, &status, &run);

	if (err)
		return err;
	ev_run(loop, 0);
	return status;
}

static bool look_at_agent(struct finding *finding, const struct config_peer *peer,
                          const struct config_agent *from)
{
	char why[CONFIG_ERROR_SIZE];
	struct agent agent;
	int status;

	if (fences_agent(&agent, from, why)) {
		found(finding, CHECK_BLOCKER, "of %s: %.200s", peer->name, why);
		return false;
	}
	status = ask_status(&agent);
	explicit_bzero(&agent, sizeof(agent));
	if (status == 0 || status == STATUS_OFF)
		return true;
	if (status < 0)
		found(finding, CHECK_BLOCKER, "of %s: %.100s: %s", peer->name, from->program,
		      strerror(-status));
	else
		found(finding, CHECK_BLOCKER, "of %s: %.100s: status ended with %d", peer->name,
		      from->program, status);
	return false;
}

enum verdict check_fencing(struct finding *finding)
{
	char error[CONFIG_ERROR_SIZE];
	struct config config;
	unsigned int count = 0;

	if (load(finding, &config, error))
		return found(finding, CHECK_WARNING, "not known without a configuration");
	for (unsigned int i = 0; i < config.peer_count; i++) {
		const struct config_peer *peer = &config.peers[i];

		for (unsigned int j = 0; j < peer->agent_count; j++, count++) {
			if (!look_at_agent(finding, peer, &peer->agents[j]))
				return CHECK_BLOCKER;
		}
	}
	if (!count)
		return found(finding, CHECK_OK, "no peer has a fence agent");
	return found(finding, CHECK_OK, "%u fence agent%s answer%s", count, count == 1 ? "" : "s",
	             count == 1 ? "s" : "");
}
