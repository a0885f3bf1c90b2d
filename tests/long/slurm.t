#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a real Slurm does that takes its time: a requeue, a limit of its own, a
# job that it has forgotten, the environment of --export=NONE.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/lib/slurm.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
if ! slurm_here; then
	skip "the Slurm executor" "$slurm_lacks is not installed (apt-get install slurmctld slurmd slurm-client)"
	done_testing
fi
if ! slurm_start; then
	skip "the Slurm executor" "a Slurm of one node does not start here: $(tail -n 1 "$S/log/ctld.log" 2>/dev/null)"
	done_testing
fi
slurm_watch
echo one >a.txt
cat >slow.json <<EOF
{"axpipe": 1, "name": "slow", "vars": {"steps": 20}, "inputs": {"a": {"file": "a.txt"}},
 "stages": {"n": {"stage": "slow", "in": {"text": "a"}, "params": {"steps": "\${steps}", "trace": "$T/trace"}, "resources": {"timeout": 300}}}}
EOF

code "with the environment that --export=NONE gives" 0 "$AXPIPE" run slow.json --set steps=2 --executor slurm
cat >env.json <<'EOF'
{"axpipe": 1, "name": "env", "stages": {"n": {"stage": "envs", "params": {}}}}
EOF
mkdir "$T/stages/envs"
echo '{"name": "envs", "version": 1, "summary": "Its environment.", "outputs": {"text": {"type": "text", "file": "text.txt"}}}' >"$T/stages/envs/stage.json"
printf '#!/bin/sh\nenv | sed "s/=.*//" | sort >out/text.txt\n' >"$T/stages/envs/run"
chmod +x "$T/stages/envs/run"
SECRET=1 slurm env.json -q
theirs=$(show env n text)
rm -rf "$AXPIPE_STORE/ac"
mkdir "$AXPIPE_STORE/ac"
"$AXPIPE" run env.json -q
is "a stage finds the environment of a local run, whatever Slurm exports" "$theirs" "$(show env n text)"

: >"$T/sbatch.log"
# requeue: only where the user or the site wants it
: >"$T/trace"
slurm slow.json --set steps=40 --slurm-arg=--requeue >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 3"
id=$(squeue -h --me -o %A | head -n 1)
scontrol requeue "$id"
sleep 3
scontrol update "jobid=$id" StartTime=now
rc=0
wait $pid || rc=$?
is "a requeued job is waited for" "$rc $(tail -n 1 out | cut -d, -f1)" "0 1 executed"
is "not sent twice" "$(grep -c . "$T/sbatch.log")" 1
like "said" out "job $id was requeued by Slurm"

# Slurm's own limit: below the node's
: >"$T/trace"
: >"$T/sbatch.log"
sed 's/"timeout": 300/"timeout": 300, "grow": 2, "retries": 1/' slow.json >limit.json
slurm limit.json --set steps=2000 --slurm-arg=--time=1 >out 2>&1 && rc=0 || rc=$?
like "a limit of Slurm: once more where the manifest allows it" out 'n: job [0-9]+ ended by Slurm: TIMEOUT; once more with 2 times the time and memory'
is "and then it fails" "$rc $(grep -c . "$T/sbatch.log")" "1 2"
like "as what it was" out 'n FAILED: job [0-9]+ ended by Slurm: TIMEOUT'

# a job that dies without a word, and one that somebody cancels
: >"$T/trace"
slurm slow.json --set steps=16 >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 2"
kill -9 "$(pgrep -f "axpipe job $S" | head -n 1)"
wait $pid
like "a job that is killed with all it has" out 'n: job [0-9]+ (ended as [A-Z_]+ and|is lost: not in the queue, and it) left no exit.json.*; try 2 of 3$'
is "is tried again" "$(tail -n 1 out | cut -d, -f1)" "1 executed"
is "from its checkpoint" "$(grep -c 'step 1$' "$T/trace")" 1

: >"$T/trace"
slurm slow.json --set steps=44 >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 2"
scancel --me
rc=0; wait $pid || rc=$?
is "a job that somebody cancels: exit code 3" "$rc" 3
like "is said" out 'n FAILED: job [0-9]+ was cancelled in Slurm, not by this run'

# a second interrupt leaves at once, whatever Slurm does; the next run finds what is there
: >"$T/trace"
: >"$T/sbatch.log"
slurm_idle
printf '#!/bin/sh\necho $$ >"%s/scancel.pid"\nexec sleep 60\n' "$T" >"$T/bin/scancel"
chmod +x "$T/bin/scancel"
"$AXPIPE" run slow.json --set steps=37 --executor slurm --slurm-arg=--export=ALL >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 2"
kill -TERM $pid
slurm_wait out "stopping"
began=$(date +%s)
kill -TERM $pid
rc=0; wait $pid || rc=$?
is "a second interrupt: exit code 130" "$rc" 130
is "at once, though scancel hangs" "$([ $(($(date +%s) - began)) -le 5 ] && echo yes)" yes
kill "$(cat "$T/scancel.pid")" 2>/dev/null
rm "$T/bin/scancel"
code "the next run" 0 slurm slow.json --set steps=37
is "succeeds with one submission, each step done once" "$(summary | cut -d, -f1) $(grep -c . "$T/sbatch.log") $(sort "$T/trace" | uniq -d)" "1 executed 1 "

# killed, and the job ended before anybody looked
: >"$T/trace"
: >"$T/sbatch.log"
slurm_idle
"$AXPIPE" run slow.json --set steps=12 --executor slurm --slurm-arg=--export=ALL >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 1"
kill -9 $pid
wait $pid 2>/dev/null
slurm_wait "$T/trace" "step 12"
for _ in $(seq 50); do
	[ -n "$(squeue -h --me -t RUNNING,COMPLETING)" ] || break
	sleep 0.1
done
code "a job that ended while nobody looked" 0 slurm slow.json --set steps=12
is "is taken as it is" "$(summary)" "1 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"
is "it was submitted once, and did each step once" "$(grep -c . "$T/sbatch.log") $(sort "$T/trace" | uniq -d)" "1 "
# killed, ended, and forgotten by Slurm
: >"$T/trace"
: >"$T/sbatch.log"
"$AXPIPE" run slow.json --set steps=15 --executor slurm --slurm-arg=--export=ALL >out 2>&1 & pid=$!
slurm_wait "$T/trace" "step 1"
kill -9 $pid
wait $pid 2>/dev/null
for _ in $(seq 200); do
	[ -n "$(squeue -h -t all --me)" ] || break
	sleep 0.5
done
is "Slurm has forgotten the job" "$(squeue -h -t all --me | wc -l)" 0
code "the next run has not" 0 slurm slow.json --set steps=15
is "and sends nothing" "$(summary) $(grep -c . "$T/sbatch.log")" "1 executed, 0 cached, 0 substituted, 0 failed, 0 skipped 1"
code "the store is whole" 0 "$AXPIPE" fsck
slurm_stop
done_testing
