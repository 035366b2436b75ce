/* The one door to the public Xen headers: every file that speaks the guest ABI includes this. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_ABI_PUBLIC_H
#define XEN_CORE_ABI_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__             1 /* opens domctl and sysctl, which are ours to serve */
#define __XEN_INTERFACE_VERSION__ 0x00041100

#include <xen/xen.h>

#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#endif
