/* SPDX-License-Identifier: GPL-2.0 */
/*
 * actors.h - who acts on the simulated nodes from outside, besides applications
 *
 *	command.c	giving commands, with patience
 *	settings.c	what the configuration file says, and live changes of it
 *	manager.c	a cluster manager: the helper program, fencing, failover
 *	split.c		split brains, and what ends them
 *	administrator.c	somebody who gives any command at any time
 *	repair.c	somebody who puts everything right again
 *
 * They run as threads that no node owns.  All of it is drawn only in runs of the families
 * admin, cluster and options.
 */
#ifndef SIM_ACTORS_H
#define SIM_ACTORS_H

#include "scenario.h"
#include "names.h"

/* ---- command.c ---- */
struct command_how {
	const char *name;
	bool (*before)(struct node *n, struct admin_op *op);	/* false: op->ret says why not */
	void (*after)(struct node *n, struct admin_op *op);	/* at the very end of the command */
	u64 patience;		/* us until it is interrupted; 0 = long */
};
s32 node_command_how(struct node *n, admin_command *fn, struct admin_op *op,
		     const struct command_how *how);
s32 node_attach_conf(struct node *n, int vnr, const struct disk_conf *conf, u64 patience);
s32 node_connect_conf(struct node *n, const struct net_conf *conf, u64 patience);
s32 node_net_options(struct node *n, const struct net_conf *conf, u64 patience);
s32 node_disk_options(struct node *n, int vnr, const struct disk_conf *conf, u64 patience);
s32 node_resource_options(struct node *n, const struct res_opts *conf);
void commands_crash(struct node *n);
static inline bool command_ok(s32 ret)
{
	return ret == ERR_NO_ERROR || (ret >= SS_SUCCESS && ret <= SS_CW_NO_NEED);
}

/* ---- settings.c ---- */
struct settings {
	struct net_conf net;
	struct disk_conf disk[NODES][VOLUMES_MAX];
	struct res_opts res;
};
extern struct settings settings;
void settings_by_seed(void);
void settings_fault(void);		/* change some, on the living nodes */
void settings_random(struct settings *s);	/* draw some anew */
void settings_calm(void);		/* those under which peace may last for ever */
void settings_adjust(struct node *n);	/* make the node follow the file */

/* ---- manager.c ---- */
/* The user mode helper: a wait status, or a negative errno when it could not be run. */
s64 helper_program(struct node *n, const char *event);
extern u32 helper_calls[NODES][HELPER_COMMANDS];
extern u32 handshakes_refused[NODES];	/* host_tasks.c: with an error in the log */
extern u32 meetings_refused[NODES];	/* the same, for the two nodes' states or sizes */
void manager_check_completion(struct host_request *req, int error);
void manager_fault(void);

/* ---- split.c ---- */
void split_fault(void);
/* Both have written alone, and are idle: connect them, and see whose data survive. */
void split_heal(void);

/* ---- dual.c: two Primaries, FAMILY_DUAL ---- */
void dual_config(void);
bool dual_may_lose_peer(void);
bool dual_may_resume(struct node *n);
void dual_peace(void);		/* both Primary, connected */
bool dual_fault(void);
s64 dual_fence(struct node *n);

/* ---- administrator.c, repair.c ---- */
void administrator_fault(void);
void repair(bool distrust);	/* distrust: the bitmaps may lie */
void repair_anew(struct node *winner);	/* its peer's metadata are created anew */
/* Like wait_for(), and no violation when it does not come true. */
bool comes_true(condition *cond, u32 seconds);

#endif /* SIM_ACTORS_H */
