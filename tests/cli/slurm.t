#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Slurm executor, on a Slurm of one node that this test starts and stops.
# What takes longer is in tests/long/slurm.t.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/lib/slurm.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest

# without Slurm: said, never passed over
mkdir "$T/nobin"
for p in sh ls; do ln -s "$(command -v $p)" "$T/nobin/$p"; done
old=$PATH
PATH=$T/nobin
rc=0
"$AXPIPE" run m.json --executor slurm >"$T/out" 2>"$T/err" || rc=$?
PATH=$old
is "no Slurm on PATH" "$rc" 3
like "is said, with the package" "$T/err" 'needs sbatch on PATH \(Debian package slurm-client\)'
code "an unknown executor" 2 "$AXPIPE" run m.json --executor flurm
code "arguments for no Slurm" 2 "$AXPIPE" run m.json --slurm-arg=--x

if ! slurm_here; then
	skip "the Slurm executor" "$slurm_lacks is not installed (apt-get install slurmctld slurmd slurm-client)"
	done_testing
fi
if ! slurm_start; then
	skip "the Slurm executor" "a Slurm of one node does not start here: $(tail -n 1 "$S/log/ctld.log" 2>/dev/null)"
	done_testing
fi
slurm_watch

# success: the same bytes as here
code "a chain with a sweep" 0 slurm m.json
is "all of it ran" "$(summary)" "5 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"
AXPIPE_STORE=$T/local "$AXPIPE" run m.json -q
(cd "$T/local/cas" && find . -type f | sort) >here
(cd "$AXPIPE_STORE/cas" && find . -type f | sort) >there
ok "the bytes are those of a local run" cmp here there
is "nothing is left of the submissions" "$(find "$AXPIPE_STORE/slurm" "$AXPIPE_STORE/work" -mindepth 1)" ""
is "no more arrays than needed" "$(grep -c . "$T/sbatch.log")" 4
like "asked for: no requeue, no environment, cpu, memory, time" "$T/sbatch.log" '--no-requeue --export=NONE .*--cpus-per-task=1 .*--mem=16M --time=2 '
like "under a name that leads back" "$T/sbatch.log" '--job-name=axp-[0-9TZ]*-[0-9a-f]{6}-[0-9a-f]{12} '
is "and never a dependency" "$(grep -c -e ' -d \|--dependency' "$T/sbatch.log")" 0
code "once more" 0 slurm m.json
is "runs nothing" "$(summary)" "0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"

# arrays: MaxArraySize is 4 here
: >"$T/sbatch.log"
cat >wide.json <<'EOF'
{"axpipe": 1, "name": "wide", "inputs": {"a": {"file": "a.txt"}},
 "stages": {"p": {"stage": "copy", "in": {"text": "a"}, "matrix": {"suffix": ["1", "2", "3", "4", "5", "6"]}, "params": {"number": 3}},
  "big": {"stage": "copy", "in": {"text": "a"}, "params": {"suffix": "big"}, "resources": {"memory": "100 MiB", "timeout": 700}}}}
EOF
code "a sweep wider than an array may be" 0 slurm wide.json
is "is split at the site's limit, by kind of request" "$(sed -E 's/.*(--mem=[0-9]*M) (--time=[0-9]*)( --array=[0-9-]*)?.*/\1 \2\3/' "$T/sbatch.log" | sort | tr '\n' ';')" "--mem=100M --time=13;--mem=16M --time=2 --array=0-1;--mem=16M --time=2 --array=0-3;"

# what stages do wrong
cat >bad.json <<'EOF'
{"axpipe": 1, "name": "bad", "inputs": {"a": {"file": "a.txt"}},
 "stages": {"bad": {"stage": "crash", "in": {"text": "a"}, "matrix": {"how": ["exit", "signal", "nothing"]}},
  "below": {"stage": "copy", "in": {"text": "bad[how=exit].text"}},
  "late": {"stage": "crash", "in": {"text": "a"}, "params": {"how": "hang"}, "resources": {"timeout": 0.5, "grow": 2, "retries": 1}}}}
EOF
: >"$T/sbatch.log"
code "failures of every kind" 1 slurm bad.json -k
like "exit code" "$T/out" '\] bad\[how=exit\] FAILED: exit code 7$'
like "with the end of the log" "$T/out" '^    line 30$'
like "signal" "$T/out" '\] bad\[how=signal\] FAILED: signal 11 \(Segmentation fault\)'
like "no output" "$T/out" '\] bad\[how=nothing\] FAILED: output text \(out/text.txt\) was not written'
like "timeout: with more where the manifest allows it" "$T/out" 'late: still running after its timeout of 0.5 s; ended; once more with 2 times the time and memory'
like "and then no more" "$T/out" '\] late FAILED: still running after its timeout of 1 s; ended'
is "failures of the program are not repeated" "$(grep -c . "$T/sbatch.log")" 3
is "only descendants are skipped" "$(summary)" "0 executed, 0 cached, 0 substituted, 4 failed, 1 skipped"

cat >slow.json <<EOF
{"axpipe": 1, "name": "slow", "vars": {"steps": 20}, "inputs": {"a": {"file": "a.txt"}},
 "stages": {"n": {"stage": "slow", "in": {"text": "a"}, "params": {"steps": "\${steps}", "trace": "$T/trace"}}}}
EOF

# an interrupt (SIGTERM here: a job in the background of sh has no SIGINT)
: >"$T/trace"
"$AXPIPE" run slow.json --set steps=41 --executor slurm --slurm-arg=--export=ALL >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 2"
kill -TERM $pid
rc=0; wait $pid || rc=$?
is "an interrupt: exit code 130" "$rc" 130
is "the job is gone" "$(squeue -h --me -t RUNNING,PENDING | wc -l)" 0
n=$(grep -c . "$T/trace")
sleep 0.5
is "and does nothing more" "$(grep -c . "$T/trace")" "$n"

# the run is killed with -9, and slurmctld is away for a while
: >"$T/trace"
: >"$T/sbatch.log"
"$AXPIPE" run slow.json --set steps=35 --executor slurm --slurm-arg=--export=ALL >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 3"
kill -9 $pid
wait $pid 2>/dev/null
code "the job keeps gc out" 3 "$AXPIPE" gc --age 0
slurm slow.json --set steps=35 >out 2>&1 & pid=$!
slurm_wait out "taken over"
kill "$slurm_ctld_pid"
wait "$slurm_ctld_pid" 2>/dev/null
sleep 1
slurm_ctld
wait $pid
is "a run killed with -9: the next one succeeds" "$(tail -n 1 out | cut -d, -f1)" "1 executed"
like "it takes the job over" out 'n: job [0-9]+ of an earlier run is RUNNING: taken over$'
is "which was submitted once" "$(grep -c . "$T/sbatch.log")" 1
is "and did each step once" "$(sort "$T/trace" | uniq -d)" ""

code "the store is whole" 0 "$AXPIPE" fsck
slurm_stop
is "Slurm is stopped" "$(pgrep -fc "slurmstepd.*$S|$S/slurmd")" 0
done_testing
