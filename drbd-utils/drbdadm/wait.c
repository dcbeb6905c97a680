// SPDX-License-Identifier: GPL-2.0
/* wait.c - wait for peers: wait-connect, and wait-con-int for the boot script (tools.md 7.8) */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drbdadm.h"

#define QUIET_SECONDS 10
#define CONNECT_INT_DEFAULT 10
#define INTERRUPTS_ENOUGH 3

/* Startup options do not hold for a stacked resource unless it says so. */
static struct call *make_wait(struct adm *adm, const struct cfg_resource *res,
			      const struct cfg_volume *vol)
{
	struct call *call = make_setup(adm, res, TIME_UNLIMITED, "wait-connect");
	const char *text;
	unsigned long seconds = CONNECT_INT_DEFAULT;

	call_addf(call, "%ld", vol->minor);
	if (!res->stacked || res->stacked_timeouts) {
		call_add_options(call, &res->section[CFG_STARTUP]);
		return call;
	}
	text = cfg_option_value(&res->section[CFG_NET], "connect-int");
	if (text)
		seconds = strtoul(text, NULL, 10);
	call_add(call, "--wfc-timeout");
	call_addf(call, "%lu", 2 * seconds);
	return call;
}

int cmd_wait_connect(struct adm *adm, const struct subject *subject)
{
	return call_run(make_wait(adm, subject->res, subject->vol));
}

struct waiter {
	struct waiter *next;
	pid_t pid;
};

static void start_waiter(struct waiter **list, struct call *call)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		exit(E_EXEC);
	waiter->pid = fork();
	if (!waiter->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* ctrl-c on the console is for drbdadm alone */
		signal(SIGINT, SIG_DFL);
		setpgid(0, 0);
		execvp(call->argv[0], (char *const *)call->argv);
		_exit(E_EXEC);
	}
	waiter->next = *list;
	*list = waiter;
}

static struct waiter *start_all(struct adm *adm)
{
	const struct cfg_resource *res;
	const struct cfg_volume *vol;
	struct waiter *list = NULL;
	struct call *call;

	for (res = adm->cfg->resources; res; res = res->next) {
		if (!resource_selected(adm, res))
			continue;
		for (vol = res->me->volumes; vol; vol = vol->next) {
			call = make_wait(adm, res, vol);
			if (adm->dry_run)
				call_print(call, stdout);
			else
				start_waiter(&list, call);
		}
	}
	return list;
}

static bool still_waiting(struct waiter *list)
{
	bool any = false;

	for (; list; list = list->next) {
		if (list->pid > 0 && waitpid(list->pid, NULL, WNOHANG) == list->pid)
			list->pid = 0;
		any |= list->pid > 0;
	}
	return any;
}

static void stop_all(struct waiter *list)
{
	struct waiter *waiter;

	for (waiter = list; waiter; waiter = waiter->next)
		if (waiter->pid > 0)
			kill(waiter->pid, SIGINT);
	while (still_waiting(list))
		usleep(50000);
}

static void explain(struct adm *adm, FILE *tty)
{
	const struct cfg_resource *res;
	const char *wfc, *degr;

	fputs("\nDRBD's startup script waits for the peer node(s) to appear.\n"
	      " - If this node was already a degraded cluster before the\n"
	      "   reboot, the timeout is degr-wfc-timeout, else wfc-timeout.\n"
	      "   A value of 0 means to wait forever. (In seconds.)\n", tty);
	for (res = adm->cfg->resources; res; res = res->next) {
		if (!resource_selected(adm, res))
			continue;
		wfc = cfg_option_value(&res->section[CFG_STARTUP], "wfc-timeout");
		degr = cfg_option_value(&res->section[CFG_STARTUP], "degr-wfc-timeout");
		fprintf(tty, "   %s: wfc-timeout %s, degr-wfc-timeout %s\n", res->name,
			wfc ? wfc : "0", degr ? degr : "0");
	}
	fputs(" To abort waiting enter 'yes' and press return.\n", tty);
}

static FILE *open_terminal(void)
{
	FILE *tty;

	if (isatty(STDIN_FILENO))
		return fdopen(dup(STDIN_FILENO), "r+");
	fputs("Standard input is no terminal, using /dev/console to talk to you.\n", stderr);
	tty = fopen("/dev/console", "r+e");
	return tty;
}

static volatile sig_atomic_t interrupts;

static void count_interrupt(int signal)
{
	(void)signal;
	interrupts++;
}

/* True when 'yes' was typed within a second, or somebody insists with ctrl-c or ctrl-d. */
static bool told_to_stop(FILE *tty)
{
	struct pollfd fd = { .fd = fileno(tty), .events = POLLIN };
	char line[64];
	ssize_t len;

	if (interrupts >= INTERRUPTS_ENOUGH)
		return true;
	if (poll(&fd, 1, 1000) <= 0)
		return false;
	len = read(fd.fd, line, sizeof(line) - 1);
	if (len <= 0) {
		/* ctrl-d; a console that hung up is nobody's wish to stop */
		if (len == 0 && !(fd.revents & POLLHUP))
			interrupts++;
		sleep(1);
		return false;
	}
	line[len] = 0;
	return !strncmp(line, "yes", 3) && strcspn(line, "\r\n") == 3;
}

int cmd_wait_con_int(struct adm *adm, const struct subject *subject)
{
	unsigned int seconds = 0, refresh = adm->cfg->global.dialog_refresh;
	const struct sigaction counted = { .sa_handler = count_interrupt };
	struct waiter *waiters;
	FILE *tty = NULL;

	(void)subject;
	sigaction(SIGINT, &counted, NULL);
	waiters = start_all(adm);
	while (still_waiting(waiters)) {
		if (seconds++ < QUIET_SECONDS) {
			putchar('.');
			fflush(stdout);
			sleep(1);
			continue;
		}
		if (!tty) {
			tty = open_terminal();
			if (!tty) {
				sleep(1);
				continue;
			}
			explain(adm, tty);
		}
		if (refresh && seconds % refresh == 0) {
			fprintf(tty, "\r Waiting [%4us]: ", seconds);
			fflush(tty);
		}
		if (told_to_stop(tty)) {
			stop_all(waiters);
			break;
		}
	}
	if (tty)
		fclose(tty);
	if (seconds)
		putchar('\n');
	return 0;
}
