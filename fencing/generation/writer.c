/* Writes records on a thread of its own: a disk that is slow must not stop the loop that renews the lease. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/generation/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/*
 *    writer_do -> waiting --thread: work--> ended --loop: on_ended--> done(data, err)
 *
 * Both lists and is_closing are guarded by the lock; a job that the thread has in hand is in neither, and is the
 * thread's but for `done`, which is the loop's. Each guard has at most one write under way, so the lists are bounded.
 */
struct job {
	struct job *next;
	int (*work)(int folder, void *order);
	void *order;
	int err;
	void (*done)(void *data, int err);
	void *data;
};

/* The order of writer_write(). */
struct entry {
	char vm[GENERATION_VM_MAX];
	struct record record;
	bool forgets;
};

struct list {
	struct job *first, **last;
};

struct writer {
	struct ev_loop *loop;
	int folder;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting, ended;
	struct job *in_hand;
	bool is_closing;
	ev_async told;
};

static void list_init(struct list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void list_add(struct list *list, struct job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static struct job *list_take(struct list *list)
{
	struct job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->last = &list->first;
	return job;
}

static int write_entry(int folder, void *order)
{
	const struct entry *entry = order;

	return entry->forgets ? generation_forget(folder, entry->vm)
	                      : generation_write(folder, entry->vm, &entry->record);
}

static void free_job(struct job *job)
{
	free(job->order);
	free(job);
}

static void *run(void *data)
{
	struct writer *writer = data;

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		struct job *job = list_take(&writer->waiting);

		if (!job && writer->is_closing)
			break;
		if (!job) {
			pthread_cond_wait(&writer->wake, &writer->lock);
			continue;
		}
		writer->in_hand = job;
		pthread_mutex_unlock(&writer->lock);
		job->err = job->work(writer->folder, job->order);
		pthread_mutex_lock(&writer->lock);
		writer->in_hand = NULL;
		list_add(&writer->ended, job);
		ev_async_send(writer->loop, &writer->told);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static struct job *take_ended(struct writer *writer)
{
	struct job *job;

	pthread_mutex_lock(&writer->lock);
	job = list_take(&writer->ended);
	pthread_mutex_unlock(&writer->lock);
	return job;
}

static void on_ended(struct ev_loop *loop, ev_async *async, int events)
{
	struct writer *writer = async->data;
	struct job *job;

	(void)loop;
	(void)events;
	while ((job = take_ended(writer))) {
		if (job->done)
			job->done(job->data, job->err);
		free_job(job);
	}
}

/* Signals are the loop's. */
static int start_thread(struct writer *writer)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int writer_open(struct ev_loop *loop, int folder, struct writer **result)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->loop = loop;
	writer->folder = folder;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->wake, NULL);
	list_init(&writer->waiting);
	list_init(&writer->ended);
	ev_async_init(&writer->told, on_ended);
	writer->told.data = writer;
	ev_async_start(loop, &writer->told);
	err = start_thread(writer);
	if (err)
		goto err_after_async;
	*result = writer;
	return 0;

err_after_async:
	ev_async_stop(loop, &writer->told);
	free(writer);
	return err;
}

void writer_close(struct writer *writer)
{
	struct job *job;

	pthread_mutex_lock(&writer->lock);
	writer->is_closing = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	ev_async_stop(writer->loop, &writer->told);
	while ((job = list_take(&writer->ended)))
		free_job(job);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

int writer_folder(const struct writer *writer)
{
	return writer->folder;
}

int writer_write(struct writer *writer, const char *vm, const struct record *record,
                 void (*done)(void *data, int err), void *data)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int err;

	if (!entry)
		return -ENOMEM;
	snprintf(entry->vm, sizeof(entry->vm), "%s", vm);
	entry->forgets = !record;
	if (record)
		entry->record = *record;
	err = writer_do(writer, write_entry, entry, done, data);
	if (err)
		free(entry);
	return err;
}

int writer_do(struct writer *writer, int (*work)(int folder, void *order), void *order,
              void (*done)(void *data, int err), void *data)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->work = work;
	job->order = order;
	job->done = done;
	job->data = data;
	pthread_mutex_lock(&writer->lock);
	list_add(&writer->waiting, job);
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	return 0;
}

static void disown(struct job *job, const void *data)
{
	for (; job; job = job->next) {
		if (job->data == data)
			job->done = NULL;
	}
}

void writer_disown(struct writer *writer, const void *data)
{
	pthread_mutex_lock(&writer->lock);
	disown(writer->waiting.first, data);
	disown(writer->ended.first, data);
	if (writer->in_hand && writer->in_hand->data == data)
		writer->in_hand->done = NULL;
	pthread_mutex_unlock(&writer->lock);
}
