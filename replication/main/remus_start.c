/* remus-start: starts a VM from its disk, by the configuration that was kept when it was protected. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Run by remusd when an arbiter says that this host is to start the VM: after both hosts were off. It ends when the VM
 * runs, or could not be made, which leaves nothing of it.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "replication/estate/shadow.h"

int main(int argc, char **argv)
{
	char *end;
	unsigned long domid;

	log_open("remus-start", LOG_LEVEL_INFO);
	domid = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
	if (argc != 3 || *end || domid < 1 || domid >= 0x7ff0) {
		fprintf(stderr, "usage: remus-start LISTING NUMBER\n");
		return 2;
	}
	return shadow_start(argv[1], (uint32_t)domid) ? 1 : 0;
}
