/* What a test guest stands on: reports, hypercalls, traps that are expected, memory at any address. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GUESTS_LIB_GUEST_H
#define TESTS_GUESTS_LIB_GUEST_H

#include "abi/public.h"
#include "call.h" /* of lib/wide or lib/narrow */

#define PAGE_SIZE    4096UL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO_TRAP      (-1)

enum { TRAP_DB = 1, TRAP_UD = 6, TRAP_DF = 8, TRAP_GP = 13, TRAP_PF = 14 };

/* --- a test: its name, and what it does; the library calls it and reports --- */

extern const char test_name[];
void test_main(void);

/* A line "guest: NAME: note ..." on the console, for a figure or a milestone. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "guest: NAME: FAILED ...", the first few times; the test goes on, and is not ok. */
void failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition)                                                                           \
	((condition) ? (void)0 : failed("%s:%d: %s", __FILE__, __LINE__, #condition))

/* "guest: NAME: ok" unless something failed; then the guest powers itself off. The end of test_main. */
void finish(void) __attribute__((noreturn));

/* The same line, for a test that goes on to what it does not come back from. */
void report(void);

/* --- the machine --- */

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Calls a function that may trap: the vector, or NO_TRAP. trapped tells more. Not within another. */
int try_call(void (*function)(uint64_t argument), uint64_t argument);
extern struct trap_frame trapped;

/* Calls a function at privilege level 3, where it sees the same memory; returns what it returns. */
uint64_t user_call(uint64_t (*function)(uint64_t argument), uint64_t argument);

/* False: #GP. */
bool msr_read(uint32_t index, uint64_t *value);
bool msr_write(uint32_t index, uint64_t value);

/* A page of guest-physical memory, at an address that the next call takes away; the entry is the
 * caller's to play with. flags are those of a page table entry. */
#define PTE_PRESENT 0x001UL
#define PTE_WRITE   0x002UL
#define PTE_USER    0x004UL
#define PTE_NX      (1UL << 63)
void *window(uint64_t address, uint64_t flags);
extern uint64_t *window_entry;

/* Readies what vCPU 1 runs once it is sent an INIT and a start-up with that page; its APIC id is 2. */
#define SECOND_PAGE 0x08
void second_prepare(void (*function)(void));

/* Starts vCPU 1, which calls the function and must not trap. Again: it is reset and starts afresh. */
void second_start_at(void (*function)(void));

extern uint64_t page_tables[512]; /* the first 4 GiB, each address at its own number */
extern char image_start[], image_end[];
extern uint32_t start_info;

/* The same numbers each time. */
uint64_t pseudo_random(void);

/* --- hypercalls --- */

static inline long hypercall3(unsigned long number, unsigned long a, const void *b, unsigned long c)
{
	return hypercall(number, a, (unsigned long)b, c, 0, 0);
}

static inline long hypercall2(unsigned long number, unsigned long a, const void *b)
{
	return hypercall3(number, a, b, 0);
}

/* The value, or a negative error as its complement's neighbour: parameters are never so large. */
uint64_t hvm_param(uint32_t index);

domid_t own_id(void); /* as the toolstack tells it by CPUID; DOMID_INVALID if it does not */

/* Names of errors are numbers here: hypercalls return them negative. */
#define XEN_ERRNO(name, value) X_##name = value,
enum {
#include <xen/errno.h>
};

#endif
