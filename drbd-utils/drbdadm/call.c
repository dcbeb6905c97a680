// SPDX-License-Identifier: GPL-2.0
/* call.c - prepare, print and run one command line */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drbdadm.h"

#define PRINTED_WORD_MAX 1020
#define EXEC_FAILED 127

static void *checked(void *mem)
{
	if (!mem) {
		fputs("drbdadm: out of memory\n", stderr);
		exit(E_EXEC);
	}
	return mem;
}

struct call *call_new(struct adm *adm, enum tool tool, const struct cfg_resource *res,
		      enum time_class time)
{
	struct call *call = checked(calloc(1, sizeof(*call)));

	call->adm = adm;
	call->res_name = res ? res->name : NULL;
	call->time = time;
	call_add(call, adm->tools[tool]);
	return call;
}

void call_add(struct call *call, const char *word)
{
	call->argv = checked(realloc(call->argv, (call->argc + 2) * sizeof(*call->argv)));
	call->argv[call->argc++] = word;
	call->argv[call->argc] = NULL;
}

void call_addf(struct call *call, const char *format, ...)
{
	va_list args;
	char *word;

	va_start(args, format);
	if (vasprintf(&word, format, args) < 0)
		word = NULL;
	va_end(args);
	call_add(call, checked(word));
}

void call_add_options(struct call *call, const struct cfg_options *list)
{
	const struct cfg_option *opt;

	for (opt = list->first; opt; opt = opt->next) {
		if (opt->value)
			call_addf(call, "--%s=%s", opt->name, opt->value);
		else
			call_addf(call, "--%s", opt->name);
	}
}

void call_add_extra(struct call *call)
{
	int i;

	for (i = 0; i < call->adm->extra_count; i++)
		call_add(call, call->adm->extra[i]);
}

static void print_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+-./:=@_";
	int left = PRINTED_WORD_MAX;

	for (; *word && left > 0; word++, left--) {
		if (!strchr(plain, *word))
			fputc('\\', out);
		fputc(*word, out);
	}
}

void call_print(const struct call *call, FILE *out)
{
	int i;

	if (call->adm->sh_varname && call->res_name)
		fprintf(out, "%s=%s\n", call->adm->sh_varname, call->res_name);
	for (i = 0; i < call->argc; i++) {
		if (i)
			fputc(' ', out);
		print_word(out, call->argv[i]);
	}
	fputc('\n', out);
	fflush(out);
}

static void run_child(const struct call *call, int out_fd, int err_fd, pid_t parent)
{
	int null;

	/* nobody waits for it any more once drbdadm is gone */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	if (out_fd >= 0)
		dup2(out_fd, STDOUT_FILENO);
	if (err_fd >= 0)
		dup2(err_fd, STDERR_FILENO);
	if (call->quiet || call->adm->quiet_children) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
	}
	if (call->res_name)
		setenv("DRBD_RESOURCE", call->res_name, 1);
	execvp(call->argv[0], (char *const *)call->argv);
	/* a bare name may live where PATH does not look */
	if (!strchr(call->argv[0], '/')) {
		setenv("PATH", "/sbin:/usr/sbin", 1);
		execvp(call->argv[0], (char *const *)call->argv);
	}
	dprintf(STDERR_FILENO, "Cannot run '%s': %s.\n", call->argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static unsigned int seconds_allowed(const struct call *call)
{
	const struct cfg_global *global = &call->adm->cfg->global;

	switch (call->time) {
	case TIME_SHORT:
		return global->timeout_short;
	case TIME_MEDIUM:
		return global->timeout_medium;
	case TIME_LONG:
		return global->timeout_long;
	case TIME_UNLIMITED:
		break;
	}
	return 0;
}

/* False when the time is over; SIGCHLD is blocked by the caller. */
static bool wait_for_child(pid_t child, unsigned int seconds, int *status)
{
	struct timespec deadline, now, left;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += seconds;
	while (waitpid(child, status, seconds ? WNOHANG : 0) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = deadline.tv_sec - now.tv_sec;
		left.tv_nsec = deadline.tv_nsec - now.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_nsec += 1000000000;
			left.tv_sec--;
		}
		if (left.tv_sec < 0)
			return false;
		sigtimedwait(&set, NULL, &left);
	}
	return true;
}

static char *read_back(FILE *file, size_t *len)
{
	char *text;
	long size;

	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = checked(calloc(1, size + 1));
	*len = fread(text, 1, size, file);
	fclose(file);
	return text;
}

static void report_failure(const struct call *call, int code)
{
	int i;

	if (call->quiet || call->want_errors || call->answers || call->adm->quiet_children)
		return;
	fputs("Command '", stderr);
	for (i = 0; i < call->argc; i++)
		fprintf(stderr, "%s%s", i ? " " : "", call->argv[i]);
	fprintf(stderr, "' terminated with exit code %d\n", code);
}

static int exit_code(const struct call *call, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : E_EXEC;

	if (WIFSIGNALED(status))
		fprintf(stderr, "'%s' was killed by signal %d.\n", call->argv[0],
			WTERMSIG(status));
	if (code == EXEC_FAILED)
		code = E_EXEC;
	if (code >= 10)
		report_failure(call, code);
	return code;
}

/* Handlers and sh-udev find the configuration of a device through this link. */
static void register_config(const struct call *call)
{
	const char *target = call->adm->cfg->canonical;
	char path[512];

	if (*target != '/')
		return;
	mkdir(RUN_DIR, 0700);
	snprintf(path, sizeof(path), RUN_DIR "/%s", call->registers);
	unlink(path);
	if (symlink(target, path))
		fprintf(stderr, "Cannot create '%s': %s. Handlers will look for the configuration "
			"in the default place.\n", path, strerror(errno));
}

static int run_and_wait(struct call *call, FILE *out, FILE *err)
{
	unsigned int seconds = seconds_allowed(call);
	pid_t parent = getpid(), child;
	sigset_t block, old;
	int status = 0;
	bool in_time;

	fflush(NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &old);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "Cannot start '%s': %s.\n", call->argv[0], strerror(errno));
		return E_EXEC;
	}
	if (!child) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		run_child(call, out ? fileno(out) : -1, err ? fileno(err) : -1, parent);
	}
	in_time = wait_for_child(child, seconds, &status);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (in_time)
		return exit_code(call, status);
	fprintf(stderr, "Command '%s %s' did not terminate within %u seconds\n", call->argv[0],
		call->argc > 1 ? call->argv[1] : "", seconds);
	exit(E_EXEC);
}

int call_run(struct call *call)
{
	struct adm *adm = call->adm;
	FILE *out = NULL, *err = NULL;
	size_t ignored;
	int code;

	if (adm->dry_run && !call->runs_in_dry_run) {
		call_print(call, stdout);
		return 0;
	}
	if (adm->verbose && !adm->dry_run)
		call_print(call, stdout);
	if (call->want_output)
		out = checked(tmpfile());
	if (call->want_errors)
		err = checked(tmpfile());
	code = run_and_wait(call, out, err);
	if (out)
		call->output = read_back(out, &call->output_len);
	if (err)
		call->errors = read_back(err, &ignored);
	if (!code && call->registers)
		register_config(call);
	return code;
}
