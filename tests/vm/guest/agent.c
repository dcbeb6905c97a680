// SPDX-License-Identifier: GPL-2.0
/*
 * The hand of the test bed inside a node: runs shell commands which arrive on a virtio-serial port.
 *
 * Both directions carry frames: le32 job, le32 type, le32 length, then the payload. Any number of jobs may
 * run at once; the host chooses their numbers. See ../agent.py for the other end.
 *
 *	to the node:	RUN command	STDIN data (none: end of file)	KILL
 *	to the host:	HELLO		STDOUT data	STDERR data	EXIT le32 status as of waitpid(2)
 *
 * Built statically, so that it runs in whatever root file system a node has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUN = 1, STDIN = 2, KILL = 3, HELLO = 16, STDOUT = 17, STDERR = 18, EXIT = 19 };
enum { MAX_JOBS = 64, MAX_PAYLOAD = 1 << 16 };

struct frame {
	uint32_t job;
	uint32_t type;
	uint32_t length;
};

struct job {
	pid_t pid;		/* 0: this slot is free */
	uint32_t id;
	int in, out, err;	/* -1: closed */
	char *pending;		/* what the job has not read yet of its standard input */
	size_t pending_length;
	int pending_eof;
};

static struct job jobs[MAX_JOBS];
static int port;
static char buffer[MAX_PAYLOAD];

static void port_write(const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t done = write(port, at, length);

		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done <= 0)
			return;		/* the host has gone; nobody misses this */
		at += done;
		length -= done;
	}
}

static void tell(uint32_t id, uint32_t type, const void *data, size_t length)
{
	static char out[sizeof(struct frame) + MAX_PAYLOAD];
	struct frame frame = { id, type, length };

	memcpy(out, &frame, sizeof(frame));
	if (length)
		memcpy(out + sizeof(frame), data, length);
	port_write(out, sizeof(frame) + length);
}

static struct job *job_find(uint32_t id)
{
	int i;

	for (i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid && jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void job_start(uint32_t id, const char *command)
{
	int in[2], out[2], err[2], i;
	struct job *job = NULL;

	for (i = 0; i < MAX_JOBS && !job; i++)
		if (!jobs[i].pid)
			job = &jobs[i];
	if (!job || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
		uint32_t status = 126 << 8;

		tell(id, STDERR, "agent: too many jobs\n", 21);
		tell(id, EXIT, &status, sizeof(status));
		return;
	}
	memset(job, 0, sizeof(*job));
	job->id = id;
	job->pid = fork();
	if (job->pid == 0) {
		setsid();
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execl("/bin/bash", "bash", "-c", "--", command, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	fcntl(job->in, F_SETFL, O_NONBLOCK);
	fcntl(job->out, F_SETFL, O_NONBLOCK);
	fcntl(job->err, F_SETFL, O_NONBLOCK);
}

/* Hands the job what it can take of its input; true while something is left. */
static int job_feed(struct job *job)
{
	while (job->in >= 0 && job->pending_length) {
		ssize_t done = write(job->in, job->pending, job->pending_length);

		if (done < 0 && errno == EAGAIN)
			return 1;
		if (done <= 0) {
			fd_close(&job->in);
			break;
		}
		job->pending_length -= done;
		memmove(job->pending, job->pending + done, job->pending_length);
	}
	job->pending_length = 0;
	if (job->pending_eof)
		fd_close(&job->in);
	return 0;
}

static void job_input(struct job *job, const void *data, size_t length)
{
	if (!length) {
		job->pending_eof = 1;
	} else {
		job->pending = realloc(job->pending, job->pending_length + length);
		if (!job->pending)
			abort();
		memcpy(job->pending + job->pending_length, data, length);
		job->pending_length += length;
	}
	job_feed(job);
}

static void job_output(struct job *job, int *fd, uint32_t type)
{
	ssize_t got;

	while (*fd >= 0 && (got = read(*fd, buffer, sizeof(buffer))) != 0) {
		if (got < 0)
			return;		/* nothing more for now */
		tell(job->id, type, buffer, got);
	}
	fd_close(fd);
}

static void jobs_reap(void)
{
	int i, status;

	for (i = 0; i < MAX_JOBS; i++) {
		struct job *job = &jobs[i];
		uint32_t le;

		if (!job->pid || waitpid(job->pid, &status, WNOHANG) != job->pid)
			continue;
		/* Something left in the background may hold the pipes open for ever: take what is there, and go. */
		job_output(job, &job->out, STDOUT);
		job_output(job, &job->err, STDERR);
		fd_close(&job->in);
		fd_close(&job->out);
		fd_close(&job->err);
		free(job->pending);
		job->pid = 0;
		le = status;
		tell(job->id, EXIT, &le, sizeof(le));
	}
}

static int port_read(void *data, size_t length)
{
	char *at = data;

	while (length) {
		ssize_t got = read(port, at, length);

		if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
			struct pollfd ready = { port, POLLIN, 0 };

			poll(&ready, 1, 100);
			continue;
		}
		if (got <= 0)
			return -1;
		at += got;
		length -= got;
	}
	return 0;
}

static int frame_take(void)
{
	static char payload[MAX_PAYLOAD + 1];
	struct frame frame;
	struct job *job;

	if (port_read(&frame, sizeof(frame)) || frame.length > MAX_PAYLOAD || port_read(payload, frame.length))
		return -1;
	payload[frame.length] = 0;
	job = job_find(frame.job);
	if (frame.type == RUN)
		job_start(frame.job, payload);
	else if (frame.type == STDIN && job)
		job_input(job, payload, frame.length);
	else if (frame.type == KILL && job)
		kill(-job->pid, SIGKILL);
	else if (frame.type == HELLO)
		tell(0, HELLO, NULL, 0);
	return 0;
}

static void child_ended(int signal_number)
{
	(void)signal_number;	/* only to wake poll() */
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = child_ended };

	port = argc > 1 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	if (port < 0) {
		perror("agent: cannot open its port");
		return 1;
	}
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	tell(0, HELLO, NULL, 0);
	for (;;) {
		struct pollfd fds[1 + 3 * MAX_JOBS] = { { port, POLLIN, 0 } };
		int count = 1, i;

		for (i = 0; i < MAX_JOBS; i++) {
			struct job *job = &jobs[i];

			if (!job->pid)
				continue;
			fds[count++] = (struct pollfd){ job->out, POLLIN, 0 };
			fds[count++] = (struct pollfd){ job->err, POLLIN, 0 };
			if (job->pending_length)
				fds[count++] = (struct pollfd){ job->in, POLLOUT, 0 };
		}
		/* The time-out covers a child that ended just before poll(). */
		poll(fds, count, 200);
		for (i = 0; i < MAX_JOBS; i++) {
			if (!jobs[i].pid)
				continue;
			job_output(&jobs[i], &jobs[i].out, STDOUT);
			job_output(&jobs[i], &jobs[i].err, STDERR);
			job_feed(&jobs[i]);
		}
		jobs_reap();
		if (fds[0].revents & POLLIN) {
			if (frame_take())
				return 1;
		} else if (fds[0].revents & (POLLHUP | POLLERR)) {
			usleep(200000);		/* no host at the other end */
		}
	}
}
