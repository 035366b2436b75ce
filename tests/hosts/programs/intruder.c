/* A kernel that breaks in: run as dom0, it does one bad thing in kernel mode and reports on it. */
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Entered as a PVH kernel: 32-bit, flat, no paging, no way to say anything. What it is to do stands on
 * its command line, what came of it in its report, which the test reads from outside.
 *
 *	do=crash		an exception without a handler
 *	do=touch:A:B		reads and marks all pages from A to B
 *	do=execute:A		jumps to A
 *	do=walk:A		switches paging on, with its page tables at A
 */
#include <stddef.h>
#include <stdint.h>

#include <xen/arch-x86/hvm/start_info.h>

#include "mark.h"

#define NOTHING 0xffffffffu /* what reading where nothing is gives */
#define CR0_PG  0x80000000u

/* At a fixed place (linker: --section-start). */
static volatile struct {
	uint32_t read;     /* accesses */
	uint32_t readable; /* those that found something */
	uint32_t done;     /* 1: the deed is done, and we are still here */
} report __attribute__((section(".report")));

static uint32_t number(const char **text)
{
	uint32_t value = 0;

	for (++*text; **text > ' ' && **text != ':'; ++*text)
		value = value * 16 + (uint32_t)(**text <= '9' ? **text - '0' : **text - 'a' + 10);
	return value;
}

static void touch(uint32_t start, uint32_t end)
{
	for (uint32_t at = start; at < end; at += MARK_STEP) {
		report.read++;
		report.readable += mark_read(at) != NOTHING;
		mark_write(at, mark_of(at));
	}
}

static void walk(uint32_t tables)
{
	uint32_t cr0;

	asm volatile("mov %1, %%cr3; mov %%cr0, %0" : "=r"(cr0) : "r"(tables) : "memory");
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_PG) : "memory");
}

/* The deed is told by its second letter; its numbers are hexadecimal. */
__attribute__((used)) static void misbehave(const struct hvm_start_info *info)
{
	const char *text = (const char *)(uintptr_t)info->cmdline_paddr;
	char deed;
	uint32_t first;

	while (text[0] != 'd' || text[1] != 'o' || text[2] != '=')
		text++;
	deed = text[4];
	while (*text > ' ' && *text != ':')
		text++;
	first = number(&text);
	switch (deed) {
	case 'o':
		touch(first, number(&text));
		break;
	case 'x':
		((void (*)(void))first)();
		break;
	case 'a':
		walk(first);
		break;
	default:
		asm volatile("ud2");
	}
	report.done = 1;
	for (;;)
		asm volatile("pause");
}

asm(".globl _start\n"
    "_start:\n"
    "	movl $stack_end, %esp\n"
    "	pushl %ebx\n"
    "	call misbehave\n"
    ".bss\n"
    "	.skip 4096\n"
    "stack_end:\n"
    ".section .note.Xen, \"a\", @note\n"
    "	.long 4, 4, 18\n" /* XEN_ELFNOTE_PHYS32_ENTRY */
    "	.asciz \"Xen\"\n"
    "	.long _start\n"
    ".text\n");
