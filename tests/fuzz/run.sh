#!/bin/sh
# run.sh BUILD SECONDS: each fuzzer of the build for so long, two at a time, from the seeds in
# tests/fuzz/seeds/<name>/ if there are any. What breaks one is left in BUILD/found/.
# The last line is `N passed, N failed`.
set -u
build=$(cd "$1" && pwd) seconds=$2
seeds=$(cd "$(dirname "$0")" && pwd)/seeds
export build seconds seeds
mkdir -p "$build/found"

find "$build/tests" -maxdepth 1 -type f -executable -name 'fuzz_*' | sort | xargs -P 2 -I '{}' sh -c '
    name=$(basename "$1") corpus=$(mktemp -d) log=$(mktemp) verdict=passed
    [ ! -d "$seeds/$name" ] || cp -r "$seeds/$name/." "$corpus"
    timeout -k 5 $((seconds + 30)) "$1" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=5 \
        -artifact_prefix="$build/found/$name-" "$corpus" >"$log" 2>&1 || verdict=FAILED
    [ $verdict = passed ] || tail -n 40 "$log"
    echo "$verdict  $name: $(grep -c . "$log") lines, $(grep -o "^Done [0-9]* runs" "$log" || echo "not done")"
    rm -rf "$corpus" "$log"' fuzzer '{}' >"$build/fuzz.log" 2>&1
cat "$build/fuzz.log"
passed=$(grep -c '^passed' "$build/fuzz.log")
failed=$(grep -c '^FAILED' "$build/fuzz.log")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
