// SPDX-License-Identifier: GPL-2.0
/* gi.c - generation identifiers, flags, device uuid: the superblock's small fields */
#include <inttypes.h>
#include <stdlib.h>

#include "drbdmeta.h"

/* The order in which get-gi prints and set-gi takes the flags. */
static const u32 gi_flag[] = {
	MDF_CONSISTENT, MDF_WAS_UP_TO_DATE, MDF_PRIMARY_IND, MDF_CONNECTED_IND,
	MDF_FULL_SYNC, MDF_PEER_OUT_DATED, MDF_CRASHED_PRIMARY,
};

#define GI_FLAGS ((int)ARRAY_SIZE(gi_flag))

static bool in_place(struct meta *m)
{
	return meta_read_superblock(m) && !m->at_last_known;
}

static void gi_print(const struct md_superblock *sb)
{
	int i;

	for (i = 0; i < MD_UUID_SLOTS; i++)
		printf("%016" PRIX64 ":", sb->uuid[i]);
	for (i = 0; i < GI_FLAGS; i++)
		printf("%d%c", (sb->flags & gi_flag[i]) != 0, i + 1 < GI_FLAGS ? ':' : '\n');
}

int cmd_get_gi(struct meta *m)
{
	if (!in_place(m))
		return EXIT_NO_METADATA;
	gi_print(&m->sb);
	return EXIT_OK;
}

static void gi_explain_state(const struct md_superblock *sb)
{
	u32 f = sb->flags;
	char text[32];

	printf("\nflags:%s %s, %s, %s%s%s\n",
	       f & MDF_CRASHED_PRIMARY ? " crashed" : "",
	       f & MDF_PRIMARY_IND ? "Primary" : "Secondary",
	       f & MDF_CONNECTED_IND ? "Connected" : "StandAlone",
	       !(f & MDF_CONSISTENT) ? "Inconsistent" :
	       f & MDF_WAS_UP_TO_DATE ? "UpToDate" : "Outdated",
	       f & MDF_FULL_SYNC ? ", need full sync" : "",
	       f & MDF_PEER_OUT_DATED ? ", peer Outdated" : "");
	printf("meta-data: %s\n", f & MDF_AL_CLEAN ? "clean" : "need apply-al");
	if (!sb->la_size_sect) {
		printf("zero size device -- never seen peer yet?\n");
		return;
	}
	printf("last agreed size: %s (%" PRIu64 " sectors)\n",
	       size_text(text, sb->la_size_sect / 2), sb->la_size_sect);
	printf("last agreed max bio size: %u Byte\n", sb->la_peer_max_bio_size);
}

int cmd_show_gi(struct meta *m)
{
	static const char *const what[] = {
		"Data consistency flag", "Data was/is currently up-to-date",
		"Node was/is currently primary", "Node was/is currently connected",
		"Node was in the progress of setting all bits in the bitmap",
		"The peer's disk was out-dated or inconsistent",
		"This node was a crashed primary, and has not seen its peer since ",
	};
	int i, j;

	if (!in_place(m))
		return EXIT_NO_METADATA;
	printf("\n"
	       "       +--<  Current data generation UUID  >-\n"
	       "       |               +--<  Bitmap's base data generation UUID  >-\n"
	       "       |               |                 +--<  younger history UUID  >-\n"
	       "       |               |                 |         +-<  older history  >-\n"
	       "       V               V                 V         V\n");
	gi_print(&m->sb);
	printf("%68s^ ^ ^ ^ ^ ^ ^\n", "");
	for (i = 0; i < GI_FLAGS; i++) {
		int indent = 68 + 2 * i - (int)strlen(what[i]) - 9;

		printf("%*s-<  %s  >--+", indent, "", what[i]);
		for (j = i + 1; j < GI_FLAGS; j++)
			printf(" |");
		printf("\n");
	}
	gi_explain_state(&m->sb);
	return EXIT_OK;
}

static bool field_is_empty(const char *field)
{
	return field[strspn(field, " \t")] == '\0';
}

