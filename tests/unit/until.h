/* Waiting in a test: the loop turns until something is so. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_UNTIL_H
#define TESTS_UNIT_UNTIL_H

#include <ev.h>

/* For two minutes at most: a busy machine is not a broken program. cmocka.h comes first. */
#define UNTIL_IN(loop, condition)                                                                  \
	do {                                                                                       \
		ev_tstamp until_ = ev_time() + 120.;                                               \
		while (!(condition)) {                                                             \
			assert_true(ev_time() < until_);                                           \
			ev_run(loop, EVRUN_ONCE);                                                  \
		}                                                                                  \
	} while (0)

#endif
