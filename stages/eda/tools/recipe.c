/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/tools/recipe.h"

#include "stages/eda/tools/measure.h"

/* dch: structural choices; amap and map -a: mapping for area; dc2,
 * resub: rewriting; scorr, &fraig: equal nodes merged. mfs is not used: this
 * ABC dies of it where an input is wired to an output. */

/* ABC's compress2rs written out, since its start-up file is not read. */
#define COMPRESS                                                               \
	"balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; "          \
	"refactor -l; resub -K 8 -l; balance -l; resub -K 8 -N 2 -l; "         \
	"rewrite -l; resub -K 10 -l; rewrite -z -l; resub -K 10 -N 2 -l; "     \
	"balance -l; resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; "    \
	"rewrite -z -l; balance -l"

static const char *const small[] = {
	"strash; dch; amap -m; topo",
	"strash; amap; topo",
	"strash; dc2; dc2; dc2; dch; amap; topo",
	"&get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; amap; topo",
	"strash; " COMPRESS "; dch; amap; topo",
	"strash; ifraig; scorr; " COMPRESS "; " COMPRESS "; dch -f; amap -m; "
	"topo",
	"strash; dch; map -a; topo",
	"&get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; map -a; topo",
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

	key[0] = goal == AX_GOAL_AREA          ? area
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
