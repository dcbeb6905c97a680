/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two nodes, their generation ids, bitmaps, crashes and reconnects; see README.
 *
 * One process makes one step after the other, any that is possible: every interleaving of
 * the two nodes, their peer's messages and the faults is a path of it. Node n keeps its part
 * of every array; "durable" is what survives crash(n).
 */

#ifndef BLOCKS
#define BLOCKS 1
#endif
#ifndef WRITES
#define WRITES 3		/* each is a bit of a history */
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef CUTS
#define CUTS 3
#endif
#ifndef MUTANT
#define MUTANT 0
#endif

#define ALL ((1 << BLOCKS) - 1)
#define STEP 32			/* UUID_SYNC_STEP */
#define NONE 255

/* durable: the superblock, the bitmap, the data */
byte cur[2], bm[2], h0[2], h1[2];	/* enum uuid_slot */
bit incon[2];				/* not MDF_CONSISTENT: Inconsistent */
bit marked[2];				/* MDF_CRASHED_PRIMARY as attach finds it */
byte oos[2];				/* a bit for each block */
byte hist[4];				/* [n * 2 + block]: the writes that its content rests on */
byte hot[2];				/* blocks in the activity log */

/* volatile */
bit up[2], pri[2];
bit owes[2];				/* device->new_uuid_pending */
byte wid[2], wblk[2];			/* the write in flight: its bit, 0 = none; its block */
bit wlocal[2], wsent[2], wremote[2];	/* local part done; to be mirrored; the peer has it */

/* the connection: what both ends agree on, and the source's set as the target was told it */
mtype = { NO_LINK, CONNECTED, BITMAPS, STARTED, SYNCING, TARGET_DONE };
mtype link = NO_LINK;
bit src;
byte pcur, pbm, ph0, ph1;

/* the ghost: what users were promised */
byte acked;
byte writes, crashes, cuts, fresh = 2;

#define OTHER(n) (1 - (n))
#define BUSY(n) (wid[n] != 0)
#define DATA(n, b) hist[(n) * 2 + (b)]

/* ---- core/uuid.c, operation by operation ---- */

inline history_push(n, value)		/* history_push() */
{
	h1[n] = h0[n];
	h0[n] = value;
}

inline bitmap_retire(n)			/* uuid_bitmap_retire() */
{
	if
	:: bm[n] -> history_push(n, bm[n])
	:: else
	fi;
	bm[n] = 0
}

inline new_current(n)			/* uuid_new_current() */
{
	bm[n] = cur[n];
	cur[n] = fresh;
	fresh++
}

inline source_start(n)			/* uuid_source_start(), uuid_sync_value() */
{
	byte_sync = (bm[n] -> bm[n] + STEP : fresh);
	fresh = (bm[n] -> fresh : fresh + 1);
	if
	:: bm[n] -> history_push(n, bm[n])
	:: else
	fi;
	bm[n] = byte_sync
}

inline undo_source_start(n)		/* uuid_undo_source_start(): rules 51, 71 */
{
	bm[n] = h0[n];
	h0[n] = h1[n]
}

inline target_finish(n)			/* uuid_target_finish() */
{
	byte_sync = cur[n];
	bm[n] = pbm; h0[n] = ph0; h1[n] = ph1;
	if
	:: bm[n] -> history_push(n, bm[n])
	:: else
	fi;
	bm[n] = byte_sync;
	cur[n] = pcur;
	bitmap_retire(n)
}

/* ---- uuid_compare() as node 0 sees it; hg as enum uuid_hg, refusals from SPLIT on ---- */

#define SPLIT 100
#define AMBIGUOUS 101
#define UNRELATED 102

#define MISSED_END(s, t) (bm[s] == h0[t] && h0[s] == h1[t])			/* 34, 35 */
#define SYNC_UUID_LOST(s, t) (h0[s] == cur[t] && h0[s] + STEP == bm[s])	/* 71, 51 */

/* core/handshake.c went_on_unseen() */
#if MUTANT == 8
#define WENT_ON_UNSEEN(older) false
#else
#define WENT_ON_UNSEEN(older) (oos[older] && bm[older])
#endif

