// SPDX-License-Identifier: GPL-2.0
/* Generation identifiers: operations on a set and the comparison of two. */
#include "uuid.h"
#include "state.h"

/* ---- elementary operations (5.2) */

void uuid_mark_primary(struct uuid_set *u, bool primary)
{
	if (primary)
		u->slot[UUID_CURRENT] |= UUID_PRIMARY_BIT;
	else
		u->slot[UUID_CURRENT] &= ~UUID_PRIMARY_BIT;
}

void uuid_slot_set(struct uuid_set *u, enum uuid_slot slot, u64 val, bool primary)
{
	u->slot[slot] = val;
	if (slot == UUID_CURRENT)
		uuid_mark_primary(u, primary);
}

static void history_push(struct uuid_set *u, u64 val)
{
	u->slot[UUID_HISTORY1] = u->slot[UUID_HISTORY0];
	u->slot[UUID_HISTORY0] = val;
}

void uuid_slot_rotate(struct uuid_set *u, enum uuid_slot slot, u64 val, bool primary)
{
	if (u->slot[slot])
		history_push(u, u->slot[slot]);
	uuid_slot_set(u, slot, val, primary);
}

void uuid_bitmap_retire(struct uuid_set *u)
{
	if (u->slot[UUID_BITMAP])
		history_push(u, u->slot[UUID_BITMAP]);
	u->slot[UUID_BITMAP] = 0;
}

void uuid_new_current(struct uuid_set *u, u64 random, bool primary)
{
	/* The original forgets it: then a disk of that generation looks like a split brain. */
	uuid_bitmap_retire(u);
	u->slot[UUID_BITMAP] = u->slot[UUID_CURRENT];
	uuid_slot_set(u, UUID_CURRENT, random, primary);
}

/* ---- resync (5.3) */

u64 uuid_sync_value(const struct uuid_set *u, u64 random)
{
	u64 bitmap = u->slot[UUID_BITMAP];

	return bitmap && bitmap != UUID_JUST_CREATED ? bitmap + UUID_SYNC_STEP : random;
}

u64 uuid_source_start(struct uuid_set *u, u64 random, bool primary)
{
	u64 sync = uuid_sync_value(u, random);

	uuid_slot_rotate(u, UUID_BITMAP, sync, primary);
	return sync;
}

void uuid_target_start(struct uuid_set *u, u64 sync_uuid, bool primary)
{
	uuid_slot_set(u, UUID_CURRENT, sync_uuid, primary);
	uuid_slot_set(u, UUID_BITMAP, 0, primary);
}

void uuid_source_finish(struct uuid_set *u)
{
	uuid_bitmap_retire(u);
}

void uuid_target_finish(struct uuid_set *u, struct uuid_set *peer, bool primary)
{
	u64 sync = u->slot[UUID_CURRENT];

	u->slot[UUID_BITMAP] = peer->slot[UUID_BITMAP];
	u->slot[UUID_HISTORY0] = peer->slot[UUID_HISTORY0];
	u->slot[UUID_HISTORY1] = peer->slot[UUID_HISTORY1];
	uuid_slot_rotate(u, UUID_BITMAP, sync, primary);
	uuid_slot_set(u, UUID_CURRENT, peer->slot[UUID_CURRENT], primary);
	uuid_bitmap_retire(u);
	*peer = *u;
}

void uuid_undo_source_start(struct uuid_set *u)
{
	u->slot[UUID_BITMAP] = u->slot[UUID_HISTORY0];
	u->slot[UUID_HISTORY0] = u->slot[UUID_HISTORY1];
}

static bool in_history(const struct uuid_set *u, u64 value)
{
	return uuid_same(u->slot[UUID_HISTORY0], value) || uuid_same(u->slot[UUID_HISTORY1], value);
}

bool uuid_went_on_after_sync(const struct uuid_set *older, const struct uuid_set *newer)
{
	u64 current_uuid = older->slot[UUID_CURRENT], sync = older->slot[UUID_BITMAP];

	return sync && in_history(newer, sync) &&
	       (uuid_same(newer->slot[UUID_BITMAP], current_uuid) ||
		in_history(newer, current_uuid));
}

