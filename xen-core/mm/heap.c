/* Small objects of the hypervisor, from the frame allocator. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/heap.h"

#include "abi/public.h"
#include "hw/lock.h"
#include "lib/assert.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"

/*
 * Objects of 16, 32, ... 2048 bytes share pages, one size to a page. Each begins with its header, in
 * the room of the first objects. What is larger has whole blocks of frames: only these begin on a
 * page boundary, which tells the two apart.
 */
#define SMALLEST_SHIFT    4
#define CLASSES           8
#define CLASS_SIZE(class) (1U << (SMALLEST_SHIFT + (class)))
#define LARGEST_SMALL     CLASS_SIZE(CLASSES - 1)

#define SLAB_MAGIC 0x736c6162

struct slab {
	uint32_t magic;
	uint16_t class;
	uint16_t used;
	struct free_object {
		struct free_object *next;
	} * free;
	struct list link; /* in `partial` of its class while an object is free, else nowhere */
};

static struct lock lock = LOCK_INIT(LOCK_HEAP); /* over the lists and all slabs */
static struct list partial[CLASSES];

static unsigned class_for(size_t size)
{
	unsigned class = 0;

	while (CLASS_SIZE(class) < size)
		class ++;
	return class;
}

static struct slab *slab_of(void *object)
{
	return (struct slab *)((uintptr_t)object & PAGE_MASK);
}

static void put_object(struct slab *slab, void *object)
{
	struct free_object *free = object;

	free->next = slab->free;
	slab->free = free;
}

static struct slab *new_slab(unsigned class)
{
	size_t size = CLASS_SIZE(class);
	mfn_t mfn = frame_alloc(0, DOMID_XEN);
	struct slab *slab;

	if (mfn_is_none(mfn))
		return NULL;
	slab = mfn_to_virt(mfn);
	slab->magic = SLAB_MAGIC;
	slab->class = (uint16_t) class;
	for (size_t at = ALIGN_UP(sizeof(*slab), size); at < PAGE_SIZE; at += size)
		put_object(slab, (char *)slab + at);
	return slab;
}

/* One with a free object, made if there is none; NULL if there is no memory. */
static struct slab *partial_slab(unsigned class)
{
	struct slab *slab;

	if (!partial[class].next)
		list_init(&partial[class]);
	if (!list_is_empty(&partial[class]))
		return LIST_ENTRY(partial[class].next, struct slab, link);
	slab = new_slab(class);
	if (slab)
		list_push_front(&partial[class], &slab->link);
	return slab;
}

/* With the lock held, and an object free. */
static void *take_object(struct slab *slab)
{
	struct free_object *object = slab->free;

	slab->free = object->next;
	slab->used++;
	if (!slab->free)
		list_remove(&slab->link);
	return object;
}

static void *alloc_small(unsigned class)
{
	struct slab *slab;
	void *object = NULL;

	lock_take(&lock);
	slab = partial_slab(class);
	if (slab)
		object = take_object(slab);
	lock_release(&lock);
	return object ? memset(object, 0, CLASS_SIZE(class)) : NULL;
}

static void *alloc_large(size_t size)
{
	unsigned order = 0;
	mfn_t mfn;

	while (order < FRAME_MAX_ORDER && PAGE_SIZE << order < size)
		order++;
	if (PAGE_SIZE << order < size)
		return NULL;
	mfn = frame_alloc(order, DOMID_XEN);
	return mfn_is_none(mfn) ? NULL : mfn_to_virt(mfn);
}

void *heap_alloc(size_t size)
{
	return size <= LARGEST_SMALL ? alloc_small(class_for(size)) : alloc_large(size);
}

static void free_small(void *object)
{
	struct slab *slab = slab_of(object);
	bool empty;

	ASSERT(slab->magic == SLAB_MAGIC && slab->used);
	lock_take(&lock);
	if (!slab->free)
		list_push_front(&partial[slab->class], &slab->link);
	put_object(slab, object);
	empty = !--slab->used;
	if (empty)
		list_remove(&slab->link);
	lock_release(&lock);
	if (empty)
		frame_free(virt_to_mfn(slab), 0);
}

void heap_free(void *object)
{
	if (!object)
		return;
	if ((uintptr_t)object % PAGE_SIZE)
		free_small(object);
	else
		frame_free(virt_to_mfn(object), frame_order(virt_to_mfn(object)));
}
