/* Just enough of the instruction set to step over what exits and to serve memory-mapped registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/decode.h"

#include "hw/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vcpu/linear.h"
#include "vcpu/ops.h"

#define MAX_INSTRUCTION 15

struct code {
	uint8_t bytes[MAX_INSTRUCTION];
	unsigned count;                                    /* bytes fetched */
	unsigned at;                                       /* next byte to decode */
	bool long_mode;                                    /* 64-bit code */
	bool wide_default;                                 /* 32-bit operands without prefix */
	bool operand_prefix, address_prefix, other_prefix; /* 66; 67; lock and rep */
	uint8_t rex;
};

static int code_fetch(struct vcpu *vcpu, struct code *code)
{
	struct segment cs;
	uint64_t linear;

	vcpu_ops->get_segment(vcpu, SEGMENT_CS, &cs);
	*code = (struct code){
		.long_mode = (vcpu->control.efer & EFER_LMA) && (cs.attributes & SEGMENT_LONG),
		.wide_default = cs.attributes & (SEGMENT_DEFAULT_32 | SEGMENT_LONG),
	};
	linear = code->long_mode ? vcpu->regs.rip : (uint32_t)(cs.base + vcpu->regs.rip);
	code->count = (unsigned)MIN((uint64_t)MAX_INSTRUCTION,
	                            PAGE_SIZE - (linear & (PAGE_SIZE - 1)));
	if (copy_from_guest(vcpu, code->bytes, linear, code->count))
		return -EFAULT;
	/* The rest may lie on a page that is not there: only a fault if it is needed. */
	if (code->count < MAX_INSTRUCTION &&
	    !copy_from_guest(vcpu, code->bytes + code->count, linear + code->count,
	                     MAX_INSTRUCTION - code->count))
		code->count = MAX_INSTRUCTION;
	return 0;
}

static uint8_t next(struct code *code)
{
	return code->at < code->count ? code->bytes[code->at++] : (code->at++, 0);
}

static void skip_prefixes(struct code *code)
{
	for (;; code->at++) {
		uint8_t byte = code->at < code->count ? code->bytes[code->at] : 0;

		if (byte == 0x66)
			code->operand_prefix = true;
		else if (byte == 0x67)
			code->address_prefix = true;
		else if (byte == 0xf0 || byte == 0xf2 || byte == 0xf3)
			code->other_prefix = true;
		else if (byte != 0x26 && byte != 0x2e && byte != 0x36 && byte != 0x3e &&
		         byte != 0x64 && byte != 0x65)
			break;
	}
	if (code->long_mode && code->at < code->count && (code->bytes[code->at] & 0xf0) == 0x40)
		code->rex = code->bytes[code->at++];
}

/* The opcodes that give each kind of exit. */
static const struct {
	enum exit_kind kind;
	uint8_t length;
	uint8_t bytes[3];
} exiting[] = {
	{ EXIT_CPUID, 2, { 0x0f, 0xa2 } },
	{ EXIT_HLT, 1, { 0xf4 } },
	{ EXIT_HYPERCALL, 3, { 0x0f, 0x01, 0xd9 } },
	{ EXIT_MSR, 2, { 0x0f, 0x30 } },
	{ EXIT_MSR, 2, { 0x0f, 0x32 } },
	{ EXIT_XSETBV, 3, { 0x0f, 0x01, 0xd1 } },
	{ EXIT_SKIP, 2, { 0x0f, 0x08 } },
};

unsigned decode_length(struct vcpu *vcpu, enum exit_kind kind)
{
	struct code code;

	if (code_fetch(vcpu, &code))
		return 0;
	skip_prefixes(&code);
	for (unsigned i = 0; i < ARRAY_SIZE(exiting); i++)
		if (exiting[i].kind == kind && code.at + exiting[i].length <= code.count &&
		    !memcmp(code.bytes + code.at, exiting[i].bytes, exiting[i].length))
			return code.at + exiting[i].length;
	return 0;
}

static unsigned operand_size(const struct code *code)
{
	if (code->rex & 8)
		return 8;
	return code->wide_default != code->operand_prefix ? 4 : 2;
}

static unsigned address_size(const struct code *code)
{
	if (code->long_mode)
		return code->address_prefix ? 4 : 8;
	return code->wide_default != code->address_prefix ? 4 : 2;
}

/* Steps over ModRM, SIB and displacement; returns the reg field with its REX bit, or -1 for a register
 * operand where memory is expected. */
static int skip_modrm(struct code *code)
{
	uint8_t modrm = next(code);
	unsigned mod = modrm >> 6, rm = modrm & 7, displacement = mod == 1 ? 1 : 0;

	if (mod == 3)
		return -1;
	if (address_size(code) == 2) {
		if (mod == 2 || (mod == 0 && rm == 6))
			displacement = 2;
	} else {
		if (mod == 2 || (mod == 0 && rm == 5))
			displacement = 4;
		if (rm == 4 && (next(code) & 7) == 5 && mod == 0)
			displacement = 4;
	}
	code->at += displacement;
	return (modrm >> 3 & 7) | (code->rex & 4) << 1;
}

