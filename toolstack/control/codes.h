/* What a refusal is called: codes that are stable, and the exit status of each (docs/control.md). */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONTROL_CODES_H
#define TOOLSTACK_CONTROL_CODES_H

enum control_exit {
	CONTROL_EXIT_DONE = 0,
	CONTROL_EXIT_FAILED = 1,
	CONTROL_EXIT_USAGE = 2,
	CONTROL_EXIT_DAEMON = 3,
	CONTROL_EXIT_PERMISSION = 4,
	CONTROL_EXIT_NO_VM = 5,
	CONTROL_EXIT_STATE = 6,
	CONTROL_EXIT_BLOCKED = 7,
};

#define CONTROL_FAILED        "failed"
#define CONTROL_BAD_REQUEST   "bad-request"
#define CONTROL_UNKNOWN_VERB  "unknown-verb"
#define CONTROL_USAGE         "usage"
#define CONTROL_NO_DAEMON     "no-daemon"
#define CONTROL_BAD_REPLY     "bad-reply"
#define CONTROL_NO_PERMISSION "no-permission"
#define CONTROL_NO_SUCH_VM    "no-such-vm"
#define CONTROL_WRONG_STATE   "wrong-state"
#define CONTROL_BLOCKED       "blocked"
#define CONTROL_NO_CONFIG     "no-configuration"
#define CONTROL_NO_SUCH_PEER  "no-such-peer"
#define CONTROL_NO_PEER       "no-peer"
#define CONTROL_UNCONFIRMED   "unconfirmed"
#define CONTROL_TOO_LATE      "too-late"

/* An unknown code, from a newer daemon, is CONTROL_EXIT_FAILED. */
enum control_exit control_exit_of(const char *code);

#endif
