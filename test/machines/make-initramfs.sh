#!/usr/bin/env bash
# Makes the initramfs of a small Linux machine that talks iSCSI: make-initramfs.sh KERNEL-FOLDER OUTPUT
# BusyBox, the initiator of the kernel with its tools, and the tools of ext4, all of this system; the shell is on the serial port.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
kernel="$(cd "$1" && pwd -P)"
output="$(realpath "$2")"
version="$(ls "$kernel/lib/modules")"
root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,dev,etc/iscsi,lib/modules,mnt,proc,run/lock/iscsi,sys,tmp,var/lib/iscsi}

programs=(iscsid iscsiadm mke2fs e2fsck filefrag fstrim)
cp "$(command -v busybox)" "$root/bin/busybox"
for program in "${programs[@]}"; do
  path="$(command -v "$program")"
  cp -L "$path" "$root/sbin/$program"
  # Each library, and the loader, where the program looks for them.
  ldd "$path" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -Lu "$library" "$root$library"
  done
done

# In the order in which they have to be loaded.
for module in virtio_pci virtio_net crc32c sd_mod iscsi_tcp ext4; do
  modprobe -d "$kernel" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r module; do
  cp "$module" "$root/lib/modules/"
  echo "/lib/modules/$(basename "$module")"
done >"$root/etc/modules"

cp /etc/iscsi/iscsid.conf "$root/etc/iscsi/" 2>/dev/null || : >"$root/etc/iscsi/iscsid.conf"
echo 'InitiatorName=iqn.2026-01.org.example:nobody' >"$root/etc/iscsi/initiatorname.iscsi"
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/sbin HOME=/
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module"; done </etc/modules
# QEMU's user network: the machine is .15, and .2 leads to the host's loopback.
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
iscsid
stty -F /dev/ttyS0 -echo -onlcr
# Whoever sits at the other end sends a line and reads until the prompt.
PS1='' exec setsid cttyhack sh -c 'echo "machine is up"; exec sh -i 2>&1'
INIT
chmod 755 "$root/init"
(cd "$root" && find . -print0 | cpio --null --create --format newc --quiet --owner 0:0) >"$output"
