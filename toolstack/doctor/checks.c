/* The list of checks. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "toolstack/doctor/check.h"

const struct check checks[] = {
	{ "dom0", "run remusctl in dom0", check_dom0 },
	{ "hypervisor", "boot this host on xen-core (docs/operations: GRUB entry)",
	  check_hypervisor },
	{ "xenstore", "systemctl start xen", check_xenstore },
	{ "kernel-backends", "modprobe -r xen-netback xen-blkback; install remus-backends.conf",
	  check_kernel_backends },
	{ "devices", "modprobe -a tun xen-evtchn xen-gntdev xen-privcmd", check_devices },
	{ "daemon", "systemctl start remusd", check_daemon },
	{ "configuration", "write /etc/remus/remus.conf: /usr/share/doc/remus/configuration.md",
	  check_configuration },
	{ "certificates",
	  "remus-ca host FOLDER NAME on the machine that keeps the authority; copy its files here",
	  check_certificates },
	{ "cluster",
	  "corosync-quorumtool; names of corosync.conf and remus.conf: "
	  "/usr/share/doc/remus/cluster.md",
	  check_cluster },
	{ "fencing", "try it by hand: /usr/share/doc/remus/cluster.md", check_fencing },
	{ "bridge", "ip link add xenbr0 type bridge; add the host's network card to it",
	  check_bridge },
	{ "clock", "install chrony, or another NTP client", check_clock },
	{ "space", "free some space below /var/lib/remus", check_space },
	{ "marks", "make /var/lib/remus/disks a folder that root may write to", check_marks },
	{ NULL, NULL, NULL },
};

enum verdict found(struct finding *finding, enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return verdict;
}
