/* What a VM's images on this host have in common with those of the other: files of marks, for a copy of what differs alone. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/resync.md. All block for the disk of the files. Functions that return int answer 0 or a negative errno.
 */

#ifndef REPLICATION_DOMAIN_PAIRING_H
#define REPLICATION_DOMAIN_PAIRING_H

#include "replication/domain/images.h"

/* The pairing that all of them stand in; 0: none, which is logged, with the reason. */
uint64_t pairing_find(const struct images *disks);

/* Files of a new one; is_marked: everything may differ. After an error there are none, if they could be removed. */
int pairing_make(const struct images *disks, uint64_t pairing, bool is_marked);
int pairing_remove(const struct images *disks);

/* A copy is to take what is marked here; -ESTALE: it is not that pairing. */
int pairing_load(struct images *disks, uint64_t pairing);
/* And what is marked there. -EPROTO: bits of another disk. */
int pairing_add(struct images *disks, uint32_t disk, const uint8_t *bits, uint32_t size);
/* A copy is to take everything. */
void pairing_forget(struct images *disks);

/* What is marked of a disk, for the peer: bytes, of size at most. All of it, if that is not known. */
uint32_t pairing_tell(const struct images *disks, uint32_t disk, uint8_t *bits, uint32_t size);

#endif
