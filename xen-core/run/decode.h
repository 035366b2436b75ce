/* Just enough of the instruction set: lengths of what exits, and MOV to memory that is not RAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_RUN_DECODE_H
#define XEN_CORE_RUN_DECODE_H

#include "vcpu/exit.h"
#include "vcpu/vcpu.h"

/* The length of the instruction at RIP, known to be one that gives this kind of exit; 0 if it is not
 * (the guest changed it meanwhile) or cannot be fetched. */
unsigned decode_length(struct vcpu *vcpu, enum exit_kind kind);

/* A MOV between a register or immediate and the memory that faulted. */
struct mov {
	uint8_t length;        /* of the instruction */
	uint8_t size;          /* bytes of memory: 1, 2, 4, 8 */
	uint8_t register_size; /* bytes of the destination register: zero or sign extended to */
	bool store;
	bool sign_extend;
	uint64_t value; /* of a store */
	uint8_t reg;    /* of a load: index into struct guest_regs */
	bool high_byte; /* of a load: AH, CH, DH, BH */
};

/* -EOPNOTSUPP if it is any other instruction, -EFAULT if it cannot be fetched. */
int decode_mov(struct vcpu *vcpu, struct mov *mov);

/* Writes what a load gave to its register. */
void mov_finish_load(struct vcpu *vcpu, const struct mov *mov, uint64_t value);

#endif
