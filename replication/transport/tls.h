/* TLS 1.3 over TCP, mutual certificates: the transport that is always there. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_TRANSPORT_TLS_H
#define REPLICATION_TRANSPORT_TLS_H

#include "replication/transport/transport.h"

extern const struct transport_ops tls_transport;

#endif
