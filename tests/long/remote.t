#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The remote cache and each way in which a server can be bad.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
. "$AXPIPE_SRC/tests/lib/remote.sh"
serve none
bad_servers_begin
for f in error bye truncated short corrupt huge slow dead rubbish wrongjson swap nothere loop file; do bad_server $f; done
stop_servers
done_testing
