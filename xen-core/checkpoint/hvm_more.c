/* The records beside the CPU's: local APIC, MTRR, XSAVE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/hvm_context.h"

#include "checkpoint/view_vcpu.h"
#include "irq/vlapic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vcpu/ops.h"
#include "vcpu/policy.h"
#include "vcpu/xstate.h"

/* The local APIC's page: a register every 16 bytes. */
#define REGISTER(index) ((index)*16)
#define REG_ID          REGISTER(0x02)
#define REG_VERSION     REGISTER(0x03)
#define REG_TPR         REGISTER(0x08)
#define REG_LDR         REGISTER(0x0d)
#define REG_DFR         REGISTER(0x0e)
#define REG_SVR         REGISTER(0x0f)
#define REG_ISR         REGISTER(0x10)
#define REG_IRR         REGISTER(0x20)
#define REG_ESR         REGISTER(0x28)
#define REG_ICR         REGISTER(0x30)
#define REG_ICR_HIGH    REGISTER(0x31)
#define REG_LVT         REGISTER(0x32)
#define REG_COUNT       REGISTER(0x38)
#define REG_NOW         REGISTER(0x39)
#define REG_DIVIDE      REGISTER(0x3e)

#define BITMAP_PARTS  8 /* of 32 bits */
#define APIC_DISABLED 2 /* by hardware, in hvm_hw_lapic.disabled; 1: by software, told by SVR too */
#define APIC_ENABLE   BIT(11)
#define SVR_ENABLE    BIT(8)

static uint32_t page_get(const void *page, size_t at)
{
	uint32_t value;

	memcpy(&value, (const char *)page + at, sizeof(value));
	return value;
}

static void page_set(void *page, size_t at, uint32_t value)
{
	memcpy((char *)page + at, &value, sizeof(value));
}

static void lapic_save(struct vcpu *vcpu, void *record)
{
	struct hvm_hw_lapic *to = record;
	struct state_lapic state;

	vlapic_save(vcpu, &state);
	to->apic_base_msr = state.base;
	to->disabled = (state.base & APIC_ENABLE ? 0 : APIC_DISABLED) |
	               (state.svr & SVR_ENABLE ? 0 : 1);
	to->timer_divisor = vlapic_divisor(state.divide);
}

static int lapic_check(const struct vcpu *vcpu, const void *record)
{
	const struct state_lapic state = {
		.base = ((const struct hvm_hw_lapic *)record)->apic_base_msr
	};

	return view_lapic_is_valid(&state, vcpu->id) ? 0 : -EINVAL;
}

/* Its mode alone: the page's record brings the rest. */
static void lapic_load(struct vcpu *vcpu, const void *record)
{
	struct state_lapic state;

	vlapic_save(vcpu, &state);
	state.base = ((const struct hvm_hw_lapic *)record)->apic_base_msr;
	vlapic_load(vcpu, &state);
}

const struct context_section context_lapic = {
	.typecode = 5,
	.length = sizeof(struct hvm_hw_lapic),
	.save = lapic_save,
	.check = lapic_check,
	.load = lapic_load,
};

static void page_save(struct vcpu *vcpu, void *page)
{
	struct state_lapic state;
	uint64_t value;

	vlapic_save(vcpu, &state);
	for (unsigned i = 0; i < BITMAP_PARTS; i++) {
		page_set(page, REG_ISR + REGISTER(i), (uint32_t)(state.isr[i / 2] >> i % 2 * 32));
		page_set(page, REG_IRR + REGISTER(i), (uint32_t)(state.irr[i / 2] >> i % 2 * 32));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(state.lvt); i++)
		page_set(page, REG_LVT + REGISTER(i), state.lvt[i]);
	vlapic_read(vcpu, REG_ID / 16, &value);
	page_set(page, REG_ID, (uint32_t)value);
	vlapic_read(vcpu, REG_VERSION / 16, &value);
	page_set(page, REG_VERSION, (uint32_t)value);
	vlapic_read(vcpu, REG_LDR / 16, &value);
	page_set(page, REG_LDR, (uint32_t)value);
	page_set(page, REG_TPR, state.tpr);
	page_set(page, REG_DFR, state.dfr);
	page_set(page, REG_SVR, state.svr);
	page_set(page, REG_ESR, state.esr);
	page_set(page, REG_ICR, (uint32_t)state.icr);
	page_set(page, REG_ICR_HIGH,
	         vlapic_is_x2apic(vcpu) ? (uint32_t)(state.icr >> 32) : state.icr_high);
	page_set(page, REG_COUNT, state.initial_count);
	vlapic_read(vcpu, REG_NOW / 16, &value);
	page_set(page, REG_NOW, state.initial_count ? (uint32_t)value : 0);
	page_set(page, REG_DIVIDE, state.divide);
}

static int page_check(const struct vcpu *vcpu, const void *page)
{
	(void)vcpu;
	return page_get(page, REG_TPR) <= 0xff && !(page_get(page, REG_DIVIDE) & ~0xbu) &&
	                       page_get(page, REG_NOW) <= page_get(page, REG_COUNT)
	               ? 0
	               : -EINVAL;
}

