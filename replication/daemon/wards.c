/* The VMs that are protected by this host: taken up, looked at each second, asked about by operator and peers. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/wards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/daemon/fences.h"
#include "replication/daemon/ledger.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define TICK  1.0
#define RETRY 5.0 /* while there is no configuration, or peers cannot be listened to */

double wards_now(const struct wards *wards)
{
	return ev_now(wards->settings.loop);
}

bool wards_have_cluster(const struct wards *wards)
{
	return wards->settings.shared &&
	       cluster_view(wards->settings.shared->cluster)->is_connected;
}

double wards_in(const struct wards *wards, double seconds)
{
	return wards_now(wards) + seconds * wards->settings.second;
}

struct ward *wards_find(const struct wards *wards, const char *name)
{
	struct ward *ward = wards->first;

	while (ward && strcmp(ward->is.name, name))
		ward = ward->next;
	return ward;
}

/* --- what peers ask --- */

/* An answer that holds once what it speaks of is durable. */
struct promise {
	struct promise *next;
	struct wards *wards;
	struct talk *talk; /* NULL: nobody waits for it any more */
	json_t *reply;
	char name[PROTECTION_NAME_SIZE];
};

static const char *name_of(const json_t *request)
{
	const char *name = json_string_value(
		json_object_get(json_object_get(request, "protection"), "name"));

	name = name ? name : json_string_value(json_object_get(request, "vm"));
	return name ? name : "";
}

static void free_promise(struct promise *promise)
{
	struct promise **at = &promise->wards->promises;

	while (*at != promise)
		at = &(*at)->next;
	*at = promise->next;
	json_decref(promise->reply);
	free(promise);
}

static void on_promised(void *data, int err)
{
	struct promise *promise = data;
	struct wards *wards = promise->wards;
	const struct ward *ward = wards_find(wards, promise->name);

	if (promise->talk && (err || (ward && ward->is_unsaved)))
		peers_reply(promise->talk,
		            control_refusal(CONTROL_FAILED, "remusctl doctor",
		                            "%s cannot write to %s", wards->config.name,
		                            wards->settings.ledger));
	else if (promise->talk)
		peers_reply(promise->talk, json_incref(promise->reply));
	free_promise(promise);
}

/* Takes over the reply. */
static void promise(struct wards *wards, struct talk *talk, json_t *reply, const char *name)
{
	struct promise *promise = calloc(1, sizeof(*promise));

	if (!promise) {
		json_decref(reply);
		peers_reply(talk, control_refusal(CONTROL_FAILED, "", "no memory"));
		return;
	}
	*promise = (struct promise){ wards->promises, wards, talk, reply, "" };
	snprintf(promise->name, sizeof(promise->name), "%s", name);
	wards->promises = promise;
	wards_when_saved(wards, on_promised, promise);
}

static void close_peers(struct wards *wards)
{
	for (struct promise *promise = wards->promises; promise; promise = promise->next)
		promise->talk = NULL;
	if (wards->peers)
		peers_close(wards->peers);
	wards->peers = NULL;
}

static void on_peer(const char *peer, const json_t *request, struct talk *talk, void *data)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	struct wards *wards = data;

	if (wards->is_stopping)
		peers_reply(talk, control_refusal(CONTROL_WRONG_STATE, "", "remusd of %s is ending",
		                                  wards->config.name));
	else if (verb && (!strcmp(verb, "prepare") || !strcmp(verb, "look")))
		promise(wards, talk, standby_prepare(wards, peer, request), name_of(request));
	else if (verb && !strcmp(verb, "forget"))
		peers_reply(talk, standby_forget(wards, peer, request));
	else if (verb && !strcmp(verb, "set"))
		promise(wards, talk, settings_keep(wards, peer, request), name_of(request));
	else if (verb && !strcmp(verb, "tell"))
		peers_reply(talk, errand_tell(wards, peer, request));
	else if (verb && !strcmp(verb, "switchover"))
		peers_reply(talk, errand_switch_over(wards, peer, request));
	else
		peers_reply(talk,
		            control_refusal(CONTROL_UNKNOWN_VERB, "the same version on both hosts",
		                            "%s does not know what is asked of it",
		                            wards->config.name));
}

/* --- configuration --- */

/* The same failure again and again is logged once. */
static void note(char *kept, size_t size, const char *what, const char *why)
{
	if (strcmp(kept, why))
		log_warning("%s: %s", what, why);
	snprintf(kept, size, "%s", why);
}

static void open_peers(struct wards *wards)
{
	char why[TRANSPORT_WHY_MAX] = "";

	wards->peers = peers_open(wards->settings.loop, &wards->config, on_peer, wards, why);
	if (!wards->peers) {
		note(wards->peers_why, sizeof(wards->peers_why), "no peer can be heard", why);
		return;
	}
	wards->peers_why[0] = 0;
	log_info("host %s: hearing peers at %s port %u", wards->config.name, wards->config.listen,
	         wards->config.port);
}

static int read_config(struct wards *wards)
{
	const struct guard_shared *shared = wards->settings.shared;
	char why[CONFIG_ERROR_SIZE];
	struct config config;

	if (config_load(&config, wards->settings.config, why) ||
	    fences_set(shared ? shared->fencer : NULL, &config, &wards->config, why)) {
		note(wards->config_why, sizeof(wards->config_why), wards->settings.config, why);
		return -EINVAL;
	}
	wards->config = config;
	wards->config_why[0] = 0;
	wards->has_config = true;
	return 0;
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct wards *wards = timer->data;

	(void)events;
	if (wards->has_config || !read_config(wards))
		open_peers(wards);
	else
		snprintf(wards->peers_why, sizeof(wards->peers_why), "there is no configuration");
	if (wards->peers)
		ev_timer_stop(loop, timer);
}

