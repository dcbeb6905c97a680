// SPDX-License-Identifier: GPL-2.0
/*
 * state_words.c - role, cstate, dstate and sh-status (tools.md 9.6, 9.7)
 *
 * Scripts and drbdmeta read these; every byte matters.
 */
#include "volume_view.h"

#include "core/names.h"

static bool has_no_state(const struct volume_view *view)
{
	return !view->has_info ||
	       (view->state.conn == C_STANDALONE && view->state.disk == D_DISKLESS);
}

static int print_words(struct invocation *invocation,
		       void (*print)(const struct volume_view *view))
{
	struct volume_view view;
	int status = volume_view_one(invocation, &view);

	if (status != STATUS_OK)
		return status;
	if (has_no_state(&view))
		printf("Unconfigured\n");
	else
		print(&view);
	return STATUS_OK;
}

static void print_role(const struct volume_view *view)
{
	printf("%s/%s\n", name_of_role(view->state.role), name_of_role(view->state.peer));
}

static void print_cstate(const struct volume_view *view)
{
	printf("%s\n", name_of_conn(view->state.conn));
}

static void print_dstate(const struct volume_view *view)
{
	printf("%s/%s\n", name_of_disk(view->state.disk), name_of_disk(view->state.pdsk));
}

int run_role(struct invocation *invocation)
{
	return print_words(invocation, print_role);
}

int run_cstate(struct invocation *invocation)
{
	return print_words(invocation, print_cstate);
}

int run_dstate(struct invocation *invocation)
{
	return print_words(invocation, print_dstate);
}

static const char *one_or_empty(bool flag)
{
	return flag ? "1" : "";
}

static void print_sh_configured(const struct volume_view *view)
{
	const struct state *state = &view->state;
	u32 permille;

	printf("_known=Configured\n\n");
	printf("_cstate=%s\n_role=%s\n_peer=%s\n_disk=%s\n_pdsk=%s\n\n", name_of_conn(state->conn),
	       name_of_role(state->role), name_of_role(state->peer), name_of_disk(state->disk),
	       name_of_disk(state->pdsk));
	printf("_flags_susp=%s\n_flags_aftr_isp=%s\n_flags_peer_isp=%s\n_flags_user_isp=%s\n\n",
	       one_or_empty(state->susp), one_or_empty(state->aftr_isp),
	       one_or_empty(state->peer_isp), one_or_empty(state->user_isp));
	if (volume_view_progress(view, &permille))
		printf("_resynced_percent=%u.%u\n", permille / 10, permille % 10);
	else
		printf("_resynced_percent=\n");
}

static void print_sh_unconfigured(const char *known)
{
	printf("_known=%s\n\n", known);
	printf("_cstate=Unconfigured\n_role=\n_peer=\n_disk=\n_pdsk=\n");
	printf("_flags_susp=\n_flags_aftr_isp=\n_flags_peer_isp=\n_flags_user_isp=\n");
	printf("_resynced_percent=\n");
}

static void print_sh_status(const struct volume_view *view, void *context)
{
	(void)context;
	printf("_minor=%u\n_res_name=%s\n_volume=%d\n", view->minor,
	       view->context.ctx_resource_name, (int)view->context.ctx_volume);
	if (!view->has_info)
		print_sh_unconfigured("NA # not available or not yet created");
	else if (state_unconfigured(view->state))
		print_sh_unconfigured("Unconfigured");
	else
		print_sh_configured(view);
	printf("\n_sh_status_process\n\n\n");
}

int run_sh_status(struct invocation *invocation)
{
	return volume_view_each(invocation, print_sh_status, NULL);
}
