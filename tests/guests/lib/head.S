/* A test guest's first and last instructions: entry as PVH, long mode, traps, user mode and back. */
/* SPDX-License-Identifier: Apache-2.0 */

/* Selectors: 0x08 32-bit code, 0x10 code, 0x18 data, 0x23 user data, 0x2b user code, 0x30 TSS. */

	.section .note.Xen, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	.text
	.code32
	.globl	_start
_start:
	mov	$stack_end, %esp
	mov	%ebx, start_info
	lgdt	gdt_pointer
	call	paging_on
	ljmp	$0x10, $1f

	.code64
1:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	call	guest_start
2:	hlt
	jmp	2b

/* A second CPU starts here, in real mode, wherever this was copied to below 1 MiB. */
	.globl	second_start, second_start_end
	.code16
second_start:
	lgdtl	%cs:second_gdt_pointer - second_start
	mov	$0x11, %eax
	mov	%eax, %cr0
	ljmpl	$0x08, $second_32
	.align	4
second_gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt
second_start_end:

	.code32
second_32:
	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$second_stack_end, %esp
	call	paging_on
	ljmp	$0x10, $1f
	.code64
1:	call	guest_second
2:	hlt
	jmp	2b

	.code32
paging_on:
	mov	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$page_tables, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER: SCE, LME, NXE */
	mov	$0x901, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	ret
	.code64

/* int try_call(void (*function)(uint64_t), uint64_t argument): its vector if it trapped, else -1. */
	.globl	try_call, try_resume
try_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, try_stack
	mov	%rdi, %rax
	mov	%rsi, %rdi
	sub	$8, %rsp
	call	*%rax
	add	$8, %rsp
	mov	$-1, %eax
try_resume:
	movq	$0, try_stack
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* uint64_t user_call(uint64_t (*function)(uint64_t), uint64_t argument): runs it at level 3. */
	.globl	user_call, user_resume
user_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, user_stack
	mov	%rdi, %rax
	mov	%rsi, %rdi
	pushq	$0x23
	pushq	$user_stack_end - 16
	pushq	$0x2
	pushq	$0x2b
	pushq	$user_run
	iretq
user_run:
	call	*%rax
	int	$0x80
user_resume:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* One entry a vector, 16 bytes apart. */
	.align	16
	.globl	trap_entries
trap_entries:
	.set	vector, 0
	.rept	256
	.align	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	guest_trap
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.data
	.align	8
	.globl	gdt
gdt:	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
	.quad	0x00cff3000000ffff
	.quad	0x00affb000000ffff
	.quad	0, 0			/* the TSS, filled in at start */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.quad	gdt
	.globl	try_stack, user_stack, start_info
	.align	8
try_stack:
	.quad	0
user_stack:
	.quad	0
start_info:
	.long	0

/* The first 4 GiB where they are, for both levels, in 2 MiB pages. */
	.section .tables, "aw"
	.align	4096
	.globl	page_tables
page_tables:
	.quad	directory_pointers + 7
	.fill	511, 8, 0
directory_pointers:
	.set	number, 0
	.rept	4
	.quad	directories + 7 + number * 4096
	.set	number, number + 1
	.endr
	.fill	508, 8, 0
directories:
	.set	number, 0
	.rept	2048
	.quad	0x87 + (number << 21)
	.set	number, number + 1
	.endr

	.bss
	.align	4096
	.skip	16384
stack_end:
	.skip	4096
user_stack_end:
	.skip	8192
second_stack_end:
