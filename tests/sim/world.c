/* The network outside: what may be seen there at all (I1, I6). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/sim/sim.h"

struct sim_world world;

void world_packet(uint64_t number, bool is_held)
{
	SIM_CHECK(!world.is_quiet, "I5: a packet of a VM that runs elsewhere");
	SIM_CHECK(number == world.arrived, "packets are lost, doubled or out of order");
	world.arrived++;
	if (is_held)
		SIM_CHECK(number < world.covered, "I1: a packet before its epoch was acknowledged");
	else
		SIM_CHECK(standby_states_may_activate(standby_states_of(world.standby)),
		          "I6: output passes, and a standby could take over");
}
