/* A doubly linked circular list; the links live in the structure that is listed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_LIST_H
#define XEN_CORE_LIB_LIST_H

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_insert_before(struct list *at, struct list *item)
{
	item->prev = at->prev;
	item->next = at;
	at->prev->next = item;
	at->prev = item;
}

static inline void list_push_back(struct list *list, struct list *item)
{
	list_insert_before(list, item);
}

static inline void list_push_front(struct list *list, struct list *item)
{
	list_insert_before(list->next, item);
}

/* Leaves the item listed nowhere: an empty list of its own. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#define LIST_ENTRY(item, type, member) CONTAINER_OF(item, type, member)
#define LIST_FOR_EACH(item, head)                                                                  \
	for (struct list *item = (head)->next; item != (head); item = item->next)
#define LIST_FOR_EACH_SAFE(item, after, head)                                                      \
	for (struct list *item = (head)->next, *after = item->next; item != (head);                \
	     item = after, after = item->next)

#endif
