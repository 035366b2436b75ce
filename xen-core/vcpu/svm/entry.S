/* Into the guest and back: the registers that VMRUN does not switch by itself. */
/* SPDX-License-Identifier: Apache-2.0 */

/* Offsets in struct guest_regs (vcpu.h), in the order of encoding; RAX, RSP, RIP, RFLAGS go by the VMCB. */
#define REG_RCX 8
#define REG_RDX 16
#define REG_RBX 24
#define REG_RBP 40
#define REG_RSI 48
#define REG_RDI 56
#define REG_R8 64
#define REG_R9 72
#define REG_R10 80
#define REG_R11 88
#define REG_R12 96
#define REG_R13 104
#define REG_R14 112
#define REG_R15 120

	.text
	.globl svm_enter
	.type svm_enter, @function
/* void svm_enter(paddr_t vmcb_address, struct guest_regs *regs) */
svm_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rsi
	mov %rdi, %rax

	mov REG_RCX(%rsi), %rcx
	mov REG_RDX(%rsi), %rdx
	mov REG_RBX(%rsi), %rbx
	mov REG_RBP(%rsi), %rbp
	mov REG_RDI(%rsi), %rdi
	mov REG_R8(%rsi), %r8
	mov REG_R9(%rsi), %r9
	mov REG_R10(%rsi), %r10
	mov REG_R11(%rsi), %r11
	mov REG_R12(%rsi), %r12
	mov REG_R13(%rsi), %r13
	mov REG_R14(%rsi), %r14
	mov REG_R15(%rsi), %r15
	mov REG_RSI(%rsi), %rsi

	/*
	 * With V_INTR_MASKING the host's IF at VMRUN decides whether a physical interrupt ends guest
	 * mode; GIF=0 keeps it from being taken here (APM vol. 2, 15.17, 15.21.1). STI's shadow lasts
	 * until CLGI has run; with STI the later of the two it would reach into the guest on QEMU.
	 */
	sti
	clgi
	vmrun %rax
	.globl svm_left_guest
svm_left_guest:
	cli

	push %rsi
	mov 8(%rsp), %rsi
	mov %rcx, REG_RCX(%rsi)
	mov %rdx, REG_RDX(%rsi)
	mov %rbx, REG_RBX(%rsi)
	mov %rbp, REG_RBP(%rsi)
	mov %rdi, REG_RDI(%rsi)
	mov %r8, REG_R8(%rsi)
	mov %r9, REG_R9(%rsi)
	mov %r10, REG_R10(%rsi)
	mov %r11, REG_R11(%rsi)
	mov %r12, REG_R12(%rsi)
	mov %r13, REG_R13(%rsi)
	mov %r14, REG_R14(%rsi)
	mov %r15, REG_R15(%rsi)
	pop %rax
	mov %rax, REG_RSI(%rsi)
	stgi

	pop %rsi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size svm_enter, . - svm_enter
	.section .note.GNU-stack, "", @progbits
