/* The one peer of a worker: connected to again and again, or waited for; never more than one that is listened to. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* A channel of ours, proved or not. */
struct visit {
	struct contact *contact;
	struct channel *channel;
	struct visit *next, **at; /* in the list of the contact */
};

struct contact {
	struct ev_loop *loop;
	struct contact_settings settings;
	const struct contact_events *events;
	void *user;
	struct transport *transport;
	struct listener *listener;
	struct visit *visits;
	struct visit *current; /* the one that is listened to */
	ev_timer retry;
	bool is_ended;
	char why[TRANSPORT_WHY_MAX];
};

static struct visit *add_visit(struct contact *contact)
{
	struct visit *visit = calloc(1, sizeof(*visit));

	if (!visit)
		return NULL;
	visit->contact = contact;
	visit->at = &contact->visits;
	visit->next = contact->visits;
	if (visit->next)
		visit->next->at = &visit->next;
	contact->visits = visit;
	return visit;
}

static void drop_visit(struct visit *visit)
{
	*visit->at = visit->next;
	if (visit->next)
		visit->next->at = visit->at;
	free(visit);
}

static void try_again(struct contact *contact)
{
	if (!contact->settings.is_listening && !contact->is_ended)
		ev_timer_again(contact->loop, &contact->retry);
}

/* The same reason again and again is said once. */
static void note_failure(struct contact *contact, const char *why)
{
	if (strcmp(contact->why, why) == 0)
		return;
	log_warning("%s: no connection to %s: %s", contact->settings.who,
	            contact->settings.transport.peer, why);
	snprintf(contact->why, sizeof(contact->why), "%s", why);
}

static void on_opened(void *user, struct peer *peer, const char *name)
{
	struct visit *visit = user;
	struct contact *contact = visit->contact;

	log_info("%s: connected to %s", contact->settings.who, name);
	contact->why[0] = 0;
	contact->current = visit;
	contact->events->connected(contact->user, peer);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct visit *visit = user;

	if (visit == visit->contact->current)
		visit->contact->events->frame(visit->contact->user, frame);
}

static void on_writable(void *user)
{
	struct visit *visit = user;

	if (visit == visit->contact->current)
		visit->contact->events->writable(visit->contact->user);
}

static void on_closed(void *user, int error, const char *why)
{
	struct visit *visit = user;
	struct contact *contact = visit->contact;
	bool is_current = visit == contact->current;

	drop_visit(visit);
	if (error != -ECANCELED && !is_current)
		note_failure(contact, why);
	if (is_current || !contact->current)
		try_again(contact);
	if (!is_current)
		return;
	contact->current = NULL;
	if (error == -ECANCELED)
		return;
	snprintf(contact->why, sizeof(contact->why), "%s", why);
	contact->events->lost(contact->user, why);
}

static const struct channel_events channel_events = {
	.opened = on_opened,
	.frame = on_frame,
	.writable = on_writable,
	.closed = on_closed,
};

static void attempt(struct contact *contact)
{
	const struct contact_settings *settings = &contact->settings;
	char why[TRANSPORT_WHY_MAX] = "no memory";
	struct visit *visit = add_visit(contact);

	if (visit)
		visit->channel = channel_connect(settings->ops, contact->transport, contact->loop,
		                                 settings->address, settings->port,
		                                 &settings->channel, &channel_events, visit, why);
	if (visit && visit->channel) {
		ev_timer_stop(contact->loop, &contact->retry);
		return;
	}
	if (visit)
		drop_visit(visit);
	note_failure(contact, why);
	try_again(contact);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	attempt(timer->data);
}

static const struct connection_events *on_accepted(void *context, struct connection *connection,
                                                   void **user)
{
	struct contact *contact = context;
	struct visit *visit = add_visit(contact);
	const struct connection_events *events;

	if (!visit)
		return NULL;
	events = channel_accept(contact->settings.ops, connection, contact->loop,
	                        &contact->settings.channel, &channel_events, visit,
	                        &visit->channel);
	*user = visit->channel;
	if (!events)
		drop_visit(visit);
	return events;
}

static int begin(struct contact *contact, char *why)
{
	const struct contact_settings *settings = &contact->settings;

	contact->transport = settings->ops->open(contact->loop, &settings->transport, why);
	if (!contact->transport)
		return -1;
	if (!settings->is_listening) {
		attempt(contact);
		return 0;
	}
	contact->listener = settings->ops->listen(contact->transport, settings->address,
	                                          settings->port, on_accepted, contact, why);
	return contact->listener ? 0 : -1;
}

struct contact *contact_open(struct ev_loop *loop, const struct contact_settings *settings,
                             const struct contact_events *events, void *user, char *why)
{
	struct contact *contact = calloc(1, sizeof(*contact));

	if (!contact) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return NULL;
	}
	contact->loop = loop;
	contact->settings = *settings;
	contact->events = events;
	contact->user = user;
	ev_init(&contact->retry, on_retry);
	contact->retry.repeat = settings->retry;
	contact->retry.data = contact;
	if (begin(contact, why) == 0)
		return contact;
	contact_close(contact);
	return NULL;
}

void contact_end(struct contact *contact)
{
	contact->is_ended = true;
	if (contact->current) {
		contact->current = NULL;
		contact->events->lost(contact->user, "closed here");
	}
	while (contact->visits)
		channel_close(contact->visits->channel);
	ev_timer_stop(contact->loop, &contact->retry);
	if (contact->listener)
		contact->settings.ops->unlisten(contact->listener);
	contact->listener = NULL;
}

void contact_close(struct contact *contact)
{
	if (!contact)
		return;
	contact_end(contact);
	if (contact->transport)
		contact->settings.ops->free(contact->transport);
	free(contact);
}

uint16_t contact_port(const struct contact *contact)
{
	return contact->settings.ops->listener_port(contact->listener);
}

bool contact_is_up(const struct contact *contact)
{
	return contact->current != NULL;
}

const char *contact_why(const struct contact *contact)
{
	return contact->why;
}

uint64_t contact_round_trip(const struct contact *contact)
{
	return contact->current ? channel_round_trip(contact->current->channel) : 0;
}
