/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of zip files whose members are stored, not compressed: what
 * torch.save and numpy.savez write. Central directory and local headers must
 * agree, members must not overlap, checksums must hold. Zip64 is read.
 * Format: PKWARE APPNOTE.TXT 6.3.
 */
#ifndef AX_ZIP_H
#define AX_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/base.h"
#include "artifacts/base/map.h"

#define AX_ZIP_ENTRIES 1000000

struct ax_zip_entry {
	char *name;          /* relative, without ".." */
	const uint8_t *data; /* borrowed from the file's bytes */
	size_t len;
	size_t header; /* offset of the local header */
	uint32_t crc;
};

struct ax_zip {
	struct ax_zip_entry *entries; /* in order of the central directory */
	size_t n;
	struct ax_map index;
};

/* Borrows the bytes for as long as the result is used. `name` stands in
 * messages. On failure *out is empty. */
int ax_zip_parse(struct ax_zip *out, const char *name, const void *bytes,
		 size_t len, struct ax_err *err);
void ax_zip_free(struct ax_zip *z);
/* Borrowed, or NULL. */
const struct ax_zip_entry *ax_zip_get(const struct ax_zip *z, const char *name);
/* CRC-32 (IEEE 802.3), as zip and gzip use it. */
uint32_t ax_crc32(const void *bytes, size_t len);

#endif
