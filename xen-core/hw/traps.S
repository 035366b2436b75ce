/* Where the CPU comes in with an exception or an interrupt: all are brought into one form for C. */
/* SPDX-License-Identifier: Apache-2.0 */

	/* These push an error code themselves: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX. */
#define PUSHES_ERROR(vector) \
	((vector) == 8 || ((vector) >= 10 && (vector) <= 14) || (vector) == 17 || \
	 (vector) == 21 || (vector) == 29 || (vector) == 30)

	.text

	/* 256 entries of 16 bytes each. */
	.balign	16
	.globl	trap_entries
trap_entries:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	!PUSHES_ERROR(vector)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap
	.set	vector, vector + 1
	.endr

	/* Builds a struct trap_frame. The CPU aligned the stack before it pushed its five words; with
	 * ours there are 22, so that it is aligned again. */
	.balign	16
trap:
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	movq	%rsp, %rdi
	pushq	17 * 8(%rdi)		/* as if RIP had called us: a backtrace goes on there */
	pushq	%rbp
	movq	%rsp, %rbp
	callq	interrupt_entry
	addq	$16, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$16, %rsp
	iretq
