/* remusctl doctor: all that stands against protection on this host, in one list. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/doctor/check.h"
#include "toolstack/verbs/verb.h"

static const char *const names[] = {
	[CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_BLOCKER] = "BLOCKER"
};

static json_t *look(const struct check *check, const struct asked *asked, enum verdict *verdict)
{
	struct finding finding = { .socket_path = asked->socket_path, .root = "" };

	*verdict = check->look(&finding);
	return json_pack("{s:s, s:s, s:s, s:s}", "code", check->code, "verdict", names[*verdict],
	                 "message", finding.text, "remedy",
	                 *verdict == CHECK_OK ? "" : check->remedy);
}

static void print_row(const json_t *row)
{
	const char *remedy = json_string_value(json_object_get(row, "remedy"));

	printf("  %-8s %-16s %s\n", json_string_value(json_object_get(row, "verdict")),
	       json_string_value(json_object_get(row, "code")),
	       json_string_value(json_object_get(row, "message")));
	if (*remedy)
		printf("  %-8s %-16s try: %s\n", "", "", remedy);
}

static void print_rows(const json_t *result)
{
	int blockers = (int)json_integer_value(json_object_get(result, "blockers"));
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "checks"), i, row) print_row(row);
	if (blockers)
		printf("%d blocker%s: VMs of this host cannot be protected\n", blockers,
		       blockers == 1 ? "" : "s");
	else
		printf("nothing of this host stands against protection\n");
}

static int run(const struct asked *asked)
{
	json_t *rows = json_array(), *result;
	int blockers = 0;

	for (const struct check *check = checks; check->code; check++) {
		enum verdict verdict;

		json_array_append_new(rows, look(check, asked, &verdict));
		blockers += verdict == CHECK_BLOCKER;
	}
	verb_print(asked,
	           control_success(json_pack("{s:i, s:o}", "blockers", blockers, "checks", rows)),
	           &result);
	if (result)
		print_rows(result);
	json_decref(result);
	return blockers ? CONTROL_EXIT_BLOCKED : CONTROL_EXIT_DONE;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "",
	.help = "is this host fit, and what is not",
	.run = run,
};
