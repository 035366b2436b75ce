/* A drill: what its steps share. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_VERBS_DRILL_H
#define TOOLSTACK_VERBS_DRILL_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

#include "toolstack/verbs/verb.h"

#define DRILL_FOLDER "/var/lib/remus/drills"

struct drill {
	const struct asked *asked;
	const char *vm;
	json_t *here, *there; /* `replication` of both hosts, as told last; NULL: not told */
	char why[256];        /* it was not told; or why the drill has failed: "" it has not */
	json_t *report;
	const volatile sig_atomic_t *is_interrupted;
};

/* Asks both hosts. False: one does not answer, which why tells. */
bool drill_look(struct drill *drill);

/* All that must be so before anything is moved: each goes to the report, and for people to stdout. Whether all is. */
bool drill_check(struct drill *drill);

/* There and back, step by step, each to the report. Whether all went as expected; it ends at the first that did not. */
bool drill_move(struct drill *drill);

/* The operator has had enough: then why says so. */
bool drill_is_interrupted(struct drill *drill);

/* Text of the report, for free(). */
char *drill_text(const json_t *report);

/* Keeps both forms below the folder, which is made if it is missing; the path without its suffix, or "" and why in the log. */
const char *drill_keep(const json_t *report, const char *folder);

/* Of told: a text field, "" if it has none; of its arbiter; a number. */
const char *drill_word(const json_t *told, const char *field);
const char *drill_arbiter(const json_t *told, const char *field);
json_int_t drill_number(const json_t *told, const char *field);

#endif
