#!/bin/bash
# alone.sh COMMAND...: runs it in a network of its own in which there is nothing but loopback, so
# that no port is another test's. Where that is not allowed, such commands take turns.
if unshare -n true 2>/dev/null; then
    # shellcheck disable=SC2016
    exec unshare -n -- bash -c 'ip link set lo up && exec "$@"' alone "$@"
fi
exec flock "$0" "$@"
