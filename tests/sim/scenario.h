/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scenario.h - what the files of one family of faults use of scenario.c
 *
 * Everything here runs in the scenario's thread, in virtual time, and may sleep.  After a
 * violation the waits end at once; look at sim_failed in loops.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim.h"

extern struct node *primary;		/* where the application is meant to run */

/* Sleep for a time drawn between the two. */
void pass(u64 low_ms, u64 high_ms);
/* Until `cond`; a violation that names `what` if that takes more than `seconds`. */
typedef bool condition(void);
bool wait_for(condition *cond, const char *what, u32 seconds);

bool connected(void);			/* every volume of both nodes */
bool in_sync(void);			/* ... and UpToDate, as both nodes see it */
bool apps_idle(void);
bool is_primary(struct node *n);	/* all its volumes are */

void expect(s32 ret, const char *what, struct node *n);	/* a violation if `ret` is an error */
void promote(struct node *n);		/* and let the application run there, and only there */
void demote(struct node *n);
void note_invalidate(struct node *n, s32 ret);	/* repeated in peace, if it failed */
void bring_up(struct node *n);		/* boot, attach, connect: whatever it lacks */
void make_peace(void);			/* no more faults; wait until all is well */

/* Troubles of the classic kind. */
void fault_cut(void);			/* the link goes away and comes back */
void fault_reset(void);			/* both ends of a connection learn of its end */
void fault_disconnect(void);
void fault_switch_roles(void);

#endif /* SIM_SCENARIO_H */
