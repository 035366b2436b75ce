/* A vCPU's local APIC: registers, priorities, timer (APM vol. 2, chapter 16). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "irq/vlapic.h"

#include "hw/cpu.h"
#include "irq/vlapic_private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/sched.h"

#define BASE_BSP    BIT(8)
#define BASE_X2APIC BIT(10)
#define BASE_ENABLE BIT(11)

#define APIC_VERSION 0x50014
#define LVT_MASKED   BIT(16)
#define LVT_PERIODIC BIT(17)
#define LVT_WRITABLE VLAPIC_LVT_WRITABLE

/* A guest must not keep a CPU busy with its timer alone: this much lies between two ticks. */
#define PERIOD_MIN MICROSECONDS(100)
#define SVR_ENABLE BIT(8)

enum register_index {
	REG_ID = 0x02,
	REG_VERSION = 0x03,
	REG_TPR = 0x08,
	REG_PPR = 0x0a,
	REG_EOI = 0x0b,
	REG_LDR = 0x0d,
	REG_DFR = 0x0e,
	REG_SVR = 0x0f,
	REG_ISR = 0x10,
	REG_TMR = 0x18,
	REG_IRR = 0x20,
	REG_ESR = 0x28,
	REG_ICR = 0x30,
	REG_ICR_HIGH = 0x31,
	REG_LVT_FIRST = 0x32,
	REG_LVT_LAST = 0x37,
	REG_INITIAL_COUNT = 0x38,
	REG_CURRENT_COUNT = 0x39,
	REG_DIVIDE = 0x3e,
	REG_SELF_IPI = 0x3f,
};

static int highest(const unsigned long *words)
{
	for (int i = 3; i >= 0; i--) {
		unsigned long word = __atomic_load_n(&words[i], __ATOMIC_SEQ_CST);

		if (word)
			return i * BITS_PER_LONG + (int)bit_highest(word);
	}
	return -1;
}

unsigned vlapic_divisor(uint32_t divide)
{
	unsigned code = (divide & 3) | (divide >> 1 & 4);

	return code == 7 ? 1 : 2u << code;
}

static bool is_periodic(const struct vlapic *lapic)
{
	return lapic->lvt[VLAPIC_LVT_TIMER] & LVT_PERIODIC;
}

void vlapic_timer_start(struct vlapic *lapic, nanos_t from)
{
	uint64_t wait = (uint64_t)lapic->initial_count * vlapic_divisor(lapic->divide);

	lapic->started = from;
	if (!lapic->initial_count) {
		timer_stop(&lapic->timer);
		return;
	}
	if (is_periodic(lapic))
		wait = MAX(wait, PERIOD_MIN);
	timer_set(&lapic->timer, lapic->vcpu->cpu, NANOS(from.v + wait));
}

static void timer_fires(struct timer *timer)
{
	struct vlapic *lapic = CONTAINER_OF(timer, struct vlapic, timer);
	uint32_t lvt = lapic->lvt[VLAPIC_LVT_TIMER];

	if (!(lvt & LVT_MASKED))
		vlapic_raise(lapic->vcpu, (uint8_t)lvt);
	if (is_periodic(lapic))
		vlapic_timer_start(lapic, clock_now());
}

static uint32_t current_count(const struct vlapic *lapic)
{
	uint64_t gone = (clock_now().v - lapic->started.v) / vlapic_divisor(lapic->divide);

	return gone < lapic->initial_count ? (uint32_t)(lapic->initial_count - gone) : 0;
}

void vlapic_reset(struct vcpu *vcpu)
{
	struct vlapic *lapic = vcpu->lapic;

	timer_stop(&lapic->timer);
	for (unsigned i = 0; i < ARRAY_SIZE(lapic->irr); i++)
		lapic->irr[i] = lapic->isr[i] = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(lapic->lvt); i++)
		lapic->lvt[i] = (uint32_t)LVT_MASKED;
	lapic->svr = 0xff;
	lapic->dfr = 0xffffffff;
	lapic->ldr = lapic->esr = lapic->icr_high = 0;
	lapic->icr = 0;
	lapic->initial_count = lapic->divide = 0;
	vcpu->control.tpr = 0;
}

int vlapic_create(struct vcpu *vcpu)
{
	struct vlapic *lapic = heap_alloc(sizeof(*lapic));

	if (!lapic)
		return -ENOMEM;
	lapic->vcpu = vcpu;
	lapic->base = VLAPIC_ADDRESS | BASE_ENABLE | (vcpu->id == 0 ? BASE_BSP : 0);
	timer_init(&lapic->timer, timer_fires);
	vcpu->lapic = lapic;
	vlapic_reset(vcpu);
	return 0;
}

