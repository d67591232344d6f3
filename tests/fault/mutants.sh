#!/bin/bash
# Builds wrong versions of the code (mutants/*.patch) in a copy of it, and sees that the rigs find each one, and find
# nothing in the code as it is.
#
#   mutants.sh [-a] [NAME...]    -a: all of them, for a release; else those that the order below begins with
#
# A patch's second line names its rig. The last line is `N found, N missed`.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
quick="ack-before-sync push-before-sync no-folder-sync retry-failed-sync read-error-is-end fold-before-durable
    repeat-is-stored damage-is-cut"
names=
case ${1:-} in
-a) shift; names=$(cd "$root/tests/fault/mutants" && ls -- *.patch | sed 's/\.patch$//') ;;
-*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
[ $# -gt 0 ] && names=$*
copy=$(mktemp -d "${TMPDIR:-/tmp}/zchat-mutants-XXXXXX") || exit 1
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM
seed=${ZCHAT_SEED:-$RANDOM}
echo "ZCHAT_SEED=$seed"

# rig NAME: 0 when it finds nothing, 1 when it finds something, else it did not work.
rig ()
{
    case $1 in
    calls) timeout 300 "$copy/build/tests/fault_log" calls --seed "$seed" --budget "${2:-400}" ;;
    bytes) timeout 300 "$copy/build/tests/fault_log" bytes --seed "$seed" --budget 128 ;;
    esac
}

build ()
{
    cmake --build "$copy/build" --target fault_log -j 2 >"$copy/log" 2>&1
}

mkdir "$copy/src" && cp -r "$root"/{CMakeLists.txt,cmake,common,daemons,user,tests,docs,etc,systemd,LICENSE} "$copy/src" &&
    cmake -S "$copy/src" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS='-O1 -Wno-error' >"$copy/log" 2>&1 &&
    build || { tail -n 30 "$copy/log"; exit 1; }
found=0 missed=0
for name in calls bytes; do
    rig "$name" 120 >"$copy/log" 2>&1 || { echo "the $name rig finds this in the code as it is:"; tail -n 30 "$copy/log"; exit 1; }
done
for name in ${names:-$quick}; do
    patch=$root/tests/fault/mutants/$name.patch
    read -r what <"$patch" || exit 1
    kind=$(sed -n '2s/^rig: //p' "$patch")
    if ! patch -s -d "$copy/src" -p1 <"$patch" >"$copy/log" 2>&1 || ! build; then
        echo "$name: the patch does not fit the code any more: make it again"
        cat "$copy/log"
        exit 1
    fi
    rig "$kind" >"$copy/log" 2>&1
    code=$?
    if [ "$code" -eq 0 ]; then
        missed=$((missed + 1))
        echo "MISSED $name: $what"
    else
        found=$((found + 1))
        echo "found  $name: $what ($(grep -m 1 -o 'WRONG.*' "$copy/log" || echo "exit $code"))"
    fi
    patch -s -R -d "$copy/src" -p1 <"$patch" || exit 1
done
echo "$found found, $missed missed"
[ "$missed" -eq 0 ]