static uint64_t *register_of(struct vcpu *vcpu, unsigned reg)
{
	return &vcpu->regs.rax + reg;
}

/* Without REX, byte registers 4..7 are AH, CH, DH, BH. */
static bool is_high_byte(const struct code *code, unsigned size, unsigned reg)
{
	return size == 1 && !code->rex && reg >= 4 && reg < 8;
}

static uint64_t truncated(uint64_t value, unsigned size)
{
	return size == 8 ? value : value & (BIT(size * 8) - 1);
}

static uint64_t immediate(struct code *code, unsigned size)
{
	unsigned bytes = MIN(size, 4u);
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)next(code) << (8 * i);
	return size == 8 ? (uint64_t)(int64_t)(int32_t)value : value;
}

static int store_register(struct vcpu *vcpu, struct code *code, struct mov *mov, unsigned size)
{
	int reg = skip_modrm(code);

	if (reg < 0)
		return -EOPNOTSUPP;
	mov->store = true;
	mov->size = (uint8_t)size;
	if (is_high_byte(code, size, (unsigned)reg))
		mov->value = *register_of(vcpu, (unsigned)reg - 4) >> 8 & 0xff;
	else
		mov->value = truncated(*register_of(vcpu, (unsigned)reg), size);
	return 0;
}

static int load_register(struct code *code, struct mov *mov, unsigned size, unsigned register_size)
{
	int reg = skip_modrm(code);

	if (reg < 0)
		return -EOPNOTSUPP;
	mov->size = (uint8_t)size;
	mov->register_size = (uint8_t)register_size;
	mov->high_byte = is_high_byte(code, register_size, (unsigned)reg);
	mov->reg = (uint8_t)(mov->high_byte ? reg - 4 : reg);
	return 0;
}

static int store_immediate(struct code *code, struct mov *mov, unsigned size)
{
	if (skip_modrm(code))
		return -EOPNOTSUPP; /* a register operand, or another instruction of the group */
	mov->store = true;
	mov->size = (uint8_t)size;
	mov->value = truncated(immediate(code, size), size);
	return 0;
}

static int accumulator(struct vcpu *vcpu, struct code *code, struct mov *mov, unsigned size,
                       bool store)
{
	code->at += address_size(code);
	mov->store = store;
	mov->size = mov->register_size = (uint8_t)size;
	mov->value = truncated(vcpu->regs.rax, size);
	return 0;
}

static int decode_extended(struct code *code, struct mov *mov)
{
	unsigned size = operand_size(code);
	uint8_t opcode = next(code);

	mov->sign_extend = opcode == 0xbe || opcode == 0xbf;
	switch (opcode) {
	case 0xb6:
	case 0xbe:
		return load_register(code, mov, 1, size);
	case 0xb7:
	case 0xbf:
		return load_register(code, mov, 2, size);
	default:
		return -EOPNOTSUPP;
	}
}

static int decode_opcode(struct vcpu *vcpu, struct code *code, struct mov *mov)
{
	unsigned size = operand_size(code);

	switch (next(code)) {
	case 0x88:
		return store_register(vcpu, code, mov, 1);
	case 0x89:
		return store_register(vcpu, code, mov, size);
	case 0x8a:
		return load_register(code, mov, 1, 1);
	case 0x8b:
		return load_register(code, mov, size, size);
	case 0xa0:
		return accumulator(vcpu, code, mov, 1, false);
	case 0xa1:
		return accumulator(vcpu, code, mov, size, false);
	case 0xa2:
		return accumulator(vcpu, code, mov, 1, true);
	case 0xa3:
		return accumulator(vcpu, code, mov, size, true);
	case 0xc6:
		return store_immediate(code, mov, 1);
	case 0xc7:
		return store_immediate(code, mov, size);
	case 0x0f:
		return decode_extended(code, mov);
	default:
		return -EOPNOTSUPP;
	}
}

int decode_mov(struct vcpu *vcpu, struct mov *mov)
{
	struct code code;
	int err = code_fetch(vcpu, &code);

	if (err)
		return err;
	*mov = (struct mov){ 0 };
	skip_prefixes(&code);
	err = code.other_prefix ? -EOPNOTSUPP : decode_opcode(vcpu, &code, mov);
	if (err)
		return err;
	if (code.at > code.count)
		return -EFAULT;
	mov->length = (uint8_t)code.at;
	return 0;
}

void mov_finish_load(struct vcpu *vcpu, const struct mov *mov, uint64_t value)
{
	uint64_t *reg = register_of(vcpu, mov->reg);
	uint64_t loaded = truncated(value, mov->size);

	if (mov->sign_extend && loaded >> (mov->size * 8 - 1) & 1)
		loaded |= ~(BIT(mov->size * 8) - 1);
	if (mov->high_byte)
		*reg = (*reg & ~0xff00UL) | (loaded & 0xff) << 8;
	else if (mov->register_size == 8 || mov->register_size == 4)
		*reg = truncated(loaded, mov->register_size);
	else if (mov->register_size == 2)
		*reg = (*reg & ~0xffffUL) | (loaded & 0xffff);
	else
		*reg = (*reg & ~0xffUL) | (loaded & 0xff);
}
