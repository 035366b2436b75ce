/* Asks remusd. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONTROL_CLIENT_H
#define TOOLSTACK_CONTROL_CLIENT_H

#include <jansson.h>

/*
 * Sends the request to the daemon behind the socket and returns its reply, a new reference. Never NULL but without
 * memory: what goes wrong on the way is a refusal too (no-daemon, no-permission, bad-reply). Waits at most `seconds`
 * for each step.
 */
json_t *control_ask(const char *socket_path, const json_t *request, unsigned int seconds);

#endif
