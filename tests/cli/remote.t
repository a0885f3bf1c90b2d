#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The remote cache: two stores share through a server, and a bad server changes
# speed only.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
. "$AXPIPE_SRC/tests/lib/remote.sh"

base_manifest
cat >m.json <<-'EOF2'
	{"axpipe": 1, "name": "t",
	 "inputs": {"a": {"file": "a.txt"}},
	 "stages": {
	  "first": {"stage": "copy", "in": {"text": "a"}},
	  "second": {"stage": "copy", "in": {"text": "first.text"}, "matrix": {"suffix": ["x", "y"]}},
	  "folder": {"stage": "shapes", "in": {"any": "first.text"}},
	  "nested": {"stage": "shapes", "in": {"any": "folder.tree"}},
	  "all": {"stage": "concat", "in": {"texts": ["second.text", "first.text"]}},
	  "last": {"stage": "copy", "in": {"text": "all.text"}, "params": {"suffix": "end"}}
	 }}
	EOF2
code "the answer without a remote cache" 0 "$AXPIPE" run m.json --store "$T/plain"
lock "$T/plain" >"$T/want"

# --- an honest server
serve none
code "read-only is the default" 0 "$AXPIPE" run m.json --store "$T/ro" --remote "$url"
is "then nothing is given" "$(grep -c PUT "$T/srv/requests")" 0
code "read and write" 0 "$AXPIPE" run m.json --store "$T/a" --remote "$url" --remote-mode rw
like "what was given is counted" "$T/out" '^remote cache: 0 taken, 7 given$'
is "an entry for each node" "$(find "$T/srv/ac" -type f | wc -l | tr -d ' ')" 7
is "objects are given before the entry that names them" "$(
	for e in $(sed -n 's,^PUT /ac/,,p' "$T/srv/requests"); do
		for h in $(grep -o '"hash":"[0-9a-f]*"' "$T/srv/ac/$e" | cut -d'"' -f4); do
			awk -v h="$h" -v e="$e" '$1 == "PUT" && index($2, "/cas/" h) { put = 1 }
				$1 == "HEAD" && index($2, "/cas/" h) { asked = 1 }
				$1 == "PUT" && index($2, "/ac/" e) { if (!put && !asked) print "late " h }' "$T/srv/requests"
		done
	done)" ""
is "every object has the digest of its name" "$(cd "$T/srv/cas" && sha256sum -- * | awk '$1 != $2')" ""
: >"$T/srv/requests"
is "plan looks there too" "$("$AXPIPE" plan m.json --store "$T/p" --remote "$url" | tail -n 2)" "0 to run, 0 more that may be cut off, 7 cached, 0 substituted
7 of the cached come from the remote cache"
is "and stores nothing" "$(records "$T/p")" 0
code "a second store runs nothing" 0 "$AXPIPE" run m.json --store "$T/b" --remote "$url"
is "so it says" "$(summary)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped"
like "and where it came from" "$T/out" '^remote cache: 7 taken, 0 given$'
lock "$T/b" >"$T/got"
ok "with the same results" cmp "$T/want" "$T/got"
is "records are the same bytes" "$(cd "$T/a/ac" && find . -type f ! -name index -exec cmp {} "$T/b/ac/{}" \; 2>&1)" ""
is "the times are those of the first run" "$(git --git-dir="$T/b/runs.git" show t:lock.json)" "$(git --git-dir="$T/a/runs.git" show t:lock.json)"
ok "the store is whole" "$AXPIPE" fsck --store "$T/b"
: >"$T/srv/requests"
code "what is at hand is not asked for" 0 "$AXPIPE" run m.json --store "$T/b" --remote "$url"
is "not one request" "$(wc -l <"$T/srv/requests" | tr -d ' ')" 0
sed 's/"end"/"other"/' m.json >m2.json
"$AXPIPE" plan m2.json --store "$T/c" --remote "$url" >"$T/plan"
code "part of it from there" 0 "$AXPIPE" run m2.json --store "$T/c" --remote "$url" --json
is "run does what plan said" "$(started "$T/out")" "$(sed -n 's/^\([a-z][^ ]*\): .*/\1/p' "$T/plan" | sort | tr '\n' ' ')"
like "events name the origin" "$T/out" '"event":"run-ended".*"remote_taken":6,"remote_given":0'
code "report brings the objects that it shows" 0 "$AXPIPE" report m.json --store "$T/r" --remote "$url"
AXPIPE_REMOTE=$url AXPIPE_REMOTE_MODE=rw "$AXPIPE" run m2.json --store "$T/d" >"$T/out"
like "the environment sets it as well" "$T/out" '^remote cache: 6 taken, 1 given$'
code "not with --offline" 2 "$AXPIPE" run m.json --store "$T/b" --remote "$url" --offline
: >"$T/srv/requests"
code "--offline overrules the environment" 0 env "AXPIPE_REMOTE=$url" "$AXPIPE" run m.json --store "$T/off" --offline
is "then nobody is asked" "$(wc -l <"$T/srv/requests" | tr -d ' ')" 0
stop_servers