void vlapic_destroy(struct vcpu *vcpu)
{
	if (!vcpu->lapic)
		return;
	vcpu->lapic->lvt[VLAPIC_LVT_TIMER] = (uint32_t)LVT_MASKED; /* not periodic any more */
	timer_retire(&vcpu->lapic->timer);
	heap_free(vcpu->lapic);
	vcpu->lapic = NULL;
}

uint64_t vlapic_base(const struct vcpu *vcpu)
{
	return vcpu->lapic->base;
}

/* Between the modes only as the hardware allows; the address stays where it is. */
int vlapic_set_base(struct vcpu *vcpu, uint64_t value)
{
	uint64_t old = vcpu->lapic->base;

	if ((value ^ old) & ~(BASE_X2APIC | BASE_ENABLE))
		return -EINVAL;
	if ((value & BASE_X2APIC) && !(value & BASE_ENABLE))
		return -EINVAL;
	if ((old & BASE_X2APIC) && !(value & BASE_X2APIC) && (value & BASE_ENABLE))
		return -EINVAL;
	vcpu->lapic->base = value;
	return 0;
}

bool vlapic_is_x2apic(const struct vcpu *vcpu)
{
	return vcpu->lapic->base & BASE_X2APIC;
}

bool vlapic_is_mapped(const struct vcpu *vcpu)
{
	return (vcpu->lapic->base & (BASE_ENABLE | BASE_X2APIC)) == BASE_ENABLE;
}

void vlapic_raise(struct vcpu *vcpu, uint8_t vector)
{
	bit_test_and_set(vector, vcpu->lapic->irr);
	sched_kick(vcpu);
}

static uint8_t processor_priority(const struct vcpu *vcpu)
{
	int serving = highest(vcpu->lapic->isr);
	uint8_t class = serving < 0 ? 0 : (uint8_t)serving & 0xf0;

	return (vcpu->control.tpr & 0xf0) >= class ? vcpu->control.tpr : class;
}

int vlapic_pending(const struct vcpu *vcpu)
{
	int vector = highest(vcpu->lapic->irr);

	if (vector < 0 || (vector & 0xf0) <= (processor_priority(vcpu) & 0xf0))
		return -1;
	return vector;
}

void vlapic_take(struct vcpu *vcpu, uint8_t vector)
{
	bit_test_and_clear(vector, vcpu->lapic->irr);
	bit_set(vector, vcpu->lapic->isr);
}

static int end_of_interrupt(struct vcpu *vcpu)
{
	int vector = highest(vcpu->lapic->isr);

	if (vector >= 0)
		bit_clear((unsigned)vector, vcpu->lapic->isr);
	return vector;
}

/* In x2APIC mode the logical id follows from the id: cluster in the upper half, bit in the lower. */
static uint32_t logical_id(const struct vcpu *vcpu)
{
	if (vlapic_is_x2apic(vcpu))
		return vcpu->apic_id >> 4 << 16 | 1u << (vcpu->apic_id & 15);
	return vcpu->lapic->ldr;
}

static bool logical_match(const struct vcpu *vcpu, uint32_t destination)
{
	uint32_t id = logical_id(vcpu);

	if (vlapic_is_x2apic(vcpu))
		return id >> 16 == destination >> 16 && (id & destination & 0xffff);
	id >>= 24;
	if (vcpu->lapic->dfr >> 28 == 0xf)
		return id & destination;
	return id >> 4 == destination >> 4 && (id & destination & 0xf);
}

bool vlapic_matches(const struct vcpu *vcpu, const struct ipi *ipi)
{
	uint32_t everyone = vlapic_is_x2apic(vcpu) ? 0xffffffff : 0xff;

	if (ipi->destination == everyone)
		return true;
	return ipi->logical ? logical_match(vcpu, ipi->destination)
	                    : vcpu->apic_id == ipi->destination;
}

static void decode_command(const struct vcpu *vcpu, uint64_t command, struct ipi *ipi)
{
	*ipi = (struct ipi){
		.wanted = true,
		.mode = (enum ipi_mode)(command >> 8 & 7),
		.vector = (uint8_t)command,
		.logical = command >> 11 & 1,
		.deassert = (command >> 15 & 1) && !(command >> 14 & 1),
		.shorthand = (enum ipi_shorthand)(command >> 18 & 3),
		.destination = (uint32_t)(command >> 32),
	};
	if (!vlapic_is_x2apic(vcpu))
		ipi->destination >>= 24;
}

