/* The exit status of each code. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/control/codes.h"

#include <string.h>

static const struct {
	const char *code;
	enum control_exit exit;
} exits[] = {
	{ CONTROL_BAD_REQUEST, CONTROL_EXIT_USAGE },
	{ CONTROL_UNKNOWN_VERB, CONTROL_EXIT_USAGE },
	{ CONTROL_USAGE, CONTROL_EXIT_USAGE },
	{ CONTROL_NO_DAEMON, CONTROL_EXIT_DAEMON },
	{ CONTROL_BAD_REPLY, CONTROL_EXIT_DAEMON },
	{ CONTROL_NO_PERMISSION, CONTROL_EXIT_PERMISSION },
	{ CONTROL_NO_SUCH_VM, CONTROL_EXIT_NO_VM },
	{ CONTROL_WRONG_STATE, CONTROL_EXIT_STATE },
	{ CONTROL_BLOCKED, CONTROL_EXIT_BLOCKED },
	{ CONTROL_NO_CONFIG, CONTROL_EXIT_BLOCKED },
	{ CONTROL_NO_SUCH_PEER, CONTROL_EXIT_USAGE },
	{ CONTROL_UNCONFIRMED, CONTROL_EXIT_USAGE },
};

enum control_exit control_exit_of(const char *code)
{
	for (unsigned int i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		if (!strcmp(exits[i].code, code))
			return exits[i].exit;
	}
	return CONTROL_EXIT_FAILED;
}
