/* What a CPU would refuse, or fault on, in the records of a vCPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/view_vcpu.h"

#define CR0_PE    BIT(0)
#define CR0_NW    BIT(29)
#define CR0_CD    BIT(30)
#define CR0_PG    BIT(31)
#define CR4_PAE   BIT(5)
#define EFER_LME  BIT(8)
#define EFER_LMA  BIT(10)
#define EFER_BITS (BIT(0) | EFER_LME | EFER_LMA | BIT(11) | BIT(14))

#define VCPU_FLAGS                                                                                 \
	(STATE_VCPU_UP | STATE_VCPU_STARTABLE | STATE_VCPU_NMI | STATE_VCPU_SHADOW |               \
	 STATE_VCPU_INJECTION)
#define MSR_PAT     8 /* places in the record */
#define MSR_TSC_AUX 9

#define MXCSR_OFFSET  24
#define MXCSR_LEGAL   0xffbfu
#define HEADER_OFFSET 512 /* of the XSAVE header */
#define HEADER_WORDS  8

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))

#define APIC_ADDRESS 0xfee00000UL
#define APIC_BSP     BIT(8)
#define APIC_X2APIC  BIT(10)
#define APIC_ENABLE  BIT(11)

static bool control_is_valid(const struct state_vcpu *vcpu, unsigned address_bits)
{
	uint64_t cr0 = vcpu->cr0;

	if ((cr0 | vcpu->cr4 | vcpu->debug[4] | vcpu->debug[5]) >> 32)
		return false;
	if ((vcpu->cr3 & ~BIT(63)) >> address_bits || vcpu->efer & ~EFER_BITS)
		return false;
	if ((cr0 & (CR0_PG | CR0_PE)) == CR0_PG || (cr0 & (CR0_NW | CR0_CD)) == CR0_NW)
		return false;
	if (cr0 & CR0_PG && vcpu->efer & EFER_LME)
		return vcpu->cr4 & CR4_PAE && vcpu->efer & EFER_LMA;
	return true;
}

static bool pat_is_valid(uint64_t pat)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = (uint8_t)(pat >> 8 * i);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* An interrupt, NMI, exception or software interrupt, with an error code or not. */
static bool injection_is_valid(const struct state_vcpu *vcpu)
{
	uint8_t kind = vcpu->injection_kind;

	if (!(vcpu->flags & STATE_VCPU_INJECTION))
		return true;
	if (kind != 0 && kind != 2 && kind != 3 && kind != 4)
		return false;
	if (kind == 3 && (vcpu->injection_vector > 31 || vcpu->injection_vector == 2))
		return false;
	return !(vcpu->injection_flags & ~STATE_INJECTION_ERROR) &&
	       (kind == 3 || !vcpu->injection_flags);
}

bool view_vcpu_is_valid(const struct state_vcpu *vcpu, unsigned address_bits)
{
	if (vcpu->flags & ~VCPU_FLAGS || vcpu->reserved || !control_is_valid(vcpu, address_bits))
		return false;
	for (unsigned i = 0; i < STATE_SEGMENTS; i++)
		if (vcpu->segments[i].attributes >> 12)
			return false;
	return pat_is_valid(vcpu->msrs[MSR_PAT]) && !(vcpu->msrs[MSR_TSC_AUX] >> 32) &&
	       injection_is_valid(vcpu);
}

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t load64(const uint8_t *at)
{
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static bool xcr0_is_valid(uint64_t xcr0, uint64_t supported)
{
	if (!(xcr0 & XCR0_X87) || xcr0 & ~(supported | XCR0_X87))
		return false;
	if ((xcr0 & (XCR0_SSE | XCR0_AVX)) == XCR0_AVX)
		return false;
	return !(xcr0 & XCR0_AVX512) ||
	       (xcr0 & (XCR0_AVX512 | XCR0_AVX)) == (XCR0_AVX512 | XCR0_AVX);
}

/* XRSTOR faults on reserved bits, and would do so in the hypervisor. */
bool view_xstate_is_valid(uint64_t xcr0, const uint8_t *area, uint64_t supported)
{
	const uint8_t *header = area + HEADER_OFFSET;

	if (!xcr0_is_valid(xcr0, supported) || load32(area + MXCSR_OFFSET) & ~MXCSR_LEGAL)
		return false;
	if (!supported)
		return true;
	if (load64(header) & ~supported)
		return false;
	for (unsigned i = 1; i < HEADER_WORDS; i++)
		if (load64(header + 8 * i))
			return false;
	return true;
}

bool view_lapic_is_valid(const struct state_lapic *lapic, uint32_t id)
{
	uint64_t mode = lapic->base & (APIC_X2APIC | APIC_ENABLE);

	return (lapic->base & ~(APIC_X2APIC | APIC_ENABLE)) ==
	               (APIC_ADDRESS | (id ? 0 : APIC_BSP)) &&
	       mode != APIC_X2APIC && lapic->tpr <= 0xff && !(lapic->divide & ~0xbu);
}