static uint32_t bitmap_part(const unsigned long *words, unsigned part)
{
	return (uint32_t)(words[part / 2] >> (part % 2 * 32));
}

int vlapic_read(struct vcpu *vcpu, unsigned index, uint64_t *value)
{
	struct vlapic *lapic = vcpu->lapic;
	bool x2apic = vlapic_is_x2apic(vcpu);

	if (index >= REG_ISR && index < REG_ISR + 8)
		*value = bitmap_part(lapic->isr, index - REG_ISR);
	else if (index >= REG_TMR && index < REG_TMR + 8)
		*value = 0;
	else if (index >= REG_IRR && index < REG_IRR + 8)
		*value = bitmap_part(lapic->irr, index - REG_IRR);
	else if (index >= REG_LVT_FIRST && index <= REG_LVT_LAST)
		*value = lapic->lvt[index - REG_LVT_FIRST];
	else
		switch (index) {
		case REG_ID:
			*value = x2apic ? vcpu->apic_id : vcpu->apic_id << 24;
			break;
		case REG_VERSION:
			*value = APIC_VERSION;
			break;
		case REG_TPR:
			*value = vcpu->control.tpr;
			break;
		case REG_PPR:
			*value = processor_priority(vcpu);
			break;
		case REG_LDR:
			*value = logical_id(vcpu);
			break;
		case REG_DFR:
			*value = lapic->dfr;
			return x2apic ? -EINVAL : 0;
		case REG_SVR:
			*value = lapic->svr;
			break;
		case REG_ESR:
			*value = lapic->esr;
			break;
		case REG_ICR:
			*value = x2apic ? lapic->icr : (uint32_t)lapic->icr;
			break;
		case REG_ICR_HIGH:
			*value = lapic->icr_high;
			return x2apic ? -EINVAL : 0;
		case REG_INITIAL_COUNT:
			*value = lapic->initial_count;
			break;
		case REG_CURRENT_COUNT:
			*value = current_count(lapic);
			break;
		case REG_DIVIDE:
			*value = lapic->divide;
			break;
		default:
			*value = 0;
			return x2apic ? -EINVAL : 0;
		}
	return 0;
}

int vlapic_write(struct vcpu *vcpu, unsigned index, uint64_t value, struct vlapic_effect *effect)
{
	struct vlapic *lapic = vcpu->lapic;
	bool x2apic = vlapic_is_x2apic(vcpu);

	*effect = (struct vlapic_effect){ .ended = -1 };
	if (index >= REG_LVT_FIRST && index <= REG_LVT_LAST) {
		lapic->lvt[index - REG_LVT_FIRST] = (uint32_t)(value & LVT_WRITABLE);
		return 0;
	}
	switch (index) {
	case REG_TPR:
		vcpu->control.tpr = (uint8_t)value;
		return value >> 8 && x2apic ? -EINVAL : 0;
	case REG_EOI:
		effect->ended = end_of_interrupt(vcpu);
		return value && x2apic ? -EINVAL : 0;
	case REG_LDR:
		lapic->ldr = (uint32_t)value & 0xff000000;
		return x2apic ? -EINVAL : 0;
	case REG_DFR:
		lapic->dfr = (uint32_t)value | 0x0fffffff;
		return x2apic ? -EINVAL : 0;
	case REG_SVR:
		lapic->svr = (uint32_t)value & 0x1ff;
		return 0;
	case REG_ESR:
		lapic->esr = 0;
		return 0;
	case REG_ICR:
		lapic->icr = x2apic ? value : (uint64_t)lapic->icr_high << 32 | (uint32_t)value;
		decode_command(vcpu, lapic->icr, &effect->ipi);
		return 0;
	case REG_ICR_HIGH:
		lapic->icr_high = (uint32_t)value;
		return x2apic ? -EINVAL : 0;
	case REG_INITIAL_COUNT:
		lapic->initial_count = (uint32_t)value;
		vlapic_timer_start(lapic, clock_now());
		return 0;
	case REG_DIVIDE:
		lapic->divide = (uint32_t)value & 0xb;
		return 0;
	case REG_SELF_IPI:
		effect->ipi = (struct ipi){ .wanted = x2apic,
			                    .vector = (uint8_t)value,
			                    .shorthand = IPI_SELF };
		return x2apic ? 0 : -EINVAL;
	default:
		return x2apic ? -EINVAL : 0;
	}
}
