/* Options of the configuration, one by one: what is not of their form is complained of, with its line. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONFIG_READING_H
#define TOOLSTACK_CONFIG_READING_H

#include <libconfig.h>
#include <stdbool.h>

#include "toolstack/config/config.h"

/* What is read so far, and the first complaint. */
struct reading {
	struct config config;
	char *error;
	bool is_wrong;
};

/* Only the first one counts. line 0: of the whole. */
void reading_complain(struct reading *reading, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
unsigned int reading_line(const config_setting_t *setting);

/* Only the options that are named here, up to a NULL, may stand in a group. */
void reading_check(struct reading *reading, const config_setting_t *group,
                   const char *const *known);
/* NULL if it is not there, or no group; `must`: a complaint if it is not there. */
const config_setting_t *reading_group(struct reading *reading, const config_setting_t *root,
                                      const char *name, const char *const *options, bool must);

/* What must be there; it is taken only if it fits. */
void reading_text(struct reading *reading, const config_setting_t *group, const char *name,
                  char *text, size_t size);
void reading_name(struct reading *reading, const config_setting_t *group,
                  char name[CONFIG_NAME_SIZE]);
void reading_address(struct reading *reading, const config_setting_t *group, const char *name,
                     char text[INET6_ADDRSTRLEN]);
void reading_path(struct reading *reading, const config_setting_t *group, const char *name,
                  char path[CONFIG_PATH_SIZE]);

/* What may be there; group may be NULL. */
uint32_t reading_number(struct reading *reading, const config_setting_t *group, const char *name,
                        uint32_t least, uint32_t most, uint32_t otherwise);

/* The members of a list in parentheses that may be there; -1: it is no list, or longer than that. */
int reading_count(struct reading *reading, const config_setting_t *group, const char *name,
                  unsigned int most);

#endif
