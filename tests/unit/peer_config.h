/* The configuration of a host on this machine, with one peer and certificates of certificates.h. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_PEER_CONFIG_H
#define TESTS_UNIT_PEER_CONFIG_H

#include <stdint.h>

/* A TCP port that nobody listens at. */
uint16_t peer_config_port(void);

/* Its text; a constant until the next call. There is another peer, "far", at 127.0.0.9, which does not answer. The certificate is NAME.pem, of the
 * authority "ca". */
const char *peer_config(const char *name, const char *address, const char *peer,
                        const char *peer_address, uint16_t port);

#endif
