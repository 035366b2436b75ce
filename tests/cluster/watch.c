/* Tells on stdout what the cluster tells a guard, a line each, and says the words that it reads on stdin. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *    view MS connected|lost quorum|none decides|undecided lag=MS hosts=1,2 daemons=1,2 anew=0|1 came= went=
 *    word MS FROM SITUATION GENERATION.ROUND asks|tells
 *    name NAME ID                                            in answer to "find NAME"
 *
 * stdin: "say TO SITUATION GENERATION ROUND ASKING" (numbers), "find NAME".
 */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "fencing/cluster/cluster.h"

static struct cluster *cluster;

static unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static void print_nodes(const char *name, const struct cluster_nodes *nodes)
{
	printf(" %s=", name);
	for (unsigned int i = 0; i < nodes->count; i++)
		printf(i ? ",%u" : "%u", nodes->ids[i]);
}

static void on_view(void *data, const struct cluster_view *view,
                    const struct cluster_change *change)
{
	(void)data;
	printf("view %llu %s %s %s lag=%u", now_ms(), view->is_connected ? "connected" : "lost",
	       view->is_quorate ? "quorum" : "none", view->quorum_decides ? "decides" : "undecided",
	       view->lag);
	print_nodes("hosts", &view->hosts);
	print_nodes("daemons", &view->daemons);
	printf(" anew=%d", change->is_anew);
	print_nodes("came", &change->came);
	print_nodes("went", &change->went);
	puts("");
}

static void on_word(void *data, uint32_t from, const struct cluster_word *word)
{
	(void)data;
	printf("word %llu %u %s %llu.%llu %s\n", now_ms(), from,
	       situation_name(word->record.situation),
	       (unsigned long long)word->record.right.generation,
	       (unsigned long long)word->record.right.round, word->is_asking ? "asks" : "tells");
}

static struct cluster_listener listener = { .vm = "a VM's UUID", .view = on_view, .word = on_word };

static void obey(const char *line)
{
	unsigned int to, situation, generation, round, asking;
	struct cluster_word word = { .window = 1 };
	char name[CLUSTER_NAME_SIZE];
	uint32_t id;

	if (!strcmp(line, "tick"))
		puts("tick");
	if (sscanf(line, "find %63s", name) == 1 && !cluster_find(cluster, name, &id))
		printf("name %s %u\n", name, id);
	if (sscanf(line, "say %u %u %u %u %u", &to, &situation, &generation, &round, &asking) != 5)
		return;
	memcpy(word.vm, listener.vm, sizeof(word.vm));
	word.record = (struct record){ (enum situation)situation, { generation, round }, to };
	word.is_asking = asking;
	cluster_say(cluster, &listener, to, &word);
}

static void on_stdin(struct ev_loop *loop, ev_io *io, int events)
{
	static char text[4096];
	ssize_t got = read(STDIN_FILENO, text, sizeof(text) - 1);
	char *rest = text;

	(void)io;
	(void)events;
	if (got <= 0) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	text[got] = 0;
	for (char *line; (line = strsep(&rest, "\n"));)
		obey(line);
}

int main(void)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	ev_io input;

	log_open("watch", LOG_LEVEL_INFO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (cluster_open(loop, &cluster))
		return 1;
	cluster_listen(cluster, &listener);
	ev_io_init(&input, on_stdin, STDIN_FILENO, EV_READ);
	ev_io_start(loop, &input);
	ev_run(loop, 0);
	cluster_ignore(cluster, &listener);
	cluster_close(cluster);
	return 0;
}
