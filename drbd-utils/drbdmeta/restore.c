// SPDX-License-Identifier: GPL-2.0
/*
 * restore.c - restore-md, verify-dump: read a dump's text (metadata.md 6.10)
 *
 * The text is parsed completely before anything is written, and then once more
 * for the bitmap's words, so that a damaged dump cannot leave a device with
 * half of it.  Hence the input must be a file (or stdin from one).
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "drbdmeta.h"

enum token_kind { TOKEN_END, TOKEN_PUNCT, TOKEN_STRING, TOKEN_U64, TOKEN_U32, TOKEN_NUM, TOKEN_WORD };

struct token {
	enum token_kind kind;
	char text[40];
	u64 value;
	bool negative;
};

struct parser {
	FILE *f;
	unsigned int line;
	struct token token;		/* the one after those consumed */
};

/* Where bitmap words go; NULL while only checking. */
struct bitmap_writer {
	struct meta *m;
	u64 position;			/* bytes from the start of the area */
	u64 limit;			/* the area's bytes */
	u32 used;			/* bytes in the buffer */
	bool truncated;
};

struct dump_text {
	struct md_superblock sb;
	u64 words;			/* 64 bit words in bm { } */
};

static void parse_error(const struct parser *p, const char *expected)
{
	if (p->token.kind == TOKEN_END)
		die(EXIT_BAD_VALUE, "Parse error in line %u: %s expected, but end of file encountered",
		    p->line, expected);
	die(EXIT_BAD_VALUE, "Parse error in line %u: %s expected, not %s", p->line, expected,
	    p->token.text);
}

static int skip_blanks(struct parser *p)
{
	int c;

	while ((c = getc(p->f)) != EOF) {
		if (c == '#')
			while (c != EOF && c != '\n')
				c = getc(p->f);
		if (c == '\n')
			p->line++;
		else if (!isspace(c))
			break;
	}
	return c;
}

static void token_collect(struct parser *p, int c, bool string)
{
	struct token *t = &p->token;
	size_t n = 0;

	for (; c != EOF; c = getc(p->f)) {
		if (string ? c == '"' || c == '\n' : isspace(c) || strchr("{}[];#\"", c))
			break;
		if (n < sizeof(t->text) - 1)
			t->text[n++] = (char)c;
	}
	t->text[n] = '\0';
	if (string && (c != '"' || n < 1 || n > 20))
		die(EXIT_BAD_VALUE, "Parse error in line %u: string of 1 to 20 characters expected", p->line);
	if (!string && c != EOF)
		ungetc(c, p->f);
}

static void token_classify(struct token *t)
{
	const char *digits = t->text[0] == '-' ? t->text + 1 : t->text;
	size_t n = strlen(digits);

	t->kind = TOKEN_WORD;
	if (!strncmp(t->text, "0x", 2) && strspn(t->text + 2, "0123456789abcdefABCDEF") == n - 2) {
		t->value = strtoull(t->text, NULL, 16);
		if (n == 18)
			t->kind = TOKEN_U64;
		else if (n == 10)
			t->kind = TOKEN_U32;
	} else if (n && n <= 19 && strspn(digits, "0123456789") == n) {
		t->kind = TOKEN_NUM;
		t->negative = digits != t->text;
		t->value = strtoull(digits, NULL, 10);
	}
}

static void next_token(struct parser *p)
{
	struct token *t = &p->token;
	int c = skip_blanks(p);

	memset(t, 0, sizeof(*t));
	if (c == EOF) {
		t->kind = TOKEN_END;
	} else if (strchr("{}[];", c)) {
		t->kind = TOKEN_PUNCT;
		t->text[0] = (char)c;
	} else if (c == '"') {
		token_collect(p, getc(p->f), true);
		t->kind = TOKEN_STRING;
	} else {
		token_collect(p, c, false);
		token_classify(t);
	}
}

static void expect_punct(struct parser *p, char c)
{
	char text[] = { '\'', c, '\'', '\0' };

	if (p->token.kind != TOKEN_PUNCT || p->token.text[0] != c)
		parse_error(p, text);
	next_token(p);
}

static void expect_word(struct parser *p, const char *word)
{
	char text[64];

	if (p->token.kind != TOKEN_WORD || strcmp(p->token.text, word)) {
		snprintf(text, sizeof(text), "keyword '%s'", word);
		parse_error(p, text);
	}
	next_token(p);
}

static u64 expect_value(struct parser *p, enum token_kind kind, const char *what)
{
	u64 value = p->token.value;

	if (p->token.kind != kind || p->token.negative)
		parse_error(p, what);
	next_token(p);
	return value;
}

static u64 number_statement(struct parser *p, const char *word, u64 most)
{
	u64 value;

	expect_word(p, word);
	if (p->token.value > most)
		die(EXIT_BAD_VALUE, "Parse error in line %u: %s %s is too large, the most is %llu",
		    p->line, word, p->token.text, (unsigned long long)most);
	value = expect_value(p, TOKEN_NUM, "number");
	expect_punct(p, ';');
	return value;
}

static void parse_version(struct parser *p)
{
	expect_word(p, "version");
	if (p->token.kind != TOKEN_STRING)
		parse_error(p, "string");
	if (strcmp(p->token.text, "v08"))
		die(EXIT_BAD_VALUE, "dump is '%s' you requested 'v08'.", p->token.text);
	next_token(p);
	expect_punct(p, ';');
}

static void parse_fields(struct parser *p, struct md_superblock *sb)
{
	int i;

	expect_word(p, "uuid");
	expect_punct(p, '{');
	for (i = 0; i < MD_UUID_SLOTS; i++) {
		sb->uuid[i] = expect_value(p, TOKEN_U64, "hex constant of 16 digits");
		expect_punct(p, ';');
	}
	expect_word(p, "flags");
	sb->flags = (u32)expect_value(p, TOKEN_U32, "hex constant of 8 digits");
	expect_punct(p, ';');
	expect_punct(p, '}');
	sb->la_size_sect = number_statement(p, "la-size-sect", MD_MAX_SECTORS);
	sb->bm_bytes_per_bit = (u32)number_statement(p, "bm-byte-per-bit", U32_MAX);
	if (sb->bm_bytes_per_bit != MD_BYTES_PER_BIT)
		die(EXIT_BAD_VALUE, "Parse error in line %u: bm-byte-per-bit %u is not supported, only %u",
		    p->line, sb->bm_bytes_per_bit, MD_BYTES_PER_BIT);
	expect_word(p, "device-uuid");
	sb->device_uuid = expect_value(p, TOKEN_U64, "hex constant of 16 digits");
	expect_punct(p, ';');
	sb->la_peer_max_bio_size = (u32)number_statement(p, "la-peer-max-bio-size", U32_MAX);
	sb->al_stripes = (u32)number_statement(p, "al-stripes", U32_MAX);
	sb->al_stripe_size_4k = (u32)number_statement(p, "al-stripe-size-4k", U32_MAX);
}

/*
 * Zero-pad to a whole page.  The bitmap area's length is a multiple of 4 KiB
 * except on external devices of odd size, where it is one of a sector.
 */
static void writer_flush(struct bitmap_writer *w)
{
	u32 padded = (w->used + MD_BLOCK_BYTES - 1) & ~(u32)(MD_BLOCK_BYTES - 1);
	u64 bytes = min((u64)padded, w->limit - w->position);

	if (!w->used)
		return;
	memset(w->m->buffer + w->used, 0, padded - w->used);
	meta_write(w->m, "restore_bitmap", w->m->buffer, bytes,
		   w->m->at.bm_sector * 512 + w->position);
	w->position += bytes;
	w->used = 0;
}

static void writer_put(struct bitmap_writer *w, u64 value, u64 count)
{
	__le64 word = cpu_to_le64(value);

	for (; count; count--) {
		if (w->position + w->used >= w->limit) {
			w->truncated = true;
			return;
		}
		memcpy(w->m->buffer + w->used, &word, sizeof(word));
		w->used += sizeof(word);
		if (w->used == IO_BUFFER_BYTES)
			writer_flush(w);
	}
}