inline compare_diverged()		/* compare_diverged() */
{
	if
	:: bm[0] && bm[0] == bm[1] -> hg = SPLIT
	:: !(bm[0] && bm[0] == bm[1]) && (h0[0] == h0[1] || h0[0] == h1[1] || h1[0] == h0[1] ||
	   h1[0] == h1[1]) -> hg = AMBIGUOUS
	:: else -> hg = UNRELATED
	fi
}

inline compare()
{
	corrected = NONE;
	undo = false;
	if
	:: cur[0] == cur[1] && bm[0] && !bm[1] ->			/* 34, 36 */
		hg = 1;
		if :: MISSED_END(0, 1) -> corrected = 0 :: else fi
	:: cur[0] == cur[1] && !bm[0] && bm[1] ->			/* 35, 37 */
		hg = -1;
		if :: MISSED_END(1, 0) -> corrected = 1 :: else fi
	:: cur[0] == cur[1] && (!bm[0]) == (!bm[1]) -> compare_equal()	/* 40, 41 */
	:: cur[0] != cur[1] ->
		if
		:: cur[0] == bm[1] -> hg = (WENT_ON_UNSEEN(0) -> SPLIT : -1)	/* 50 */
		:: else ->
			if
			:: SYNC_UUID_LOST(1, 0) -> corrected = 1; undo = true;	/* 51 */
				hg = (WENT_ON_UNSEEN(0) -> SPLIT : -1)
			:: else ->
				if
				:: cur[0] == h0[1] || cur[0] == h1[1] ->	/* 60 */
					hg = (WENT_ON_UNSEEN(0) -> SPLIT : -2)
				:: else ->
					if
#if MUTANT == 5
					:: bm[0] == cur[1] -> hg = -1
#else
					:: bm[0] == cur[1] ->				/* 70 */
						hg = (WENT_ON_UNSEEN(1) -> SPLIT : 1)
#endif
					:: else ->
						if
						:: SYNC_UUID_LOST(0, 1) ->
							hg = (WENT_ON_UNSEEN(1) -> SPLIT : 1);	/* 71 */
							corrected = 0; undo = true
						:: else ->
							if
							:: h0[0] == cur[1] || h1[0] == cur[1] ->	/* 80 */
								hg = (WENT_ON_UNSEEN(1) -> SPLIT : 2)
							:: else -> compare_diverged()		/* 90, 100 */
							fi
						fi
					fi
				fi
			fi
		fi
	fi
}

inline compare_equal()			/* compare_equal() */
{
	if
#if MUTANT == 1
	:: true -> hg = 0
#else
	:: !marked[0] && !marked[1] -> hg = 0
	:: else ->
		if
		:: pri[0] && pri[1] -> hg = AMBIGUOUS
		:: pri[0] && !pri[1] -> hg = 1
		:: !pri[0] && pri[1] -> hg = -1
		:: else ->
			if
			:: marked[0] && !marked[1] -> hg = 1
			:: !marked[0] && marked[1] -> hg = -1
			:: else -> hg = 1	/* both: decided by who accepted the meta socket */
			fi
		fi
#endif
	fi
}

/* ---- handshake_decide(): no policies, so everything ambiguous is refused ---- */

#define IS_FULL (hg == 2 || hg == -2 || hg == AMBIGUOUS)

inline decide()
{
	compare();
	if
	:: incon[0] != incon[1] && hg != UNRELATED ->		/* override_by_disk() */
		hg = (incon[1] -> (IS_FULL -> 2 : 1) : (IS_FULL -> -2 : -1))
	:: else
	fi;
	if						/* direction_refused() */
	:: hg > 0 && hg < SPLIT && (incon[0] || pri[1]) -> hg = SPLIT
	:: hg < 0 && (incon[1] || pri[0]) -> hg = SPLIT
	:: else
	fi
}

inline corrections()
{
	if
	:: corrected == NONE
	:: corrected != NONE && undo -> undo_source_start(corrected)
#if MUTANT == 9
	:: corrected != NONE && !undo -> bitmap_retire(corrected)
#else
	:: corrected != NONE && !undo			/* keep_until_synced() */
#endif
	fi
}

