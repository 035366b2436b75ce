/* dom0 tells of the PCI devices it found; it drives them itself, so there is nothing to do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

long hypercall_physdev_op(struct hypercall *call)
{
	switch (call->args[0]) {
	case PHYSDEVOP_pci_mmcfg_reserved:
	case PHYSDEVOP_pci_device_add:
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_manage_pci_add:
	case PHYSDEVOP_manage_pci_add_ext:
	case PHYSDEVOP_manage_pci_remove:
		return call->caller->domain->privileged ? 0 : -EPERM;
	default:
		return -ENOSYS;
	}
}
