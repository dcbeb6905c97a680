// SPDX-License-Identifier: GPL-2.0
/*
 * sim [--smoke] [--family NAME+NAME...]... [--seed N] [--seeds COUNT] [--limit SECONDS] [--jobs N] [--trace]
 *     [--corpus FILE]
 *
 * --family may be given several times: then every seed is run in each. "plain" is none of them, "all" all.
 *
 * A corpus has a run a line, "seed" or "family+family:seed", and what it once found.  Every seed runs in a process of its own; the summary names those that failed.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sim.h"

#define EVENTS_MAX 20000000ull
#define CPU_SECONDS 90

bool tracing, sim_failed;
struct stats stats;
char sim_failure[512];

static const char *const family_names[] = {
	"disk", "memory", "resize", "net", "versions", "dual", "admin", "cluster", "options",
	"rot", "ahead", "skip", "pairs", "verify",
};

struct run { u64 seed; u32 families; };

static struct run current_run;
static bool smoke;
static u32 n_run, n_failed;
struct outcome { u64 events, requests, errors, virtual_us; struct stats stats; };
static struct outcome total;

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

/* "a+b", "all", "" */
static const char *families_text(u32 families)
{
	static char text[128];
	u32 i;

	text[0] = '\0';
	if (families == FAMILY_ALL)
		return "all";
	for (i = 0; i < ARRAY_SIZE(family_names); i++)
		if (families & 1u << i)
			sprintf(text + strlen(text), "%s%s", text[0] ? "+" : "", family_names[i]);
	return text;
}

static const char *run_text(const struct run *run)
{
	static char text[160];

	sprintf(text, "%s%s%llu", families_text(run->families), run->families ? ":" : "",
		(unsigned long long)run->seed);
	return text;
}

static bool families_parse(const char *text, size_t len, u32 *families)
{
	const char *end = text + len;
	u32 i;

	*families = 0;
	if (len == 5 && !strncmp(text, "plain", 5))
		return true;
	if (len == 3 && !strncmp(text, "all", 3))
		*families = FAMILY_ALL;
	while (text < end && *families != FAMILY_ALL) {
		size_t n = strcspn(text, "+:");

		for (i = 0; i < ARRAY_SIZE(family_names); i++)
			if (strlen(family_names[i]) == n && !strncmp(text, family_names[i], n))
				break;
		if (i == ARRAY_SIZE(family_names))
			return false;
		*families |= 1u << i;
		text += n + 1;
	}
	return true;
}

static void on_signal(int sig)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "seed %s: %s at %llu.%06llu s\n",
			 run_text(&current_run), sig == SIGVTALRM ? "runs for ever" : "abort",
			 (unsigned long long)(now_us / SECOND), (unsigned long long)(now_us % SECOND));

	fflush(stdout);
	if (write(STDOUT_FILENO, text, n) < 0)
		_exit(3);
	_exit(2);
}

static int run_seed(const struct run *run, struct outcome *out)
{
	const struct itimerval limit = { .it_value.tv_sec = CPU_SECONDS };

	current_run = *run;
	signal(SIGVTALRM, on_signal);
	signal(SIGABRT, on_signal);
	/* Of its own, however busy the machine is. */
	setitimer(ITIMER_VIRTUAL, &limit, NULL);
	config_by_seed(run->seed, run->families, smoke);
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
	out->stats = stats;
	if (sim_failed)
		printf("seed %s: %s (at %llu.%06llu s)\n", run_text(run), sim_failure,
		       (unsigned long long)(now_us / SECOND), (unsigned long long)(now_us % SECOND));
	fflush(stdout);
	return sim_failed;
}

static void outcome_add(const struct outcome *out)
{
	const u64 *from = (const u64 *)out;
	u64 *to = (u64 *)&total;
	u32 i;

	for (i = 0; i < sizeof(*out) / sizeof(u64); i++)
		to[i] += from[i];
}

struct job { pid_t pid; struct run run; int fd; };

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
	outcome_add(&out);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		n_failed++;
		if (!WIFEXITED(status))
			printf("seed %s: killed by signal %d\n", run_text(&job->run), WTERMSIG(status));
		printf("FAILED seed %s; repeat with: make sim SEED=%llu%s%s%s TRACE=1\n",
		       run_text(&job->run), (unsigned long long)job->run.seed,
		       job->run.families ? " FAMILY=" : "", families_text(job->run.families),
		       smoke ? " SMOKE=1" : "");
	}
	fflush(stdout);
}

