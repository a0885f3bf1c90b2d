/* SPDX-License-Identifier: Apache-2.0 */
/* Stage convert: a netlist in, the same netlist in every format out. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/netlist.h"
#include "stages/kit/kit.h"

static int
write_blif(struct ax_str *out, const struct ax_netlist *net, struct ax_err *err)
{
	return ax_netlist_write_blif(out, net, false, err);
}

static int
write_one(struct ax_task *t, const char *output,
	  int (*write)(struct ax_str *, const struct ax_netlist *,
		       struct ax_err *),
	  const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	int rc = write(&text, net, err);

	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, output), text.buf, text.len,
				    err);
	ax_str_free(&text);
	return rc;
}

/* The dump knows only gates of two inputs: others are made of them. */
static int
write_dump(struct ax_task *t, const struct ax_netlist *net, struct ax_err *err)
{
	size_t count[AX_GATE_KINDS];
	struct ax_netlist *plain;
	int rc;

	ax_netlist_count(net, count);
	if (!count[AX_CELL])
		return write_one(t, "txt", ax_netlist_write_txt, net, err);
	plain = ax_netlist_expand(net);
	rc = write_one(t, "txt", ax_netlist_write_txt, plain, err);
	ax_netlist_free(plain);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	const char *library = ax_task_in(t, "liberty");
	struct ax_str warn = AX_STR_INIT;
	size_t count[AX_GATE_KINDS], gates = 0, dropped;
	struct ax_netlist *net = NULL;
	struct ax_liberty lib = {0};
	int rc = 0;

	if (library)
		rc = ax_liberty_load(&lib, library, err);
	if (rc == 0)
		rc = ax_netlist_load(&net, ax_task_in(t, "netlist"),
				     AX_NET_AUTO, library ? &lib : NULL, &warn,
				     err);
	if (warn.len)
		fputs(warn.buf, stderr);
	if (rc < 0)
		goto out;
	dropped = ax_netlist_prune(net);
	free(net->name);
	net->name = ax_strdup(ax_task_str(t, "top"));
	if (write_dump(t, net, err) < 0 ||
	    write_one(t, "blif", write_blif, net, err) < 0 ||
	    write_one(t, "verilog", ax_netlist_write_verilog, net, err) < 0 ||
	    write_one(t, "json", ax_netlist_write_json, net, err) < 0) {
		rc = -1;
		goto out;
	}
	ax_netlist_count(net, count);
	for (int k = AX_BUF + 1; k < AX_GATE_KINDS; k++)
		gates += count[k];
	ax_task_metric_int(t, "gates", (int64_t)gates);
	ax_task_metric_int(t, "dropped", (int64_t)dropped);
	ax_task_metric_int(t, "transistors", ax_netlist_transistors(net));
out:
	ax_str_free(&warn);
	ax_netlist_free(net);
	if (library)
		ax_liberty_free(&lib);
	return rc;
}
