// SPDX-License-Identifier: GPL-2.0
/*
 * Writes blocks that name themselves, and tells which writes have been acknowledged, so that after any accident the
 * host can say of each block what it must and may contain. See ../load.py for the other end.
 *
 * usage: bed-load DEVICE WRITER FIRST COUNT SECONDS THREADS SEED [sync]
 *
 * WRITER	0..255, part of each block's content
 * FIRST COUNT	the 4 KiB blocks that may be written; each thread writes in a part of its own, so that no two writes
 *		of one block are ever under way
 * sync		each write is acknowledged only when it is durable
 *
 * Each block consists of 512 words of 64 bits: mix(block, writer, sequence) + index, with the three in words 0 to 2.
 * Each write, of one to eight blocks, prints "sequence first count" when it begins with "+" and when it is
 * acknowledged with "-". Ends with status 0 after SECONDS, or prints "! errno" at the first failed write and ends
 * with status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, WORDS = BLOCK / 8, MOST = 8, MAGIC = 0x62656431 };

static int fd;
static uint64_t writer, seed;
static time_t deadline;
static _Atomic uint64_t sequence = 1;

struct part {
	uint64_t first, count, state;
	pthread_t thread;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
}

static void fill(uint64_t *words, uint64_t block, uint64_t seq)
{
	uint64_t base = mix(block * 0x9e3779b97f4a7c15ULL ^ writer << 56 ^ seq);
	int i;

	words[0] = (uint64_t)MAGIC << 32 | writer;
	words[1] = block;
	words[2] = seq;
	for (i = 3; i < WORDS; i++)
		words[i] = base + i;
}

static void say(char sign, uint64_t seq, uint64_t first, uint64_t count)
{
	char line[80];
	int length = snprintf(line, sizeof(line), "%c %llu %llu %llu\n", sign, (unsigned long long)seq,
			      (unsigned long long)first, (unsigned long long)count);

	if (write(1, line, length) != length)
		_exit(2);
}

static void *work(void *data)
{
	struct part *part = data;
	uint64_t *buffer = aligned_alloc(BLOCK, MOST * BLOCK);

	if (!buffer)
		_exit(2);
	while (time(NULL) < deadline) {
		uint64_t count, first, seq, i;

		part->state = mix(part->state + 0x9e3779b97f4a7c15ULL);
		/* Mostly single blocks, as data bases write; half of them in a small hot area. */
		count = part->state & 3 ? 1 : 1 + (part->state >> 8) % MOST;
		if (count > part->count)
			count = part->count;
		first = (part->state >> 16) % (part->count - count + 1);
		if (part->state & 4)
			first %= part->count / 8 + 1;
		if (first + count > part->count)
			first = part->count - count;
		first += part->first;
		seq = atomic_fetch_add(&sequence, 1);
		for (i = 0; i < count; i++)
			fill(buffer + i * WORDS, first + i, seq);
		say('+', seq, first, count);
		if (pwrite(fd, buffer, count * BLOCK, first * BLOCK) != (ssize_t)(count * BLOCK)) {
			printf("! %d\n", errno);
			fflush(stdout);
			_exit(1);
		}
		say('-', seq, first, count);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct part parts[64];
	uint64_t first, count;
	int threads, i;

	if (argc != 8 && (argc != 9 || strcmp(argv[8], "sync")))
		return 2;
	fd = open(argv[1], O_RDWR | O_DIRECT | (argc == 9 ? O_DSYNC : 0));
	if (fd < 0) {
		printf("! %d\n", errno);
		return 1;
	}
	writer = strtoull(argv[2], NULL, 10);
	first = strtoull(argv[3], NULL, 10);
	count = strtoull(argv[4], NULL, 10);
	deadline = time(NULL) + atoi(argv[5]);
	threads = atoi(argv[6]);
	seed = strtoull(argv[7], NULL, 10);
	if (threads < 1 || threads > 64)
		return 2;
	for (i = 0; i < threads; i++) {
		parts[i].count = count / threads;
		parts[i].first = first + i * parts[i].count;
		parts[i].state = mix(seed * 64 + i + 1);
		if (pthread_create(&parts[i].thread, NULL, work, &parts[i]))
			return 2;
	}
	for (i = 0; i < threads; i++)
		pthread_join(parts[i].thread, NULL);
	return 0;
}
