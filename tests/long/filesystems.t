#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The store on file systems that are not what it is used to: one that takes A
# and a for the same name and keeps no modes, a full one, one that may only be
# read. Each is mounted from a file of this test; where that cannot be, SKIP
# with the reason.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
sed 's/"last":/"folder": {"stage": "shapes", "in": {"any": "all.text"}},\n  "nested": {"stage": "shapes", "in": {"any": "folder.tree"}},\n  "last":/' m.json >t.json
mkdir "$T/mnt"
loop=
let_go() {
	cd /
	umount "$T/mnt" 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop" 2>/dev/null
	loop=
	cd "$T/w" || exit 1
}
trap 'let_go; chmod -R u+w "$T" 2>/dev/null; rm -rf "$T"' EXIT
# mount_new KIND MIB: a new file system at $T/mnt, or the reason in $T/why
mount_new() {
	let_go
	rm -f "$T/disk"
	dd if=/dev/zero of="$T/disk" bs=1M count=0 seek="$2" 2>/dev/null
	case $1 in
	casefold) mkfs.ext4 -q -F -O casefold -E encoding=utf8 "$T/disk" && mount -o loop "$T/disk" "$T/mnt" && mkdir "$T/mnt/d" && chattr +F "$T/mnt/d" ;;
	vfat) mkfs.vfat "$T/disk" && mount -o loop "$T/disk" "$T/mnt" ;;
	ntfs) mkfs.ntfs -Q -F -q "$T/disk" && lowntfs-3g -o ignore_case "$T/disk" "$T/mnt" ;;
	exfat) mkfs.exfat "$T/disk" && loop=$(losetup -f --show "$T/disk") && mount.exfat-fuse "$loop" "$T/mnt" ;;
	ext4) mkfs.ext4 -q -F "$T/disk" && mount -o loop "$T/disk" "$T/mnt" ;;
	esac >"$T/why" 2>&1
}
# What the stages made; the modes that a folder's listing holds are those of the file system.
digests() { git --git-dir="$AXPIPE_STORE/runs.git" show t:lock.json | sed -n 's/^"\(first\|second[^"]*\|all\|last\)": .*"outputs": \(.*\)}.*/\1 \2/p'; }
"$AXPIPE" run t.json -q
want=$(digests)

for kind in casefold vfat ntfs exfat; do
	if [ "$(id -u)" != 0 ] || ! mount_new $kind 64; then
		skip "$kind: names fold" "cannot be mounted here: $(tail -n 1 "$T/why" 2>/dev/null | cut -c1-100)"
		continue
	fi
	[ -d "$T/mnt/d" ] || mkdir "$T/mnt/d"
	: >"$T/mnt/d/Name"
	is "$kind: NAME is Name there" "$(ls "$T/mnt/d/NAME" >/dev/null 2>&1 && echo yes)" yes
	rm "$T/mnt/d/Name"
	AXPIPE_STORE=$T/mnt/d/store
	code "$kind: a run" 0 "$AXPIPE" run t.json
	is "$kind: everything ran" "$(summary)" "7 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"
	is "$kind: with the bytes that they have elsewhere" "$(digests)" "$want"
	code "$kind: once more" 0 "$AXPIPE" run t.json
	is "$kind: nothing to do" "$(summary)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped"
	code "$kind: the store is whole" 0 "$AXPIPE" fsck
	sed 's/"name": "t"/"name": "T"/; s/"suffix": "end"/"suffix": "END"/' t.json >upper.json
	code "$kind: a manifest whose name folds to the same" 0 "$AXPIPE" run upper.json
	like "$kind: runs what is its own" "$T/out" '^1 executed, 6 cached'
	"$AXPIPE" run t.json >"$T/out" 2>&1
	is "$kind: and the first one has lost nothing" "$(summary) $(digests)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped $want"
	code "$kind: gc" 0 "$AXPIPE" gc --age 0
	code "$kind: what is left is whole" 0 "$AXPIPE" fsck
done

if [ "$(id -u)" != 0 ] || ! mount_new ext4 16; then
	skip "read-only and full" "cannot be mounted here: $(tail -n 1 "$T/why" 2>/dev/null | cut -c1-100)"
	done_testing
fi
AXPIPE_STORE=$T/mnt/store
"$AXPIPE" run t.json -q
mount -o remount,ro "$T/mnt"
code "read-only: plan" 0 "$AXPIPE" plan t.json
like "read-only: finds all of it" "$T/out" '^0 to run, 0 more that may be cut off, 7 cached'
code "read-only: explain" 0 "$AXPIPE" explain t.json last
code "read-only: report" 0 "$AXPIPE" report t.json -o r.html
code "read-only: fsck" 0 "$AXPIPE" fsck
sed 's/"suffix": "end"/"suffix": "other"/' t.json >o.json
code "read-only: what must run cannot" 3 "$AXPIPE" run o.json
like "read-only: and it is said why" "$T/err" '[Rr]ead-only'
mount -o remount,rw "$T/mnt"
code "then it can" 0 "$AXPIPE" run o.json
dd if=/dev/zero of="$T/mnt/fill" bs=4096 2>/dev/null
sed 's/"suffix": "end"/"suffix": "full"/' t.json >p.json
code "full: exit code 3" 3 "$AXPIPE" run p.json
like "full: says so, and what to do" "$T/err" '[Nn]o space left'
rm "$T/mnt/fill"
code "with space again" 0 "$AXPIPE" run p.json
code "the store is whole" 0 "$AXPIPE" fsck
done_testing