static uint64_t page_get64(const void *page, size_t low)
{
	return page_get(page, low) | (uint64_t)page_get(page, low + REGISTER(1)) << 32;
}

static void page_load(struct vcpu *vcpu, const void *page)
{
	struct state_lapic state = {
		.base = vlapic_base(vcpu),
		.tpr = page_get(page, REG_TPR),
		.ldr = page_get(page, REG_LDR),
		.dfr = page_get(page, REG_DFR),
		.svr = page_get(page, REG_SVR),
		.esr = page_get(page, REG_ESR),
		.icr = page_get64(page, REG_ICR),
		.icr_high = page_get(page, REG_ICR_HIGH),
		.initial_count = page_get(page, REG_COUNT),
		.divide = page_get(page, REG_DIVIDE),
	};

	state.counted = (uint64_t)(state.initial_count - page_get(page, REG_NOW)) *
	                vlapic_divisor(state.divide);
	for (unsigned i = 0; i < ARRAY_SIZE(state.lvt); i++)
		state.lvt[i] = page_get(page, REG_LVT + REGISTER(i));
	for (unsigned i = 0; i < ARRAY_SIZE(state.isr); i++) {
		state.isr[i] = page_get64(page, REG_ISR + REGISTER(2 * i));
		state.irr[i] = page_get64(page, REG_IRR + REGISTER(2 * i));
	}
	vlapic_load(vcpu, &state);
}

const struct context_section context_lapic_regs = {
	.typecode = 6,
	.length = sizeof(struct hvm_hw_lapic_regs),
	.save = page_save,
	.check = page_check,
	.load = page_load,
};

/* The guest's MTRRs say what they always say; of this record only the PAT is state. */
static void mtrr_save(struct vcpu *vcpu, void *record)
{
	struct hvm_hw_mtrr *mtrr = record;

	vcpu_ops->get_msr(vcpu, MSR_PAT, &mtrr->msr_pat_cr);
	policy_read_msr(vcpu, 0xfe, &mtrr->msr_mtrr_cap);
	policy_read_msr(vcpu, 0x2ff, &mtrr->msr_mtrr_def_type);
}

static uint64_t pat_of(const void *record)
{
	uint64_t pat;

	memcpy(&pat, (const char *)record + offsetof(struct hvm_hw_mtrr, msr_pat_cr), sizeof(pat));
	return pat;
}

static int mtrr_check(const struct vcpu *vcpu, const void *record)
{
	(void)vcpu;
	return policy_pat_is_valid(pat_of(record)) ? 0 : -EINVAL;
}

static void mtrr_load(struct vcpu *vcpu, const void *record)
{
	vcpu_ops->set_msr(vcpu, MSR_PAT, pat_of(record));
}

const struct context_section context_mtrr = {
	.typecode = 14,
	.length = sizeof(struct hvm_hw_mtrr),
	.save = mtrr_save,
	.check = mtrr_check,
	.load = mtrr_load,
};

/* Three words and the area as XSAVE lays it out. */
#define XSAVE_HEAD offsetof(struct hvm_hw_cpu_xsave, save_area)

static uint32_t xsave_more(void)
{
	return (uint32_t)xstate_size();
}

/* Without XSAVE the CPU record says it all. */
static bool xsave_applies(const struct vcpu *vcpu)
{
	return xstate_supported() && vcpu->up;
}

static uint64_t word_of(const void *record, size_t at)
{
	uint64_t word;

	memcpy(&word, (const char *)record + at, sizeof(word));
	return word;
}

static void xsave_save(struct vcpu *vcpu, void *record)
{
	const uint64_t head[] = { xstate_supported(), vcpu->xcr0, xstate_supported() };

	_Static_assert(sizeof(head) == XSAVE_HEAD, "XSAVE record");
	memcpy(record, head, sizeof(head));
	xstate_get(vcpu, (char *)record + XSAVE_HEAD);
}

static int xsave_check(const struct vcpu *vcpu, const void *record)
{
	uint64_t xcr0 = word_of(record, offsetof(struct hvm_hw_cpu_xsave, xcr0));

	(void)vcpu;
	return xstate_supported() &&
	                       view_xstate_is_valid(xcr0, (const uint8_t *)record + XSAVE_HEAD,
	                                            xstate_supported())
	               ? 0
	               : -EINVAL;
}

static void xsave_load(struct vcpu *vcpu, const void *record)
{
	xstate_set(vcpu, word_of(record, offsetof(struct hvm_hw_cpu_xsave, xcr0)),
	           (const char *)record + XSAVE_HEAD);
}

const struct context_section context_xsave = {
	.typecode = 16,
	.length = XSAVE_HEAD,
	.more = xsave_more,
	.applies = xsave_applies,
	.save = xsave_save,
	.check = xsave_check,
	.load = xsave_load,
};