# --- as bazel-remote reads it
serve strict
code "an entry is the ActionResult of the Remote Execution API" 0 "$AXPIPE" run m.json --store "$T/s1" --remote "$url" --remote-mode rw
like "a strict server takes all" "$T/out" '^remote cache: 0 taken, 7 given$'
code "and gives it back" 0 "$AXPIPE" run m.json --store "$T/s2" --remote "$url"
like "all of it" "$T/out" '^remote cache: 7 taken'
cp -R "$T/srv" "$T/good"
victim=$T/srv/cas/$(sed -n 's/^"last".*"text": "\([0-9a-f]*\)".*/\1/p' "$T/want")
rm "$victim"
code "an object that was evicted there" 0 "$AXPIPE" run m.json --store "$T/s3" --remote "$url" --remote-mode rw
is "is no reason for a warning" "$(grep -c 'remote cache: http' "$T/out" "$T/err" | cut -d: -f2 | tr '\n' ' ')" "0 0 "
ok "and it is there again afterwards" test -e "$victim"
fault denied
code "without credentials" 0 "$AXPIPE" run m.json --store "$T/u0" --remote "$url"
like "what to do is said" "$T/out" 'HTTP 401.*AXPIPE_REMOTE_USER.*left alone'
is "and it is not asked again" "$(wc -l <"$T/srv/requests" | tr -d ' ')" 1
hostport=${url#http://}
code "with a password in the address" 0 "$AXPIPE" run m.json --store "$T/u1" --remote "http://joe:s3cret%26x@$hostport" --remote-mode rw
like "it lets us in" "$T/out" '^remote cache: 7 taken'
fault error
code "with the password and a failing server" 0 "$AXPIPE" run m.json --store "$T/u2" --remote "http://joe:s3cret%26x@$hostport"
is "it is neither shown nor kept" "$(cat "$T/out" "$T/err" | grep -c s3cret; grep -rl s3cret "$T/u1" "$T/u2"; git --git-dir="$T/u1/runs.git" log -p --all | grep -c s3cret)" "0
0"
fault denied
code "user and password from the environment" 0 env AXPIPE_REMOTE_USER=joe 'AXPIPE_REMOTE_PASSWORD=s3cret&x' "$AXPIPE" run m.json --store "$T/u3" --remote "$url"
like "let us in too" "$T/out" '^remote cache: 7 taken'
mkdir "$T/home"
printf 'machine 127.0.0.1 login joe password s3cret&x\n' >"$T/home/.netrc"
chmod 600 "$T/home/.netrc"
code "and ~/.netrc" 0 env "HOME=$T/home" "$AXPIPE" run m.json --store "$T/u4" --remote "$url"
like "lets us in" "$T/out" '^remote cache: 7 taken'
fault redirect
code "a redirect is followed" 0 "$AXPIPE" run m.json --store "$T/re" --remote "$url"
like "to the end" "$T/out" '^remote cache: 7 taken'

# --- an object that is sent from disk
seq 1 300000 >a-large.txt
printf '{"axpipe": 1, "name": "t", "inputs": {"a": {"file": "a-large.txt"}}, "stages": {"n": {"stage": "copy", "in": {"text": "a"}}}}' >large.json
fault none
code "2 MB given" 0 "$AXPIPE" run large.json --store "$T/l1" --remote "$url" --remote-mode rw
like "whole" "$T/out" '1 given$'
code "and taken" 0 "$AXPIPE" run large.json --store "$T/l2" --remote "$url"
like "whole again" "$T/out" '^0 executed, 1 cached'
for o in "$T"/l1/cas/*/*; do [ "$(wc -c <"$o")" -gt 1000000 ] && { chmod u+w "$o"; printf x | dd of="$o" bs=1 seek=5000 conv=notrunc 2>/dev/null; }; done
rm -rf "$T/srv/ac" "$T/srv/cas"
mkdir "$T/srv/ac" "$T/srv/cas"
printf '{"axpipe": 1, "name": "t", "inputs": {"a": {"file": "a-large.txt"}}, "stages": {"n": {"stage": "copy", "in": {"text": "a"}, "params": {"number": 2}}}}' >large.json
code "a damaged object of the store" 0 "$AXPIPE" run large.json --store "$T/l1" --remote "$url" --remote-mode rw
like "is not given" "$T/out" 'is damaged and was not sent'
is "nor is an entry that names it" "$(find "$T/srv/ac" -type f | wc -l | tr -d ' ')" 0

# --- signatures
for k in ours theirs; do "$AXPIPE" key new "$T/$k" >/dev/null; done
rm -rf "$T/srv/ac" "$T/srv/cas"
mkdir "$T/srv/ac" "$T/srv/cas"
fault strict
code "a writer without a key" 0 "$AXPIPE" run m.json --store "$T/k1" --remote "$url" --remote-mode rw
code "a reader who wants a signature" 0 "$AXPIPE" run m.json --store "$T/k2" --remote "$url" --remote-trust "$T/ours.pub"
like "takes nothing of it" "$T/out" '^7 executed'
is "and says so once" "$(grep -c 'no trusted key signed' "$T/out")" 1
is "the server is not given up for that" "$(grep -c 'GET /ac' "$T/srv/requests")" 14
code "a writer with one" 0 "$AXPIPE" run m.json --store "$T/k3" --remote "$url" --remote-mode rw --remote-key "$T/ours" --remote-trust "$T/ours.pub"
code "is taken from" 0 env "AXPIPE_REMOTE_TRUST=$T/theirs.pub:$T/ours.pub" "$AXPIPE" run m.json --store "$T/k4" --remote "$url"
like "by those who trust it" "$T/out" '^remote cache: 7 taken'
code "and by nobody else" 0 "$AXPIPE" run m.json --store "$T/k5" --remote "$url" --remote-trust "$T/theirs.pub"
like "who runs all" "$T/out" '^7 executed'
code "by those who want no signature, too" 0 "$AXPIPE" run m.json --store "$T/k6" --remote "$url"
like "as before" "$T/out" '^remote cache: 7 taken'
# A forger with the right to write: another output under each key, all checksums made anew.
forge_all() {
	perl -MJSON::PP -MDigest::SHA=sha256_hex -e '
		my $dir = shift; local $/; my $js = JSON::PP->new->canonical;
		sub get { open my $f, "<:raw", $_[0] or die $_[0]; return scalar <$f> }
		sub put { my ($b) = @_; my $d = sha256_hex($b); open my $f, ">:raw", "$dir/cas/$d"; print $f $b; close $f; return $d }
		my $fake = put("forged\n");
		for my $ac (glob "$dir/ac/*") {
			my ($key) = $ac =~ m{([0-9a-f]{64})$};
			my $o = decode_json(get($ac));
			my ($r) = grep { $_->{path} eq "axpipe/record.json" } @{$o->{outputFiles}};
			my $text = get("$dir/cas/$r->{digest}{hash}");
			$text =~ s/^\{"record_sha256":"[0-9a-f]*"// or die;
			$text =~ s/("text":\{"sha256":")[0-9a-f]{64}/$1$fake/;
			$text = "{\"record_sha256\":\"" . sha256_hex($key . $text) . "\"" . $text;
			$r->{digest} = {hash => put($text), sizeBytes => length $text};
			push @{$o->{outputFiles}}, {path => "out/forged", digest => {hash => $fake, sizeBytes => "7"}};
			open my $f, ">:raw", $ac; print $f $js->encode($o); close $f;
		}' "$T/srv"
}
forge_all
code "forged records" 0 "$AXPIPE" run m.json --store "$T/k7" --remote "$url" --remote-trust "$T/ours.pub"
lock "$T/k7" >"$T/got"
ok "change nothing for a reader who wants a signature" cmp "$T/want" "$T/got"
"$AXPIPE" run m.json --store "$T/k8" --remote "$url" >/dev/null
lock "$T/k8" >"$T/got"
is "(the forgery is a good one: it deceives one who does not)" "$(cmp -s "$T/want" "$T/got" && echo same)" ""

# an entry that states one byte too many, as no writer of ours does: what looks and what takes must agree on it
rm -rf "$T/srv/ac" "$T/srv/cas"
mkdir "$T/srv/ac" "$T/srv/cas"
fault none
"$AXPIPE" run m.json --store "$T/k9" --remote "$url" --remote-mode rw >/dev/null 2>&1
perl -MJSON::PP -e '
	local $/;
	for my $ac (@ARGV) {
		open my $f, "<:raw", $ac or die; my $o = decode_json(<$f>); close $f;
		$_->{path} =~ m{^axpipe/} or $_->{digest}{sizeBytes}++ for @{$o->{outputFiles}};
		open $f, ">:raw", $ac or die; print $f encode_json($o);
	}' "$T"/srv/ac/*
code "sizes that are not those of the objects" 0 "$AXPIPE" run m.json --store "$T/k10" --remote "$url"
like "are a miss" "$T/out" '^7 executed'
like "and told" "$T/out" 'it has another size than its entry says'

# --- servers that fail, are cut off, lie in bytes or in form, or dawdle; more of them in tests/long/remote.t
bad_servers_begin
for f in error truncated corrupt wrongjson slow; do bad_server $f; done
if sanitized; then
	skip "an entry that would fill the memory" "a sanitizer wants more of it itself"
else
	fault crowded
	code "an entry that would fill the memory" 0 sh -c 'ulimit -v 350000; "$AXPIPE" run f.json --store "$1/x-crowded" --remote "$2"' sh "$T" "$url"
	like "is none" "$T/out" 'no ActionResult in JSON'
fi
rm -rf "$T/srv/ac" "$T/srv/cas"
mkdir "$T/srv/ac" "$T/srv/cas"
fault puterror
code "a server that takes nothing" 0 "$AXPIPE" run f.json --store "$T/pe" --remote "$url" --remote-mode rw
is "is told after three tries" "$(grep -c PUT "$T/srv/requests")" 3
stop_servers
code "a server that is gone" 0 "$AXPIPE" run f.json --store "$T/gone" --remote "$url" --remote-mode rw
lock "$T/gone" >"$T/got"
ok "changes nothing" cmp "$T/want" "$T/got"
like "but it is said" "$T/out" 'remote cache: http.*taken as not there'
unset AXPIPE_REMOTE_TIMEOUT

# --- what is no address
code "an address that is none" 2 "$AXPIPE" run m.json --remote 'ht!tp://x:secret@y'
is "is not repeated" "$(grep -c secret "$T/err")" 0
code "another protocol" 2 "$AXPIPE" run m.json --remote file:///tmp
code "another mode" 2 "$AXPIPE" run m.json --remote http://127.0.0.1:9 --remote-mode w
code "a CA file that is not there" 2 "$AXPIPE" run m.json --remote https://127.0.0.1:9 --remote-ca "$T/none.pem"

lock "$T/plain" >"$T/want"
# --- nginx with WebDAV, over http, TLS and a unix socket
port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
nginx=$(PATH=$PATH:/usr/sbin command -v nginx)
if [ -z "$nginx" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=60 install -y -qq --no-install-recommends nginx-light >/dev/null 2>&1
	nginx=$(PATH=$PATH:/usr/sbin command -v nginx)
fi
if [ -z "$nginx" ]; then
	skip "nginx with WebDAV" "nginx is not installed (Debian package nginx-light)"
elif ! "$nginx" -V 2>&1 | grep -q http_dav_module; then
	skip "nginx with WebDAV" "this nginx has no WebDAV module"
else
	mkdir -p "$T/ng/root" "$T/ng/tmp"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$T/ng/key.pem" -out "$T/ng/cert.pem" 2>/dev/null
	plain=$(port) tls=$(port)
	printf 'joe:{PLAIN}pw\n' >"$T/ng/users"
	chmod -R a+rX "$T" "$T/ng"
	me=$([ "$(id -u)" = 0 ] && echo 'user root;')
	cat >"$T/ng/conf" <<-EOF2
	$me
	daemon off; pid $T/ng/pid; error_log $T/ng/error.log; worker_processes 1;
	events { worker_connections 64; }
	http {
		access_log $T/ng/access.log;
		client_body_temp_path $T/ng/tmp/b; proxy_temp_path $T/ng/tmp/p; fastcgi_temp_path $T/ng/tmp/f;
		uwsgi_temp_path $T/ng/tmp/u; scgi_temp_path $T/ng/tmp/s;
		server {
			listen 127.0.0.1:$plain; listen 127.0.0.1:$tls ssl; listen unix:$T/ng/sock;
			ssl_certificate $T/ng/cert.pem; ssl_certificate_key $T/ng/key.pem;
			root $T/ng/root; client_max_body_size 0;
			location /open/ { dav_methods PUT; create_full_put_path on; }
			location /shut/ { dav_methods PUT; create_full_put_path on; auth_basic x; auth_basic_user_file $T/ng/users; }
		}
	}
	EOF2
	"$nginx" -p "$T/ng" -c "$T/ng/conf" 2>"$T/ng/start.err" &
	servers="$servers $!"
	if wait_for "$T/ng/pid"; then
		u=http://127.0.0.1:$plain/open
		code "nginx: a run that writes" 0 "$AXPIPE" run m.json --store "$T/n1" --remote "$u" --remote-mode rw
		like "nginx: takes all" "$T/out" '^remote cache: 0 taken, 7 given$'
		code "nginx: a second store" 0 "$AXPIPE" run m.json --store "$T/n2" --remote "$u"
		is "nginx: runs nothing" "$(summary)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped"
		lock "$T/n2" >"$T/got"
		ok "nginx: with the same results" cmp "$T/want" "$T/got"
		code "nginx: credentials" 0 "$AXPIPE" run m.json --store "$T/n3" --remote "http://joe:pw@127.0.0.1:$plain/shut" --remote-mode rw
		is "nginx: let us write" "$(find "$T/ng/root/shut/ac" -type f | wc -l | tr -d ' ')" 7
		code "nginx: an unknown certificate" 0 "$AXPIPE" run m.json --store "$T/n4" --remote "https://127.0.0.1:$tls/open"
		like "nginx: is refused" "$T/out" '^7 executed, 0 cached'
		code "nginx: TLS with its CA file" 0 "$AXPIPE" run m.json --store "$T/n5" --remote "https://127.0.0.1:$tls/open" --remote-ca "$T/ng/cert.pem"
		is "nginx: all from there" "$(summary)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped"
		code "nginx: a unix socket" 0 "$AXPIPE" run m.json --store "$T/n6" --remote http://cache/open --remote-socket "$T/ng/sock"
		is "nginx: all by that" "$(summary)" "0 executed, 7 cached, 0 substituted, 0 failed, 0 skipped"
		for e in "$T"/ng/root/open/cas/*; do printf 'x' | dd of="$e" bs=1 count=1 conv=notrunc 2>/dev/null; done
		code "nginx: a bad disk below it" 0 "$AXPIPE" run m.json --store "$T/n7" --remote "$u"
		lock "$T/n7" >"$T/got"
		ok "nginx: changes nothing" cmp "$T/want" "$T/got"
		like "nginx: all was run" "$T/out" '^7 executed'
	else
		fail "nginx starts"
		sed 's/^/# /' "$T/ng/start.err" "$T/ng/error.log"
	fi
fi
done_testing
