#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The HTML page: what it says, that it needs nothing else, how a browser shows
# it in light, in dark and on paper, and that a keyboard is enough.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
cat >m.json <<'EOF'
{"axpipe": 1, "name": "t", "description": "A page & more.",
 "inputs": {"a": {"file": "a.txt"}},
 "stages": {
  "first": {"stage": "copy", "in": {"text": "a"}},
  "second": {"stage": "copy", "in": {"text": "first.text"}, "matrix": {"suffix": ["x", "y", "longer"]}},
  "last": {"stage": "copy", "in": {"text": "first.text"}, "params": {"suffix": "end", "number": 2}}},
 "claims": [{"value": "first.bytes", "equals": 8}, {"value": "last.bytes", "equals": 9, "figure": "Fig. 2"}],
 "figures": [{"name": "f", "title": "Bytes", "series": [{"x": [1, 2, 3], "y": [3, 1, 2], "label": "y"}]}]}
EOF
code "a run with a page" 0 "$AXPIPE" run m.json --report=page.html
like "why each node ran" page.html '<td class="name">second\[suffix=x\]</td><td>copy</td><td><span class="state good">done</span></td><td class="why">new: it never ran<'
sed -i 's/"number": 2/"number": 3/' m.json
"$AXPIPE" run m.json -q
code "a page afterwards" 0 "$AXPIPE" report m.json -o page.html
like "still knows it, by the record" page.html '<td class="why">new: it never ran<br><small>in run [0-9TZ]*-'
like "and what had changed" page.html '<td class="why">changed since run [^:]*: param.number 2 -&gt; 3<br>'
like "the input's hash" page.html "<td class=\"hex\">$(sha256sum a.txt | cut -d' ' -f1)</td>"
like "the commit of the run" page.html "$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse t)"
like "the states of an entry, in the graph" page.html '>3 cached<'
like "a box leads to its rows" page.html 'href="#graph-at-second"'
ok "it is below 2 MB" test "$(wc -c <page.html)" -lt 2000000
rm -r "$AXPIPE_STORE/ac" && mkdir "$AXPIPE_STORE/ac"
code "a page of what has to run" 0 "$AXPIPE" report m.json -o lost.html
like "says so, and why" lost.html '<span class="state open">dirty</span></td><td class="why">evicted'

# what any reader of HTML needs, and who uses no mouse
cat >look.py <<'EOF'
import base64, hashlib, html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
void = {"meta", "link", "br"}
class P(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack, self.ids, self.links, self.focus, self.tables, self.th = [], [], [], [], 0, 0
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        assert not [k for k in a if k.startswith("on")], (tag, a)
        if "id" in a: self.ids.append(a["id"])
        for k in ("href", "src", "xlink:href"):
            if k in a: self.links.append(a[k])
        if tag == "a" and "href" in a or a.get("tabindex") == "0" or tag == "summary": self.focus.append((tag, a))
        if tag == "table":
            self.tables += 1
            assert a.get("class") == "sort"
            t, up = self.stack[-1]
            assert up.get("role") == "region" and up.get("tabindex") == "0" and up.get("aria-label"), up
        if tag == "th":
            self.th += 1
            assert a.get("scope") == "col", a
        if tag not in void: self.stack.append((tag, a))
    def handle_startendtag(self, tag, attrs):
        a = dict(attrs)
        if "id" in a: self.ids.append(a["id"])
    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1][0] == tag, (tag, self.stack[-3:], self.getpos())
        self.stack.pop()
p = P()
p.feed(text)
p.close()
assert not p.stack, p.stack
assert len(p.ids) == len(set(p.ids)), "an id twice"
for l in p.links:
    assert l == "data:," or l[0] == "#" and l[1:] in p.ids, "leads nowhere, or outside: " + l
assert p.focus[0][1].get("href") == "#main" and "skip" in p.focus[0][1]["class"], "the first stop skips to the content"
for s in "claims", "figures", "graph", "nodes", "timeline", "metrics", "provenance":
    assert f'<section id="{s}"><h2>' in text and f'href="#{s}"' in text, s
