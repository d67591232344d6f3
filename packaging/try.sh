#!/bin/bash
# Builds zchat, starts a registry and the group `cats` on this machine's loopback, and opens the
# conversation there. Where stdin is no terminal, two users talk instead; exit 0 when all went well.
# Everything is below build/ (only on a terminal it is you who talks, with your own identity), what
# was said is there again the next time, and what was started is stopped at the end.
set -eu
cd "$(dirname "$0")/.."
state=$PWD/build/try-state
programs=$PWD/build/try
pids=()

say () { printf '%s\n' "$*" >&2; }

fail ()
{
    say "try: $1"
    [ -z "${2:-}" ] || tail -n 20 "$2" >&2
    exit 1
}

build ()
{
    packaging/deps.sh
    mkdir -p "$state"
    say "building in build/try ..."
    { cmake -S . -B build/try -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF &&
        cmake --build build/try -j 2; } >"$state/build.log" 2>&1 || fail "it does not build:" "$state/build.log"
}

taken () { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

choose_port ()
{
    port=2000
    taken $port || return 0
    while taken $port; do port=$((port + 1)); done
    say "try: TCP port 2000 is taken by another program; the registry listens on $port"
}

configure ()
{
    mkdir -p "$state/etc"
    cat >"$state/etc/registry.cfg" <<-EOF
	listen = ( { endpoint = "tcp://127.0.0.1:$port"; security = "none"; } );
	state_dir = "$state";
	EOF
    cat >"$state/etc/group.cfg" <<-EOF
	registries = [ "tcp://127.0.0.1:$port" ];
	state_dir = "$state";
	EOF
    echo "registries = [ \"tcp://127.0.0.1:$port\" ];" >"$state/etc/user.cfg"
}

# start NAME PROGRAM ARGUMENT...: runs a daemon and waits until it answers.
start ()
{
    local name=$1 pid
    shift
    "$@" -c "$state/etc" -f >"$state/$name.log" 2>&1 </dev/null &
    pid=$!
    pids+=("$pid")
    for _ in {1..100}; do
        kill -0 "$pid" 2>/dev/null || fail "the $name ended:" "$state/$name.log"
        "$@" -c "$state/etc" --ping >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "the $name does not answer:" "$state/$name.log"
}

# The last one started is stopped first.
stop ()
{
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
}

# as USER ARGUMENT...: what a user types is shown, then done.
as ()
{
    local user=$1
    shift
    printf '\n%s$ zchat %s\n' "$user" "$*"
    ZCHAT_IDENTITY=$state/$user "$programs/zchat" -c "$state/etc" "$@"
}

converse ()
{
    local word="word $RANDOM$RANDOM"
    as ann groups &&
        as ann join cats && as ann nick cats ann &&
        as ben join cats && as ben nick cats ben &&
        as ann send cats "Has anyone seen my $word?" &&
        as ben send cats "Under the sofa, where the cat put your $word." &&
        as ann topic cats "where things are" &&
        as ann who cats &&
        as ben messages cats --limit 5 | tee "$state/said" &&
        [ "$(grep -c "$word" "$state/said")" -eq 2 ]
}

trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
build
choose_port
configure
start registry "$programs/zchat-registry"
start group "$programs/zchat-group" cats
if [ -t 0 ]; then
    "$programs/zchat" -c "$state/etc" -r "tcp://127.0.0.1:$port" chat cats
else
    converse || fail "the conversation failed; the daemons' logs are in $state"
    say "try: done. On a terminal this opens the conversation for you."
fi
