/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of parsers: builds zip files and PyTorch checkpoints by hand. */
#ifndef AX_TEST_BYTES_H
#define AX_TEST_BYTES_H

#include "artifacts/base/base.h"
#include "artifacts/zip.h"

__attribute__((unused)) static void
put_le(struct ax_str *s, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		ax_str_addc(s, i < 8 ? (char)(v >> 8 * i & 255) : 0);
}

struct zip_maker {
	struct ax_str file, dir;
	unsigned n;
};

/* A stored member; `flags` and `method` as given, for hostile ones. */
__attribute__((unused)) static void
zip_add(struct zip_maker *z, const char *name, const void *data, size_t len,
	unsigned flags, unsigned method)
{
	uint32_t at = (uint32_t)z->file.len, crc = ax_crc32(data, len);
	struct ax_str *s = &z->file;

	put_le(s, 0x04034b50, 4);
	put_le(s, 20, 2);
	put_le(s, flags, 2);
	put_le(s, method, 2);
	put_le(s, 0, 4);
	put_le(s, crc, 4);
	put_le(s, len, 4);
	put_le(s, len, 4);
	put_le(s, strlen(name), 2);
	put_le(s, 0, 2);
	ax_str_add(s, name);
	ax_str_addn(s, data, len);
	s = &z->dir;
	put_le(s, 0x02014b50, 4);
	put_le(s, 20, 2);
	put_le(s, 20, 2);
	put_le(s, flags, 2);
	put_le(s, method, 2);
	put_le(s, 0, 4);
	put_le(s, crc, 4);
	put_le(s, len, 4);
	put_le(s, len, 4);
	put_le(s, strlen(name), 2);
	put_le(s, 0, 2 + 2 + 2 + 2 + 4);
	put_le(s, at, 4);
	ax_str_add(s, name);
	z->n++;
}

/* Joins directory and end record; the result is in z->file. */
__attribute__((unused)) static void
zip_end(struct zip_maker *z)
{
	size_t at = z->file.len;

	ax_str_addn(&z->file, z->dir.buf, z->dir.len);
	put_le(&z->file, 0x06054b50, 4);
	put_le(&z->file, 0, 4);
	put_le(&z->file, z->n, 2);
	put_le(&z->file, z->n, 2);
	put_le(&z->file, z->dir.len, 4);
	put_le(&z->file, at, 4);
	put_le(&z->file, 0, 2);
	ax_str_free(&z->dir);
}

/* BINUNICODE */
__attribute__((unused)) static void
pk_text(struct ax_str *s, const char *t)
{
	ax_str_addc(s, 'X');
	put_le(s, strlen(t), 4);
	ax_str_add(s, t);
}

/* BININT2 */
__attribute__((unused)) static void
pk_int(struct ax_str *s, unsigned v)
{
	ax_str_addc(s, 'M');
	put_le(s, v, 2);
}

/* _rebuild_tensor_v2 of a storage, as torch.save writes it. dims and strides:
 * n numbers each. */
__attribute__((unused)) static void
pk_tensor(struct ax_str *s, const char *storage, const char *key,
	  unsigned numel, unsigned offset, int n, const unsigned *dims,
	  const unsigned *strides)
{
	ax_str_add(s, "ctorch._utils\n_rebuild_tensor_v2\n((");
	pk_text(s, "storage");
	ax_str_addf(s, "ctorch\n%s\n", storage);
	pk_text(s, key);
	pk_text(s, "cuda:0");
	pk_int(s, numel);
	ax_str_add(s, "tQ");
	pk_int(s, offset);
	ax_str_addc(s, '(');
	for (int i = 0; i < n; i++)
		pk_int(s, dims[i]);
	ax_str_add(s, "t(");
	for (int i = 0; i < n; i++)
		pk_int(s, strides[i]);
	ax_str_add(s, "t\x89"
		      "ccollections\nOrderedDict\n)RtR");
}

#endif
