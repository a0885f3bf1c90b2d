/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes a file as the store does. */
#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"

int
main(int argc, char **argv)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_digest d;
	char hex[AX_HEX_LEN + 1];

	if (argc != 2 || ax_hash_file(&d, NULL, argv[1], &err) < 0) {
		fprintf(stderr, "%s\n", argc == 2 ? err.text : "hash FILE");
		return 1;
	}
	printf("%s\n", ax_hex(hex, &d));
	return 0;
}
