#!/bin/sh
# machine.sh FOLDER [SECONDS]
#
# Boots this machine's own root file system under its own systemd, as a second small machine beside
# the running one, runs FOLDER/run in it and exits with 0 when that did, else 1 (124: the time was up).
# The root is the lower layer of an overlay whose upper layer is memory: nothing is written outside.
# The machine has its own processes, mounts, cgroups, host name and network (loopback only); all of it
# ends with this script. FOLDER is /machine in there. Takes about three seconds.
#
# Exits 77, with one line that says why, where such a machine cannot be made. Needs root, util-linux,
# systemd.
set -eu

skip ()
{
    echo "no machine can be booted here: $1"
    exit 77
}

# --- outside -------------------------------------------------------------------------------------

outside ()
{
    folder=$1 limit=$2
    [ "$(id -u)" -eq 0 ] || skip "not root"
    [ -x /lib/systemd/systemd ] || skip "no systemd"
    unshare --mount --pid --fork --cgroup --uts --ipc --net true 2>/dev/null || skip "no namespaces"
    unshare --mount --propagation private sh -c '
        mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work /mnt/root &&
        mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root' \
        2>/dev/null || skip "no overlay over the root"
    cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$cgroups" ] || skip "no cgroup2"

    # A cgroup of its own, so that what systemd makes in there can be taken away again.
    group=$cgroups/zchat-boot.$$ output=$(mktemp -d)
    mkdir "$group"
    trap 'rm -rf "$output"; find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null' EXIT
    trap 'exit 130' INT TERM
    code=0
    timeout -k 5 "$limit" sh -c '
        echo 0 >"$1/cgroup.procs" && shift &&
        exec unshare --mount --pid --fork --cgroup --uts --ipc --net --kill-child=KILL \
            --propagation private "$@"' \
        sh "$group" sh "$0" --inside "$folder" "$output" </dev/null >"$output/boot" 2>&1 || code=$?
    cat "$output/log" 2>/dev/null || cat "$output/boot" # the latter where it never came to run
    return $code
}

# --- inside the new namespaces, before systemd -----------------------------------------------------

lay_out_root ()
{
    mount -t tmpfs -o mode=755 tmpfs /mnt
    mkdir /mnt/up /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
    cd /mnt/root
    mkdir -p machine machine.out before
    cp -r "$1/." machine
    mount --bind "$2" machine.out
    rm -f usr/sbin/policy-rc.d # which in containers forbids packages to start what they bring
    : >etc/machine-id          # systemd makes a fresh one
}

mount_what_a_kernel_gives ()
{
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 none sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=1777 tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    for device in null zero full random urandom tty; do
        : >dev/$device
        mount --bind /dev/$device dev/$device
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs tmpfs dev/shm
}

# The target that is booted, and the unit whose end ends the machine and is its verdict.
write_units ()
{
    cat >etc/systemd/system/machine.service <<-EOF
	[Unit]
	After=basic.target systemd-journald.service
	SuccessAction=exit
	SuccessActionExitStatus=0
	FailureAction=exit
	FailureActionExitStatus=1
	[Service]
	Type=oneshot
	WorkingDirectory=/machine
	ExecStart=/machine/run
	StandardOutput=append:/machine.out/log
	StandardError=inherit
	EOF
    cat >etc/systemd/system/machine.target <<-EOF
	[Unit]
	Requires=basic.target machine.service
	After=basic.target
	EOF
}

inside ()
{
    lay_out_root "$1" "$2"
    mount_what_a_kernel_gives
    write_units
    hostname machine
    ip link set lo up
    pivot_root . before
    umount -l /before
    mount --make-rshared / # as a container manager does; units' own mounts rely on it
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=zchat-boot \
        /lib/systemd/systemd --system --unit=machine.target --show-status=no
}

case ${1:-} in
--inside) inside "$2" "$3" ;;
'') echo "usage: $0 FOLDER [SECONDS]" >&2 && exit 2 ;;
*) outside "$1" "${2:-120}" ;;
esac
