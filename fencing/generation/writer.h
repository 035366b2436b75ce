/* Writes records on a thread of its own: a disk that is slow must not stop the loop that renews the lease. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GENERATION_WRITER_H
#define FENCING_GENERATION_WRITER_H

#include <ev.h>

#include "fencing/generation/generation.h"

/* One a process: writes are done in the order in which they were asked for, one after the other. */
struct writer;

/* folder is generation.h's, kept open by the caller until the writer is closed. 0 or a negative errno. */
int writer_open(struct ev_loop *loop, int folder, struct writer **writer);

/* Ends what was asked for first (blocks for the disk); nobody is told of it any more. */
void writer_close(struct writer *writer);

int writer_folder(const struct writer *writer);

/* record NULL: it is forgotten. done is called on the loop, with 0 or generation_write()'s error. -ENOMEM: it will not
 * be. */
int writer_write(struct writer *writer, const char *vm, const struct record *record,
                 void (*done)(void *data, int err), void *data);

/* Other work on a folder of its own, in the same order as all that was asked for. work() is called on the thread, done() on
 * the loop with what it returned; order is freed. -ENOMEM: neither will be, and order is the caller's. */
int writer_do(struct writer *writer, int (*work)(int folder, void *order), void *order,
              void (*done)(void *data, int err), void *data);

/* Nobody with this data is told any more; the writes are done all the same. */
void writer_disown(struct writer *writer, const void *data);

#endif
