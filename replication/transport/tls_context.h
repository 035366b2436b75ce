/* Who we are and whom we believe: certificates, read once; and what TLS says, in one line. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_TRANSPORT_TLS_CONTEXT_H
#define REPLICATION_TRANSPORT_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "replication/transport/transport.h"

/* TLS 1.3 and nothing else, certificates both ways, our own CA and no other, no resumption. NULL with why set. */
SSL_CTX *tls_context_new(const struct transport_settings *settings, char *why);

/* A session for one connection, whose peer must bear that name, or one of several with blanks between. */
SSL *tls_session_new(SSL_CTX *context, int descriptor, const char *peer, bool is_server);

/* Why a handshake, a read or a write failed, from the session and OpenSSL's queue of errors, which is emptied.
 * result: of SSL_get_error(). Returns a negative errno. */
int tls_error_text(const SSL *session, int result, const char *peer, char *why);

/* That of the names that the peer's certificate was found to bear; "" before the handshake. */
void tls_peer_name(const SSL *session, char *name, size_t size);

#endif
