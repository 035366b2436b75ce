/* The FPU and vector registers of a vCPU: saved and loaded whole when its CPU goes to another. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/xstate.h"

#include "hw/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))
#define XCR0_PKRU   BIT(9)

/* The legacy region's control words after RESET, and MXCSR as FNINIT's companions have it. */
#define FCW_RESET       0x40
#define MXCSR_RESET     0x1f80
#define MXCSR_LEGAL     0xffbf /* what every x86-64 CPU has */
#define LEGACY_SIZE     512
#define XSAVE_HEADER_BV 64 /* 64-bit word index of XSTATE_BV: byte 512 */

static uint64_t supported;
static size_t area_size = LEGACY_SIZE;

/*
 * The hypervisor itself uses none of these registers, so the guest's stay in the CPU while its
 * exits are served. It switches XCR0 to everything for the save and the load: QEMU's SVM does not
 * exit at XSETBV, so the guest's own value is only known by reading it at the switch.
 */
void xstate_cpu_init(void)
{
	if (!cpu_has(CPU_XSAVE))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	if (!supported) {
		struct cpuid leaf = cpuid(0xd, 0);

		supported = ((uint64_t)leaf.edx << 32 | leaf.eax) &
		            (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU);
		area_size = leaf.ecx;
	}
	write_xcr0(XCR0_X87);
}

void xstate_reset(struct vcpu *vcpu)
{
	uint16_t *control = vcpu->xstate;
	uint32_t *mxcsr = (uint32_t *)vcpu->xstate + 6;

	memset(vcpu->xstate, 0, area_size);
	*control = FCW_RESET;
	*mxcsr = MXCSR_RESET;
	if (supported)
		((uint64_t *)vcpu->xstate)[XSAVE_HEADER_BV] = XCR0_X87 | XCR0_SSE;
	vcpu->xcr0 = XCR0_X87;
}

int xstate_create(struct vcpu *vcpu)
{
	vcpu->xstate = heap_alloc(MAX(area_size, PAGE_SIZE)); /* a page: 64-byte aligned */
	if (!vcpu->xstate)
		return -ENOMEM;
	xstate_reset(vcpu);
	return 0;
}

void xstate_get_legacy(const struct vcpu *vcpu, void *area)
{
	memcpy(area, vcpu->xstate, LEGACY_SIZE);
}

/* MXCSR bits that the CPU does not have would make the load fault: they are dropped. */
void xstate_set_legacy(struct vcpu *vcpu, const void *area)
{
	xstate_reset(vcpu);
	memcpy(vcpu->xstate, area, LEGACY_SIZE);
	((uint32_t *)vcpu->xstate)[6] &= MXCSR_LEGAL;
}

size_t xstate_size(void)
{
	return area_size;
}

void xstate_get(const struct vcpu *vcpu, void *area)
{
	memcpy(area, vcpu->xstate, area_size);
}

void xstate_set(struct vcpu *vcpu, uint64_t xcr0, const void *area)
{
	memcpy(vcpu->xstate, area, area_size);
	vcpu->xcr0 = xcr0;
}

void xstate_destroy(struct vcpu *vcpu)
{
	heap_free(vcpu->xstate);
	vcpu->xstate = NULL;
}

void xstate_load(struct vcpu *vcpu)
{
	if (!supported) {
		asm volatile("fxrstor64 (%0)" ::"r"(vcpu->xstate) : "memory");
		return;
	}
	write_xcr0(supported);
	asm volatile("xrstor64 (%0)" ::"r"(vcpu->xstate), "a"((uint32_t)supported),
	             "d"((uint32_t)(supported >> 32))
	             : "memory");
	write_xcr0(vcpu->xcr0);
}

void xstate_save(struct vcpu *vcpu)
{
	if (!supported) {
		asm volatile("fxsave64 (%0)" ::"r"(vcpu->xstate) : "memory");
		return;
	}
	vcpu->xcr0 = read_xcr0();
	write_xcr0(supported);
	asm volatile("xsave64 (%0)" ::"r"(vcpu->xstate), "a"((uint32_t)supported),
	             "d"((uint32_t)(supported >> 32))
	             : "memory");
}

int xstate_set_xcr0(struct vcpu *vcpu, uint64_t value)
{
	if (!(value & XCR0_X87) || (value & ~supported))
		return -EINVAL;
	if ((value & (XCR0_SSE | XCR0_AVX)) == XCR0_AVX)
		return -EINVAL;
	if ((value & XCR0_AVX512) && (value & (XCR0_AVX512 | XCR0_AVX)) != (XCR0_AVX512 | XCR0_AVX))
		return -EINVAL;
	vcpu->xcr0 = value;
	write_xcr0(value);
	return 0;
}

uint64_t xstate_supported(void)
{
	return supported;
}