bool uuid_may_skip_initial_sync(const struct uuid_set *u, u8 conn, u16 apv)
{
	return conn == C_CONNECTED && apv >= 90 &&
	       u->slot[UUID_CURRENT] == UUID_JUST_CREATED;
}

/* ---- comparison (5.5) */

/*
 * The two sides of a comparison with the role bit masked off.  The rules come
 * in mirrored pairs; writing one of a pair and calling it for either side keeps
 * both ends' answers mirrored.
 */
struct side {
	u64 cur, bm, h0, h1;
	bool bm_zero;	/* the full value is 0 */
};

static struct side side_of(const struct uuid_set *u)
{
	return (struct side) {
		.cur = u->slot[UUID_CURRENT] & ~UUID_PRIMARY_BIT,
		.bm = u->slot[UUID_BITMAP] & ~UUID_PRIMARY_BIT,
		.h0 = u->slot[UUID_HISTORY0] & ~UUID_PRIMARY_BIT,
		.h1 = u->slot[UUID_HISTORY1] & ~UUID_PRIMARY_BIT,
		.bm_zero = u->slot[UUID_BITMAP] == 0,
	};
}

/* 34/35: the one with a bitmap UUID was source and did not see the sync finish. */
static bool missed_sync_end(struct side source, struct side target)
{
	return source.bm == target.h0 && source.h0 == target.h1;
}

/* 51/71: the source started a sync whose UUID never reached the target. */
static bool sync_uuid_lost(struct side source, struct side target, u16 apv)
{
	if (source.h0 != target.cur)
		return false;
	if (apv < 96)
		return source.h1 == target.h0;
	return source.h0 + UUID_SYNC_STEP == source.bm;
}

static void decide(struct uuid_verdict *v, int rule, int hg)
{
	v->rule = rule;
	v->hg = hg;
}

/* 34 to 37: equal currents, exactly one bitmap UUID.  Source is the one that has it. */
static void compare_unfinished_sync(struct uuid_verdict *v, struct side s, struct side p,
				    const struct uuid_facts *f)
{
	bool self_is_source = !s.bm_zero;
	bool missed = self_is_source ? missed_sync_end(s, p) : missed_sync_end(p, s);

	if (self_is_source)
		decide(v, missed ? 34 : 36, HG_SOURCE_BITMAP);
	else
		decide(v, missed ? 35 : 37, HG_TARGET_BITMAP);

	if (f->apv < 91) {
		v->hg = HG_NEEDS_APV_91;
	} else if (missed && self_is_source) {
		uuid_bitmap_retire(&v->self);
		v->self_corrected = true;
	} else if (missed) {
		uuid_bitmap_retire(&v->peer);
		v->peer_corrected = true;
	}
}

/* 40 and 41: the same generation; did anyone crash while Primary? */
static void compare_equal(struct uuid_verdict *v, const struct uuid_facts *f)
{
	if (!f->self_crashed && !f->peer_crashed) {
		decide(v, 40, HG_EQUAL);
	} else if (f->self_primary || f->peer_primary) {
		if (!(f->features & UUID_FEATURE_WSAME))
			decide(v, 41, HG_NEEDS_FEATURE);
		else if (f->self_primary && f->peer_primary)
			decide(v, 41, HG_AMBIGUOUS);
		else
			decide(v, 41, f->self_primary ? HG_SOURCE_BITMAP : HG_TARGET_BITMAP);
	} else if (f->self_crashed && f->peer_crashed) {
		decide(v, 40, f->resolve_conflicts ? HG_TARGET_BITMAP : HG_SOURCE_BITMAP);
	} else {
		decide(v, 40, f->self_crashed ? HG_SOURCE_BITMAP : HG_TARGET_BITMAP);
	}
}

