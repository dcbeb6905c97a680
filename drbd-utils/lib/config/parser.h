/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parser.h - what scanner, grammar and model builder share; private to lib/config
 *
 * A problem that ends the run at once sets parser.fatal to the exit code; the
 * grammar leaves at the next action.  Others are counted in config.error_count
 * and parsing goes on.
 */
#ifndef UTILS_CONFIG_PARSER_H
#define UTILS_CONFIG_PARSER_H

#include "config.h"

#define CFG_EXIT_INVALID 10
#define CFG_EXIT_FAILED 20

struct arena *arena_new(void);
void arena_free(struct arena *arena);
void *arena_zalloc(struct arena *arena, size_t size);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One text being read; the scanner keeps a stack of them. */
struct input {
	struct input *below;
	void *buffer;		/* flex's */
	const char *shown;	/* as in messages */
	const char *canonical;
	const char *dir;	/* NULL: includes are relative to the working directory */
	int line;
	bool ended;
};

enum bad_token { TOKEN_FINE, TOKEN_TOO_LONG, TOKEN_QUOTED_TOO_LONG, TOKEN_UNTERMINATED };

struct parser {
	struct config *cfg;
	void *scanner;
	struct input *input;
	int fatal;
	const char *token;	/* text of the last one read */
	enum bad_token bad;
	/* where in the structure we are */
	struct cfg_resource *res;
	struct cfg_host *host;
	struct cfg_volume *vol;	/* inside volume { } */
	struct cfg_proxy *proxy;
	struct cfg_options *options;
	enum cfg_section section;
	bool in_common;
};

/* scan.l */
int scanner_open(struct parser *p);
void scanner_close(struct parser *p);
void scanner_push(struct parser *p, struct input *input, const char *text, size_t len);
/* true when the bare word is no plain string */
bool scanner_is_keyword(const char *word);
/* eats everything up to the brace that closes the one just read */
void scanner_skip_block(struct parser *p);

/* source.c: reads a whole file and puts it on top; false with errno set */
bool source_push(struct parser *p, const char *path, const char *shown);
void source_include(struct parser *p, struct cfg_place place, const char *pattern);

/* messages.c */
void cfg_problem(struct config *cfg, struct cfg_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cfg_note(struct config *cfg, struct cfg_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void parse_fatal(struct parser *p, int code, struct cfg_place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void parse_expected(struct parser *p, struct cfg_place place, const char *expected,
		    const char *got, const char *advice);

/* unique.c: false, with the conflict reported, when @key was used before */
bool unique_add(struct config *cfg, struct cfg_place place, const char *what,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
void parse_unique(struct parser *p, struct cfg_place place, const char *what,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* build.c */
void build_global_begin(struct parser *p, struct cfg_place place);
void build_global_number(struct parser *p, struct cfg_place place, const char *name,
			 const char *text);
void build_resource_begin(struct parser *p, struct cfg_place place, const char *name);
void build_resource_end(struct parser *p, struct cfg_place place);
void build_section_begin(struct parser *p, struct cfg_place place, enum cfg_section section);
void build_section_end(struct parser *p);
void build_option_allowed(struct parser *p, struct cfg_place place, const char *name);
void build_option(struct parser *p, struct cfg_place place, const char *name, const char *value);
void build_protocol(struct parser *p, struct cfg_place place, const char *value);
void build_become_primary(struct parser *p, struct cfg_place place, struct cfg_name *names);
void build_plugin_begin(struct parser *p, struct cfg_place place);
void build_plugin(struct parser *p, struct cfg_name *words);
struct cfg_name *build_names(struct parser *p, struct cfg_name *list, const char *text);

/* build_host.c */
void build_host_begin(struct parser *p, struct cfg_place place, enum cfg_host_kind kind,
		      struct cfg_name *names);
void build_host_end(struct parser *p);
void build_floating_begin(struct parser *p, struct cfg_place place, struct cfg_address addr);
void build_stacked_begin(struct parser *p, struct cfg_place place, const char *lower);
void build_address(struct parser *p, struct cfg_place place, struct cfg_address addr, bool alt);
void build_proxy_begin(struct parser *p, struct cfg_name *names);
struct cfg_address build_make_address(struct parser *p, struct cfg_place place,
				      const char *family, const char *addr, const char *port);

/* volume.c */
void build_volume_begin(struct parser *p, struct cfg_place place, const char *number);
void build_volume_end(struct parser *p);
void build_device(struct parser *p, struct cfg_place place, const char *name, const char *minor);
void build_disk(struct parser *p, struct cfg_place place, const char *path);
void build_disk_section(struct parser *p, struct cfg_place place);
void build_meta_disk(struct parser *p, struct cfg_place place, const char *path,
		     const char *index);
void volumes_sort(struct cfg_volume **list);
void volumes_inherit(struct parser *p, struct cfg_host *host, struct cfg_place place);
bool volume_keys(struct config *cfg, struct cfg_place place, const struct cfg_host *host,
		 const struct cfg_volume *vol, bool device, bool disk, bool meta);
struct cfg_volume *volume_add(struct config *cfg, struct cfg_volume **list, unsigned int number,
			      bool implicit);

/* check.c */
void check_host_complete(struct parser *p, const struct cfg_host *host);
/* what merge.c puts in place of a resync-after target that was checked before */
bool cfg_resync_after_minor(struct config *cfg, const char *target, long *minor);
void check_hosts_equal(struct config *cfg, const struct cfg_resource *res,
		       struct cfg_place place);

/* options.c: what the language knows about option names */
enum word_kind {
	WORD_UNKNOWN,
	WORD_VALUE,
	WORD_FLAG,
	WORD_BARE,	/* takes no value: stacked-timeouts, no-disk-barrier */
	WORD_DROPPED,	/* obsolete, takes a value */
};

/* by name alone, as the scanner needs it: a name has one kind in all sections */
enum word_kind option_word_kind(const char *name);
bool option_in_section(enum cfg_section section, const char *name);
/* renames and moves old spellings; @value may be replaced too */
enum cfg_section option_modern(enum cfg_section section, const char **name, const char **value);
/* 0 fine, else the exit code with the message printed; looks only at the checked options */
int option_check(struct config *cfg, struct cfg_place place, enum cfg_section section,
		 const char *name, const char *value);
/* 0 and the number, or the exit code with the message printed */
int number_check(struct config *cfg, struct cfg_place place, const char *name, const char *text,
		 char unit, uint64_t min, uint64_t max, uint64_t *value);
/* an option of that section this looks like a misspelling of, or NULL */
const char *option_similar(enum cfg_section section, const char *name);
const char *option_keyword_text(enum cfg_section section);

/* address.c: is this address on an interface that is up? */
bool address_is_local(const struct cfg_address *addr);
bool address_is_loopback(const struct cfg_address *addr);

#endif
