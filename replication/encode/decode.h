/* The other end of encode.h: what a page of a batch becomes on the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ENCODE_DECODE_H
#define REPLICATION_ENCODE_DECODE_H

#include <stdbool.h>

#include "replication/wire/pages.h"

/* Whether the page's contents of before are needed: it comes as changed lines. */
static inline bool decode_needs_old(uint64_t entry)
{
	unsigned int how = page_entry_how(entry);

	return how == WIRE_PAGE_LINES || how == WIRE_PAGE_LINES_LZ4;
}

/*
 * Makes the new contents of the entry at index in page, which is 4096 bytes and, where decode_needs_old(), holds what the
 * standby has there. Doing it again changes nothing (I4). 0; 1: the VM has no page there, page is not touched;
 * -EPROTO: an LZ4 block that cannot be, page is then of no use. Never reads or writes beyond page and payload.
 */
int decode_page(const struct page_batch *batch, uint32_t index, uint8_t *page);

/* Whether every page of the batch can be decoded: to be asked before an epoch is acknowledged, so that its commit
 * cannot fail half way (I2). 0 or -EPROTO. */
int decode_check(const struct page_batch *batch);

#endif
