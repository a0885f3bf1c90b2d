#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Claims, figures and the report: every form, and what wants to break them.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"

# claims: "JSON members|verdict", in order; verdicts are in column 2
claims='"value": "n.w", "equals": "${w}", "text": "point ${w}", "note": "at ${w}"|holds holds holds
"value": "n.w", "equals": {"$by": "w", "1": 1, "*": "${w}"}, "tolerance": "1 %"|holds holds holds
"value": "n.w", "at_most": {"$by": "w", "1": 0, "2": 2, "3": 4}|fails holds holds
"value": "one.w", "equals": 5.04, "tolerance": "1 %"|holds
"value": "one.w", "equals": 5.06, "tolerance": "1%"|fails
"value": "one.w", "equals": 5.04, "tolerance": 0.05|holds
"value": "one.near", "equals": 2|fails
"value": "one.near", "equals": 2.0|holds
"value": "one.exact", "equals": 9007199254740992|fails
"value": "one.exact", "equals": 9007199254740993|holds
"value": "one.w", "between": [4, 6]|holds
"value": "one.w", "between": [5.5, 6]|fails
"value": "one.yes", "equals": 1|holds
"value": "one.words", "equals": "<script>alert(2)</script>\u0007\u001b[31m \"q\" | é"|holds
"value": "one.words", "equals": 3|fails
"value": "one.w", "equals": "5"|fails
"value": "one.none", "at_least": 0|missing
"value": "one.list", "at_least": 0|missing
"value": "one.list.1", "equals": 2|holds
"value": "one.in.side", "equals": 1|holds
"value": "one.absent", "equals": 1|missing
"value": "1 / one.zero", "at_least": 0|missing
"value": "one.big * one.big", "at_least": 0|missing
"value": "gone.w", "equals": 1|missing'
list=$(echo "$claims" | sed 's/|[a-z ]*$//; s/.*/{&},/' | sed '$s/,$//')
want=$(echo "$claims" | sed 's/.*|//' | tr '\n' ' ')
cat >h.json <<EOF
{"axpipe": 1, "name": "h", "description": "<script>alert(0)</script> \u0001",
 "stages": {"n": {"stage": "measure", "matrix": {"w": [1, 2, 3]}}, "one": {"stage": "measure"},
            "gone": {"stage": "measure", "params": {"w": 9}}},
 "figures": [
  {"name": "quotes", "title": "<script>\`touch pwned\`'\"\n", "xlabel": "a'; system('touch pwned'); '", "ylabel": "\`touch pwned\`\n",
   "series": [{"label": "'\`touch pwned\`\" @x \$0 \\\\ <b>", "x": "coord(w)", "y": "n.w"}]},
  {"name": "one-point", "series": [{"x": "one.w", "y": "one.w"}]},
  {"name": "no-point", "series": [{"x": "one.none", "y": "one.none"}]},
  {"name": "same-x", "series": [{"x": [1, 1, 1], "y": [3, 4, 5]}]},
  {"name": "log-none", "logx": true, "logy": true, "series": [{"x": [-1, 0], "y": [-1, 0]}]},
  {"name": "log-some", "logx": true, "logy": true, "xrange": [-1, 20], "series": [{"x": [-1, 0, 1, 10], "y": [-1, 0, 5, 7]}]},
  {"name": "nan", "series": [{"csv": "one.table", "x": "step", "y": "bad"}]},
  {"name": "no-column", "series": [{"csv": "one.table", "x": "step", "y": "absent"}]},
  {"name": "many", "series": [{"csv": "one.table", "x": "step", "y": "square"}]},
  {"name": "huge", "series": [{"x": [1e308, -1e308, 1e-308], "y": [1e308, 1e300, 1e-308]}]},
  {"name": "words", "series": [{"label": "A", "style": "bars", "x": ["<a>", "b\"\`c\`"], "y": [1, 2]},
                               {"label": "B", "style": "bars", "x": ["b\"\`c\`", "<a>"], "y": [2, 3]}]}],
 "claims": [
$list]}
EOF
"$AXPIPE" run h.json 'n[w=*]' one -q
code "claims that do not hold" 4 "$AXPIPE" check h.json --json
is "each has its verdict" "$(sed -n 's/.*"verdict": "\([a-z]*\)".*/\1/p' "$T/out" | tr '\n' ' ')" "$want"
like "coordinates are filled in" "$T/out" '"text": "point 2"'
like "in notes, too" "$T/out" '"note": "at 3"'
ok "the JSON is JSON" python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$T/out"
code "the table" 4 "$AXPIPE" check h.json
like "has text and note beside the verdict" "$T/out" 'holds  [(]point 2; at 2[)]'
code "JUnit" 4 "$AXPIPE" check h.json --junit
ok "is XML" python3 -c 'import sys,xml.dom.minidom as x; x.parse(sys.argv[1])' "$T/out"
code "TAP" 4 "$AXPIPE" check h.json --tap
is "has a line for each" "$(grep -cE '^(not )?ok [0-9]+ - ' "$T/out")" "$(echo "$want" | wc -w)"
code "the table" 4 "$AXPIPE" check h.json
is "lets no control character through" "$(tr -d '\n' <"$T/out" | LC_ALL=C grep -c '[[:cntrl:]]')" 0
code "Markdown" 4 "$AXPIPE" check h.json --markdown
like "escapes the bar" "$T/out" '\\\|'
is "and lets no tag through" "$(grep -cE '(^|[^\\])<[a-zA-Z/!?]' "$T/out") $(grep -c '\\<' "$T/out" | sed 's/[1-9].*/some/')" "0 some"
code "missing values name the cause" 4 "$AXPIPE" check h.json
like "a node that did not run" "$T/out" 'gone\.w +1 +gone did not run +missing'