void wards_reload(struct wards *wards)
{
	if (read_config(wards))
		return;
	for (struct ward *ward = wards->first; ward; ward = ward->next) {
		ward_forget_attempt(ward);
		errand_ward_forget(ward);
		settings_ward_forget(ward);
		guarded_ward_reconfigure(ward);
	}
	close_peers(wards);
	ev_timer_again(wards->settings.loop, &wards->retry);
	open_peers(wards);
	if (wards->peers)
		ev_timer_stop(wards->settings.loop, &wards->retry);
}

/* --- life --- */

/* Its guard is gone: the order goes on where it was. */
static void leave_again(struct ward *ward)
{
	struct control_later *later = ward->later;

	ward->later = NULL;
	leaving_ward_begin(ward, ward->is_forced, later);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct wards *wards = timer->data;
	struct ward *ward, *next;

	(void)loop;
	(void)events;
	for (ward = wards->first; ward && !wards->is_stopping; ward = next) {
		next = ward->next;
		ward_note_state(ward);
		settings_ward_tick(ward);
		if (ward->is_over) { /* not from within the guard's call */
			guarded_ward_close(ward);
			ward->is_over = false;
			leave_again(ward);
			continue;
		}
		if (ward->is_unsaved && ward_state(ward) != WARD_NEW &&
		    ward_state(ward) != WARD_LEAVING)
			ward_save(ward, NULL, NULL);
		if (ward->guard)
			guarded_ward_tick(ward);
		else if (ward->is.is_arbitrated && wards->settings.shared && wards->has_config)
			guarded_ward_open(ward);
		if (ward_state(ward) == WARD_LEAVING)
			leaving_ward_tick(ward);
		else if (ward_state(ward) == WARD_BROKEN || !wards->has_config)
			continue;
		else if (ward_is(ward, PROTECTION_PRIMARY))
			primary_ward_tick(ward);
		else
			standby_ward_tick(ward);
	}
	/* Guards that were closed for the end have left a lease: the watchdog outlives it by itself. */
	if (!wards->is_stopping)
		wards_watch(wards);
}

static void take_up(const char *name, const struct protection *protection, const char *why,
                    void *data)
{
	struct protection nothing = { .domid = 0 };
	struct wards *wards = data;
	struct ward *ward;

	snprintf(nothing.name, sizeof(nothing.name), "%s", name);
	if (!protection)
		ward = ward_new(wards, &nothing, WARD_BROKEN);
	else if (protection->role == PROTECTION_PRIMARY)
		ward = ward_new(wards, protection, WARD_ASKING);
	else
		ward = ward_new(wards, protection, WARD_WAITING);
	if (ward && why) {
		snprintf(ward->why, sizeof(ward->why), "%s", why);
		log_error("%s: should be protected, but its file in %s cannot be read: %s",
		          ward->who, wards->settings.ledger, why);
	} else if (ward) {
		log_info("%s: is protected with %s, this host is its %s", ward->who,
		         protection->peer, protection_role_name(protection->role));
	}
}

struct wards *wards_open(const struct wards_settings *settings)
{
	struct wards *wards = calloc(1, sizeof(*wards));
	int err;

	if (!wards)
		return NULL;
	wards->settings = *settings;
	wards->chronicle = chronicle_open(settings->events);
	err = wards_save_open(wards);
	if (!err)
		err = ledger_each(wards->ledger, take_up, wards);
	ev_timer_init(&wards->tick, on_tick, 0., TICK * settings->second);
	ev_timer_init(&wards->retry, on_retry, 0., RETRY * settings->second);
	wards->tick.data = wards->retry.data = wards;
	if (err || !wards->chronicle) {
		log_error("%s cannot be read: %s", settings->ledger, strerror(-err));
		wards_close(wards);
		return NULL;
	}
	ev_timer_start(settings->loop, &wards->retry);
	ev_timer_start(settings->loop, &wards->tick);
	return wards;
}

void wards_stop(struct wards *wards)
{
	bool is_on = false;

	wards->is_stopping = true;
	for (struct ward *ward = wards->first; ward; ward = ward->next)
		guarded_ward_close(ward);
	for (struct ward *ward = wards->first; ward; ward = ward->next)
		is_on = ward_rest(ward) || is_on;
	if (!is_on)
		wards->settings.stopped(wards->settings.data);
}

void wards_close(struct wards *wards)
{
	ev_timer_stop(wards->settings.loop, &wards->tick);
	ev_timer_stop(wards->settings.loop, &wards->retry);
	while (wards->first)
		ward_free(wards->first);
	close_peers(wards);
	while (wards->promises)
		free_promise(wards->promises);
	wards_save_close(wards);
	chronicle_close(wards->chronicle);
	free(wards);
}

/* --- what is told --- */

json_t *wards_events(const struct wards *wards, const char *vm, uint64_t since)
{
	return chronicle_tell(wards->chronicle, vm, since);
}

json_t *wards_tell(const struct wards *wards, const char *name)
{
	const struct ward *ward = wards_find(wards, name);

	return ward && ward_state(ward) != WARD_NEW ? ward_tell(ward) : NULL;
}

void wards_each(const struct wards *wards,
                void (*tell)(const char *name, unsigned int domid, void *data), void *data)
{
	for (const struct ward *ward = wards->first; ward; ward = ward->next) {
		if (ward_state(ward) != WARD_NEW)
			tell(ward->is.name, ward->is.domid, data);
	}
}
