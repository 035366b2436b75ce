/* Numbers that must not be mixed are structs: frame numbers and times. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_TYPES_H
#define XEN_CORE_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* A machine (host-physical) or guest-physical byte address; the name of the variable says which. */
typedef uint64_t paddr_t;

/* A guest frame number: guest-physical address >> PAGE_SHIFT. */
typedef struct {
	uint64_t v;
} gfn_t;

/* A machine frame number: host-physical address >> PAGE_SHIFT. */
typedef struct {
	uint64_t v;
} mfn_t;

#define GFN(n)   ((gfn_t){ (n) })
#define MFN(n)   ((mfn_t){ (n) })
#define MFN_NONE MFN(~0UL)
#define GFN_NONE GFN(~0UL)

static inline bool mfn_is_none(mfn_t mfn)
{
	return mfn.v == ~0UL;
}

/* Nanoseconds of system time: since boot, monotonic, the same on every CPU. */
typedef struct {
	uint64_t v;
} nanos_t;

#define NANOS(n)        ((nanos_t){ (n) })
#define MICROSECONDS(n) ((uint64_t)(n)*1000)
#define MILLISECONDS(n) ((uint64_t)(n)*1000000)
#define SECONDS(n)      ((uint64_t)(n)*1000000000)

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define BIT(n)                        (1UL << (n))
#define ALIGN_UP(x, a)                (((x) + (a)-1) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a)              ((x) & ~((typeof(x))(a)-1))
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#define MIN(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) min_a = (a);                                                             \
		typeof(b) min_b = (b);                                                             \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) max_a = (a);                                                             \
		typeof(b) max_b = (b);                                                             \
		max_a > max_b ? max_a : max_b;                                                     \
	})

#endif
