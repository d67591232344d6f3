#!/bin/bash
# Installs what is needed, builds zchat three ways and runs every test. The last line is
# `N passed, N failed, N skipped`; exit 0 when none failed. Logs lie in build/test-logs/.
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
logs=$PWD/build/test-logs
passed=0 failed=0 skipped=0 child='' beside=''
set -m
trap interrupted INT TERM HUP
unset ZCHAT_REGISTRY ZCHAT_IDENTITY XDG_CONFIG_HOME DESTDIR MAKEFLAGS
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 CMAKE_BUILD_PARALLEL_LEVEL=2
export CTEST_PARALLEL_LEVEL=4 # two cores' worth: most of them wait most of the time

# run SECONDS LOG COMMAND...: its exit code; 124 when the time was up. With job control it is a
# process group of its own, in which SIGINT is not ignored, and which ends with this script.
run ()
{
    local limit=$1 log=$2
    shift 2
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 &
    child=$!
    wait "$child"
}

interrupted ()
{
    local group
    for group in $child $beside; do
        kill -TERM -- "-$group" 2>/dev/null
    done
    exit 143
}

finish ()
{
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# one NAME SECONDS COMMAND...: counts as one test, skipped where the command exits 77.
one ()
{
    local name=$1 limit=$2 begin=$SECONDS log code=0
    log=$logs/${name// /-}.log
    shift 2
    run "$limit" "$log" "$@" || code=$?
    count "$name" $((SECONDS - begin)) "$log" "$code"
}

# count NAME SECONDS LOG CODE: one test that has ended.
count ()
{
    case $4 in
    0) passed=$((passed + 1)); printf 'passed %4d s  %s\n' "$2" "$1" ;;
    77) skipped=$((skipped + 1)); printf 'SKIP          %s: %s\n' "$1" "$(tail -n 1 "$3")" ;;
    *)
        failed=$((failed + 1))
        tail -n 60 "$3"
        printf 'FAILED %4d s  %s (exit %d, %s)\n' "$2" "$1" "$4" "$3"
        return 1
        ;;
    esac
}

# start NAME SECONDS COMMAND...: one test that goes on beside those that follow, until `collect NAME`. One at a time.
start ()
{
    local limit=$2 log=$logs/$1.log
    shift 2
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 &
    beside=$!
}

# collect NAME: what became of it. The seconds are those that it was waited for.
collect ()
{
    local begin=$SECONDS code=0
    wait "$beside" || code=$?
    beside=''
    count "$1" $((SECONDS - begin)) "$logs/$1.log" "$code"
}

# many NAME SECONDS COMMAND...: the command runs many tests; its output tells how many.
many ()
{
    local name=$1 limit=$2 begin=$SECONDS log code=0 p f s
    log=$logs/${name// /-}.log
    shift 2
    run "$limit" "$log" "$@" || code=$?
    read -r p f s < <(totals "$log")
    [ "$code" -eq 0 ] || [ "$f" -gt 0 ] || f=1 # it died before it could tell
    [ "$((p + f + s))" -gt 0 ] || f=1          # nothing was run
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    grep -E '^SKIP |\*\*\*Skipped' "$log"
    [ "$f" -eq 0 ] || grep -v -E '^(passed| *[0-9]+/[0-9]+ .* Passed | +Start )' "$log" | tail -n 150
    printf '%s %4d s  %s: %d passed, %d failed, %d skipped\n' \
        "$([ "$f" -eq 0 ] && echo passed || echo FAILED)" $((SECONDS - begin)) "$name" "$p" "$f" "$s"
}

# PASSED FAILED SKIPPED of ctest's summary or of a line `N passed, N failed, N skipped`.
totals ()
{
    awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; s = $5 + 0 }
         /tests passed, [0-9]+ tests? failed out of/ { f = $4; p = $NF - f }
         /\*\*\*Skipped/ { s++ }
         /^The following tests did not run:/ { p -= s }
         END { print p + 0, f + 0, s + 0 }' "$1"
}

# build NAME CONFIGURE-ARGUMENTS...
build ()
{
    local name=$1
    shift
    one "configure $name" 120 cmake "$@" && one "build $name" 400 cmake --build "build/$name"
}

mkdir -p "$logs" || exit 1
if ! packaging/deps.sh test >"$logs/deps.log" 2>&1; then
    tail -n 20 "$logs/deps.log"
    failed=1
    finish
fi

if build release --preset release; then
    start soak 240 env ZCHAT_BUILD="$PWD/build/release" tests/fault/soak.py --seconds 120
    many "tests release" 600 ctest --preset release
    many "flow release" 300 tests/flow/run.py -b build/release -t 120 -j 3
    many "fault" 500 tests/flow/run.py -b build/release -d tests/fault -t 180 -j 2
    one "try" 240 packaging/try.sh
    one "boot" 300 tests/boot/boot.sh
    collect soak
fi
if build dev --preset dev; then
    many "tests dev" 700 ctest --preset dev
    many "flow dev" 500 tests/flow/run.py -b build/dev -t 240 -j 3
fi
build clang --preset clang # for its warnings only: it sees other things than gcc
if ls tests/fuzz/fuzz_*.c >/dev/null 2>&1; then
    one "configure fuzz" 120 cmake --preset fuzz && one "build fuzz" 300 cmake --build --preset fuzz --target fuzzers &&
        many "fuzz" 200 tests/fuzz/run.sh build/fuzz 10
fi
finish