static void gi_field_apply(struct md_superblock *sb, int n, const char *field)
{
	u64 value;
	char *end;

	if (field_is_empty(field))
		return;
	value = strtoull(field, &end, n < MD_UUID_SLOTS ? 16 : 10);
	if (*end || (n >= MD_UUID_SLOTS && value > 1))
		die(EXIT_BAD_VALUE, "'%s' is not a valid %s in <uuid>:<uuid>:<uuid>:<uuid>:<flag>:...",
		    field, n < MD_UUID_SLOTS ? "UUID" : "flag (0 or 1)");
	if (n < MD_UUID_SLOTS)
		sb->uuid[n] = value;
	else if (value)
		sb->flags |= gi_flag[n - MD_UUID_SLOTS];
	else
		sb->flags &= ~gi_flag[n - MD_UUID_SLOTS];
}

int cmd_set_gi(struct meta *m)
{
	struct md_superblock changed;
	char *text, *field;
	int n;

	if (!m->args[0])
		die(EXIT_BAD_VALUE, "Required Argument missing");
	if (!in_place(m))
		return EXIT_NO_METADATA;
	changed = m->sb;
	text = m->args[0];
	for (n = 0; (field = strsep(&text, ":")); n++) {
		if (n < MD_UUID_SLOTS + GI_FLAGS)
			gi_field_apply(&changed, n, field);
		else if (!field_is_empty(field))
			die(EXIT_BAD_VALUE, "'%s' is one field too many: there are %d.", field,
			    MD_UUID_SLOTS + GI_FLAGS);
	}
	printf("previously ");
	gi_print(&m->sb);
	printf("set GI to  ");
	gi_print(&changed);
	if (!confirmed("Write new GI to disk?"))
		return EXIT_OK;
	m->sb = changed;
	meta_write_superblock(m);
	return EXIT_OK;
}

int cmd_dstate(struct meta *m)
{
	u32 f;

	if (!in_place(m)) {
		fprintf(stderr, "No valid meta data found\n");
		return EXIT_NO_METADATA;
	}
	f = m->sb.flags;
	printf("%s\n", !(f & MDF_CONSISTENT) ? "Inconsistent" :
	       !(f & MDF_WAS_UP_TO_DATE) ? "Outdated" :
	       f & MDF_PEER_OUT_DATED ? "UpToDate" : "Consistent");
	return EXIT_OK;
}

int cmd_outdate(struct meta *m)
{
	if (!in_place(m))
		return EXIT_NO_METADATA;
	if (!(m->sb.flags & MDF_CONSISTENT)) {
		fprintf(stderr, "Device is inconsistent.\n");
		return EXIT_INCONSISTENT;
	}
	m->sb.flags &= ~(u32)MDF_WAS_UP_TO_DATE;
	meta_write_superblock(m);
	return EXIT_OK;
}

int cmd_invalidate(struct meta *m)
{
	if (!in_place(m))
		return EXIT_NO_METADATA;
	m->sb.flags &= ~(u32)(MDF_CONSISTENT | MDF_WAS_UP_TO_DATE);
	m->sb.flags |= MDF_FULL_SYNC;
	meta_write_superblock(m);
	return EXIT_OK;
}

int cmd_read_dev_uuid(struct meta *m)
{
	if (!in_place(m))
		return EXIT_NO_METADATA;
	printf("%016" PRIX64 "\n", m->sb.device_uuid);
	return EXIT_OK;
}

int cmd_write_dev_uuid(struct meta *m)
{
	if (!m->args[0])
		die(EXIT_BAD_VALUE, "Required Argument missing");
	if (!in_place(m))
		return EXIT_NO_METADATA;
	m->sb.device_uuid = strtoull(m->args[0], NULL, 16);
	meta_write_superblock(m);
	return EXIT_OK;
}

/* v08 knows one peer: forgetting it means there is no bitmap generation to resync from. */
int cmd_forget_peer(struct meta *m)
{
	if (!in_place(m))
		return EXIT_NO_METADATA;
	m->sb.uuid[MD_UUID_BITMAP] = 0;
	meta_write_superblock(m);
	return EXIT_OK;
}
