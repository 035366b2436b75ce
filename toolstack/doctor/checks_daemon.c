/* Checks of who answers. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "toolstack/control/client.h"
#include "toolstack/control/message.h"
#include "toolstack/doctor/check.h"

#define PATIENCE 5u /* seconds */

enum verdict check_xenstore(struct finding *finding)
{
	struct xs_handle *xs = xs_open(0);
	char *name;

	if (!xs)
		return found(finding, CHECK_BLOCKER, "xenstored does not answer: %s",
		             strerror(errno));
	name = xs_read(xs, XBT_NULL, "/local/domain/0/name", NULL);
	xs_close(xs);
	if (!name)
		return found(finding, CHECK_BLOCKER,
		             "xenstored runs, but dom0 is not set up in it");
	free(name);
	return found(finding, CHECK_OK, "xenstored answers");
}

enum verdict check_daemon(struct finding *finding)
{
	json_t *request = json_pack("{s:s}", "verb", "version");
	json_t *reply = control_ask(finding->socket_path, request, PATIENCE);
	const json_t *error;
	const json_t *result = control_result(reply, &error);
	enum verdict verdict;

	if (result)
		verdict = found(finding, CHECK_OK, "remusd %s",
		                json_string_value(json_object_get(result, "version")));
	else
		verdict = found(finding, CHECK_BLOCKER, "%s",
		                json_string_value(json_object_get(error, "message")));
	json_decref(reply);
	json_decref(request);
	return verdict;
}
