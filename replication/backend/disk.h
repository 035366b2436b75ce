/* A virtual disk: requests of a guest's ring, done on an image. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_DISK_H
#define REPLICATION_BACKEND_DISK_H

#include "replication/backend/device.h"

extern const struct device_kind disk_kind;

#endif
