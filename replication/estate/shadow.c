/* Domains by libxenlight: the shadow is created, the source ended, the name handed on. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/shadow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <libxl_utils.h>

#include "common/log.h"

/* libxl's errors are its own; what matters has been logged by it. */
static int failed(const char *what, uint32_t domid, int code)
{
	log_error("cannot %s domain %u: libxl's error %d", what, domid, code);
	return code == ERROR_NOMEM ? -ENOMEM : code == ERROR_DOMAIN_NOTFOUND ? -ESRCH : -EIO;
}

/* libxl refuses a number that a domain of this host had within the last minute; a copy that was given up had it, and the next one has
 * to have it as well. That nobody serves the old one any more is our own affair (guest_lock.h). */
#define REUSE_AT_ONCE "LIBXL_DOMID_REUSE_TIMEOUT"

static int open_libxl(struct shadow *shadow)
{
	setenv(REUSE_AT_ONCE, "0", 1);
	xentoollog_logger_stdiostream *logger = xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);

	if (!logger)
		return -ENOMEM;
	shadow->logger = (xentoollog_logger *)logger;
	return libxl_ctx_alloc(&shadow->ctx, LIBXL_VERSION, 0, shadow->logger) ? -EIO : 0;
}

int shadow_open(struct shadow *shadow, const char *source)
{
	int err;

	memset(shadow, 0, sizeof(*shadow));
	libxl_domain_config_init(&shadow->config);
	err = open_libxl(shadow);
	if (err) {
		log_error("cannot open libxl: %s", strerror(-err));
		goto failed;
	}
	if (libxl_domain_qualifier_to_domid(shadow->ctx, source, &shadow->source)) {
		log_error("there is no domain %s", source);
		err = -ESRCH;
		goto failed;
	}
	err = libxl_retrieve_domain_configuration(shadow->ctx, shadow->source, &shadow->config,
	                                          NULL);
	if (!err)
		return 0;
	err = failed("read the configuration of", shadow->source, err);
failed:
	shadow_close(shadow, 0);
	return err;
}

/* An array of one. */
char *shadow_read_listing(const char *path)
{
	json_t *list = json_load_file(path, 0, NULL);
	const json_t *config = json_object_get(json_array_get(list, 0), "config");
	char *text = json_array_size(list) == 1 && config ? json_dumps(config, JSON_COMPACT) : NULL;

	json_decref(list);
	return text;
}

int shadow_open_config(struct shadow *shadow, uint32_t domid, const char *json)
{
	int err;

	memset(shadow, 0, sizeof(*shadow));
	libxl_domain_config_init(&shadow->config);
	shadow->wanted = domid;
	err = open_libxl(shadow);
	if (err)
		log_error("cannot open libxl: %s", strerror(-err));
	else if (libxl_domain_config_from_json(shadow->ctx, &shadow->config, json))
		err = failed("read the configuration of", domid, ERROR_INVAL);
	if (err)
		shadow_close(shadow, 0);
	return err;
}

static void strip_devices(libxl_domain_config *config)
{
	for (int i = 0; i < config->num_disks; i++)
		libxl_device_disk_dispose(&config->disks[i]);
	for (int i = 0; i < config->num_nics; i++)
		libxl_device_nic_dispose(&config->nics[i]);
	config->num_disks = config->num_nics = 0;
}

static int set_identity(libxl_domain_config *config)
{
	char *name;

	if (asprintf(&name, "%s" SHADOW_SUFFIX, config->c_info.name) < 0)
		return -ENOMEM;
	free(config->c_info.name);
	config->c_info.name = name;
	libxl_uuid_generate(&config->c_info.uuid);
	config->c_info.domid = INVALID_DOMID;
	return 0;
}

static int create(struct shadow *shadow, libxl_domain_config *config)
{
	int err = libxl_domain_create_new(shadow->ctx, config, &shadow->domid, NULL, NULL);

	if (!err)
		return 0;
	shadow->domid = 0;
	return failed("create a shadow for", shadow->source ? shadow->source : shadow->wanted, err);
}

