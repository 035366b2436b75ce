/* A 32-bit test guest's first and last instructions: entry as PVH, traps, the upcall. */
/* SPDX-License-Identifier: Apache-2.0 */

/* Selectors: 0x08 code, 0x10 data. */

	.section .note.Xen, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	.text
	.globl	_start
_start:
	mov	$stack_end, %esp
	mov	%ebx, start_info
	lgdt	gdt_pointer
	ljmp	$0x08, $1f
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	call	guest_start
2:	hlt
	jmp	2b

/* One entry an exception, 16 bytes apart. */
	.align	16
	.globl	trap_entries
trap_entries:
	.set	vector, 0
	.rept	32
	.align	16
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	push	%esp
	call	guest_trap
3:	hlt
	jmp	3b

	.globl	upcall_entry
upcall_entry:
	pusha
	cld
	call	guest_upcall
	popa
	iret

	.data
	.align	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt
	.globl	start_info
	.align	4
start_info:
	.long	0

	.bss
	.align	4096
	.skip	16384
stack_end:
