#!/bin/sh
# Redis with one account, which may do a doorbell's work and nothing to the server itself: a worker that was taken over
# can neither empty it nor reconfigure it into writing files. The password comes by the environment and goes in by
# standard input, so that no list of processes shows it.
set -eu
: "${REDIS_PASSWORD:?}"
exec redis-server "$1" - <<END
user default off
user sightline on >$REDIS_PASSWORD ~* &* +@all -@admin -@dangerous +info
END
