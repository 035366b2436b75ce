/* Who we are: version, capabilities and features, as guests and the toolstack ask for them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

#include "lib/options.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/host_map.h"

#include <version.h>

/* The ABI that we speak is that of this release; so we say so. */
#define ABI_VERSION 0x00040011 /* 4.17 */
#define ABI_EXTRA   ".7"

#define FEATURES                                                                                   \
	(1U << XENFEAT_writable_page_tables | 1U << XENFEAT_auto_translated_physmap |              \
	 1U << XENFEAT_hvm_callback_vector | 1U << XENFEAT_hvm_safe_pvclock |                      \
	 1U << XENFEAT_memory_op_vnode_supported | 1U << XENFEAT_not_direct_mapped)

/* The whole field is written, so nothing of ours leaks behind the text. */
static long give_text(struct hypercall *call, const char *text, size_t size)
{
	char field[XEN_CAPABILITIES_INFO_LEN] = { 0 };

	snprintf(field, MIN(size, sizeof(field)), "%s", text);
	return copy_to_guest(call->caller, call->args[1], field, size);
}

static long compile_info(struct hypercall *call)
{
	struct xen_compile_info info = { 0 };

	snprintf(info.compiler, sizeof(info.compiler), "%s", XEN_CORE_COMPILER);
	snprintf(info.compile_by, sizeof(info.compile_by), "remus");
	snprintf(info.compile_domain, sizeof(info.compile_domain), "xen-core %s", XEN_CORE_VERSION);
	snprintf(info.compile_date, sizeof(info.compile_date), "%s", XEN_CORE_DATE);
	return copy_to_guest(call->caller, call->args[1], &info, sizeof(info));
}

static long platform_parameters(struct hypercall *call)
{
	struct xen_platform_parameters info = { .virt_start = DIRECT_MAP_BASE };

	return argument_give(call, &shape_platform_parameters, call->args[1], &info, 1);
}

static long get_features(struct hypercall *call)
{
	struct xen_feature_info info;
	long err = copy_from_guest(call->caller, &info, call->args[1], sizeof(info));

	if (err)
		return err;
	info.submap = 0;
	if (info.submap_idx == 0) {
		info.submap = FEATURES;
		if (call->caller->domain->privileged)
			info.submap |= 1U << XENFEAT_dom0;
	}
	return copy_to_guest(call->caller, call->args[1], &info, sizeof(info));
}

/* What only the host's operator should know. */
static const char *for_dom0(const struct hypercall *call, const char *text)
{
	return call->caller->domain->privileged ? text : "<denied>";
}

long hypercall_xen_version(struct hypercall *call)
{
	const struct domain *domain = call->caller->domain;

	switch (call->args[0]) {
	case XENVER_version:
		return ABI_VERSION;
	case XENVER_extraversion:
		return give_text(call, ABI_EXTRA, XEN_EXTRAVERSION_LEN);
	case XENVER_compile_info:
		return compile_info(call);
	case XENVER_capabilities:
		return give_text(call,
		                 "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
		                 XEN_CAPABILITIES_INFO_LEN);
	case XENVER_changeset:
		return give_text(call, for_dom0(call, XEN_CORE_CHANGESET), XEN_CHANGESET_INFO_LEN);
	case XENVER_platform_parameters:
		return platform_parameters(call);
	case XENVER_get_features:
		return get_features(call);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(call->caller, call->args[1], domain->handle,
		                     sizeof(domain->handle));
	case XENVER_commandline:
		return give_text(call, for_dom0(call, options_text), sizeof(xen_commandline_t));
	case XENVER_build_id:
		return -ENODATA;
	default:
		return -ENOSYS;
	}
}
