// SPDX-License-Identifier: GPL-2.0
/*
 * digest.c - digests and authentication codes by the kernel's crypto API
 */
#include <linux/highmem.h>
#include "shell.h"

int shell_digest_load(const char *name, const char *template, struct crypto_shash **tfm)
{
	char full[CRYPTO_MAX_ALG_NAME];
	struct crypto_shash *loaded;

	*tfm = NULL;
	if (!name[0])
		return 0;
	if (snprintf(full, sizeof(full), template, name) >= sizeof(full))
		return -ENAMETOOLONG;
	loaded = crypto_alloc_shash(full, 0, 0);
	if (IS_ERR(loaded))
		return PTR_ERR(loaded);
	if (crypto_shash_digestsize(loaded) > WIRE_DIGEST_MAX) {
		crypto_free_shash(loaded);
		return -EINVAL;
	}
	*tfm = loaded;
	return 0;
}

void shell_digest_free(struct crypto_shash **tfm)
{
	if (*tfm)
		crypto_free_shash(*tfm);
	*tfm = NULL;
}

void shell_digest_pages(struct crypto_shash *tfm, struct page **pages, u32 bytes, u8 *out)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	u32 i;

	desc->tfm = tfm;
	crypto_shash_init(desc);
	for (i = 0; bytes; i++) {
		u32 n = min_t(u32, bytes, PAGE_SIZE);
		void *data = kmap_local_page(pages[i]);

		crypto_shash_update(desc, data, n);
		kunmap_local(data);
		bytes -= n;
	}
	crypto_shash_final(desc, out);
	shash_desc_zero(desc);
}

void shell_digest_bio(struct crypto_shash *tfm, struct bio *bio, u8 *out)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	struct bvec_iter iter;
	struct bio_vec vec;

	desc->tfm = tfm;
	crypto_shash_init(desc);
	bio_for_each_segment(vec, bio, iter) {
		void *data = bvec_kmap_local(&vec);

		crypto_shash_update(desc, data, vec.bv_len);
		kunmap_local(data);
	}
	crypto_shash_final(desc, out);
	shash_desc_zero(desc);
}

int shell_hmac(struct crypto_shash *tfm, const char *secret, const void *data, u32 len, u8 *out)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	int err = crypto_shash_setkey(tfm, secret, strlen(secret));

	if (err)
		return err;
	desc->tfm = tfm;
	err = crypto_shash_digest(desc, data, len, out);
	shash_desc_zero(desc);
	return err;
}