# the page
code "the report is written into a folder that is made" 0 env TMPDIR="$T" "$AXPIPE" report h.json -o deep/er/h.html
page=deep/er/h.html
ok "nothing hostile is in it, and no control character" python3 -c '
import re, sys
t = open(sys.argv[1], encoding="utf-8").read()
assert t.count("<script") == 1 and not re.search("x <b>|<a>", t), "markup"
assert not [c for c in t if ord(c) < 32 and c not in "\t\n"], "control"
figs = re.findall(r"<figure.*?</figure>", t, re.S)
assert len(figs) == 11 and not [f for f in figs if "class=\"bad\"" in f], "a figure failed"
assert sum("<svg" in f for f in figs) == 7, "drawn"
assert ">Figure</th>" not in t, "a column without use"
' "$page"
ok "no label was taken for a command" test ! -e pwned
is "nothing is left in TMPDIR" "$(ls "$T" | grep axpipe-)" ""
like "the label is there as it was written" deep/er/quotes.svg "'\`touch pwned\`\" @x [$]0 .+ &lt;b>"
like "points without a place on a logarithmic axis are told" "$page" '2 of 4 points are not above 0'
like "what is no number, too" "$page" '10000 points are not finite numbers'
like "and a missing column" "$page" 'absent: no such column'
is "a word has one place in every series" "$(cut -d, -f1,2 deep/er/words.csv | sort | uniq | wc -l)" 5
mkdir bin
for p in sh sed awk cat; do ln -s "$(command -v $p)" bin/$p; done
code "without gnuplot and dot" 0 env PATH="$T/w/bin" "$AXPIPE" report h.json -o none.html
like "the report says so of gnuplot" none.html 'gnuplot: no such program; install it'
like "and of dot" none.html 'dot: no such program; install it'
echo x >a.txt
code "a report where a file is in the way" 3 "$AXPIPE" report h.json -o a.txt/x/h.html

# what a manifest cannot ask for
refuse() {
	printf '{"axpipe": 1, "name": "x", "stages": {"n": {"stage": "measure", "matrix": {"w": [1, 2]}}},\n %s}\n' "$2" >x.json
	code "$1" 2 "$AXPIPE" plan x.json
	like "is named with its place" "$T/err" "^x.json:2:[0-9]+: .*$3"
}
refuse "a list against an expression" '"figures": [{"name": "f", "series": [{"x": [1, 2], "y": "n.w"}]}]' 'both lists'
refuse "an expression against a list" '"figures": [{"name": "f", "series": [{"x": "n.w", "y": [1, 2]}]}]' 'both lists|both expressions'
refuse "a range upside down" '"claims": [{"value": "n.w", "between": [2, 1]}]' 'low first'
refuse "a boolean bound" '"claims": [{"value": "n.w", "equals": true}]' 'true counts as 1'
refuse "a negative tolerance" '"claims": [{"value": "n.w", "equals": 1, "tolerance": -1}]' 'tolerance'
refuse "a point without its number" '"claims": [{"value": "n.w", "equals": {"$by": "w", "1": 1}}]' '2'
done_testing
