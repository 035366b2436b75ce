/* What the operator orders of this host's wards: refused, or begun. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

static struct ward *find_word(const struct wards *wards, const char *word)
{
	struct host *host = wards->settings.host;
	struct ward *ward = wards_find(wards, word);
	struct host_vm vm;

	if (ward || host->ops->find(host, word, &vm))
		return ward;
	return wards_find(wards, vm.name);
}

static void refuse_unknown(const char *vm, struct control_later *later)
{
	control_reply(later, control_refusal(CONTROL_NO_SUCH_VM, "remusctl list",
	                                     "no VM called %.64s is protected here", vm));
}

/* Why it cannot be protected with that peer; NULL: it may be tried. */
static json_t *refuse_order(const struct wards *wards, const char *vm, const char *peer,
                            struct host_vm *found)
{
	struct host *host = wards->settings.host;

	if (!wards->has_config)
		return control_refusal(CONTROL_NO_CONFIG, "remusctl doctor", "%s: %s",
		                       wards->settings.config, wards->config_why);
	if (host->ops->find(host, vm, found))
		return control_refusal(CONTROL_NO_SUCH_VM, "xl list",
		                       "no guest of this host is called %.64s", vm);
	if (!protection_is_name(found->name) || !*found->uuid)
		return control_refusal(CONTROL_FAILED, "xl rename",
		                       "%.64s: a protected VM's name has letters, digits and ._+- "
		                       "only, at most %d",
		                       vm, PROTECTION_NAME_SIZE - 1);
	if (!config_peer(&wards->config, peer))
		return control_refusal(CONTROL_NO_SUCH_PEER, "see peers in /etc/remus/remus.conf",
		                       "this host has no peer %.64s", peer);
	if (wards_find(wards, found->name))
		return control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                       "%s is protected already, or about to be", found->name);
	return NULL;
}

void wards_protect(struct wards *wards, const char *vm, const char *peer, const char *interval,
                   bool accepts_split_brain, struct control_later *later)
{
	struct protection is = { .role = PROTECTION_PRIMARY, .generation = 1 };
	struct host_vm found;
	const struct wards_change change = { .interval = interval };
	json_t *refusal = refuse_order(wards, vm, peer, &found);
	struct ward *ward;

	is.settings = wards->config.defaults;
	if (!refusal)
		refusal = settings_read(&is.settings, &change);
	if (refusal) {
		control_reply(later, refusal);
		return;
	}
	is.is_arbitrated = wards_have_cluster(wards);
	is.accepts_split_brain = accepts_split_brain;
	is.domid = found.domid;
	snprintf(is.name, sizeof(is.name), "%s", found.name);
	snprintf(is.uuid, sizeof(is.uuid), "%s", found.uuid);
	snprintf(is.peer, sizeof(is.peer), "%s", peer);
	ward = ward_new(wards, &is, WARD_NEW);
	if (!ward) {
		control_reply(later, control_refusal(CONTROL_FAILED, "", "no memory"));
		return;
	}
	ward->later = later;
	primary_ward_ask(ward);
}

struct ward *wards_known(const struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = find_word(wards, vm);

	if (!ward)
		refuse_unknown(vm, later);
	return ward;
}

struct ward *wards_ordered(struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = wards_known(wards, vm, later);

	if (!ward)
		return NULL;
	if (!ward->later && ward_state(ward) != WARD_LEAVING && ward_state(ward) != WARD_TAKING)
		return ward;
	control_reply(later, control_refusal(CONTROL_WRONG_STATE, "wait for it: remusctl status",
	                                     "another order for %s is under way", ward->is.name));
	return NULL;
}

void wards_unprotect(struct wards *wards, const char *vm, bool is_forced,
                     struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);

	if (!ward)
		return;
	if (ward_is(ward, PROTECTION_STANDBY) && ward_state(ward) != WARD_BROKEN && !is_forced) {
		control_reply(later, control_refusal(CONTROL_WRONG_STATE,
		                                     "unprotect it on that host, or add --force",
		                                     "%s runs on %s; this host has its copy",
		                                     ward->is.name, ward->is.peer));
		return;
	}
	leaving_ward_begin(ward, is_forced, later);
}

void wards_activate(struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);

	if (!ward)
		return;
	if (ward_is(ward, PROTECTION_STANDBY))
		standby_ward_activate(ward, later);
	else
		control_reply(later, control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                                     "%s has no copy on this host", ward->is.name));
}

void wards_fenced(struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);

	if (!ward)
		return;
	if (!ward->guard) {
		control_reply(later, control_refusal(CONTROL_WRONG_STATE,
		                                     "remusctl activate, on the standby",
		                                     "%s has no arbiter", ward->is.name));
		return;
	}
	ward_note(ward, "fence", "the operator vouches that its other host is off");
	guard_confirm_off(ward->guard);
	control_reply(later, control_success(json_pack("{s:s, s:s}", "vm", ward->is.name, "peer",
	                                               ward->is.peer)));
}

/* Its copy is made anew by the guard, which first goes on alone: output passes; or by a new worker, output held meanwhile. */
static bool resync(struct ward *ward)
{
	if (!ward_is(ward, PROTECTION_PRIMARY))
		return false;
	if (ward->guard)
		return !guard_resync(ward->guard);
	if (ward_state(ward) == WARD_WORKING)
		ward_work(ward);
	ward->ask_at = 0;
	return ward_state(ward) == WARD_WORKING || ward_state(ward) == WARD_ASKING;
}

void wards_resync(struct wards *wards, const char *vm, struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);

	if (!ward)
		return;
	if (!resync(ward)) {
		control_reply(later, control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                                     "%s has no standby of this host's to be made "
		                                     "anew now",
		                                     ward->is.name));
		return;
	}
	ward_note(ward, "resync", "ordered by the operator");
	control_reply(later, control_success(json_pack("{s:s}", "vm", ward->is.name)));
}
