/* SPDX-License-Identifier: Apache-2.0 */
/* The two published checkpoints: every tensor against its raw storage, which
 * libarchive, another reader of zip files, takes out of them. */
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/checkpoint.h"
#include "artifacts/network.h"
#include "tests/lib/tap.h"

#define STORAGES 169

static struct ax_err err;

/* Digests of <root>/data/<i>. */
static int
storages(struct ax_digest *out, const char *path)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int n = 0;

	archive_read_support_format_zip(a);
	archive_read_open_filename(a, path, 65536);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		const char *name = strstr(archive_entry_pathname(e), "/data/");
		size_t len = (size_t)archive_entry_size(e);
		char *bytes;
		long i;

		if (!name)
			continue;
		i = strtol(name + 6, NULL, 10);
		bytes = ax_malloc(len + 1);
		if (i < 0 || i >= STORAGES ||
		    archive_read_data(a, bytes, len) != (la_ssize_t)len)
			return -1;
		out[i] = ax_hash_bytes(bytes, len);
		n++;
		free(bytes);
	}
	archive_read_free(a);
	return n;
}

static void
test_file(const char *data, const char *name, int64_t batches,
	  const char *resnet)
{
	char *path = ax_asprintf("%s/circuitsdna/%s", data, name);
	struct ax_digest want[STORAGES], got;
	struct ax_checkpoint c, back;
	struct ax_network net;
	const struct ax_tensor *t;
	int equal = 0, found = 0;
	size_t i, elements = 0;

	is_int(storages(want, path), STORAGES, "%s: 169 storages", name);
	if (!ok(ax_checkpoint_load(&c, path, &err) == 0, "loads")) {
		printf("# %s\n", err.text);
		exit(tap_done() || 1);
	}
	is_int(c.n, STORAGES, "169 tensors");
	for (i = 0; i < c.n && i < STORAGES; i++) {
		got = ax_hash_bytes(c.tensors[i]->data, c.tensors[i]->bytes);
		equal += ax_digest_eq(&got, &want[i]);
	}
	is_int(equal, STORAGES,
	       "the SHA-256 of each tensor is that of its storage");
	t = ax_checkpoint_get(&c, "conv1.w_quant.scale");
	ok(t && t->ndim == 0 && t->f32[0] == 0.0058339005f,
	   "the scale of conv1's weights is .0058339005");
	t = ax_checkpoint_get(&c, "fc.b_quant.scale");
	ok(t && t->f32[0] == 0.0020808668f, "that of fc's bias .0020808668");
	t = ax_checkpoint_get(&c, "bn1.num_batches_tracked");
	ok(t && t->dtype == AX_I64 && t->i64[0] == batches,
	   "num_batches_tracked is %lld", (long long)batches);
	ok(ax_network_parse_text(&net, resnet, NULL, 0, &err) == 0,
	   "resnet-cifar 20 is built");
	for (i = 0; i < net.n_params; i++) {
		const struct ax_net_param *p = &net.params[i];

		found += ax_checkpoint_need(&c, p->name, p->dtype, p->ndim,
					    p->dim, &err) != NULL;
		elements += p->trained ? p->n : 0;
	}
	is_int(found, net.n_params,
	       "all %u parameters are there under their names and shapes",
	       net.n_params);
	is_int(elements, 278324, "278,324 trained parameters");
	/* weights, BN, count; each of 20 layers two scales, one for the bias */
	is_int(net.n_params + 41, c.n, "and the 41 scales are the rest");
	ax_network_free(&net);
	free(path);
	path = ax_strdup("/tmp/axpipe-test.XXXXXX");
	close(mkstemp(path));
	equal = 0;
	ok(ax_checkpoint_save(path, &c, &err) == 0 &&
		   ax_checkpoint_load(&back, path, &err) == 0,
	   "saved as .safetensors and loaded");
	for (i = 0; i < c.n; i++) {
		t = ax_checkpoint_get(&back, c.tensors[i]->name);
		equal += t && t->bytes == c.tensors[i]->bytes &&
			 memcmp(t->data, c.tensors[i]->data, t->bytes) == 0;
	}
	is_int(equal, STORAGES, "with the same bytes");
	unlink(path);
	free(path);
	ax_checkpoint_free(&c);
	ax_checkpoint_free(&back);
}

int
main(void)
{
	const char *data = getenv("AXPIPE_DATA");
	static const char resnet[] =
		"{\"family\":\"resnet-cifar\",\"depth\":20,\"classes\":100}";
	char *probe = ax_join(data ? data : "", "circuitsdna");

	if (!data || !*data || !ax_is_dir(probe)) {
		tap_skip(1, "AXPIPE_DATA has no circuitsdna folder");
	} else {
		test_file(data, "resnet20_cifar100_qat_int8.pt", 78982, resnet);
		test_file(data, "resnet20_cifar100_qat_int8_lut_0.5_ft.pt",
			  80937, resnet);
	}
	free(probe);
	return tap_done();
}
