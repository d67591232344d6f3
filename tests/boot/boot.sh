#!/bin/sh
# The Debian package under a real systemd: builds it, boots a machine and runs tests/boot/run there.
# Exits 77 where no machine can be booted.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/tests/boot

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\n' >"$folder/run"
chmod +x "$folder/run"
"$here/machine.sh" "$folder" 60 || exit # can it be booted at all? 77 goes on to the caller

packaging/deb.sh
cp build/deb/zchat_*.deb "$folder/zchat.deb"
cp "$here/run" "$folder/run"
"$here/machine.sh" "$folder" 150
