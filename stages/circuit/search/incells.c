/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/incells.h"

#include "artifacts/base/base.h"
#include "artifacts/netlist/sim.h"

static int
prove(const struct ax_netlist *net, const struct ax_str *text,
      const struct ax_liberty *lib, struct ax_pool *pool, struct ax_err *err)
{
	struct ax_netlist *back;
	int same;

	if (ax_netlist_parse(&back, "in cells", text->buf, text->len,
			     AX_NET_VERILOG, lib, NULL, err) < 0)
		return -1;
	same = ax_netlist_equal(net, back, pool, NULL, NULL, err);
	ax_netlist_free(back);
	if (same == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "in cells it is another circuit");
	return same == 1 ? 0 : -1;
}

int
ax_in_cells(struct ax_netlist **out, struct ax_str *text,
	    const struct ax_netlist *net, const struct ax_cover_cells *k,
	    const struct ax_liberty *lib, struct ax_pool *pool,
	    struct ax_err *err)
{
	struct ax_cover *v = ax_cover_new(k);
	int rc = ax_cover_netlist(v, net, err);

	*out = rc == 0 ? ax_cover_write(v, net, lib) : NULL;
	ax_cover_free(v);
	if (rc == 0)
		rc = ax_netlist_write_cells(text, *out, err);
	if (rc == 0)
		rc = prove(net, text, lib, pool, err);
	if (rc == 0)
		return 0;
	ax_netlist_free(*out);
	*out = NULL;
	return -1;
}