/* 50 to 80: one side's generation is known to the other as an ancestor. */
static bool compare_ancestors(struct uuid_verdict *v, struct side s, struct side p,
			      const struct uuid_facts *f)
{
	if (s.cur == p.bm) {
		decide(v, 50, HG_TARGET_BITMAP);
	} else if (sync_uuid_lost(p, s, f->apv)) {
		decide(v, 51, f->apv < 91 ? HG_NEEDS_APV_91 : HG_TARGET_BITMAP);
		v->peer_corrected = f->apv >= 91;
		if (v->peer_corrected)
			uuid_undo_source_start(&v->peer);
	} else if (s.cur == p.h0 || s.cur == p.h1) {
		decide(v, 60, HG_TARGET_FULL);
	} else if (s.bm == p.cur) {
		decide(v, 70, HG_SOURCE_BITMAP);
	} else if (sync_uuid_lost(s, p, f->apv)) {
		decide(v, 71, f->apv < 91 ? HG_NEEDS_APV_91 : HG_SOURCE_BITMAP);
		v->self_corrected = f->apv >= 91;
		if (v->self_corrected)
			uuid_undo_source_start(&v->self);
	} else if (s.h0 == p.cur || s.h1 == p.cur) {
		decide(v, 80, HG_SOURCE_FULL);
	} else {
		return false;
	}
	return true;
}

/* 90 and 100: both went on from a common past, or share nothing. */
static void compare_diverged(struct uuid_verdict *v, struct side s, struct side p)
{
	if (s.bm == p.bm && s.bm)
		decide(v, 90, HG_SPLIT_BRAIN);
	else if (s.h0 == p.h0 || s.h0 == p.h1 || s.h1 == p.h0 || s.h1 == p.h1)
		decide(v, 100, HG_AMBIGUOUS);	/* empty slots match each other, as they do for the peer */
	else
		decide(v, 100, HG_UNRELATED);
}

static struct uuid_verdict compare_one_way(const struct uuid_set *self,
					   const struct uuid_set *peer,
					   const struct uuid_facts *f)
{
	struct uuid_verdict v = { .self = *self, .peer = *peer };
	struct side s = side_of(self);
	struct side p = side_of(peer);
	bool self_fresh = s.cur == UUID_JUST_CREATED || s.cur == 0;
	bool peer_fresh = p.cur == UUID_JUST_CREATED || p.cur == 0;

	if (s.cur == UUID_JUST_CREATED && p.cur == UUID_JUST_CREATED)
		decide(&v, 10, HG_EQUAL);
	else if (self_fresh && p.cur != UUID_JUST_CREATED)
		decide(&v, 20, HG_TARGET_FULL);
	else if (s.cur != UUID_JUST_CREATED && peer_fresh)
		decide(&v, 30, HG_SOURCE_FULL);
	else if (s.cur == p.cur && s.bm_zero != p.bm_zero)
		compare_unfinished_sync(&v, s, p, f);
	else if (s.cur == p.cur)
		compare_equal(&v, f);
	else if (!compare_ancestors(&v, s, p, f))
		compare_diverged(&v, s, p);
	return v;
}

static bool hg_mirrored(int mine, int theirs)
{
	if (mine >= HG_TARGET_FULL && mine <= HG_SOURCE_FULL)
		return mine == -theirs;
	return mine == theirs;
}

/*
 * Sets that name each other as ancestor, or no generation at all, cannot come
 * about by operation, yet the rules would make both ends target and leave them
 * waiting for each other.  So look through the peer's eyes too and refuse sets
 * on which the two would disagree.
 */
struct uuid_verdict uuid_compare(const struct uuid_set *self, const struct uuid_set *peer,
				 const struct uuid_facts *f)
{
	struct uuid_facts mirrored = {
		.self_primary = f->peer_primary,
		.peer_primary = f->self_primary,
		.self_crashed = f->peer_crashed,
		.peer_crashed = f->self_crashed,
		.resolve_conflicts = !f->resolve_conflicts,
		.apv = f->apv,
		.features = f->features,
	};
	struct uuid_verdict mine = compare_one_way(self, peer, f);
	struct uuid_verdict theirs = compare_one_way(peer, self, &mirrored);

	if (!hg_mirrored(mine.hg, theirs.hg)) {
		mine = (struct uuid_verdict) { .self = *self, .peer = *peer };
		decide(&mine, 100, HG_UNRELATED);
	}
	return mine;
}
