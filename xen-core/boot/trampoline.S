/* The first instructions of every CPU but the boot CPU: from real mode to C. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "boot/trampoline.h"

/*
 * smp.c copies all of this to a page below 1 MiB and fills in the parameters. A CPU starts here in
 * real mode with CS:IP = page:0. EBX holds the page's linear address throughout; the boot root maps
 * it there, and our own addresses as well.
 */
	.section .rodata
	.balign 16
	.globl	trampoline_start, trampoline_32, trampoline_64, trampoline_gdt
	.globl	trampoline_parameters, trampoline_end

	.code16
trampoline_start:
	cli
	cld
	xorl	%ebx, %ebx
	movw	%cs, %bx
	movw	%bx, %ds
	shll	$4, %ebx
	lgdtl	trampoline_parameters - trampoline_start + TRAMPOLINE_GDT_LIMIT
	movl	$0x11, %eax		/* PE, ET; caches on, paging off */
	movl	%eax, %cr0
	ljmpl	*(trampoline_parameters - trampoline_start + TRAMPOLINE_FAR32)

	.code32
trampoline_32:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	leal	trampoline_parameters - trampoline_start(%ebx), %esi
	movl	TRAMPOLINE_CR4(%esi), %eax
	movl	%eax, %cr4
	movl	TRAMPOLINE_CR3(%esi), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	movl	TRAMPOLINE_EFER(%esi), %eax
	xorl	%edx, %edx
	wrmsr
	movl	TRAMPOLINE_CR0(%esi), %eax
	movl	%eax, %cr0
	ljmpl	*TRAMPOLINE_FAR64(%esi)

	.code64
trampoline_64:
	movl	%esi, %esi		/* the upper half is undefined so far */
	movq	TRAMPOLINE_STACK(%rsi), %rsp
	xorl	%ebp, %ebp		/* backtraces end here */
	callq	*TRAMPOLINE_ENTRY(%rsi)
	ud2

	.balign 8
trampoline_gdt:
	.quad	0
	.quad	0x00cf9a000000ffff	/* 0x08: 32-bit code */
	.quad	0x00cf92000000ffff	/* 0x10: data */
	.quad	0x00af9a000000ffff	/* 0x18: 64-bit code */

	.balign 8
trampoline_parameters:
	.skip	TRAMPOLINE_SIZE
trampoline_end:
