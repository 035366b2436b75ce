/* Capabilities that a process keeps when it gives up the others. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/capabilities.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

int capabilities_keep(const int *kept, unsigned int count)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 } };
	uint64_t mask = 0;

	for (unsigned int i = 0; i < count; i++)
		mask |= UINT64_C(1) << kept[i];
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		if (!(mask >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno != EINVAL)
			return -errno;
	}
	if (syscall(SYS_capget, &header, sets))
		return -errno;
	for (int i = 0; i < 2; i++) {
		sets[i].permitted &= (uint32_t)(mask >> (32 * i));
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}
