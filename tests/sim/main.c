/* Runs schedules of a simulated pair: sim_pair [FIRST-SEED [COUNT]]. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * A failing schedule prints its seed: `build/unit/sim_pair SEED 1` runs it again.
 */

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "tests/sim/sim.h"

/* In the time that `make test-unit` has. */
#define COUNT_DEFAULT 100000u

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : COUNT_DEFAULT;
	struct sim_totals totals = { 0 };

	log_open("sim", count == 1 ? LOG_LEVEL_INFO : 0);
	for (uint64_t seed = first; seed < first + count; seed++)
		pair_run(seed, &totals);
	printf("schedules %llu, steps %llu, epochs %llu, takeovers %llu, refused %llu, resumed %llu\n",
	       (unsigned long long)totals.schedules, (unsigned long long)totals.steps,
	       (unsigned long long)totals.epochs, (unsigned long long)totals.takeovers,
	       (unsigned long long)totals.refused_takeovers, (unsigned long long)totals.resumed);
	printf("[  PASSED  ] 1 test(s).\n");
	return 0;
}
