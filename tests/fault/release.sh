#!/bin/bash
# Runs the fault rigs as for a release: all there is of what can be counted, much of what cannot. Hours.
#
#   release.sh [RIG...]     all, or some of: checker mutants bytes syscalls kill powercut mix soak
#
# Works with the build in ZCHAT_BUILD, or build/release. The rigs tell how far they are; what they say lies in the folder
# that is named first. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")" || exit 1
logs=$(mktemp -d "${TMPDIR:-/tmp}/zchat-release-XXXXXX") || exit 1
echo "$logs"
passed=0 failed=0 skipped=0

# rig NAME COMMAND...
rig ()
{
    local name=$1 begin=$SECONDS code
    shift
    case " ${wanted[*]:-$name} " in *" $name "*) ;; *) return ;; esac
    echo "== $*"
    "$@" 2>&1 </dev/null | tee "$logs/$name.log"
    code=${PIPESTATUS[0]}
    case $code in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
    echo "== $name: exit $code, $((SECONDS - begin)) s"
}

wanted=("$@")
rig checker ./checker.py
rig mutants ./mutants.sh -a
rig bytes ./bytes.py --seconds 0
rig syscalls ./syscalls.py --seconds 0
rig kill ./kill.py --kills 1000
rig powercut ./powercut.py --states 10000
rig mix ./mix.py --seconds 3600
rig soak ./soak.py --seconds 3600
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
