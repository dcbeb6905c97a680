// SPDX-License-Identifier: GPL-2.0
/*
 * gi.c - generation identifiers: get-gi and show-gi (tools.md 9.7, netlink.md 6.3, 6.4)
 */
#include "volume_view.h"

#include <inttypes.h>
#include <string.h>

/* In the order they are printed. */
static const u32 printed_flags[] = {
	MDS_CONSISTENT,	    MDS_WAS_UP_TO_DATE, MDS_PRIMARY_IND,    MDS_CONNECTED_IND,
	MDS_FULL_SYNC,	    MDS_PEER_OUT_DATED, MDS_CRASHED_PRIMARY,
};

static void print_gi(const struct volume_view *view)
{
	u64 uuids[4];
	size_t i;

	memcpy(uuids, view->info.uuids, sizeof(uuids));
	for (i = 0; i < ARRAY_SIZE(uuids); i++)
		printf("%016" PRIX64 ":", uuids[i]);
	for (i = 0; i < ARRAY_SIZE(printed_flags); i++)
		printf("%s%d", i ? ":" : "", !!(view->info.disk_flags & printed_flags[i]));
	printf("\n");
}

static void print_legend_above(void)
{
	printf("\n"
	       "       +--<  Current data generation UUID  >-\n"
	       "       |               +--<  Bitmap's base data generation UUID  >-\n"
	       "       |               |                 +--<  younger history UUID  >-\n"
	       "       |               |                 |         +-<  older history  >-\n"
	       "       V               V                 V         V\n");
}

static void print_legend_below(void)
{
	static const char *const meanings[] = {
		"-<  Data consistency flag  >--+ | | | | | |",
		"-<  Data was/is currently up-to-date  >--+ | | | | |",
		"-<  Node was/is currently primary  >--+ | | | |",
		"-<  Node was/is currently connected  >--+ | | |",
		"-<  Node was in the progress of setting all bits in the bitmap  >--+ | |",
		"-<  The peer's disk was out-dated or inconsistent  >--+ |",
		"-<  This node was a crashed primary, and has not seen its peer since   >--+",
	};
	size_t i;

	printf("%68s^ ^ ^ ^ ^ ^ ^\n", "");
	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		printf("%81s\n", meanings[i]);
	printf("\n");
}

static void print_flag_words(u32 flags)
{
	printf("flags:%s %s, %s, %s%s%s\n", flags & MDS_CRASHED_PRIMARY ? " crashed" : "",
	       flags & MDS_PRIMARY_IND ? "Primary" : "Secondary",
	       flags & MDS_CONNECTED_IND ? "Connected" : "StandAlone",
	       !(flags & MDS_CONSISTENT)   ? "Inconsistent" :
	       flags & MDS_WAS_UP_TO_DATE ? "UpToDate" :
					     "Outdated",
	       flags & MDS_FULL_SYNC ? ", need full sync" : "",
	       flags & MDS_PEER_OUT_DATED ? ", peer Outdated" : "");
	printf("meta-data: %s\n", flags & MDS_AL_CLEAN ? "clean" : "need apply-al");
}

static int run_gi(struct invocation *invocation, bool explain)
{
	struct volume_view view;
	int status = volume_view_one(invocation, &view);

	if (status != STATUS_OK)
		return status;
	if (view.state.conn == C_STANDALONE && view.state.disk == D_DISKLESS) {
		fprintf(stderr, "Device is unconfigured\n");
		return STATUS_NO_DISK;
	}
	if (!volume_view_has(&view, NLA_uuids)) {
		fprintf(stderr, "Device has no disk\n");
		return STATUS_NO_DISK;
	}
	if (explain)
		print_legend_above();
	print_gi(&view);
	if (explain) {
		print_legend_below();
		print_flag_words(view.info.disk_flags);
	}
	return STATUS_OK;
}

int run_get_gi(struct invocation *invocation)
{
	return run_gi(invocation, false);
}

int run_show_gi(struct invocation *invocation)
{
	return run_gi(invocation, true);
}
