/* Certificates for tests: CAs, and what they sign, as PEM files in a folder that goes with the program. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include "tests/unit/certificates.h"

#define FILES_MAX 64

static char folder[64];
static char *paths[FILES_MAX];
static int path_count;

static void need(int is_right)
{
	if (!is_right)
		abort();
}

void certificates_begin(void)
{
	strcpy(folder, "/tmp/remus-test-XXXXXX");
	need(mkdtemp(folder) != NULL);
}

void certificates_end(void)
{
	for (int i = 0; i < path_count; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	path_count = 0;
	rmdir(folder);
}

const char *certificates_path(const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	for (int i = 0; i < path_count; i++) {
		if (strcmp(paths[i], path) == 0)
			return paths[i];
	}
	need(path_count < FILES_MAX);
	paths[path_count] = strdup(path);
	return paths[path_count++];
}

static FILE *open_file(const char *name, const char *suffix, const char *mode)
{
	char file[64];
	FILE *opened;

	snprintf(file, sizeof(file), "%s.%s", name, suffix);
	opened = fopen(certificates_path(file), mode);
	need(opened != NULL);
	return opened;
}

static void write_both(const char *name, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = open_file(name, "pem", "w");

	need(PEM_write_X509(file, certificate));
	fclose(file);
	file = open_file(name, "key", "w");
	need(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	fclose(file);
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	need(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

static X509 *begin(const char *name, EVP_PKEY *key, long from, long until)
{
	static long serial;
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
	                           (const unsigned char *)name, -1, -1, 0);
	return certificate;
}

void certificates_make_ca(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = begin(name, key, -3600, 86400);

	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
	need(X509_sign(certificate, key, EVP_sha256()));
	write_both(name, certificate, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void certificates_make(const char *name, const char *host, const char *ca, long from, long until)
{
	FILE *ca_file = open_file(ca, "pem", "r"), *ca_key_file = open_file(ca, "key", "r");
	X509 *issuer = PEM_read_X509(ca_file, NULL, NULL, NULL);
	EVP_PKEY *issuer_key = PEM_read_PrivateKey(ca_key_file, NULL, NULL, NULL);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = begin(host, key, from, until);
	char alternative[128];

	fclose(ca_file);
	fclose(ca_key_file);
	snprintf(alternative, sizeof(alternative), "DNS:%s", host);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	add_extension(certificate, issuer, NID_subject_alt_name, alternative);
	need(X509_sign(certificate, issuer_key, EVP_sha256()));
	write_both(name, certificate, key);
	X509_free(certificate);
	X509_free(issuer);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(key);
}

int certificates_of_two_hosts(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	certificates_begin();
	certificates_make_ca("ca");
	certificates_make("a", "a", "ca", -60, 86400);
	certificates_make("b", "b", "ca", -60, 86400);
	return 0;
}

int certificates_remove(void **state)
{
	(void)state;
	certificates_end();
	return 0;
}
