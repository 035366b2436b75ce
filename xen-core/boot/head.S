/* The first instructions after the boot loader: from 32-bit mode without paging to C in long mode. */
/* SPDX-License-Identifier: Apache-2.0 */

#define MULTIBOOT1_HEADER_MAGIC 0x1badb002
#define MULTIBOOT1_MAGIC	0x2badb002
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_MAGIC	0x36d76289

#define IMAGE_BASE	0xffffffff80000000
#define STACK_SIZE	0x8000
#define PAGE_SIZE	0x1000

#define CODE64		0x08
#define DATA		0x10

#define MSR_EFER	0xc0000080
#define EFER_LME_NXE	0x900
#define CR0_WANTED	0x80010023	/* PG, WP, NE, MP, PE */
#define CR4_PAE		0x20

#define ENTRY_TABLE	0x3		/* present, writable */
#define ENTRY_LARGE	0x83		/* the same, 2 MiB */

#define COM1		0x3f8

	/* Of an address in our image: where it lies without paging. */
#define PHYSICAL(address) ((address) - IMAGE_BASE)

	.section .boot, "ax", @progbits

	.balign	4
multiboot1_header:
	.long	MULTIBOOT1_HEADER_MAGIC
	.long	3			/* modules on page boundaries, memory map wanted */
	.long	-(MULTIBOOT1_HEADER_MAGIC + 3)

	.balign	8
multiboot2_header:
	.long	MULTIBOOT2_HEADER_MAGIC
	.long	0			/* i386 */
	.long	multiboot2_end - multiboot2_header
	.long	-(MULTIBOOT2_HEADER_MAGIC + (multiboot2_end - multiboot2_header))
	.balign	8
1:	.short	1, 0			/* what we want to be told */
	.long	2f - 1b
	.long	1, 2, 3, 6		/* command line, loader, modules, memory map */
2:	.balign	8
1:	.short	1, 1			/* the same, if there is any */
	.long	2f - 1b
	.long	14, 15			/* the RSDP of ACPI 1 and 2 */
2:	.balign	8
	.short	6, 0			/* modules on page boundaries */
	.long	8
	.balign	8
	.short	0, 0
	.long	8
multiboot2_end:

	/* Until C runs, ESI holds the loader's magic and EDI where its information lies: CPUID
	 * changes the registers they came in. */
	.code32
	.globl	boot_start
boot_start:
	cli
	cld
	movl	%eax, %esi
	movl	%ebx, %edi
	movl	$PHYSICAL(boot_stack + STACK_SIZE - 16), %esp

	movl	$no_loader, %ebp
	cmpl	$MULTIBOOT1_MAGIC, %esi
	je	1f
	cmpl	$MULTIBOOT2_MAGIC, %esi
	jne	give_up
1:
	movl	$no_long_mode, %ebp
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	give_up
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	give_up
	movl	$no_execute_disable, %ebp
	btl	$20, %edx
	jnc	give_up

	/* The first 4 GiB three times, as far as each goes: where they are, for the jump; at
	 * DIRECT_MAP_BASE; the first of them at IMAGE_BASE. */
	movl	$PHYSICAL(boot_page_directories), %ebx
	movl	$ENTRY_LARGE, %eax
	xorl	%ecx, %ecx
1:	movl	%eax, (%ebx, %ecx, 8)
	addl	$0x200000, %eax
	incl	%ecx
	cmpl	$4 * 512, %ecx
	jne	1b

	leal	ENTRY_TABLE(%ebx), %eax
	movl	%eax, PHYSICAL(boot_pdpt_image + 510 * 8)
	movl	$PHYSICAL(boot_pdpt_low), %edx
	xorl	%ecx, %ecx
1:	movl	%eax, (%edx, %ecx, 8)
	addl	$PAGE_SIZE, %eax
	incl	%ecx
	cmpl	$4, %ecx
	jne	1b

	movl	$PHYSICAL(boot_pml4), %ebx
	addl	$ENTRY_TABLE, %edx
	movl	%edx, (%ebx)
	movl	%edx, 256 * 8(%ebx)
	movl	$PHYSICAL(boot_pdpt_image) + ENTRY_TABLE, 511 * 8(%ebx)

	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	%ebx, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME_NXE, %eax
	wrmsr
	movl	$CR0_WANTED, %eax
	movl	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmpl	$CODE64, $long_mode

	/* EBP: what to say. The serial port is set up as far as boot loaders may not have done it. */
give_up:
	movw	$COM1 + 3, %dx
	movb	$0x80, %al		/* the divisor: 1, 115200 baud */
	outb	%al, %dx
	movw	$COM1, %dx
	movb	$1, %al
	outb	%al, %dx
	incl	%edx
	xorl	%eax, %eax
	outb	%al, %dx
	movw	$COM1 + 3, %dx
	movb	$3, %al			/* 8 bits, no parity */
	outb	%al, %dx
1:	movw	$COM1 + 5, %dx
	movl	$1000000, %ecx
2:	inb	%dx, %al
	testb	$0x20, %al
	loopz	2b
	movb	(%ebp), %al
	testb	%al, %al
	jz	3f
	movw	$COM1, %dx
	outb	%al, %dx
	incl	%ebp
	jmp	1b
3:	hlt
	jmp	3b

no_loader:
	.asciz	"FATAL: not started by a multiboot loader\r\n"
no_long_mode:
	.asciz	"FATAL: this CPU has no 64-bit mode\r\n"
no_execute_disable:
	.asciz	"FATAL: this CPU has no execute-disable (NX); the firmware may have turned it off\r\n"

	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* CODE64 */
	.quad	0x00cf93000000ffff	/* DATA; both marked as used: the CPU then leaves them as they are */
boot_gdt_pointer:
	.short	. - boot_gdt - 1
	.quad	boot_gdt

	.code64
long_mode:
	movl	$DATA, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$high, %rax
	jmpq	*%rax

	.text
high:
	movq	$boot_stack + STACK_SIZE - 16, %rsp
	movq	$boot_cpu, (%rsp)	/* this_cpu() looks for it here */
	xorl	%ebp, %ebp		/* backtraces end here */
	movl	%edi, %eax
	movl	%esi, %edi
	movl	%eax, %esi
	callq	boot_main
	ud2

	/* The tables serve the boot CPU until host_map_init() and then other CPUs on their way here. */
	.section .bss.stack, "aw", @nobits
	.balign	STACK_SIZE
	.globl	boot_stack
boot_stack:
	.skip	STACK_SIZE

	.bss
	.balign	PAGE_SIZE
	.globl	boot_pml4, boot_pdpt_low, boot_page_directories
boot_pml4:
	.skip	PAGE_SIZE
boot_pdpt_low:
	.skip	PAGE_SIZE
boot_pdpt_image:
	.skip	PAGE_SIZE
boot_page_directories:
	.skip	4 * PAGE_SIZE
