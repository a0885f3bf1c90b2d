# SPDX-License-Identifier: Apache-2.0
# A Slurm of one node for the tests, after tap.sh: no munge, no root, no cgroup,
# no accounting. slurm_here says whether it can be; slurm_start, slurm_stop.
S=$T/slurm
slurm_pids=

slurm_here() {
	for p in sbatch squeue scancel scontrol sinfo; do
		command -v $p >/dev/null 2>&1 || { slurm_lacks=$p; return 1; }
	done
	for p in slurmctld slurmd; do
		PATH=$PATH:/usr/sbin:/sbin command -v $p >/dev/null 2>&1 || { slurm_lacks=$p; return 1; }
	done
}
slurm_port() { perl -MIO::Socket::INET -e '@s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die } 1, 2; print join(" ", map { $_->sockport } @s)'; }
slurm_conf() {
	h=$(hostname -s) me=$(id -un) cpus=$(nproc)
	# more CPUs than there are make the node invalid, unless the file overrides
	# shellcheck disable=SC2046
	set -- $(slurm_port)
	cat >"$S/slurm.conf" <<-EOC
	ClusterName=axtest
	SlurmctldHost=$h(127.0.0.1)
	SlurmUser=$me
	SlurmdUser=$me
	AuthType=auth/none
	CredType=cred/none
	SlurmctldPort=$1
	SlurmdPort=$2
	SlurmctldPidFile=$S/slurmctld.pid
	SlurmdPidFile=$S/slurmd.pid
	StateSaveLocation=$S/ctld
	SlurmdSpoolDir=$S/slurmd
	SlurmctldLogFile=$S/log/ctld.log
	SlurmdLogFile=$S/log/slurmd.log
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	SwitchType=switch/none
	MpiDefault=none
	JobAcctGatherType=jobacct_gather/none
	AccountingStorageType=accounting_storage/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core
	SchedulerType=sched/backfill
	SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
	ReturnToService=2
	MinJobAge=${slurm_age:-2}
	MaxArraySize=${slurm_array:-4}
	KillWait=2
	InactiveLimit=0
	PropagateResourceLimits=NONE
	NodeName=$h NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=2000 State=UNKNOWN
	PartitionName=t Nodes=$h Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
	SlurmdParameters=config_overrides
	EOC
	SLURM_CONF=$S/slurm.conf
	export SLURM_CONF
}
slurm_ctld() {
	PATH=$PATH:/usr/sbin:/sbin slurmctld ${1-} -D >"$S/log/ctld.out" 2>&1 &
	slurm_ctld_pid=$!
}
slurm_idle() {
	for _ in $(seq 100); do
		case $(timeout 5 sinfo -h -o %t 2>/dev/null) in idle* | mix* | alloc*) return 0 ;; esac
		sleep 0.2
	done
	return 1
}
slurm_start() {
	mkdir -p "$S/ctld" "$S/slurmd" "$S/log"
	slurm_conf
	slurm_ctld -c
	PATH=$PATH:/usr/sbin:/sbin slurmd -D -N "$h" >"$S/log/slurmd.out" 2>&1 &
	slurm_pids=$!
	trap 'slurm_stop; chmod -R u+w "$T" 2>/dev/null; rm -rf "$T"' EXIT
	slurm_idle
}
slurm_stop() {
	[ -z "$slurm_pids" ] || scancel --me >/dev/null 2>&1
	for p in $slurm_pids ${slurm_ctld_pid-}; do kill "$p" 2>/dev/null; done
	for p in $slurm_pids ${slurm_ctld_pid-}; do wait "$p" 2>/dev/null; done
	slurm_pids='' slurm_ctld_pid=''
}
# Every sbatch leaves a line in $T/sbatch.log; polls come quickly.
slurm_watch() {
	mkdir -p "$T/bin"
	printf '#!/bin/sh\necho "$@" >>"%s/sbatch.log"\nexec %s "$@"\n' "$T" "$(command -v sbatch)" >"$T/bin/sbatch"
	chmod +x "$T/bin/sbatch"
	PATH=$T/bin:$PATH
	AXPIPE_SLURM_POLL=1 AXPIPE_SLURM_LAG=3
	export PATH AXPIPE_SLURM_POLL AXPIPE_SLURM_LAG
}
# A run through Slurm. The login shell that --export=NONE starts for each job
# may take seconds; the job sets its own environment in any case.
slurm() { "$AXPIPE" run "$@" --executor slurm --slurm-arg=--export=ALL; }
# As wait_for, for a machine that has other things to do: a minute.
slurm_wait() {
	for _ in 1 2 3 4 5 6; do wait_for "$@" && return 0; done
	fail "$1 never had: ${2-anything}"
}
