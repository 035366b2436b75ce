/* What a VM's images on this host have in common with those of the other: files of marks, for a copy of what differs alone. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/pairing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"

static struct marks_disk disk_of(const struct images *disks, uint32_t index, char *path)
{
	struct marks_disk disk = { .device = disks->disk[index].device,
		                   .sectors = disks->disk[index].sectors,
		                   .inode = disks->disk[index].inode };

	memcpy(disk.vm, disks->vm, sizeof(disk.vm));
	marks_path(path, disks->marks, &disk);
	return disk;
}

static uint64_t *new_words(const struct images *disks, uint32_t index)
{
	return calloc(disks->disk[index].layout.words, sizeof(uint64_t));
}

/* 0 or a negative errno: then *why says it. */
static int read_one(const struct images *disks, uint32_t index, uint64_t *pairing, uint64_t *words,
                    const char **why)
{
	char path[MARKS_PATH_BYTES];
	struct marks_disk disk = disk_of(disks, index, path);
	uint32_t damaged = 0;
	int err = marks_read(path, &disk, pairing, words, &damaged, why);

	if (!err && damaged)
		log_warning("%s: %u blocks are damaged and count as marked", path, damaged);
	return err;
}

static int find_one(const struct images *disks, uint32_t index, uint64_t *pairing)
{
	uint64_t *words = new_words(disks, index);
	uint64_t found = 0;
	const char *why = "no memory";
	int err = words ? read_one(disks, index, &found, words, &why) : -ENOMEM;

	free(words);
	if (!err && index && found != *pairing) {
		why = "it is of another pairing than the first disk's";
		err = -ESTALE;
	}
	if (err)
		log_info("disk %s: what its copy lacks is not known: %s", disks->disk[index].path,
		         why);
	*pairing = found;
	return err;
}

uint64_t pairing_find(const struct images *disks)
{
	uint64_t pairing = 0;
	int err = disks->marks ? 0 : -ENOENT;

	for (uint32_t i = 0; i < disks->count && !err; i++)
		err = find_one(disks, i, &pairing);
	return err ? 0 : pairing;
}

static int make_one(const struct images *disks, uint32_t index, uint64_t pairing, bool is_marked)
{
	char path[MARKS_PATH_BYTES];
	struct marks_disk disk = disk_of(disks, index, path);
	uint64_t *words = new_words(disks, index);
	int err;

	if (!words)
		return -ENOMEM;
	if (is_marked)
		marks_fill(&disks->disk[index].layout, words);
	err = marks_make(path, &disk, pairing, words);
	free(words);
	if (err)
		log_warning("%s: %s", path, strerror(-err));
	return err;
}

int pairing_make(const struct images *disks, uint64_t pairing, bool is_marked)
{
	int err = disks->marks ? 0 : -ENOENT;

	if (!err)
		mkdir(disks->marks, 0700);
	for (uint32_t i = 0; i < disks->count && !err; i++)
		err = make_one(disks, i, pairing, is_marked);
	if (err)
		pairing_remove(disks);
	return err;
}

int pairing_remove(const struct images *disks)
{
	int first = 0;

	for (uint32_t i = 0; i < disks->count && disks->marks; i++) {
		char path[MARKS_PATH_BYTES];
		int err;

		disk_of(disks, i, path);
		err = marks_remove(path);
		first = first ? first : err;
	}
	return first == -ENOENT ? 0 : first;
}

void pairing_forget(struct images *disks)
{
	for (uint32_t i = 0; i < disks->count; i++) {
		free(disks->disk[i].todo);
		disks->disk[i].todo = NULL;
	}
}

static int load_one(struct images *disks, uint32_t index, uint64_t pairing)
{
	uint64_t found = 0;
	const char *why;
	int err;

	disks->disk[index].todo = new_words(disks, index);
	if (!disks->disk[index].todo)
		return -ENOMEM;
	err = read_one(disks, index, &found, disks->disk[index].todo, &why);
	return !err && found != pairing ? -ESTALE : err;
}

int pairing_load(struct images *disks, uint64_t pairing)
{
	int err = disks->marks ? 0 : -ENOENT;

	pairing_forget(disks);
	for (uint32_t i = 0; i < disks->count && !err; i++)
		err = load_one(disks, i, pairing);
	if (err)
		pairing_forget(disks);
	return err;
}

int pairing_add(struct images *disks, uint32_t index, const uint8_t *bits, uint32_t size)
{
	const struct marks_layout *layout = &disks->disk[index].layout;
	uint64_t *todo = disks->disk[index].todo;
	uint64_t word;

	if (size != layout->words * sizeof(word))
		return -EPROTO;
	for (uint32_t i = 0; i < layout->words && todo; i++) {
		memcpy(&word, bits + i * sizeof(word), sizeof(word));
		todo[i] |= word;
	}
	if (todo)
		marks_trim(layout, todo);
	return 0;
}

uint32_t pairing_tell(const struct images *disks, uint32_t index, uint8_t *bits, uint32_t size)
{
	const struct marks_layout *layout = &disks->disk[index].layout;
	uint32_t bytes = layout->words * (uint32_t)sizeof(uint64_t);
	uint64_t *words = new_words(disks, index);
	uint64_t pairing;
	const char *why;

	if (bytes > size)
		bytes = size;
	memset(bits, 0xff, bytes);
	if (words && read_one(disks, index, &pairing, words, &why) == 0)
		memcpy(bits, words, bytes);
	free(words);
	return bytes;
}
