/* A disk's queue between a simulated frontend and a simulated kernel, which ends jobs when a test says so. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_FAKE_DISK_H
#define TESTS_UNIT_FAKE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "replication/backend/disk_queue.h"

#define FAKE_PAGES    512u
#define FAKE_SECTORS  64u
#define FAKE_JOBS_MAX 64u

/* The frontend's memory: a grant reference is a page of it, and a reference beyond is not granted. */
extern uint8_t guest[FAKE_PAGES][RING_PAGE_SIZE];
extern struct blkif_sring *sring;

/* What is on the disk. */
extern uint8_t image_bytes[FAKE_SECTORS * 512];

/* The backend under test, and what its kernel has in hand. */
extern struct disk *disk;
extern struct host host;
extern struct image_job *jobs[FAKE_JOBS_MAX];
extern unsigned int job_count;
extern unsigned int notified;             /* times that the frontend was */
extern unsigned int submits;              /* times that it was called with jobs, or none */
extern unsigned int answered_before_copy; /* requests, when pages were last copied */
extern const char *failed;                /* why the device was closed, or NULL */

/* Before and after each test. */
int fake_disk_set_up(void **state);
int fake_disk_tear_down(void **state);

/* Killed: of what the kernel has, each job still ends or never began. The image's lock has the successor wait for
 * them; that one is started with is_attach. */
void fake_disk_kill(void);
void fake_disk_start(bool is_attach);

/* The kernel ends one of its jobs, whichever. */
void complete(unsigned int number, bool is_reported);

/* The frontend asks; of a number of sectors, one segment in the page ref. The n-th request has id n * 1000, from 1. */
struct blkif_request *put(uint8_t operation, uint64_t sector, unsigned int sectors, uint32_t ref);

/* An answer, by the number of the request from 0. */
const struct blkif_response *response(uint32_t number);

#endif
