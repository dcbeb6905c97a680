// SPDX-License-Identifier: GPL-2.0
/*
 * sim [--smoke] [--seed N] [--seeds COUNT] [--jobs N] [--trace] [--corpus FILE]
 *
 * Every seed runs in a process of its own; the summary names those that failed.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sim.h"

#define EVENTS_MAX 20000000ull
#define WALL_SECONDS 20

bool tracing, sim_failed;
char sim_failure[512];

static u64 current_seed;
static bool smoke;
static u32 n_run, n_failed;
static u64 total_events, total_requests;

void trace(struct node *n, const char *fmt, ...)
{
	va_list args;

	if (!tracing)
		return;
	printf("%6llu.%06llu %s ", (unsigned long long)(now_us / SECOND),
	       (unsigned long long)(now_us % SECOND), n ? n->name : "-");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void violation(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!sim_failed)
		vsnprintf(sim_failure, sizeof(sim_failure), fmt, args);
	va_end(args);
	trace(NULL, "VIOLATION: %s", sim_failure);
	sim_failed = true;
}

static void on_signal(int sig)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "seed %llu: %s at %llu.%06llu s\n",
			 (unsigned long long)current_seed, sig == SIGALRM ? "runs for ever" : "abort",
			 (unsigned long long)(now_us / SECOND), (unsigned long long)(now_us % SECOND));

	fflush(stdout);
	if (write(STDOUT_FILENO, text, n) < 0)
		_exit(3);
	_exit(2);
}

struct outcome { u64 events, requests, errors, virtual_us; };

static int run_seed(u64 seed, struct outcome *out)
{
	current_seed = seed;
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	alarm(WALL_SECONDS);
	config_by_seed(seed, smoke);
	scenario_start();
	while (!scenario_over && !sim_failed) {
		u64 before = n_events;

		events_run(now_us + SECOND);
		if (n_events == before && !scenario_over)
			now_us += SECOND;
		if (n_events > EVENTS_MAX)
			violation("more than %llu events", EVENTS_MAX);
	}
	out->events = n_events;
	out->requests = app_done_count;
	out->errors = app_error_count;
	out->virtual_us = now_us;
	if (sim_failed)
		printf("seed %llu: %s (at %llu.%06llu s)\n", (unsigned long long)seed, sim_failure,
		       (unsigned long long)(now_us / SECOND), (unsigned long long)(now_us % SECOND));
	fflush(stdout);
	return sim_failed;
}

struct job { pid_t pid; u64 seed; int fd; };

static void job_end(struct job *job)
{
	struct outcome out = {};
	int status;

	if (read(job->fd, &out, sizeof(out)) != sizeof(out))
		memset(&out, 0, sizeof(out));
	close(job->fd);
	waitpid(job->pid, &status, 0);
	job->pid = 0;
	n_run++;
	total_events += out.events;
	total_requests += out.requests;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		n_failed++;
		if (!WIFEXITED(status))
			printf("seed %llu: killed by signal %d\n", (unsigned long long)job->seed,
			       WTERMSIG(status));
		printf("FAILED seed %llu; repeat with: make sim SEED=%llu%s TRACE=1\n",
		       (unsigned long long)job->seed, (unsigned long long)job->seed,
		       smoke ? " SMOKE=1" : "");
	}
	fflush(stdout);
}

static void job_start(struct job *job, u64 seed)
{
	struct outcome out = {};
	int fds[2], ret;

	fflush(stdout);
	if (pipe(fds))
		exit(3);
	job->seed = seed;
	job->fd = fds[0];
	job->pid = fork();
	if (job->pid)
		return (void)close(fds[1]);
	ret = run_seed(seed, &out);
	if (write(fds[1], &out, sizeof(out)) != sizeof(out))
		_exit(3);
	fflush(stdout);
	_exit(ret);
}

static struct job jobs[16];
static int n_jobs = 1, next_job;

static void run_one(u64 seed)
{
	struct job *job = &jobs[next_job++ % n_jobs];

	if (job->pid)
		job_end(job);
	job_start(job, seed);
}

static void run_corpus(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[256];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (line[0] >= '0' && line[0] <= '9')
			run_one(strtoull(line, NULL, 10));
	fclose(file);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "smoke", no_argument, NULL, 's' }, { "seed", required_argument, NULL, 'S' },
		{ "seeds", required_argument, NULL, 'n' }, { "jobs", required_argument, NULL, 'j' },
		{ "trace", no_argument, NULL, 't' }, { "corpus", required_argument, NULL, 'c' },
		{ "limit", required_argument, NULL, 'l' }, {}
	};
	double begin = seconds(), limit = 0;
	const char *corpus = NULL;
	u64 seed = 1, n = 1, i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			smoke = true;
		else if (c == 'S')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (c == 'j')
			n_jobs = max(1, min(16, atoi(optarg)));
		else if (c == 't')
			tracing = true, setvbuf(stdout, NULL, _IOLBF, 1 << 16);
		else if (c == 'c')
			corpus = optarg;
		else if (c == 'l')
			limit = atof(optarg);
		else
			return 2;
	}
	if (corpus)
		run_corpus(corpus);
	for (i = 0; i < n && (!limit || seconds() - begin < limit); i++)
		run_one(seed + i);
	for (i = 0; i < (u64)n_jobs; i++)
		if (jobs[i].pid)
			job_end(&jobs[i]);
	printf("%u runs, %u failed, %llu requests, %llu events, %.0f events/s\n", n_run, n_failed,
	       (unsigned long long)total_requests, (unsigned long long)total_events,
	       total_events / (seconds() - begin));
	return n_failed ? 1 : 0;
}
