/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/tools/recipe.h"

#include "stages/eda/tools/measure.h"

/* dch: structural choices; amap and map -a: mapping for area; mfs: don't-care
 * based resubstitution; dc2, scorr, &fraig: rewriting, equal nodes merged. */
static const char *const small[] = {
	"strash; dch; amap -m; topo",
	"strash; amap; topo",
	"strash; dch; map -a; topo",
	"strash; dch; map -a; mfs; strash; dch; map -a; topo",
	"strash; ifraig; scorr; dc2; dch -f; map -a; topo",
	"&get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; map -a; topo",
	"&get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; amap; topo",
	NULL};

static const char *const shallow[] = {
	"strash; dch; map; topo",
	"strash; balance; dch; map; topo",
	"strash; dc2; balance -x; dch -f; map; topo",
	"&get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; map; topo",
	"strash; if -g -K 6; strash; dch; map; topo",
	NULL};

enum ax_goal
ax_goal_parse(const char *name)
{
	if (ax_streq(name, "depth"))
		return AX_GOAL_DEPTH;
	return ax_streq(name, "transistors") ? AX_GOAL_TRANSISTORS
					     : AX_GOAL_AREA;
}

const char *const *
ax_recipes(enum ax_goal goal)
{
	return goal == AX_GOAL_DEPTH ? shallow : small;
}

void
ax_goal_key(double key[3], const struct ax_netlist *net, enum ax_goal goal)
{
	double area = ax_measure_area(net);
	double transistors = (double)ax_netlist_transistors(net);
	double depth = ax_netlist_depth(net);

	key[0] = goal == AX_GOAL_AREA	       ? area
		 : goal == AX_GOAL_TRANSISTORS ? transistors
					       : depth;
	key[1] = goal == AX_GOAL_AREA ? transistors : area;
	key[2] = goal == AX_GOAL_DEPTH ? transistors : depth;
}

bool
ax_goal_better(const double a[3], const double b[3])
{
	for (int i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}
