/* A virtual network card: frames between the rings of a guest and its tap. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_NET_H
#define REPLICATION_BACKEND_NET_H

#include "replication/backend/device.h"

extern const struct device_kind net_kind;

#endif
