#!/bin/bash
# Breaks the code on purpose, in each of the ways of mutants/*.patch, and sees that the rigs find it.
#
#   mutants.sh [-a] [-r RIG] [NAME...]    -a: all of them, for a release; else those in the list below
#                                         -r: by this rig: calls, bytes, powercut, soak, or a class's test
#
# Works with the objects of a build (ZCHAT_BUILD, or build/release): of each mutant only the files that its patch touches are
# compiled, and put in front of the others when its program is linked. The first line of a patch says what is wrong with it,
# the second one what finds it: a rig of fault_log, the soak, or a class's test. The last line is `N found, N missed`.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${ZCHAT_BUILD:-$root/build/release}" && pwd) || exit 1
quick="no-folder-sync ack-before-sync push-before-sync retry-failed-sync read-error-is-end fold-before-durable repeat-is-stored"
names=$quick with=
while getopts ar: option; do
    case $option in
    a) names=$(cd "$root/tests/fault/mutants" && ls -- *.patch | sed 's/\.patch$//') ;;
    r) with=$OPTARG ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] && names=$*
for tool in ninja patch; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[ -f "$build/build.ninja" ] || { echo "skipped: $build was not made by ninja"; exit 77; }
copy=$(mktemp -d "${TMPDIR:-/tmp}/zchat-mutants-XXXXXX") || exit 1
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM
seed=${ZCHAT_SEED:-$RANDOM}
echo "ZCHAT_SEED=$seed"

# run PROGRAM RIG SECONDS: 0 when it finds nothing, else it finds something.
run ()
{
    case $2 in
    calls | bytes) timeout 300 "$1" "$2" --seed "$seed" --seconds "$3" --enough 1 ;;
    powercut)
        mkdir -p "$copy/build/tests" && cp "$1" "$copy/build/tests/fault_log" &&
            ZCHAT_BUILD=$copy/build timeout 200 "$root/tests/fault/powercut.py" --seed "$seed"
        ;;
    soak)
        mkdir -p "$copy/build" && cp "$build/zchat-registry" "$build/zchat-log" "$copy/build" &&
            cp "$1" "$copy/build/zchat-group" &&
            ZCHAT_BUILD=$copy/build timeout 250 "$root/tests/fault/soak.py" --seed "$seed" --seconds 150
        ;;
    *) timeout 300 "$1" ;;
    esac
}

# program RIG: the program that holds it, in the build.
program ()
{
    case $1 in
    calls | bytes | powercut) echo tests/fault_log ;;
    soak) echo zchat-group ;;
    *) echo "tests/$1" ;;
    esac
}

# compile FILE NUMBER: an object of the patched file, by the build's own command.
compile ()
{
    local object command
    case $1 in
    common/*) object=CMakeFiles/zchat-common.dir/$1.o ;;
    daemons/group/*) object=CMakeFiles/zchat-group-parts.dir/$1.o ;;
    *) echo "no object of $1 is known"; return 1 ;;
    esac
    command=$(ninja -C "$build" -t commands "$object" | tail -n 1)
    case $command in *"$root/$1"*) ;; *) echo "$build is not a build of $root"; return 1 ;; esac
    command=${command//"$root/$1"/"$copy/src/$1"}
    command=${command//"$object"/"$copy/$2.o"}
    (cd "$build" && eval "$command -Wno-error")
}

# link RIG: its program, with the mutant's objects before those of the libraries.
link ()
{
    local what command
    what=$(program "$1")
    command=$(ninja -C "$build" -t commands "$what" | tail -n 1)
    command=${command/" -o $what "/" $copy/*.o -o $copy/program "}
    (cd "$build" && eval "$command")
}

# make PATCH RIG: $copy/program
make ()
{
    local file count=0
    rm -rf "$copy/src" "$copy"/*.o "$copy/program"
    for file in $(sed -n 's|^+++ b/||p' "$1"); do
        mkdir -p "$copy/src/$(dirname "$file")" && cp "$root/$file" "$copy/src/$file" || return 1
    done
    patch -s -d "$copy/src" -p1 <"$1" || return 1
    for file in $(sed -n 's|^+++ b/||p' "$1"); do
        count=$((count + 1))
        compile "$file" "$count" || return 1
    done
    link "$2" && [ -x "$copy/program" ]
}

found=0 missed=0
for rig in calls bytes; do
    run "$build/$(program "$rig")" "$rig" 2 >"$copy/log" 2>&1 ||
        { echo "the rig $rig finds this in the code as it is:"; tail -n 30 "$copy/log"; exit 1; }
done
for name in $names; do
    patch=$root/tests/fault/mutants/$name.patch
    { read -r what && read -r _ rig; } <"$patch" || exit 1
    rig=${with:-$rig}
    if ! make "$patch" "$rig" >"$copy/log" 2>&1; then
        echo "MISSED $name: the patch does not fit the code any more, make it again: $(tail -n 1 "$copy/log")"
        missed=$((missed + 1))
        continue
    fi
    begin=$SECONDS
    run "$copy/program" "$rig" 150 >"$copy/log" 2>&1
    code=$?
    if [ "$code" -eq 0 ]; then
        missed=$((missed + 1))
        echo "MISSED $name: $what ($(tail -n 1 "$copy/log"))"
    else
        found=$((found + 1))
        by=$(grep -i -m 1 -o 'wrong.*' "$copy/log" || grep -m 1 -o ':[FE]:.*' "$copy/log" || echo "exit $code")
        echo "found  $name: $what ($rig, $((SECONDS - begin)) s: $by)"
    fi
done
echo "$found found, $missed missed"
[ "$missed" -eq 0 ]