int shadow_create(struct shadow *shadow)
{
	libxl_domain_config config;
	int err;

	libxl_domain_config_init(&config);
	libxl_domain_config_copy(shadow->ctx, &config, &shadow->config);
	strip_devices(&config);
	err = set_identity(&config);
	if (!err)
		err = create(shadow, &config);
	libxl_domain_config_dispose(&config);
	return err;
}

int shadow_create_same(struct shadow *shadow)
{
	const char *name = shadow->config.c_info.name;
	libxl_domain_config config;
	libxl_dominfo info;
	uint32_t other;
	int err;

	libxl_dominfo_init(&info);
	err = libxl_domain_info(shadow->ctx, &info, shadow->wanted);
	libxl_dominfo_dispose(&info);
	if (!err || !libxl_name_to_domid(shadow->ctx, name, &other)) {
		log_error("%s: this host has a domain of that name or of number %u already", name,
		          shadow->wanted);
		return -EEXIST;
	}
	libxl_domain_config_init(&config);
	libxl_domain_config_copy(shadow->ctx, &config, &shadow->config);
	strip_devices(&config);
	config.c_info.domid = shadow->wanted;
	err = create(shadow, &config);
	libxl_domain_config_dispose(&config);
	return err;
}

static int start(struct shadow *shadow)
{
	libxl_dominfo info;
	int err;

	libxl_dominfo_init(&info);
	if (libxl_domain_info(shadow->ctx, &info, shadow->wanted))
		shadow->config.c_info.domid = shadow->wanted;
	libxl_dominfo_dispose(&info);
	err = create(shadow, &shadow->config);
	if (err)
		return err;
	err = libxl_domain_unpause(shadow->ctx, shadow->domid, NULL);
	return err ? failed("start", shadow->domid, err) : 0;
}

int shadow_start(const char *path, uint32_t domid)
{
	char *config = shadow_read_listing(path);
	struct shadow shadow;
	int err;

	if (!config) {
		log_error("%s: not what `xl list -l` prints of one VM", path);
		return -EINVAL;
	}
	err = shadow_open_config(&shadow, domid, config);
	free(config);
	if (err)
		return err;
	err = start(&shadow);
	shadow_close(&shadow, !err);
	return err;
}

int shadow_destroy(struct shadow *shadow)
{
	int err = libxl_domain_destroy(shadow->ctx, shadow->domid, NULL);

	if (err)
		return failed("destroy", shadow->domid, err);
	shadow->domid = 0;
	return 0;
}

int shadow_pause_source(struct shadow *shadow)
{
	int err = libxl_domain_pause(shadow->ctx, shadow->source, NULL);

	return err ? failed("pause", shadow->source, err) : 0;
}

void shadow_unpause_source(struct shadow *shadow)
{
	int err = libxl_domain_unpause(shadow->ctx, shadow->source, NULL);

	if (err)
		failed("unpause", shadow->source, err);
}

int shadow_destroy_source(struct shadow *shadow)
{
	int err = libxl_domain_destroy(shadow->ctx, shadow->source, NULL);

	return err ? failed("destroy", shadow->source, err) : 0;
}

int shadow_rename(struct shadow *shadow)
{
	int err = libxl_domain_rename(shadow->ctx, shadow->domid, NULL, shadow->config.c_info.name);

	return err ? failed("rename", shadow->domid, err) : 0;
}

void shadow_close(struct shadow *shadow, int is_kept)
{
	if (!shadow->ctx)
		return;
	if (shadow->domid && !is_kept)
		libxl_domain_destroy(shadow->ctx, shadow->domid, NULL);
	libxl_domain_config_dispose(&shadow->config);
	libxl_ctx_free(shadow->ctx);
	xtl_logger_destroy(shadow->logger);
	memset(shadow, 0, sizeof(*shadow));
}
