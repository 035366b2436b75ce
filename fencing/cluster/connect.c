/* Connecting to Corosync. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/cluster/connect.h"

#include <errno.h>

#define GROUP "remus"

bool connect_decides(votequorum_handle_t votes, uint32_t self)
{
	struct votequorum_info info;

	return votequorum_getinfo(votes, self, &info) == CS_OK &&
	       !(info.flags & VOTEQUORUM_INFO_TWONODE) && info.highest_expected >= 3;
}

static int open_votes(struct connection *connection)
{
	if (votequorum_initialize(&connection->votes, &connection->calls.votes) != CS_OK)
		return -ENOTCONN;
	if (votequorum_context_set(connection->votes, connection->calls.context) == CS_OK)
		return 0;
	votequorum_finalize(connection->votes);
	return -ENOTCONN;
}

static int open_group(struct connection *connection)
{
	cpg_model_v1_data_t model = { .model = CPG_MODEL_V1,
		                      .cpg_deliver_fn = connection->calls.message,
		                      .cpg_confchg_fn = connection->calls.group };

	if (cpg_model_initialize(&connection->group, CPG_MODEL_V1, (cpg_model_data_t *)&model,
	                         connection->calls.context) != CS_OK)
		return -ENOTCONN;
	if (cpg_local_get(connection->group, &connection->self) == CS_OK)
		return 0;
	cpg_finalize(connection->group);
	return -ENOTCONN;
}

static int join(struct connection *connection)
{
	struct cpg_name name = { .length = sizeof(GROUP) - 1, .value = GROUP };
	cs_error_t err = cpg_join(connection->group, &name);

	if (err == CS_ERR_TRY_AGAIN)
		return -EAGAIN;
	if (err != CS_OK || votequorum_trackstart(connection->votes, 0,
	                                          CS_TRACK_CURRENT | CS_TRACK_CHANGES) != CS_OK)
		return -ENOTCONN;
	return 0;
}

int connect_corosync(struct connection *connection)
{
	int err = facts_read(&connection->facts);

	if (err)
		return err;
	err = open_votes(connection);
	if (err)
		return err;
	err = open_group(connection);
	if (err)
		goto err_after_votes;
	connection->decides = connect_decides(connection->votes, connection->self);
	err = join(connection);
	if (!err)
		return 0;
	cpg_finalize(connection->group);
err_after_votes:
	votequorum_finalize(connection->votes);
	return err;
}

void connect_end(struct connection *connection)
{
	cpg_finalize(connection->group);
	votequorum_finalize(connection->votes);
}
