// SPDX-License-Identifier: GPL-2.0
/* A tool's program as a function; see sandbox.h. */
#define _GNU_SOURCE
#define SANDBOX_ITSELF
#include "sandbox.h"
#include <errno.h>
#include <setjmp.h>
#include <sys/mman.h>

#define SLOTS 65536u			/* of the table of allocations; a power of two */
#define FILES_MAX 8
#define STREAMS_MAX 64
#define FDS_MAX 64

static jmp_buf way_out;
static int exit_code;

static void *allocated[SLOTS];
static unsigned int n_allocated;
static FILE *streams[STREAMS_MAX];
static unsigned int n_streams;
static int fds[FDS_MAX];
static unsigned int n_fds;
static struct { const char *path; const void *data; size_t len; } files[FILES_MAX];
static unsigned int n_files;
static int device = -1;

/* ---- memory: an open table of what is to be taken back ---- */

static unsigned int slot_of(const void *p)
{
	unsigned int i = (unsigned int)((size_t)p >> 4) * 2654435761u % SLOTS;

	while (allocated[i] && allocated[i] != p)
		i = (i + 1) % SLOTS;
	return i;
}

static void *remember(void *p)
{
	if (!p)
		return NULL;
	if (n_allocated > SLOTS / 2) {
		fprintf(stderr, "sandbox: too many allocations at once\n");
		abort();
	}
	allocated[slot_of(p)] = p;
	n_allocated++;
	return p;
}

/* False: it is not one of ours. */
static int forget(const void *p)
{
	unsigned int hole = slot_of(p), i = hole;
	void *moved;

	if (!allocated[hole])
		return 0;
	allocated[hole] = NULL;
	n_allocated--;
	/* What was displaced past the hole moves up. */
	while (allocated[i = (i + 1) % SLOTS]) {
		moved = allocated[i];
		allocated[i] = NULL;
		allocated[slot_of(moved)] = moved;
	}
	return 1;
}

void *sandbox_malloc(size_t size) { return remember(malloc(size)); }
void *sandbox_calloc(size_t n, size_t size) { return remember(calloc(n, size)); }

void *sandbox_realloc(void *p, size_t size)
{
	if (p)
		forget(p);
	return remember(realloc(p, size));
}

int sandbox_memalign(void **p, size_t align, size_t size)
{
	int err = posix_memalign(p, align, size);

	if (!err)
		remember(*p);
	return err;
}

void sandbox_free(void *p)
{
	if (p)
		forget(p);
	free(p);
}

char *sandbox_strdup(const char *text) { return remember(strdup(text)); }
char *sandbox_strndup(const char *text, size_t n) { return remember(strndup(text, n)); }

int sandbox_vasprintf(char **text, const char *format, va_list args)
{
	int len = vasprintf(text, format, args);

	if (len >= 0)
		remember(*text);
	return len;
}

int sandbox_asprintf(char **text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = sandbox_vasprintf(text, format, args);
	va_end(args);
	return len;
}

/* ---- files ---- */

void sandbox_file(const char *path, const void *data, size_t len)
{
	if (n_files == FILES_MAX)
		abort();
	files[n_files].path = path;
	files[n_files].data = data;
	files[n_files++].len = len;
}

static FILE *stream(FILE *file)
{
	if (file && n_streams == STREAMS_MAX)
		abort();
	if (file)
		streams[n_streams++] = file;
	return file;
}

FILE *sandbox_fopen(const char *path, const char *mode)
{
	unsigned int i;

	(void)mode;
	for (i = 0; i < n_files; i++)
		if (!strcmp(files[i].path, path))
			return stream(files[i].len ? fmemopen((void *)files[i].data, files[i].len, "r") :
						     fopen("/dev/null", "r"));
	errno = ENOENT;
	return NULL;
}

int sandbox_fclose(FILE *file)
{
	unsigned int i;

	for (i = 0; i < n_streams; i++)
		if (streams[i] == file)
			streams[i] = streams[--n_streams];
	return fclose(file);
}

int sandbox_open(const char *path, int flags, ...)
{
	int fd;

	(void)flags;
	errno = ENOENT;
	if (strcmp(path, SANDBOX_DEVICE) || device < 0 || n_fds == FDS_MAX)
		return -1;
	fd = dup(device);
	if (fd >= 0)
		fds[n_fds++] = fd;
	return fd;
}

int sandbox_device(size_t bytes)
{
	if (device < 0)
		device = memfd_create("device", MFD_CLOEXEC);
	if (device < 0 || ftruncate(device, 0) || ftruncate(device, (off_t)bytes))
		abort();
	return device;
}

/* Only plain names match. */
int sandbox_glob(const char *pattern, glob_t *found)
{
	unsigned int i;

	memset(found, 0, sizeof(*found));
	for (i = 0; i < n_files; i++) {
		if (strcmp(files[i].path, pattern))
			continue;
		found->gl_pathv = calloc(2, sizeof(char *));
		found->gl_pathv[found->gl_pathc++] = strdup(pattern);
		return 0;
	}
	return GLOB_NOMATCH;
}

int sandbox_refuse(void)
{
	errno = EPERM;
	return -1;
}

/* ---- running ---- */

void sandbox_exit(int code)
{
	exit_code = code;
	longjmp(way_out, 1);
}

static void take_back(void)
{
	unsigned int i;

	while (n_streams)
		fclose(streams[--n_streams]);
	while (n_fds)
		close(fds[--n_fds]);
	for (i = 0; i < SLOTS && n_allocated; i++) {
		if (!allocated[i])
			continue;
		free(allocated[i]);
		allocated[i] = NULL;
		n_allocated--;
	}
}

/* The linker knows where the tool's variables begin and end. */
extern char __start_sandbox_data[] __attribute__((weak)), __stop_sandbox_data[] __attribute__((weak));
extern char __start_sandbox_bss[] __attribute__((weak)), __stop_sandbox_bss[] __attribute__((weak));

/* Over the sanitizer's gaps between them, which it would not allow memcpy(). */
__attribute__((no_sanitize("address")))
static void bytes_set(char *to, const char *from, size_t n)
{
	volatile char *at = to;

	while (n--)
		*at++ = from ? *from++ : 0;
}

static void variables_reset(void)
{
	size_t data = __stop_sandbox_data - __start_sandbox_data;
	static char *first_values;

	if (data && !first_values) {
		first_values = malloc(data);
		bytes_set(first_values, __start_sandbox_data, data);
	}
	if (data)
		bytes_set(__start_sandbox_data, first_values, data);
	if (__start_sandbox_bss)
		bytes_set(__start_sandbox_bss, NULL, __stop_sandbox_bss - __start_sandbox_bss);
}

void sandbox_reset(void)
{
	n_files = 0;
}

int sandbox_run(sandbox_main *program, int argc, char **argv, char **output, size_t *len)
{
	FILE *real = stdout, *captured;
	char *text = NULL;
	size_t n = 0;

	captured = open_memstream(&text, &n);
	stdout = captured;
	variables_reset();
	optind = 0;
	if (!setjmp(way_out))
		exit_code = program(argc, argv);
	stdout = real;
	fclose(captured);
	take_back();
	if (output) {
		*output = text;
		*len = n;
	} else {
		free(text);
	}
	return exit_code;
}

int sandbox_words(char *text, const char *name, char **argv, int most)
{
	char *save = NULL, *word;
	int n = 0;

	argv[n++] = (char *)name;
	for (word = strtok_r(text, " \n", &save); word && n < most; word = strtok_r(NULL, " \n", &save))
		argv[n++] = word;
	argv[n] = NULL;
	return n;
}
