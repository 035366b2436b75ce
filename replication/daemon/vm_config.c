/* What `xl list -l VM` says of a VM: as much of it as protection depends on. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/vm_config.h"

#include <stdbool.h>
#include <string.h>

#define MEMORY_MAX_KB (64ull << 20) /* what a worker's file can say */
#define BRIDGE_USUAL  "xenbr0"      /* of a card that names none: what the hotplug script takes */

/* libxl's lists of devices that dom0 serves otherwise than by a worker of ours, or that are the machine's. */
static const char *const unserved[] = { "pcidevs",  "rdms",     "dtdevs",     "vfbs",    "vkbs",
	                                "vtpms",    "p9s",      "pvcallsifs", "vdispls", "vsnds",
	                                "channels", "usbctrls", "usbdevs" };

/* Programs of the build. A listing comes from a peer, and whoever makes the domain would run them. */
static const char *const programs[] = { "bootloader", "device_model", "stubdomain_kernel" };

#define SCRIPTS "/etc/xen/scripts/"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *read_bridges(struct vm_config *config, const json_t *nics)
{
	const json_t *nic;
	size_t index;

	if (nics && !json_is_array(nics))
		return "nics is no list";
	json_array_foreach(nics, index, nic)
	{
		const char *bridge = text_of(nic, "bridge");

		if (config->bridge_count == VM_CONFIG_BRIDGES_MAX)
			return "it has too many network cards";
		bridge = bridge ? bridge : BRIDGE_USUAL;
		if (!*bridge || strlen(bridge) > 15 || strchr(bridge, '/') || *bridge == '.')
			return "the name of a bridge is none";
		config->bridges[config->bridge_count++] = bridge;
	}
	return NULL;
}

/* A hotplug script is one of the host's own. */
static bool has_strange_script(const json_t *devices)
{
	const json_t *device;
	size_t index;

	json_array_foreach(devices, index, device)
	{
		const json_t *said = json_object_get(device, "script");
		const char *script = json_string_value(said);

		if (script && !strncmp(script, SCRIPTS, strlen(SCRIPTS)))
			script += strlen(SCRIPTS);
		if (said && !json_is_null(said) &&
		    (!script || strchr(script, '/') || *script == '.'))
			return true;
	}
	return false;
}

static const char *find_program(const json_t *config)
{
	const json_t *build = json_object_get(config, "b_info");

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const json_t *said = json_object_get(build, programs[i]);

		if (said && !json_is_null(said))
			return programs[i];
	}
	if (has_strange_script(json_object_get(config, "nics")) ||
	    has_strange_script(json_object_get(config, "disks")))
		return "script";
	return NULL;
}

static const char *read_build(struct vm_config *config, const json_t *build)
{
	json_int_t most = json_integer_value(json_object_get(build, "max_memkb"));
	json_int_t shadow = json_integer_value(json_object_get(build, "shadow_memkb"));

	if (most < 1 || (uint64_t)most > MEMORY_MAX_KB || shadow < 0 ||
	    (uint64_t)shadow > MEMORY_MAX_KB)
		return "its memory cannot be";
	config->memory_kb = (uint64_t)most + (uint64_t)shadow;
	config->kernel = text_of(build, "kernel");
	config->ramdisk = text_of(build, "ramdisk");
	return NULL;
}

const char *vm_config_read(struct vm_config *config, const json_t *listing)
{
	const json_t *read = json_object_get(json_array_get(listing, 0), "config");
	const json_t *create = json_object_get(read, "c_info");
	const char *wrong;

	*config = (struct vm_config){ .name = text_of(create, "name"),
		                      .uuid = text_of(create, "uuid"),
		                      .type = text_of(create, "type") };
	if (json_array_size(listing) != 1 || !config->name || !config->uuid || !config->type)
		return "it is not what xl list -l prints of one VM";
	wrong = read_build(config, json_object_get(read, "b_info"));
	if (!wrong)
		wrong = read_bridges(config, json_object_get(read, "nics"));
	for (size_t i = 0; !wrong && i < sizeof(unserved) / sizeof(unserved[0]); i++) {
		if (json_array_size(json_object_get(read, unserved[i])))
			config->unserved = unserved[i];
	}
	config->disks = json_object_get(read, "disks");
	config->program = find_program(read);
	return wrong;
}
