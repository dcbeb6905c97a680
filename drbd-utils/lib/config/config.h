/* SPDX-License-Identifier: GPL-2.0 */
/*
 * config.h - the configuration as drbdadm sees it
 *
 * config_new(), one config_parse_*() per input, then config_finish(): after
 * that the model is complete and checked.  config_expand() carries common and
 * resource level options down to where they take effect; plain dump shows the
 * model without it.  All of a configuration lives in one arena and goes with
 * config_free().
 *
 * Errors are printed to config.errors as they are found.  Each function
 * returns 0 or the exit code of spec chapter tools.md section 3.7 (10 for an
 * invalid configuration, 20 for a number that is none or a file that cannot
 * be read).  Numbers keep the text of the file; minors and volume numbers are
 * parsed.
 */
#ifndef UTILS_CONFIG_H
#define UTILS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;

/* Where something stands; line 0 means nowhere. */
struct cfg_place {
	const char *file;
	int line;
};

enum cfg_section {
	CFG_OPTIONS,
	CFG_NET,
	CFG_DISK,
	CFG_STARTUP,
	CFG_PROXY,
	CFG_HANDLERS,
	CFG_SECTIONS,
	CFG_SYNCER = CFG_SECTIONS,	/* spelled in files only, never stored */
};

struct cfg_option {
	struct cfg_option *next;
	const char *name;
	const char *value;	/* NULL: stands without a value */
};

struct cfg_options {
	struct cfg_option *first;
};

struct cfg_name {
	struct cfg_name *next;
	const char *text;
};

struct cfg_address {
	const char *family;	/* NULL: no address */
	const char *addr;
	const char *port;
	struct cfg_place place;
};

#define CFG_NO_MINOR (-1L)

struct cfg_volume {
	struct cfg_volume *next;	/* ascending number once its host is complete */
	unsigned int number;
	bool implicit;
	const char *device;	/* NULL: unnamed */
	long minor;
	const char *disk;
	const char *meta_disk;	/* "internal" or a path */
	const char *meta_index;	/* "internal", "flexible" or a slot number */
	struct cfg_place meta_place;
	struct cfg_options options;
};

struct cfg_proxy {
	struct cfg_name *names;
	struct cfg_address inside;
	struct cfg_address outside;
	struct cfg_options options;
	struct cfg_name *plugins;
};

enum cfg_host_kind {
	CFG_HOST_ON,
	CFG_HOST_FLOATING,
	CFG_HOST_STACKED,
	CFG_HOST_THIS,
	CFG_HOST_REMOTE,
};

struct cfg_host {
	struct cfg_host *next;
	enum cfg_host_kind kind;
	struct cfg_name *names;
	const char *lower_name;		/* stacked only */
	struct cfg_resource *lower;
	struct cfg_address address;
	struct cfg_address alt_address;
	struct cfg_volume *volumes;
	struct cfg_options options;	/* kept for dump, without effect */
	struct cfg_proxy *proxy;
	struct cfg_place place;
};

struct cfg_resource {
	struct cfg_resource *next;
	const char *name;
	const char *file;	/* canonical path */
	struct cfg_place place;
	struct cfg_host *hosts;
	struct cfg_volume *volumes;	/* resource level, inherited by hosts */
	struct cfg_options section[CFG_SECTIONS];
	struct cfg_name *plugins;
	struct cfg_name *become_primary_on;
	struct cfg_host *me;
	struct cfg_host *peer;
	bool stacked_timeouts;
	bool ignored;	/* no host section is for this machine */
	bool stacked;	/* this machine's section is the stacked one */
	bool net_present;	/* a net section was written; adjust needs to know */
};

enum cfg_usage { CFG_USAGE_ASK, CFG_USAGE_YES, CFG_USAGE_NO };

struct cfg_global {
	bool present;
	bool disable_ip_verification;
	bool udev_always_use_vnr;
	unsigned int minor_count;	/* 0: unset */
	unsigned int dialog_refresh;
	enum cfg_usage usage_count;
	unsigned int timeout_short, timeout_medium, timeout_long;	/* seconds */
};

struct config {
	struct arena *arena;
	const char *file;	/* as given; "-" is standard input */
	const char *canonical;
	const char *node_name;
	FILE *errors;
	struct cfg_global global;
	struct cfg_resource *common;
	struct cfg_resource *resources;
	struct cfg_name *peer_wanted;	/* --peer */
	struct unique *unique;
	struct cfg_name *files_read;
	int error_count;
	bool relaxed;	/* output of drbdsetup show: incomplete is fine */
	bool expanded;
};

struct config *config_new(const char *node_name, FILE *errors);
void config_free(struct config *cfg);

/* @file "-" is standard input. */
int config_parse_file(struct config *cfg, const char *file);
/* The output of "drbdsetup show": sets cfg->relaxed. */
int config_parse_show(struct config *cfg, const char *text, size_t len);
int config_finish(struct config *cfg);
void config_expand(struct config *cfg);

/* The checks of tools.md 3.6; to be called before and after expansion alike. */
int config_check_references(struct config *cfg);
/* my own address must be on an interface that is up; 0 or 10 */
int config_check_address(struct config *cfg, const struct cfg_resource *res);
/* bad enumeration words and out-of-range numbers the 8.4 grammar lets through */
int config_check_values(struct config *cfg, const struct cfg_resource *res);

struct cfg_resource *config_resource(struct config *cfg, const char *name);
struct cfg_volume *config_volume(const struct cfg_host *host, unsigned int number);
const char *cfg_option_value(const struct cfg_options *list, const char *name);
bool cfg_names_contain(const struct cfg_name *names, const char *text);
/* /dev/drbdN when the volume has no name of its own; @buf holds it then */
const char *cfg_device_name(const struct cfg_volume *vol, char *buf, size_t size);

/* True when both texts mean the same for that option: units, truth, case. */
bool cfg_values_equal(enum cfg_section section, const char *name, const char *a, const char *b);
/* The default as text, NULL when the option has none. */
const char *cfg_option_default(enum cfg_section section, const char *name, char *buf, size_t size);

void config_dump(FILE *out, const struct config *cfg, int verbose);
void config_dump_resource(FILE *out, const struct config *cfg, const struct cfg_resource *res);
void config_dump_xml(FILE *out, const struct config *cfg);
void config_dump_resource_xml(FILE *out, const struct cfg_resource *res, int indent);

/* @text as the dump writes it: quoted only when it must be. */
void cfg_print_quoted(FILE *out, const char *text);

#endif
