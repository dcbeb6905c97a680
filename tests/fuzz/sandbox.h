/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sandbox.h - a tool's program as a function that may be called again and again
 *
 * Included before anything else in the sources of a tool that is fuzzed. exit() returns to
 * sandbox_run(), which then takes back memory, files and descriptors, and gives the program's
 * variables their first values; no process is started,
 * no file of the machine is read or written: only those named by sandbox_file() and the
 * device SANDBOX_DEVICE exist.
 */
#ifndef FUZZ_SANDBOX_H
#define FUZZ_SANDBOX_H

#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SANDBOX_DEVICE "/dev/fuzz"

typedef int sandbox_main(int argc, char **argv);

/* The exit code; output (may be NULL) gets what it printed, to be freed. */
int sandbox_run(sandbox_main *program, int argc, char **argv, char **output, size_t *len);
/* There is a file of that name, until sandbox_reset(). Up to eight. */
void sandbox_file(const char *path, const void *data, size_t len);
/* The descriptor of SANDBOX_DEVICE, an empty device of that size. */
int sandbox_device(size_t bytes);
void sandbox_reset(void);
/* Words of a text, split at blanks and newlines; argv[0] is `name`. */
int sandbox_words(char *text, const char *name, char **argv, int most);

void *sandbox_malloc(size_t size);
void *sandbox_calloc(size_t n, size_t size);
void *sandbox_realloc(void *p, size_t size);
int sandbox_memalign(void **p, size_t align, size_t size);
void sandbox_free(void *p);
char *sandbox_strdup(const char *text);
char *sandbox_strndup(const char *text, size_t n);
int sandbox_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sandbox_vasprintf(char **text, const char *format, va_list args);
void sandbox_exit(int code) __attribute__((noreturn));
FILE *sandbox_fopen(const char *path, const char *mode);
int sandbox_fclose(FILE *file);
int sandbox_open(const char *path, int flags, ...);
int sandbox_glob(const char *pattern, glob_t *found);
int sandbox_refuse(void);		/* -1, errno EPERM */

#ifndef SANDBOX_ITSELF
#define main tool_main
int tool_main(int argc, char **argv);
#ifndef SANDBOX_FILES_ONLY		/* else leaks are to be seen, and there is no state to forget */
#pragma clang section bss = "sandbox_bss" data = "sandbox_data"
#define malloc(size) sandbox_malloc(size)
#define calloc(n, size) sandbox_calloc(n, size)
#define realloc(p, size) sandbox_realloc(p, size)
#define posix_memalign(p, align, size) sandbox_memalign(p, align, size)
#define free(p) sandbox_free(p)
#define strdup(text) sandbox_strdup(text)
#define strndup(text, n) sandbox_strndup(text, n)
#define asprintf(...) sandbox_asprintf(__VA_ARGS__)
#define vasprintf(...) sandbox_vasprintf(__VA_ARGS__)
#endif
#define exit(code) sandbox_exit(code)
#define _exit(code) sandbox_exit(code)
#define fopen(path, mode) sandbox_fopen(path, mode)
#define fclose(file) sandbox_fclose(file)
#define open(...) sandbox_open(__VA_ARGS__)
#define glob(pattern, flags, complain, found) sandbox_glob(pattern, found)
#define fork() sandbox_refuse()
#define pipe(fds) sandbox_refuse()
#define unlink(path) sandbox_refuse()
#define mkdir(...) sandbox_refuse()
#define symlink(...) sandbox_refuse()
#define rename(...) sandbox_refuse()
#define nanosleep(wanted, left) ((void)(wanted), sandbox_refuse())
#define sleep(n) sandbox_refuse()
#define isatty(fd) 0
#define chdir(path) 0
#endif

#endif /* FUZZ_SANDBOX_H */
