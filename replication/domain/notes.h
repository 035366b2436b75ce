/* Notes of disk writes, as the backend worker made them: read, and laid over what was read of an image. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_NOTES_H
#define REPLICATION_DOMAIN_NOTES_H

#include "replication/domain/images.h"
#include "replication/hold/record_log.h"

/* 1: *write is what the note tells, its data in the note, a discard as long as it was; 0: it tells of no change; or a negative
 * errno: it cannot be, or is of a disk that is not known. */
int note_read(const struct images *disks, const struct record *note, struct disk_write *write);

/* As if the write had been done before the block was read: bytes are the block's. */
void note_lay(const struct disk_write *write, const struct disk_write *block, uint8_t *bytes);

#endif
