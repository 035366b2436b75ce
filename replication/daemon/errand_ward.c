/* What an operator asks here about a VM, and the remusd of its other host has to answer. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define PATIENCE    20.0
#define ERRANDS_MAX 8u /* of a ward at once */

struct errand {
	struct errand *next;
	struct ward *ward;
	struct talk *talk;
	struct control_later *later;
};

/* --- the host that is asked by its operator: beside orders, for a peer that is slow must not keep those waiting --- */

static void take_out(struct errand *errand)
{
	struct errand **at = &errand->ward->errands;

	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
}

/* Takes over the reply. */
static void end(struct errand *errand, json_t *reply)
{
	take_out(errand);
	control_reply(errand->later, reply);
	free(errand);
}

static void on_answer(const json_t *reply, void *data)
{
	end(data, json_incref((json_t *)(uintptr_t)reply));
}

void errand_ward_forget(struct ward *ward)
{
	while (ward->errands) {
		peers_drop(ward->errands->talk);
		end(ward->errands,
		    control_refusal(CONTROL_FAILED, "once more",
		                    "remusd has lost sight of it meanwhile: it ends, or its "
		                    "configuration is read anew"));
	}
}

static unsigned int count_errands(const struct ward *ward)
{
	unsigned int count = 0;

	for (const struct errand *errand = ward->errands; errand; errand = errand->next)
		count++;
	return count;
}

/* Sends the request; NULL: there is no memory, or there are too many already. */
static struct errand *send_off(struct ward *ward, const char *verb)
{
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", verb, "vm", ward->is.name, "uuid",
	                            ward->is.uuid);
	struct errand *errand = count_errands(ward) < ERRANDS_MAX ? calloc(1, sizeof(*errand))
	                                                          : NULL;

	if (!errand) {
		json_decref(request);
		return NULL;
	}
	errand->ward = ward;
	errand->talk = peers_ask(ward->wards->peers, ward->is.peer, request, PATIENCE, on_answer,
	                         errand);
	if (errand->talk)
		return errand;
	free(errand);
	return NULL;
}

/* The peer's answer to that verb about the VM is the operator's. */
static void pass_on(struct ward *ward, const char *verb, struct control_later *later)
{
	struct wards *wards = ward->wards;
	struct errand *errand = wards->peers ? send_off(ward, verb) : NULL;

	if (!errand) {
		control_reply(later,
		              control_refusal(CONTROL_NO_PEER, "remusctl doctor; or once more",
		                              "%s cannot be asked: %s", ward->is.peer,
		                              wards->peers ? "it is being asked too much already"
		                                           : wards->peers_why));
		return;
	}
	errand->later = later;
	errand->next = ward->errands;
	ward->errands = errand;
}

void wards_ask_peer(struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = wards_known(wards, vm, later);

	if (!ward)
		return;
	if (ward_state(ward) == WARD_BROKEN || ward_state(ward) == WARD_NEW)
		control_reply(later, control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                                     "it is not known where %s has its other host",
		                                     ward->is.name));
	else
		pass_on(ward, "tell", later);
}

static json_t *refuse_switch(const struct ward *ward)
{
	return control_refusal(CONTROL_WRONG_STATE, "remusctl status, on both hosts",
	                       "%s does not replicate from %s under an arbiter", ward->is.name,
	                       ward->wards->config.name);
}

static bool switch_over(struct ward *ward, const char *who)
{
	if (!ward->guard || !ward_is(ward, PROTECTION_PRIMARY) || guard_switch_over(ward->guard))
		return false;
	ward_note(ward, "switchover", who);
	return true;
}

static json_t *accepted(const struct ward *ward, const char *to)
{
	return control_success(json_pack("{s:s, s:s}", "vm", ward->is.name, "to", to));
}

void wards_switch_over(struct wards *wards, const char *vm, bool is_here,
                       struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);

	if (!ward)
		return;
	if (ward_is(ward, PROTECTION_STANDBY) && ward->guard)
		pass_on(ward, "switchover", later);
	else if (is_here && !ward_is(ward, PROTECTION_STANDBY))
		control_reply(later,
		              control_refusal(CONTROL_WRONG_STATE, "remusctl switchover",
		                              "%s has no standby on this host", ward->is.name));
	else if (switch_over(ward, "ordered by the operator"))
		control_reply(later, accepted(ward, ward->is.peer));
	else
		control_reply(later, refuse_switch(ward));
}

/* --- the host that is asked by its peer --- */

/* The ward that the peer means, or why not: *refusal. */
static struct ward *find(struct wards *wards, const char *peer, const json_t *request,
                         json_t **refusal)
{
	const char *verb, *name, *uuid;
	struct ward *ward;

	*refusal = NULL;
	if (json_unpack_ex((json_t *)(uintptr_t)request, NULL, JSON_STRICT, "{s:s, s:s, s:s}",
	                   "verb", &verb, "vm", &name, "uuid", &uuid)) {
		*refusal = control_refusal(CONTROL_BAD_REQUEST, "the same version on both hosts",
		                           "such a request has a vm and a uuid");
		return NULL;
	}
	ward = wards_find(wards, name);
	if (ward && !strcasecmp(ward->is.uuid, uuid) && !strcmp(ward->is.peer, peer))
		return ward;
	*refusal = control_refusal(CONTROL_NO_SUCH_VM, "remusctl status, on both hosts",
	                           "%s does not protect %.64s with %s", wards->config.name, name,
	                           peer);
	return NULL;
}

json_t *errand_tell(struct wards *wards, const char *peer, const json_t *request)
{
	json_t *refusal;
	const struct ward *ward = find(wards, peer, request, &refusal);

	return ward ? control_success(json_pack("{s:s, s:o}", "host", wards->config.name,
	                                        "replication", ward_tell(ward)))
	            : refusal;
}

json_t *errand_switch_over(struct wards *wards, const char *peer, const json_t *request)
{
	json_t *refusal;
	struct ward *ward = find(wards, peer, request, &refusal);

	if (!ward)
		return refusal;
	return switch_over(ward, "ordered by the operator, on the standby's host")
	               ? accepted(ward, peer)
	               : refuse_switch(ward);
}
