/* remusctl top [VM]: what replication does, live: once a second on a terminal, once elsewhere. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/rates.h"
#include "toolstack/verbs/terminal.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE  10u /* seconds, for the daemon */
#define PERIOD_MS 1000
#define SAMPLE_MS 2200 /* remusd asks its workers once a second: so far apart it has two answers */
#define ROWS_MAX  256u
#define WIDTH     80

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

struct row {
	char name[64];
	json_t *vm; /* as it was told when the rates were last reckoned */
	struct rates rates;
};

struct view {
	const struct asked *asked;
	bool has_colour, is_live;
	struct row rows[ROWS_MAX];
	unsigned int count;
	json_t *vms; /* as told last */
};

/* --- what is told --- */

/* The refusal, or NULL. A VM that was asked for and is not there is one, too. */
static json_t *look(struct view *view)
{
	const char *vm = view->asked->count ? view->asked->words[0] : NULL;
	json_t *request = vm ? json_pack("{s:s, s:s}", "verb", "status", "vm", vm)
	                     : json_pack("{s:s}", "verb", "list");
	json_t *reply = control_ask(view->asked->socket_path, request, PATIENCE);
	const json_t *error;
	const json_t *result = control_result(reply, &error);

	json_decref(request);
	if (error)
		return reply;
	json_decref(view->vms);
	view->vms = vm ? json_pack("[O]", result) : json_incref(json_object_get(result, "vms"));
	json_decref(reply);
	return NULL;
}

static struct row *row_of(struct view *view, const char *name)
{
	struct row *row = view->rows;

	while (row < view->rows + view->count && strcmp(row->name, name))
		row++;
	if (row < view->rows + view->count || view->count == ROWS_MAX)
		return row < view->rows + ROWS_MAX ? row : NULL;
	view->count++;
	snprintf(row->name, sizeof(row->name), "%s", name);
	row->rates = rates_unknown;
	return row;
}

static const struct rates *reckon(struct view *view, json_t *vm)
{
	struct row *row = row_of(view, vm_text(vm, "name"));

	if (!row)
		return &rates_unknown;
	if (rates_between(&row->rates, row->vm, vm)) {
		json_decref(row->vm);
		row->vm = json_incref(vm);
	}
	return &row->rates;
}

/* --- for people --- */

static const char *colour(const struct view *view, const json_t *vm)
{
	const char *state = vm_text(vm, "protection");
	bool is_alarm = json_object_get(json_object_get(vm, "replication"), "alarm");

	if (!view->has_colour)
		return "";
	if (!strcmp(state, "replicating") || !strcmp(state, "ready"))
		return GREEN;
	return !strcmp(state, "none") ? "" : is_alarm ? RED : YELLOW;
}

static const char *plain(const struct view *view)
{
	return view->has_colour ? PLAIN : "";
}

static void end_line(const struct view *view)
{
	fputs(view->is_live ? "\033[K\n" : "\n", stdout);
}

static double field(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? (double)json_integer_value(value) : -1;
}

static void print_row(struct view *view, json_t *vm)
{
	const json_t *replication = json_object_get(vm, "replication");
	const struct rates *rates = reckon(view, vm);
	char epochs[RATES_TEXT_SIZE], pause[RATES_TEXT_SIZE], lag[RATES_TEXT_SIZE],
		wire[RATES_TEXT_SIZE], ratio[RATES_TEXT_SIZE], held[RATES_TEXT_SIZE],
		trip[RATES_TEXT_SIZE];

	printf("%-14.14s %s%-12.12s%s %-7.7s %5s %6s %3s %6s %5s %5s %6s", vm_text(vm, "name"),
	       colour(view, vm), vm_text(vm, "protection"), plain(view),
	       vm_text(replication, "peer"), rates_number(rates->epochs, 1, epochs),
	       rates_number(rates->pause, 2, pause),
	       rates_number(field(replication, "lag"), 0, lag), rates_bytes(rates->wire, wire),
	       rates_number(rates->ratio, 1, ratio),
	       rates_number(field(json_object_get(replication, "flow"), "held_frames"), 0, held),
	       rates_number(json_is_true(json_object_get(replication, "connected"))
	                            ? field(replication, "round_trip_us") / 1000.
	                            : -1,
	                    2, trip));
	end_line(view);
}

static void print_alarm(const struct view *view, const json_t *vm)
{
	const json_t *replication = json_object_get(vm, "replication");

	if (!json_object_get(replication, "alarm"))
		return;
	printf("%s%-14.14s %.60s%s", view->has_colour ? RED : "", vm_text(vm, "name"),
	       vm_text(replication, "alarm"), plain(view));
	end_line(view);
}

