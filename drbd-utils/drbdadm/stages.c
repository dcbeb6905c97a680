// SPDX-License-Identifier: GPL-2.0
/*
 * stages.c - calls of up and adjust, run stage by stage over all resources
 *
 * Spec chapter tools.md section 7.3: everything is created before anything is
 * attached, everything attached before anything connects.
 */
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"

struct task {
	struct task *next;
	const struct cfg_resource *res;
	enum stage stage;
	struct call *first, *second;
	bool both;
};

#define STAGE_LABEL_WIDTH 15

static const char *const stage_labels[] = {
	[STAGE_CREATE] = "create res", [STAGE_RESOURCE] = "adjust res",
	[STAGE_PREPARE_DISK] = "prepare disk", [STAGE_DISK] = "adjust disk",
	[STAGE_PREPARE_NET] = "prepare net", [STAGE_NET] = "adjust net",
};

/* Resources whose create or new-minor failed; the rest of their tasks is skipped. */
struct skipped {
	struct skipped *next;
	const struct cfg_resource *res;
};

void task_add(struct adm *adm, const struct cfg_resource *res, enum stage stage,
	      struct call *first, struct call *second, bool both)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		exit(E_EXEC);
	*task = (struct task){ .res = res, .stage = stage, .first = first, .second = second,
			       .both = both };
	if (!adm->tasks_end)
		adm->tasks_end = &adm->tasks;
	*adm->tasks_end = task;
	adm->tasks_end = &task->next;
}

static int task_run(const struct task *task, const char **failed)
{
	int code = call_run(task->first), second;

	*failed = task->first->argv[1];
	if (code || !task->second)
		return code;
	second = call_run(task->second);
	*failed = task->second->argv[1];
	return task->both ? second : 0;
}

static bool is_skipped(const struct skipped *list, const struct cfg_resource *res)
{
	for (; list; list = list->next)
		if (list->res == res)
			return true;
	return false;
}

static void skip(struct skipped **list, const struct cfg_resource *res, enum stage stage)
{
	struct skipped *entry;

	if (stage != STAGE_CREATE && stage != STAGE_PREPARE_DISK)
		return;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		exit(E_EXEC);
	entry->res = res;
	entry->next = *list;
	*list = entry;
}

/* a hint where the backend cannot know the command that helps */
static void advise(const struct adm *adm, const struct task *task)
{
	if (task->stage == STAGE_DISK && !strcmp(task->first->argv[0], adm->tools[TOOL_META]))
		fprintf(stderr, "Resource '%s' was not attached to its disk. If it never had "
			"metadata, create it with 'drbdadm create-md %s'.\n", task->res->name,
			task->res->name);
}

int tasks_run(struct adm *adm)
{
	struct skipped *skipped = NULL;
	struct task *task;
	const char *failed;
	int stage;
	bool bad = false;

	for (stage = 0; stage < STAGE_COUNT && !bad; stage++) {
		for (task = adm->tasks; task; task = task->next) {
			if ((int)task->stage != stage || is_skipped(skipped, task->res))
				continue;
			if (!task_run(task, &failed))
				continue;
			bad = true;
			advise(adm, task);
			skip(&skipped, task->res, stage);
		}
	}
	return bad ? E_USAGE : 0;
}

static bool stage_has_tasks(const struct adm *adm, enum stage stage)
{
	const struct task *task;

	for (task = adm->tasks; task; task = task->next)
		if (task->stage == stage)
			return true;
	return false;
}

int tasks_run_with_progress(struct adm *adm)
{
	const struct cfg_resource *last;
	struct skipped *skipped = NULL;
	const char *failed;
	struct task *task;
	bool bad = false;
	int stage, code;

	adm->quiet_children = true;
	putchar('[');
	for (stage = 0; stage < STAGE_COUNT; stage++) {
		if (!stage_has_tasks(adm, stage))
			continue;
		printf("\n%*s:", STAGE_LABEL_WIDTH, stage_labels[stage]);
		last = NULL;
		for (task = adm->tasks; task; task = task->next) {
			if ((int)task->stage != stage)
				continue;
			if (is_skipped(skipped, task->res)) {
				if (task->res != last)
					printf(" [skipped:%s]", task->res->name);
				last = task->res;
				continue;
			}
			if (task->res != last)
				printf(" %s", task->res->name);
			last = task->res;
			fflush(stdout);
			code = task_run(task, &failed);
			if (!code)
				continue;
			printf(":failed(%s:%d)", failed, code);
			bad = true;
			skip(&skipped, task->res, stage);
		}
	}
	puts("\n]");
	adm->quiet_children = false;
	return bad ? E_USAGE : 0;
}