script = re.findall(r"<script>(.*?)</script>", text, re.S)
assert len(script) == 1 and len(script[0]) < 4000
h = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
assert f"script-src 'sha256-{h}'" in text, "the policy lets only this script run"
assert "@media print" in text and "prefers-color-scheme:dark" in text and ":focus-visible" in text
assert p.tables >= 6 and p.th > 20
EOF
ok "the page is well formed, whole, and reachable by keyboard" python3 look.py page.html

# a browser
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ]; then
	skip "screenshots in light, dark and on paper" "chromium is not installed (apt-get install chromium)"
	done_testing
fi
# browser ARGUMENT...: without network, without a profile
browser() {
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$T/chromium" --enable-logging=stderr "$@" 2>"$T/console"
}
browser --dump-dom "file://$T/w/page.html" >dom
ok "a browser opens it" grep -q '<h1>t</h1>' dom
is "without a message on the console" "$(grep CONSOLE "$T/console")" ""
like "the heads of its tables are buttons there" dom '<th scope="col"><button type="button">Node</button></th>'
# corner FILE: the colour of a picture's first pixel, and whether there is more
cat >corner.py <<'EOF'
import struct, sys, zlib
b = open(sys.argv[1], "rb").read()
assert b[:8] == b"\x89PNG\r\n\x1a\n"
data, at = b"", 8
while at < len(b):
    n, name = struct.unpack(">I4s", b[at:at + 8])
    if name == b"IDAT": data += b[at + 8:at + 8 + n]
    at += n + 12
raw = zlib.decompress(data)
print(raw[1:4].hex(), "drawn" if len(b) > 10000 else "empty")
EOF
browser --blink-settings=preferredColorScheme=1 --window-size=600,800 --screenshot="$T/w/light.png" "file://$T/w/page.html"
is "in light: its paper" "$(python3 corner.py light.png)" "fbfbfa drawn"
browser --blink-settings=preferredColorScheme=0 --window-size=600,800 --screenshot="$T/w/dark.png" "file://$T/w/page.html"
is "in dark: another" "$(python3 corner.py dark.png)" "14181b drawn"
browser --blink-settings=preferredColorScheme=0 --print-to-pdf="$T/w/page.pdf" --no-pdf-header-footer "file://$T/w/page.html"
is "on paper" "$(head -c 5 page.pdf)" "%PDF-"

# Sorting, as a press of Enter or Space on a focused button does it: a browser makes a click of that. A copy without
# the policy, which presses by itself.
cat >press.py <<'EOF'
import re, sys
t = re.sub("<meta http-equiv=[^>]*>", "", open("page.html", encoding="utf-8").read())
t = t.replace("</body>", """<script>
function look(id, column) {
  var t = document.querySelector('#' + id + ' table'), h = t.tHead.rows[0].cells[column], b = h.firstChild;
  b.focus();
  if (document.activeElement !== b) throw 'no focus';
  b.click();
  return h.getAttribute('aria-sort') + ':' + Array.from(t.tBodies[0].rows).map(function (r) { return r.cells[0].textContent }).join(' ');
}
document.title = [look('nodes', 0), look('nodes', 0), look('nodes', 0), look('claims', 3), document.querySelectorAll('[aria-sort]').length].join('|');
</script></body>""")
open("pressed.html", "w", encoding="utf-8").write(t)
EOF
python3 press.py
browser --dump-dom "file://$T/w/pressed.html" | sed -n 's/.*<title>\([^<]*\)<.*/\1/p' | head -n 1 >title
up='first last second[suffix=longer] second[suffix=x] second[suffix=y]'
is "one press sorts upwards" "$(cut -d'|' -f1 title)" "ascending:$up"
is "two presses downwards" "$(cut -d'|' -f2 title)" "descending:second[suffix=y] second[suffix=x] second[suffix=longer] last first"
is "three as it was" "$(cut -d'|' -f3 title)" "null:first second[suffix=x] second[suffix=y] second[suffix=longer] last"
is "numbers by their value" "$(cut -d"|" -f4 title)" "ascending: Fig. 2"
is "and the table says which column" "$(cut -d'|' -f5 title)" 1
done_testing
