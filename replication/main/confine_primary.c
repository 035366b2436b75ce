/* What remus-primary may still do after it has started: no other program, no look into another, no change of the host. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * It reads what a peer sends. What is denied here it never does: a list of what it does, as backend workers have it, would have to know
 * each call of the libraries for hypercalls and TLS. Hypercalls themselves take pointers, which no filter looks behind.
 */

#include "replication/main/confine_primary.h"

#include <errno.h>
#include <seccomp.h>

#include <linux/capability.h>

#include "replication/main/capabilities.h"

static const int kept_capabilities[] = {
	CAP_NET_ADMIN,    /* the kernel loads its TLS when one who has it asks */
	CAP_IPC_LOCK,     /* memory that is handed to the hypervisor is locked */
	CAP_DAC_OVERRIDE, /* images and keys may belong to others than root */
	CAP_SYS_ADMIN,    /* the hypervisor's devices have not been tried without it */
};

static const int denied_calls[] = {
	/* to become or run another program */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	/* to look into another process */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	/* to change the kernel, or to see more of it */
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), /* its requests pass no filter */
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	/* keys of others */
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	/* another view of the host */
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(chroot),
	SCMP_SYS(pivot_root),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fill_filter(scmp_filter_ctx filter)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (unsigned int i = 0; i < COUNT(denied_calls) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, denied_calls[i], 0);
	return err;
}

static int deny_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (!filter)
		return -ENOMEM;
	err = fill_filter(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int confine_primary(void)
{
	int err = capabilities_keep(kept_capabilities, COUNT(kept_capabilities));

	return err ? err : deny_calls();
}
