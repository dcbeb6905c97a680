// SPDX-License-Identifier: GPL-2.0
/*
 * foreign.c - is there data that new metadata would destroy?
 *
 * Looks at the first 68 KiB of the device.  What is found decides between going
 * on, asking, and refusing; metadata.md 6.6 has the table.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drbdmeta.h"

#define LOOK_BYTES 69632u

struct foreign {
	const char *what;
	bool refuse;			/* never acceptable, whatever its size */
	bool size_failed;		/* of these: because its size is not known */
	u64 blocks;			/* 0: size unknown */
	u64 block_bytes;
};

static u16 le16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static u32 le32(const u8 *p)
{
	return le16(p) | (u32)le16(p + 2) << 16;
}

static u64 le64(const u8 *p)
{
	return le32(p) | (u64)le32(p + 4) << 32;
}

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u64 be64(const u8 *p)
{
	return (u64)be32(p) << 32 | be32(p + 4);
}

static bool is_swap(const u8 *data, u32 end)
{
	return !memcmp(data + end - 10, "SWAP-SPACE", 10) ||
	       !memcmp(data + end - 10, "SWAPSPACE2", 10);
}

/* The physical volume's size in sectors as LVM tells it; 0: it does not. */
static u64 lvm_sectors(const char *path)
{
	int pipe_fds[2], n;
	char answer[64] = "";
	FILE *f;
	pid_t pid;
	unsigned long long sectors = 0;

	if (pipe(pipe_fds))
		return 0;
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		close(pipe_fds[0]);
		execlp("pvs", "pvs", "--noheadings", "--nosuffix", "--units", "s", "-o",
		       "pv_size", path, NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	f = pid > 0 ? fdopen(pipe_fds[0], "r") : NULL;
	if (!f) {
		close(pipe_fds[0]);
		return 0;
	}
	n = fgets(answer, sizeof(answer), f) ? sscanf(answer, "%llu", &sectors) : 0;
	fclose(f);
	waitpid(pid, NULL, 0);
	return n == 1 ? sectors : 0;
}

static void found(struct foreign *what, const char *name, u64 blocks, u64 block_bytes)
{
	what->what = name;
	what->blocks = blocks;
	what->block_bytes = block_bytes;
}

static void find_lvm(const char *path, struct foreign *what)
{
	found(what, "LVM2 physical volume signature", lvm_sectors(path), 512);
	what->refuse = what->size_failed = what->blocks == 0;
}

static void find_ext(const u8 *data, struct foreign *what)
{
	u32 shift = le32(data + 0x418);

	found(what, data[0x45c] & 4 ? "ext3 filesystem" : "ext2 filesystem",
	      le32(data + 0x404), shift <= 2 ? 1024ULL << shift : 4096);
}

static void foreign_find(const char *path, const u8 *data, struct foreign *what)
{
	memset(what, 0, sizeof(*what));
	if (is_swap(data, 4096) || is_swap(data, 8192)) {
		found(what, "swap space signature", 0, 0);
		what->refuse = true;
	} else if (!memcmp(data + 0x218, "LVM2", 4)) {
		find_lvm(path, what);
	} else if (le16(data + 0x438) == 0xef53) {
		find_ext(data, what);
	} else if (!memcmp(data, "XFSB", 4)) {
		found(what, "xfs filesystem", be64(data + 8), be32(data + 4));
	} else if (!memcmp(data + 0x8000, "JFS1", 4)) {
		found(what, "JFS filesystem", le64(data + 0x8008), le32(data + 0x8018));
	} else if (!memcmp(data + 0x10034, "ReIsErFs", 8) ||
		   !memcmp(data + 0x10034, "ReIsEr2Fs", 9)) {
		found(what, "reiser filesystem", le32(data + 0x10000), le16(data + 0x1002c));
	} else {
		found(what, "some data", 0, 0);
	}
}

static const char truncated_text[] =
	"Device size would be truncated, which\n"
	"would corrupt data and result in\n"
	"'access beyond end of device' errors.\n";

static const char zero_out_text[] =
	"If you want me to do this, you need to zero out the first part\n"
	"of the device (destroy the content).\n"
	"You should be very sure that you mean it.\n"
	"Operation refused.\n\n";

/* @text explains a refusal that the user may override. */
static void refuse_unless_ignored(const char *text)
{
	if (opt.ignore_sanity_checks) {
		printf("\nIgnoring sanity check on user request.\n\n");
		return;
	}
	printf("%s", text);
	fflush(stdout);
	exit(EXIT_FOREIGN_DATA);
}

static void ask_to_proceed(void)
{
	if (!confirmed("Do you want to proceed?"))
		die(EXIT_NO_METADATA, "Operation canceled.");
}

static void judge_unknown(void)
{
	printf("\n ==> This might destroy existing data! <==\n");
	ask_to_proceed();
}

static void judge_external(const struct foreign *what)
{
	if (!what->blocks && !what->refuse) {
		judge_unknown();
		return;
	}
	printf("\nThis would corrupt existing data.\n");
	refuse_unless_ignored(zero_out_text);
}

/* Would the filesystem reach into the metadata?  Then nothing overrides the refusal. */
static void judge_internal_size(const struct foreign *what, u64 usable_bytes)
{
	u64 used;

	if (__builtin_mul_overflow(what->blocks, what->block_bytes, &used))
		used = U64_MAX;
	printf("%12llu kB data area apparently used\n", (unsigned long long)used >> 10);
	printf("%12llu kB left usable by current configuration\n",
	       (unsigned long long)usable_bytes >> 10);
	if (used > usable_bytes) {
		printf("\n%s"
		       "You need to either\n"
		       "   * use external meta data (recommended)\n"
		       "   * shrink that filesystem first\n"
		       "   * zero out the device (destroy the filesystem)\n"
		       "Operation refused.\n\n", truncated_text);
		fflush(stdout);
		exit(EXIT_FOREIGN_DATA);
	}
	printf("\nEven though it looks like this would place the new meta data into\n"
	       "unused space, you still need to confirm, as this is only a guess.\n");
	ask_to_proceed();
}

static void judge_internal(const struct foreign *what, u64 usable_bytes)
{
	if (what->refuse) {
		printf("%12llu kB left usable by current configuration\n",
		       (unsigned long long)usable_bytes >> 10);
		if (what->size_failed)
			printf("Could not determine the size of the actually used data area.\n\n");
		printf("%s", truncated_text);
		refuse_unless_ignored(zero_out_text);
	} else if (what->blocks) {
		judge_internal_size(what, usable_bytes);
	} else {
		judge_unknown();
	}
}

void foreign_data_check(struct meta *m, const struct md_layout *layout)
{
	struct foreign what;
	u32 i;

	meta_read_available(m, "check_for_existing_data", m->buffer, LOOK_BYTES, 0);
	for (i = 0; i < LOOK_BYTES && !m->buffer[i]; i++)
		;
	if (i == LOOK_BYTES)
		return;

	foreign_find(m->path, m->buffer, &what);
	printf("md_offset %llu\nal_offset %llu\nbm_offset %llu\n\nFound %s\n",
	       (unsigned long long)layout->sb_sector * 512,
	       (unsigned long long)layout->al_sector * 512,
	       (unsigned long long)layout->bm_sector * 512, what.what);
	if (md_index_is_internal(m->index))
		judge_internal(&what, layout->bm_sector * 512);
	else
		judge_external(&what);
}