static void parse_bitmap(struct parser *p, struct dump_text *text, struct bitmap_writer *w)
{
	u64 count, value;

	expect_word(p, "bm");
	expect_punct(p, '{');
	while (p->token.kind != TOKEN_PUNCT) {
		count = 1;
		if (p->token.kind == TOKEN_NUM) {
			count = expect_value(p, TOKEN_NUM, "number");
			expect_word(p, "times");
		}
		value = expect_value(p, TOKEN_U64, "repeat count, hex constant of 16 digits, or '}'");
		expect_punct(p, ';');
		if (w)
			writer_put(w, value, count);
		if (__builtin_add_overflow(text->words, count, &text->words))
			text->words = U64_MAX;
	}
	expect_punct(p, '}');
	if (p->token.kind != TOKEN_END)
		parse_error(p, "end of file");
}

static void parse_dump(FILE *f, struct dump_text *text, struct bitmap_writer *w)
{
	struct parser p = { .f = f, .line = 1 };

	memset(text, 0, sizeof(*text));
	if (fseek(f, 0, SEEK_SET))
		die(EXIT_BAD_VALUE, "The dump is read more than once, so it must be a file: %s.",
		    strerror(errno));
	next_token(&p);
	parse_version(&p);
	parse_fields(&p, &text->sb);
	parse_bitmap(&p, text, w);
}

static FILE *dump_open(struct meta *m)
{
	FILE *f = stdin;

	if (m->args[0]) {
		f = fopen(m->args[0], "r");
		if (!f)
			die(EXIT_USAGE, "open of '%s' failed.", m->args[0]);
	}
	return f;
}

int cmd_verify_dump(struct meta *m)
{
	struct dump_text text;

	parse_dump(dump_open(m), &text, NULL);
	printf("input file parsed ok\n");
	return EXIT_OK;
}

static void restore_layout(struct meta *m, const struct dump_text *text)
{
	u32 stripes, stripe_size_4k;

	md_superblock_stripes(&text->sb, &stripes, &stripe_size_4k);
	options_stripes(&stripes, &stripe_size_4k, stripes, stripe_size_4k);
	meta_layout_here(m, stripes, stripe_size_4k, &m->at);
	meta_set_area(m, &m->at);
	m->sb = text->sb;
	/* only clean metadata can be restored, and it gets a fresh log: it is clean */
	m->sb.magic = MD_MAGIC_CLEAN;
	m->sb.flags |= MDF_AL_CLEAN;
	m->sb.al_nr_extents = MD_AL_NR_EXTENTS_NEW;
	md_layout_to_superblock(&m->at, &m->sb);
	meta_clip_la_size(m);
}

int cmd_restore_md(struct meta *m)
{
	struct bitmap_writer w = { .m = m };
	u64 superseded = U64_MAX;
	struct dump_text text;
	FILE *f = dump_open(m);

	if (meta_read_superblock(m)) {
		if (!confirmed("Valid meta-data in place, overwrite?"))
			return EXIT_NO_METADATA;
		superseded = m->at.sb_sector * 512;
	}
	parse_dump(f, &text, NULL);
	fprintf(stderr, "reinitializing\n");
	restore_layout(m, &text);
	foreign_data_check(m, &m->at);

	/*
	 * Whatever the log area held belongs to something else: a fresh log
	 * makes sure that it can never be replayed over the restored bitmap.
	 */
	meta_al_initialize(m, &m->at);
	w.limit = min(m->at.bm_sectors * 512, (m->bytes & ~511ULL) - m->at.bm_sector * 512);
	parse_dump(f, &text, &w);
	writer_flush(&w);
	if (w.truncated)
		fprintf(stderr, "Bitmap info too large, truncated!\n");
	meta_flush(m);
	meta_write_superblock(m);
	if (superseded != U64_MAX && superseded != m->at.sb_sector * 512 &&
	    !meta_in_area(m, superseded, MD_BLOCK_BYTES))
		meta_zero_superblock_at(m, superseded);
	meta_flush(m);
	printf("Successfully restored meta data\n");
	return EXIT_OK;
}