static void print_head(const struct view *view)
{
	time_t now = time(NULL);
	char when[32];
	struct tm local;

	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	printf("%s  %zu VM%s%s", when, json_array_size(view->vms),
	       json_array_size(view->vms) == 1 ? "" : "s", view->is_live ? "   q: end" : "");
	end_line(view);
	end_line(view);
	printf("%s%-14s %-12s %-7s %5s %6s %3s %6s %5s %5s %6s%s", view->has_colour ? BOLD : "",
	       "VM", "STATE", "PEER", "EP/s", "PAUSE", "LAG", "WIRE/s", "RATIO", "HELD", "RTT",
	       plain(view));
	end_line(view);
}

static void draw(struct view *view)
{
	size_t i, rows = 0;
	json_t *vm;

	if (view->is_live)
		fputs("\033[H", stdout);
	print_head(view);
	json_array_foreach(view->vms, i, vm)
	{
		if (!view->is_live || (int)++rows < terminal_rows() - 4)
			print_row(view, vm);
		else
			reckon(view, vm);
	}
	json_array_foreach(view->vms, i, vm)
	{
		if (!view->is_live || (int)rows + (int)i < terminal_rows() - 5)
			print_alarm(view, vm);
	}
	if (view->is_live)
		fputs("\033[J", stdout);
	fflush(stdout);
}

/* --- for machines --- */

static json_t *known(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

static json_t *report(struct view *view)
{
	json_t *rows = json_array(), *vm;
	size_t i;

	json_array_foreach(view->vms, i, vm)
	{
		const struct rates *rates = reckon(view, vm);
		json_t *row = json_deep_copy(vm);

		json_object_set_new(row, "rates",
		                    json_pack("{s:o, s:o, s:o, s:o}", "epochs_per_second",
		                              known(rates->epochs), "pause_ms", known(rates->pause),
		                              "wire_bytes_per_second", known(rates->wire),
		                              "compression", known(rates->ratio)));
		json_array_append_new(rows, row);
	}
	return control_success(json_pack("{s:o}", "vms", rows));
}

/* --- the terminal --- */

static volatile sig_atomic_t is_ended;

static void on_end(int number)
{
	(void)number;
	is_ended = 1;
}

static void on_resize(int number)
{
	(void)number; /* it ends the wait: the view is drawn anew */
}

static void catch_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_end };

	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	action.sa_handler = on_resize;
	sigaction(SIGWINCH, &action, NULL);
	action.sa_handler =
		SIG_IGN; /* stopped in the middle it would leave the terminal as it is */
	sigaction(SIGTSTP, &action, NULL);
}

/* Its settings before, if keys can be read one by one: they are not shown. */
static bool take_keys(struct termios *before)
{
	struct termios keys;

	if (tcgetattr(STDIN_FILENO, before))
		return false;
	keys = *before;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	return !tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

static void wait_a_while(bool has_keys)
{
	struct pollfd ready = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	char key = 0;

	if (poll(&ready, 1, PERIOD_MS) > 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q'))
		is_ended = 1;
}

/* NULL, or the refusal that ended it. */
static json_t *run_live(struct view *view)
{
	struct termios before;
	bool has_keys = take_keys(&before);
	json_t *refusal = NULL;

	catch_signals();
	fputs("\033[?1049h\033[?25l", stdout);
	while (!is_ended && !refusal) {
		draw(view);
		wait_a_while(has_keys);
		if (!is_ended)
			refusal = look(view);
	}
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return refusal;
}

static json_t *run_once(struct view *view)
{
	const struct timespec pause = { SAMPLE_MS / 1000, SAMPLE_MS % 1000 * 1000000L };
	size_t i;
	json_t *vm, *refusal;

	json_array_foreach(view->vms, i, vm) reckon(view, vm);
	nanosleep(&pause, NULL);
	refusal = look(view);
	if (!refusal && !view->asked->is_json)
		draw(view);
	return refusal;
}

static void forget(struct view *view)
{
	for (unsigned int i = 0; i < view->count; i++)
		json_decref(view->rows[i].vm);
	json_decref(view->vms);
}

static int run(const struct asked *asked)
{
	static struct view view;
	json_t *refusal, *result, *reply = NULL;
	int status = CONTROL_EXIT_DONE;

	view.asked = asked;
	view.has_colour = terminal_has_colour();
	view.is_live = terminal_is_on() && !asked->is_once && !asked->is_json;
	refusal = look(&view);
	if (!refusal)
		refusal = view.is_live ? run_live(&view) : run_once(&view);
	if (!refusal && asked->is_json)
		reply = report(&view);
	if (refusal || reply)
		status = verb_print(asked, refusal ? refusal : reply, &result);
	if (refusal || reply)
		json_decref(result);
	forget(&view);
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.arguments = "[VM]",
	.help = "what replication does, live",
	.most = 1,
	.options = "o",
	.run = run,
};
