#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples for CI: their steps, run here, leave what they promise.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
mkdir "$T/path" && ln -s "$AXPIPE" "$T/path/axpipe"
PATH=$T/path:$PATH
MANIFEST=manifest.json GITHUB_STEP_SUMMARY=$T/summary.md
export MANIFEST GITHUB_STEP_SUMMARY
manifest() {
	cat >manifest.json <<-EOF2
	{"axpipe": 1, "name": "c", "stages": {"n": {"stage": "measure"}}, "claims": [{"value": "n.w", "equals": $1}]}
	EOF2
}
# steps FILE KEY: the shell of the steps that call axpipe, one script
github() {
	python3 -c 'import re, sys
lines = open(sys.argv[1]).read().split("\n")
i = 0
while i < len(lines):
    m = re.match(r"( *)run: (.*)", lines[i]); i += 1
    if not m: continue
    if m[2] == "|":
        body = []
        while lines[i].startswith(m[1] + "  "): body.append(lines[i].strip()); i += 1
    else: body = [m[2]]
    if any(b.startswith("axpipe ") for b in body): print("(\nset -e\n" + "\n".join(body) + "\n)")' "$AXPIPE_SRC/docs/ci/github-actions.yml"
}
gitlab() { sed -n 's/^    - \(axpipe .*\)/\1/p' "$AXPIPE_SRC/docs/ci/gitlab-ci.yml"; }

github >gh.sh
gitlab >gl.sh
is "GitHub's example calls axpipe" "$(grep -c axpipe gh.sh)" 3
is "GitLab's too" "$(grep -c axpipe gl.sh)" 3
if python3 -c 'import yaml' 2>/dev/null; then
	for f in github-actions gitlab-ci; do
		ok "$f.yml is YAML" python3 -c 'import sys, yaml; assert yaml.safe_load(open(sys.argv[1]))' "$AXPIPE_SRC/docs/ci/$f.yml"
	done
else
	skip "the examples are YAML" "python3-yaml is not installed"
fi
if python3 -c 'import yaml' 2>/dev/null; then
	ok "the store of a run that fails is kept, and its claims are shown" python3 -c 'import sys, yaml
steps = yaml.safe_load(open(sys.argv[1]))["jobs"]["claims"]["steps"]
save = [s for s in steps if s.get("uses", "").startswith("actions/cache/save")]
assert len(save) == 1 and save[0]["if"] == "always()" and save[0]["with"]["path"] == ".axpipe"
assert [s for s in steps if s.get("uses", "").startswith("actions/cache/restore")][0]["with"]["key"] == save[0]["with"]["key"]
assert "failure()" in [s for s in steps if "axpipe check" in s.get("run", "")][0]["if"]
assert yaml.safe_load(open(sys.argv[2]))["claims"]["cache"]["when"] == "always"' "$AXPIPE_SRC/docs/ci/github-actions.yml" "$AXPIPE_SRC/docs/ci/gitlab-ci.yml"
else
	skip "the store of a run that fails is kept" "python3-yaml is not installed"
fi
manifest 5
code "GitHub: claims that hold" 0 sh -e gh.sh
like "a summary" "$T/summary.md" '^\|.*n\.w.*\|.*holds'
like "and a JUnit file are left" claims.xml '<testsuite.*failures="0"'
ok "and a report" test -s report.html
rm -f claims.xml report.html
code "GitLab: claims that hold" 0 sh -e gl.sh
like "leave JUnit" claims.xml '<testsuite.*failures="0"'
like "and Markdown" claims.md 'n\.w'
manifest 6
code "GitHub: a claim that fails" 4 sh -e gh.sh
like "is in the summary" "$T/summary.md" '^\|.*n\.w.*\|.*fails'
code "GitLab: a claim that fails" 4 sh -e gl.sh
like "is in the JUnit file" claims.xml '<testsuite.*failures="1"'
done_testing
