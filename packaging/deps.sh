#!/bin/sh
# deps.sh        install what building zchat needs on Debian 12
# deps.sh test   and what its tests need
# Asks apt only when something is missing; root is needed only then.
set -eu

packages="build-essential cmake ninja-build pkg-config git
    libczmq-dev libzmq3-dev libconfig-dev uuid-dev libjansson-dev libunistring-dev
    libxxhash-dev libsodium-dev libsystemd-dev check scdoc"
case ${1:-build} in
build) ;;
test)
    packages="$packages
        python3 python3-zmq python3-xxhash clang-14 libclang-rt-14-dev
        debhelper lintian systemd dbus iproute2 nftables procps util-linux strace tmux valgrind
        nbdkit nbdkit-plugin-dev libnbd-bin fuse3 e2fsprogs libfaketime patch"
    ;;
*)
    echo "usage: $0 [test]" >&2
    exit 2
    ;;
esac

missing=
for package in $packages; do
    # pkg-config is provided by pkgconf: so the provider is asked for, not the name.
    case $package in pkg-config) command -v pkg-config >/dev/null && continue ;; esac
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "$0: missing:$missing" >&2
    echo "$0: only root can install them: run it as root once" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
set -- -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300
echo "installing:$missing"
apt-get "$@" update
# shellcheck disable=SC2086
apt-get "$@" install --no-install-recommends $missing
