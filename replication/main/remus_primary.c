/* remus-primary FILE: replicates one running domain of this host to its standby. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGTERM: says good-bye to the standby and ends; output that is held stays held, and the next remus-primary takes it up.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <ev.h>

#include "common/journal.h"
#include "replication/encode/pool.h"
#include "replication/domain/domain_vm.h"
#include "replication/main/confine_primary.h"
#include "replication/main/primary_worker.h"
#include "replication/main/worker_config.h"
#include "replication/estate/estate_source.h"

/* A fraction of a second of the link's time: the VM's disks may have to wait for so long in a first copy. */
#define SYNC_BYTES (16u << 20)

/* To wake a thread and be woken costs about as much as to encode so many pages. */
#define ENCODE_ALONE 32

struct program {
	struct worker_config config;
	struct hyper hyper;
	struct domain_vm vm;
	struct xen_estate_source estate;
	struct primary_settings settings;
	struct primary_worker worker;
	ev_signal terminate, interrupt;
	ev_io door; /* of the devices */
	ev_prepare look;
	unsigned int takes; /* of the devices, when door was set */
};

static uint64_t draw(void *data)
{
	uint64_t number = 0;

	(void)data;
	while (!number) {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			abort(); /* the kernel has always some, once it is up */
	}
	return number;
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)signal;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void on_door(struct ev_loop *loop, ev_io *io, int events)
{
	struct program *program = io->data;

	(void)events;
	if (devices_listen(&program->vm.devices))
		ev_io_stop(loop, io); /* it is gone: what is asked of it next says so */
}

/* Before each sleep: the door may have been changed, and words may have come while an answer was waited for. */
static void on_look(struct ev_loop *loop, ev_prepare *look, int events)
{
	struct program *program = look->data;
	struct devices *devices = &program->vm.devices;

	(void)events;
	if (devices->door < 0) {
		ev_io_stop(loop, &program->door);
	} else if (program->takes != devices->takes || !ev_is_active(&program->door)) {
		ev_io_stop(loop, &program->door);
		ev_io_set(&program->door, devices->door, EV_READ);
		ev_io_start(loop, &program->door);
		program->takes = devices->takes;
	}
	if (devices->is_wanted) {
		devices->is_wanted = false;
		primary_worker_want(&program->worker);
	}
}

static void fill_settings(struct program *program)
{
	const struct worker_config *config = &program->config;
	struct primary_settings *settings = &program->settings;

	*settings = (struct primary_settings){
		.who = config->who,
		.pace = config->pace,
		.kept_bytes = config->kept_bytes,
		.small_pages = config->small_pages,
		.sync_bytes = SYNC_BYTES,
		.encode_threads = config->encode_threads,
		.encode_alone = ENCODE_ALONE,
		.last = program->vm.epoch - 1,
		.is_held = program->vm.devices.is_held,
		.draw = draw,
		.hello = config->hello,
	};
	images_tell(&config->disks, &settings->hello);
}

static int open_domain(struct program *program)
{
	struct worker_config *config = &program->config;
	const char *failed;
	int err = images_open(&config->disks, false, &failed);

	if (err) {
		log_error("%s: %s: %s", config->who, failed, strerror(-err));
		return err;
	}
	err = hyper_open(&program->hyper);
	if (err) {
		log_error("%s: the hypervisor cannot be asked: %s", config->who, strerror(-err));
		return err;
	}
	err = domain_vm_open(&program->vm, &program->hyper, &config->disks, config->domain,
	                     config->has_devices, config->is_arbitrated, config->twins);
	if (!err)
		err = program->vm.vm.ops->exempt(&program->vm.vm, &config->exempt);
	if (err)
		log_error("%s: no backend worker of domain %u: %s", config->who, config->domain,
		          strerror(-err));
	else
		err = xen_estate_source_open(&program->estate, config->domain);
	domain_vm_keep(&program->vm, ENCODE_JOBS(config->encode_threads));
	program->vm.estate = err ? NULL : &program->estate.source;
	return err;
}

static int start(struct program *program, struct ev_loop *loop)
{
	char why[TRANSPORT_WHY_MAX];

	if (open_domain(program))
		return -1;
	fill_settings(program);
	if (primary_worker_open(&program->worker, loop, &program->vm.vm, &program->settings,
	                        &program->config.contact, program->config.control,
	                        program->config.is_arbitrated, why)) {
		log_error("%s: %s", program->config.who, why);
		return -1;
	}
	ev_signal_init(&program->terminate, on_stop, SIGTERM);
	ev_signal_init(&program->interrupt, on_stop, SIGINT);
	ev_signal_start(loop, &program->terminate);
	ev_signal_start(loop, &program->interrupt);
	ev_init(&program->door, on_door);
	ev_prepare_init(&program->look, on_look);
	program->door.data = program->look.data = program;
	ev_prepare_start(loop, &program->look);
	return 0;
}

int main(int argc, char **argv)
{
	static struct program program;
	char why[WORKER_CONFIG_WHY_MAX];
	struct ev_loop *loop;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: remus-primary FILE\n");
		return 2;
	}
	log_open("remus-primary", LOG_LEVEL_INFO);
	journal_open("remus-primary");
	signal(SIGPIPE, SIG_IGN);
	if (worker_config_read(&program.config, WIRE_PRIMARY, argv[1], why)) {
		log_error("%s", why);
		return 2;
	}
	err = confine_primary();
	if (err) {
		log_error("%s: rights cannot be given up: %s", program.config.who, strerror(-err));
		return 1;
	}
	loop = ev_default_loop(EVFLAG_AUTO);
	if (!loop || start(&program, loop))
		return 1;
	ev_run(loop, 0);
	primary_worker_close(&program.worker);
	domain_vm_close(&program.vm);
	xen_estate_source_close(&program.estate);
	images_close(&program.config.disks);
	hyper_close(&program.hyper);
	worker_config_free(&program.config);
	return 0;
}