static void job_start(struct job *job, const struct run *run)
{
	struct outcome out = {};
	int fds[2], ret;

	fflush(stdout);
	if (pipe(fds))
		exit(3);
	job->run = *run;
	job->fd = fds[0];
	job->pid = fork();
	if (job->pid)
		return (void)close(fds[1]);
	ret = run_seed(run, &out);
	if (write(fds[1], &out, sizeof(out)) != sizeof(out))
		_exit(3);
	fflush(stdout);
	_exit(ret);
}

static struct job jobs[16];
static int n_jobs = 1, next_job;

static void run_one(const struct run *run)
{
	struct job *job = &jobs[next_job++ % n_jobs];

	if (job->pid)
		job_end(job);
	job_start(job, run);
}

static void run_corpus(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[256];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		size_t word = strcspn(line, ": \n");
		char *colon = line[word] == ':' ? line + word : NULL;
		struct run run = {};

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (colon && !families_parse(line, colon - line, &run.families)) {
			printf("%s: unknown family in %s", name, line);
			n_failed++;
			continue;
		}
		run.seed = strtoull(colon ? colon + 1 : line, NULL, 10);
		run_one(&run);
	}
	fclose(file);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(double wall)
{
	const struct stats *st = &total.stats;

	printf("%u runs, %u failed: %llu events, %llu requests, %llu rounds of faults, %llu crashes, "
	       "%llu connections made, %llu split brains, %llu times ahead, %llu verifies under fire, "
	       "%.1f simulated hours; %.0f s, %.0f events/s\n",
	       n_run, n_failed, (unsigned long long)total.events,
	       (unsigned long long)total.requests, (unsigned long long)st->faults,
	       (unsigned long long)st->crashes, (unsigned long long)st->connects,
	       (unsigned long long)st->splits, (unsigned long long)st->aheads,
	       (unsigned long long)st->verifies, total.virtual_us / 3600e6, wall,
	       total.events / wall);
}

static u32 chosen[32], n_chosen;

static bool family_choose(const char *text)
{
	if (n_chosen == ARRAY_SIZE(chosen) || !families_parse(text, strlen(text), &chosen[n_chosen]))
		return false;
	n_chosen++;
	return true;
}

/* What rotted on one disk is right as long as the other one is there to tell. */
static bool rot_has_no_chance(u32 families)
{
	return (families & FAMILY_ROT) && (families & FAMILY_DISK);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "smoke", no_argument, NULL, 's' }, { "seed", required_argument, NULL, 'S' },
		{ "seeds", required_argument, NULL, 'n' }, { "jobs", required_argument, NULL, 'j' },
		{ "trace", no_argument, NULL, 't' }, { "corpus", required_argument, NULL, 'c' },
		{ "limit", required_argument, NULL, 'l' }, { "family", required_argument, NULL, 'f' }, {}
	};
	double begin = seconds(), limit = 0;
	const char *corpus = NULL;
	struct run run = { .seed = 1 };
	u64 n = 1, i;
	u32 f;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			smoke = true;
		else if (c == 'S')
			run.seed = strtoull(optarg, NULL, 10);
		else if (c == 'f' && !family_choose(optarg))
			return fprintf(stderr, "sim: unknown family in '%s'\n", optarg), 2;
		else if (c == 'f' && rot_has_no_chance(chosen[n_chosen - 1]))
			return fprintf(stderr, "sim: rot can not be joined with disk: who loses the good disk reads the rotten one\n"), 2;
		else if (c == 'f')
			continue;
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
	n_chosen = max(n_chosen, 1u);
	for (i = 0; i < n && (!limit || seconds() - begin < limit); i++, run.seed++)
		for (f = 0; f < n_chosen; f++) {
			run.families = chosen[f];
			run_one(&run);
		}
	for (i = 0; i < (u64)n_jobs; i++)
		if (jobs[i].pid)
			job_end(&jobs[i]);
	report(seconds() - begin);
	return n_failed ? 1 : 0;
}
