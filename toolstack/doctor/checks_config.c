/* Checks of the configuration and of the certificates that it names. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "toolstack/config/config.h"
#include "toolstack/doctor/check.h"

#define WARN_DAYS 30

static int load(const struct finding *finding, struct config *config, char error[CONFIG_ERROR_SIZE])
{
	char path[512];

	snprintf(path, sizeof(path), "%s" CONFIG_FILE, finding->root);
	return config_load(config, path, error);
}

enum verdict check_configuration(struct finding *finding)
{
	char error[CONFIG_ERROR_SIZE];
	struct config config;

	if (load(finding, &config, error))
		return found(finding, CHECK_BLOCKER, CONFIG_FILE ": %s", error);
	return found(finding, CHECK_OK, "host %s, %u peer%s", config.name, config.peer_count,
	             config.peer_count == 1 ? "" : "s");
}

static X509 *read_certificate(const struct finding *finding, const char *name)
{
	char path[512];
	X509 *certificate;
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", finding->root, name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	return certificate;
}

/* 0: it is there, root's alone, and belongs to the certificate; else what is wrong is found. */
static int check_key(struct finding *finding, const char *name, X509 *certificate)
{
	char path[512];
	struct stat facts;
	EVP_PKEY *key;
	FILE *file;
	int matches;

	snprintf(path, sizeof(path), "%s%s", finding->root, name);
	file = fopen(path, "re");
	if (!file || fstat(fileno(file), &facts)) {
		found(finding, CHECK_BLOCKER, "%s: %s", name, strerror(errno));
		if (file)
			fclose(file);
		return -1;
	}
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	matches = key && X509_check_private_key(certificate, key) == 1;
	EVP_PKEY_free(key);
	if (!matches)
		found(finding, CHECK_BLOCKER, "%s is not the key of the certificate", name);
	else if (facts.st_mode & 077)
		found(finding, CHECK_BLOCKER, "%s is open to others than root", name);
	return matches && !(facts.st_mode & 077) ? 0 : -1;
}

/* NULL: the authority vouches for it now; else why not. */
static const char *verify(X509 *authority, X509 *certificate)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	const char *why = "no memory";

	if (store && check && X509_STORE_add_cert(store, authority) == 1 &&
	    X509_STORE_CTX_init(check, store, certificate, NULL) == 1) {
		if (X509_verify_cert(check) == 1)
			why = NULL;
		else
			why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
	}
	X509_STORE_CTX_free(check);
	X509_STORE_free(store);
	return why;
}

static enum verdict check_dates(struct finding *finding, const X509 *certificate)
{
	int days, seconds;

	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
		return found(finding, CHECK_BLOCKER, "the certificate's date makes no sense");
	return found(finding, days < WARN_DAYS ? CHECK_WARNING : CHECK_OK,
	             "this host's certificate is valid for %d days", days);
}

static enum verdict check_pair(struct finding *finding, const struct config *config,
                               X509 *authority, X509 *certificate)
{
	const char *why;

	if (!authority || !certificate)
		return found(finding, CHECK_BLOCKER, "no certificate in %s",
		             authority ? config->certificate : config->authority);
	why = verify(authority, certificate);
	if (why)
		return found(finding, CHECK_BLOCKER, "%s: %s", config->certificate, why);
	if (X509_check_host(certificate, config->name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) != 1)
		return found(finding, CHECK_BLOCKER, "%s is not that of host %s",
		             config->certificate, config->name);
	if (check_key(finding, config->key, certificate))
		return CHECK_BLOCKER;
	return check_dates(finding, certificate);
}

enum verdict check_certificates(struct finding *finding)
{
	char error[CONFIG_ERROR_SIZE];
	struct config config;
	X509 *authority, *certificate;
	enum verdict verdict;

	if (load(finding, &config, error))
		return found(finding, CHECK_BLOCKER, "not known without a configuration");
	authority = read_certificate(finding, config.authority);
	certificate = read_certificate(finding, config.certificate);
	verdict = check_pair(finding, &config, authority, certificate);
	X509_free(authority);
	X509_free(certificate);
	return verdict;
}