inline connected()			/* both UpToDate: AFTER_CLEAR_CRASHED */
{
	link = CONNECTED;
	marked[0] = 0;
	marked[1] = 0
}

inline handshake()
{
	decide();
	if
	:: hg >= SPLIT
	:: hg < SPLIT ->
		corrections();
		if
		:: hg == 0 -> connected()
		:: else ->
			src = (hg > 0 -> 0 : 1);
			pcur = cur[src]; pbm = bm[src]; ph0 = h0[src]; ph1 = h1[src];
			/* the exchanged bitmaps are the union; a full sync sets them all */
#if MUTANT == 6
			oos[0] = (hg == 2 || hg == -2 -> ALL : oos[src]);
#else
			oos[0] = (hg == 2 || hg == -2 -> ALL : oos[0] | oos[1]);
#endif
			oos[1] = oos[0];
			link = BITMAPS
		fi
	fi
}

/* ---- losing the peer ---- */

/* Node n notices: what was under way is marked, a Primary owes its data a new generation. */
inline lose_peer(n)
{
	if
#if MUTANT == 3
	:: BUSY(n) && wsent[n] -> wsent[n] = 0
#else
	:: BUSY(n) && wsent[n] -> wsent[n] = 0; oos[n] = oos[n] | (1 << wblk[n])
#endif
	:: else
	fi;
	owes[n] = up[n] && pri[n] && !bm[n] && !incon[n]
}

inline disconnect()
{
	link = NO_LINK;
	lose_peer(0);
	lose_peer(1)
}

inline write_forget(n)
{
	wid[n] = 0; wblk[n] = 0; wlocal[n] = 0; wsent[n] = 0; wremote[n] = 0
}

inline crash(n)
{
#if MUTANT != 4
	if	/* drbdmeta apply-al, before the next attach */
	:: pri[n] -> oos[n] = oos[n] | hot[n]
	:: else
	fi;
#endif
	marked[n] = marked[n] || pri[n];
	hot[n] = 0;
	up[n] = 0; pri[n] = 0;
	write_forget(n);
	if
	:: link != NO_LINK -> disconnect()
	:: else
	fi;
	owes[n] = 0
}

/* ---- data ---- */

/* Content of `from` replaces that of `to`: nothing that was acknowledged may go with it. */
inline overwrite(to, from, b, more)
{
	assert(!(acked & DATA(to, b) & ~(DATA(from, b) | more)));
	DATA(to, b) = DATA(from, b) | more
}

/* core/predicates.c write_decide(): mirror when connected, mark on both while bitmaps are exchanged */
inline write_begin(n, b)
{
	wid[n] = 1 << writes;
	writes++;
	wblk[n] = b;
	hot[n] = hot[n] | (1 << b);
	wsent[n] = (link == CONNECTED || link == SYNCING || link == TARGET_DONE);
	if
	:: wsent[n]
	:: else ->
		oos[n] = oos[n] | (1 << b);
		if
		:: link == BITMAPS || link == STARTED -> oos[OTHER(n)] = oos[OTHER(n)] | (1 << b)
		:: else
		fi
	fi
}

inline in_step(n)			/* connected, at rest: the same data on both */
{
	if
	:: link == CONNECTED && !BUSY(0) && !BUSY(1) ->
		assert(DATA(0, 0) == DATA(1, 0));
#if BLOCKS > 1
		assert(DATA(0, 1) == DATA(1, 1));
#endif
		assert(!incon[0] && !incon[1])
	:: else
	fi
}

/* ---- what may happen to node n ---- */

/* core/state_rules.c promotion_shares_generation() */
#if MUTANT == 10
#define SHARES_GENERATION(n) false
#else
#define SHARES_GENERATION(n) (link == BITMAPS && !bm[n])
#endif
#define MAY_PROMOTE(n) (!SHARES_GENERATION(n) && up[n] && !pri[n] && !incon[n] && !pri[OTHER(n)] && \
	(link == NO_LINK || link == CONNECTED || src == n))
