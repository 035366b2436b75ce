/* Who we are and whom we believe: certificates, read once; and what TLS says, in one line. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "replication/transport/tls_context.h"

/* AES in hardware is everywhere; the others for peers that were told to. */
#define CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static void say(char *why, const char *what, const char *path)
{
	unsigned long error = ERR_peek_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	if (error && ERR_SYSTEM_ERROR(error))
		reason = strerror(ERR_GET_REASON(error));
	snprintf(why, TRANSPORT_WHY_MAX, "%s %s: %s", what, path,
	         reason ? reason : "cannot be used");
	ERR_clear_error();
}

static int load(SSL_CTX *context, const struct transport_settings *settings, char *why)
{
	if (SSL_CTX_load_verify_file(context, settings->ca) != 1) {
		say(why, "CA certificate", settings->ca);
		return -EINVAL;
	}
	if (SSL_CTX_use_certificate_chain_file(context, settings->certificate) != 1) {
		say(why, "certificate", settings->certificate);
		return -EINVAL;
	}
	/* It also looks whether the key is that of the certificate. */
	if (SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1) {
		say(why, "key", settings->key);
		return -EINVAL;
	}
	return 0;
}

static int restrict_to_ours(SSL_CTX *context)
{
	if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(context, CIPHERS) != 1 ||
	    SSL_CTX_set_num_tickets(context, 0) != 1)
		return -EINVAL;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(context,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

/* Of sixteen hosts, each of 63 letters at most. */
#define TLS_NAMES_SIZE 1024

SSL_CTX *tls_context_new(const struct transport_settings *settings, char *why)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());

	if (!context || restrict_to_ours(context) != 0) {
		say(why, "TLS", "1.3");
		SSL_CTX_free(context);
		return NULL;
	}
	if (load(context, settings, why) != 0) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

/* False: no memory, or no name. */
static bool expect_names(SSL *session, const char *names)
{
	char copy[TLS_NAMES_SIZE], *rest = copy;
	int count = 0;
	char *name;

	if (strlen(names) >= sizeof(copy))
		return false;
	strcpy(copy, names);
	while ((name = strsep(&rest, " "))) {
		if (*name && SSL_add1_host(session, name) != 1)
			return false;
		count += *name != 0;
	}
	return count > 0;
}

SSL *tls_session_new(SSL_CTX *context, int descriptor, const char *peer, bool is_server)
{
	SSL *session = SSL_new(context);

	if (!session)
		return NULL;
	SSL_set_hostflags(session, X509_CHECK_FLAG_NO_WILDCARDS);
	if (!expect_names(session, peer) || SSL_set_fd(session, descriptor) != 1) {
		SSL_free(session);
		return NULL;
	}
	if (is_server)
		SSL_set_accept_state(session);
	else
		SSL_set_connect_state(session);
	return session;
}

/* What is wrong with the peer's certificate, in words of this project where OpenSSL's would mislead. */
static int say_certificate(const SSL *session, const char *peer, char *why)
{
	long verdict = SSL_get_verify_result(session);

	switch (verdict) {
	case X509_V_OK:
		return 0;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		snprintf(why, TRANSPORT_WHY_MAX, "the peer's certificate is not for %s", peer);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		snprintf(why, TRANSPORT_WHY_MAX, "the certificate of %s is not from our CA", peer);
		break;
	default:
		snprintf(why, TRANSPORT_WHY_MAX, "the certificate of %s: %s", peer,
		         X509_verify_cert_error_string(verdict));
	}
	return -EACCES;
}

/* The peer has said by an alert what it does not like. */
static const char *alert_text(unsigned long error)
{
	switch (ERR_GET_REASON(error)) {
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return "it is not from the peer's CA";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "it has expired, by the peer's clock";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
		return "it is not for the name that the peer expects";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return ERR_reason_error_string(error);
	default:
		return NULL;
	}
}

static int say_protocol(unsigned long error, char *why)
{
	const char *refusal = alert_text(error);

	if (refusal) {
		snprintf(why, TRANSPORT_WHY_MAX, "the peer refuses our certificate: %s", refusal);
		return -EACCES;
	}
	switch (ERR_GET_REASON(error)) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		snprintf(why, TRANSPORT_WHY_MAX, "the connection was cut off");
		return -ECONNRESET;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		snprintf(why, TRANSPORT_WHY_MAX, "the peer has shown no certificate");
		return -EACCES;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		snprintf(why, TRANSPORT_WHY_MAX, "the peer does not speak TLS");
		return -EPROTO;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		snprintf(why, TRANSPORT_WHY_MAX, "the peer does not speak TLS 1.3");
		return -EPROTO;
	default:
		snprintf(why, TRANSPORT_WHY_MAX, "TLS: %s", ERR_reason_error_string(error));
		return -EPROTO;
	}
}

int tls_error_text(const SSL *session, int result, const char *peer, char *why)
{
	unsigned long error = ERR_peek_error();
	int saved = errno, err = say_certificate(session, peer, why);

	ERR_clear_error();
	if (err)
		return err;
	if (error && !ERR_SYSTEM_ERROR(error))
		return say_protocol(error, why);
	if (result == SSL_ERROR_ZERO_RETURN) {
		snprintf(why, TRANSPORT_WHY_MAX, "the peer has closed the connection");
		return 0;
	}
	saved = saved ? saved : ECONNRESET;
	snprintf(why, TRANSPORT_WHY_MAX, "%s", strerror(saved));
	return -saved;
}

void tls_peer_name(const SSL *session, char *name, size_t size)
{
	const char *proved = SSL_get0_peername((SSL *)(uintptr_t)session);

	snprintf(name, size, "%s", proved ? proved : "");
}
