/* remus-standby FILE: keeps a paused domain of this host as the copy of one that runs elsewhere, ready to go on. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGTERM: says good-bye to the primary and ends; what was received is given up then, and the next one begins with a
 * first copy.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <ev.h>

#include "common/journal.h"
#include "replication/backend/output.h"
#include "replication/domain/domain_sink.h"
#include "replication/main/standby_worker.h"
#include "replication/main/worker_config.h"
#include "replication/estate/heir.h"

struct program {
	struct worker_config config;
	struct hyper hyper;
	struct xen_heir heir;
	struct domain_sink sink;
	struct standby_settings settings;
	struct standby_worker worker;
	ev_signal terminate, interrupt;
};

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)signal;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static int open_domain(struct program *program)
{
	struct worker_config *config = &program->config;
	bool is_held = config->is_arbitrated && config->has_devices;
	const char *failed;
	int err = images_open(&config->disks, true, &failed);

	if (err) {
		log_error("%s: %s: %s", config->who, failed, strerror(-err));
		return err;
	}
	if (config->shadow) {
		err = xen_heir_open(&program->heir, config->domain, config->shadow,
		                    is_held ? output_prepare : NULL);
		if (err)
			return err;
	}
	err = hyper_open(&program->hyper);
	if (err) {
		log_error("%s: the hypervisor cannot be asked: %s", config->who, strerror(-err));
		return err;
	}
	err = domain_sink_open(&program->sink, &program->hyper, &config->disks, config->domain);
	if (err)
		log_error("%s: domain %u cannot be used: %s", config->who, config->domain,
		          strerror(-err));
	else if (config->shadow)
		program->sink.heir = &program->heir.heir;
	if (!err && is_held)
		program->sink.is_held = output_is_prepared;
	return err;
}

static int start(struct program *program, struct ev_loop *loop)
{
	char why[TRANSPORT_WHY_MAX];

	if (open_domain(program))
		return -1;
	program->settings = (struct standby_settings){ .who = program->config.who,
		                                       .hello = program->config.hello };
	images_tell(&program->config.disks, &program->settings.hello);
	if (standby_worker_open(&program->worker, loop, &program->sink.sink, &program->settings,
	                        &program->config.contact, program->config.control, why)) {
		log_error("%s: %s", program->config.who, why);
		return -1;
	}
	ev_signal_init(&program->terminate, on_stop, SIGTERM);
	ev_signal_init(&program->interrupt, on_stop, SIGINT);
	ev_signal_start(loop, &program->terminate);
	ev_signal_start(loop, &program->interrupt);
	log_info("%s: waiting for %s at %s port %u", program->config.who,
	         program->config.contact.transport.peer, program->config.contact.address,
	         contact_port(program->worker.contact));
	return 0;
}

int main(int argc, char **argv)
{
	static struct program program;
	char why[WORKER_CONFIG_WHY_MAX];
	struct ev_loop *loop;

	if (argc != 2) {
		fprintf(stderr, "usage: remus-standby FILE\n");
		return 2;
	}
	log_open("remus-standby", LOG_LEVEL_INFO);
	journal_open("remus-standby");
	signal(SIGPIPE, SIG_IGN);
	if (worker_config_read(&program.config, WIRE_STANDBY, argv[1], why)) {
		log_error("%s", why);
		return 2;
	}
	/* Not the default loop, which claims SIGCHLD: libxl wants it for the hotplug scripts of the VM's devices. */
	loop = ev_loop_new(EVFLAG_AUTO);
	if (!loop || start(&program, loop)) {
		xen_heir_close(&program.heir);
		return 1;
	}
	ev_run(loop, 0);
	standby_worker_close(&program.worker);
	domain_sink_close(&program.sink);
	xen_heir_close(&program.heir);
	images_close(&program.config.disks);
	hyper_close(&program.hyper);
	worker_config_free(&program.config);
	ev_loop_destroy(loop);
	return 0;
}
