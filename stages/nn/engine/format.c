/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/format.h"

struct ax_format
ax_format_published(void)
{
	return (struct ax_format){8, 8, true, false, false, false};
}

bool
ax_format_equal(const struct ax_format *a, const struct ax_format *b)
{
	return a->act_bits == b->act_bits && a->weight_bits == b->weight_bits &&
	       a->is_signed == b->is_signed &&
	       a->act_asymmetric == b->act_asymmetric &&
	       a->weight_asymmetric == b->weight_asymmetric &&
	       a->per_channel == b->per_channel;
}

void
ax_format_write(struct ax_str *out, const struct ax_format *f)
{
	json_t *o = json_pack(
		"{s:i, s:i, s:b, s:b, s:b, s:b}", "act_bits", (int)f->act_bits,
		"weight_bits", (int)f->weight_bits, "signed", f->is_signed,
		"act_asymmetric", f->act_asymmetric, "weight_asymmetric",
		f->weight_asymmetric, "per_channel", f->per_channel);

	ax_json_canonical(out, o);
	json_decref(o);
}

int
ax_format_parse(struct ax_format *out, const char *text, struct ax_err *err)
{
	int a = 0, w = 0, sign, az, wz, ch, bad;
	struct ax_json j;

	if (ax_json_parse(&j, "format", text, strlen(text), err) < 0)
		return -1;
	bad = json_unpack(j.root, "{s:i, s:i, s:b, s:b, s:b, s:b !}",
			  "act_bits", &a, "weight_bits", &w, "signed", &sign,
			  "act_asymmetric", &az, "weight_asymmetric", &wz,
			  "per_channel", &ch);
	ax_json_free(&j);
	if (bad || a < 2 || a > 8 || w < 2 || w > 8)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "number format '%.200s': act_bits and "
				  "weight_bits from 2 to 8, and signed, "
				  "act_asymmetric, weight_asymmetric, "
				  "per_channel, true or false, are expected",
				  text);
	*out = (struct ax_format){(unsigned)a, (unsigned)w, sign != 0,
				  az != 0,     wz != 0,     ch != 0};
	return 0;
}