#if MUTANT == 2
#define MAY_ACK(n) true
#else
#define MAY_ACK(n) (!owes[n])
#endif
#define WRITE_IS_DONE(n) (wid[n] && wlocal[n] && (!wsent[n] || wremote[n]) && MAY_ACK(n))

#define STEPS(n)								\
	:: atomic { up[n] && crashes < CRASHES -> crashes++; crash(n); }	\
	:: atomic { !up[n] -> up[n] = 1; }					\
	:: atomic { MAY_PROMOTE(n) || LONE_PROMOTION(n) ->			\
		if								\
		:: link == NO_LINK && !bm[n] -> new_current(n)			\
		:: else								\
		fi; pri[n] = 1; }						\
	:: atomic { pri[n] && !BUSY(n) && !owes[n] -> pri[n] = 0; hot[n] = 0; }	\
	:: atomic { owes[n] -> owes[n] = 0; new_current(n); }			\
	:: atomic { pri[n] && !BUSY(n) && writes < WRITES -> write_begin(n, 0); } \
	WRITE_BLOCK_1(n)							\
	:: atomic { wid[n] && !wlocal[n] -> wlocal[n] = 1;			\
		DATA(n, wblk[n]) = DATA(n, wblk[n]) | wid[n]; }			\
	:: atomic { wid[n] && wsent[n] && !wremote[n] ->			\
		overwrite(OTHER(n), n, wblk[n], wid[n]); wremote[n] = 1; }	\
	:: atomic { WRITE_IS_DONE(n) ->	acked = acked | wid[n]; write_forget(n); in_step(n); }

/* Two that do not see each other may both be promoted: a split brain. */
#define LONE_PROMOTION(n) (up[n] && !pri[n] && !incon[n] && link == NO_LINK)

#if BLOCKS > 1
#define WRITE_BLOCK_1(n) \
	:: atomic { pri[n] && !BUSY(n) && writes < WRITES -> write_begin(n, 1); }
#else
#define WRITE_BLOCK_1(n)
#endif

#define TGT OTHER(src)
/* a block under a write is not resynced: resync_extents, rs_begin_io */
#define FREE_TO_COPY(b) !(BUSY(src) && wblk[src] == b)

#if MUTANT == 7
#define SOURCE_MAY_FINISH (link == SYNCING && !oos[src])
#else
#define SOURCE_MAY_FINISH (link == TARGET_DONE)
#endif

#define COPY(b)									\
	:: atomic { link == SYNCING && (oos[TGT] & (1 << b)) && FREE_TO_COPY(b) -> \
		overwrite(TGT, src, b, 0); oos[TGT] = oos[TGT] & ~(1 << b); }	\
	:: atomic { link == SYNCING && (oos[src] & (1 << b)) && !(oos[TGT] & (1 << b)) && \
		FREE_TO_COPY(b) -> oos[src] = oos[src] & ~(1 << b); }

init {
	short hg;
	byte corrected, byte_sync;
	bit undo;

	atomic {
		cur[0] = 1; cur[1] = 1; up[0] = 1; up[1] = 1;
	}
	do
	STEPS(0)
	STEPS(1)
	:: atomic { link == NO_LINK && up[0] && up[1] && !owes[0] && !owes[1] -> handshake(); in_step(0); }
	:: atomic { link != NO_LINK && cuts < CUTS -> cuts++; disconnect(); }
	/* the source records the resync, then tells its UUID (after_sync_start()) */
	:: atomic { link == BITMAPS && !BUSY(src) -> source_start(src); link = STARTED; }
	/* the target takes it; Inconsistent before anything is asked for (sync_uuid_take()) */
	:: atomic { link == STARTED && !BUSY(src) -> cur[TGT] = bm[src]; bm[TGT] = 0;
		incon[TGT] = 1; link = SYNCING; }
	COPY(0)
#if BLOCKS > 1
	COPY(1)
#endif
	/* resync_finish.c: the target first; each may crash before the other has done it */
	:: atomic { link == SYNCING && !oos[TGT] && !oos[src] ->
		target_finish(TGT); incon[TGT] = 0; link = TARGET_DONE; }
	:: atomic { SOURCE_MAY_FINISH -> bitmap_retire(src); connected(); in_step(0); }
	od
}
