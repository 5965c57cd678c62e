#!/usr/bin/env bash
# Makes a small Debian as a raw disk, with a boot loader and a login on its serial port, once, into a cache folder outside the tree.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
cache="${MINTMARK_TOOLS:-$HOME/.cache/mintmark-tools}"
link="$cache/debian.raw"
target="$cache/debian-$(sha256sum "$0" | cut -c 1-12).raw"
if [ -e "$target" ]; then
  ln -sfn "$(basename "$target")" "$link"
  echo "$link"
  exit 0
fi
if ! apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then
  echo 'no Debian is offered here: the suites that boot one will be left out' >&2
  exit 0
fi
suite=bookworm
megabytes=400
# The partition begins where every partitioning program lets it begin; the boot loader lies before it.
start=2048
uuid=8d9a3f0c-5f0e-4c55-9a55-6d696e746d6b
mkdir -p "$cache"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# mmdebstrap may work under another user: in a name space where it is root, so that the owners of files are right.
chmod 777 "$scratch"
export scratch disk="$scratch/disk.raw" tree="$scratch/tree" size="$((megabytes - 1))" start uuid
truncate -s "${megabytes}M" "$disk"
echo "start=$start, type=83, bootable" | sfdisk --quiet --label dos "$disk"
chmod 666 "$disk"
# Of the machine's own scripts only what a login needs: in software emulation each costs seconds.
printf '%s\n' 'id:2:initdefault:' 'si::sysinit:/etc/begin' 'T0:2:respawn:/sbin/agetty -L ttyS0 115200 vt100' >"$scratch/inittab"
printf '%s\n' '#!/bin/sh' 'mount -o remount,rw /' 'hostname -F /etc/hostname' >"$scratch/begin"
packages=linux-image-cloud-amd64,sysvinit-core,initscripts,util-linux,mount,login,passwd
mmdebstrap --quiet --variant=minbase --include="$packages" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=list >"$1/etc/initramfs-tools/conf.d/modules"' \
  --essential-hook='printf "virtio_pci\nvirtio_blk\nsd_mod\nata_piix\n" >"$1/etc/initramfs-tools/modules"' \
  --customize-hook='echo mint >"$1/etc/hostname"' \
  --customize-hook='echo "UUID=$uuid / ext4 errors=remount-ro 0 1" >"$1/etc/fstab"' \
  --customize-hook='cp "$scratch/inittab" "$1/etc/inittab"' \
  --customize-hook='install -m 755 "$scratch/begin" "$1/etc/begin"' \
  --customize-hook='chroot "$1" passwd --delete root >/dev/null' \
  --customize-hook='mkdir -p "$1/boot/grub" && printf "%s\n" "linux /vmlinuz root=UUID=$uuid ro console=ttyS0 quiet" "initrd /initrd.img" boot >"$1/boot/grub/grub.cfg"' \
  --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
  --customize-hook='mkdir "$tree" && tar -C "$1" --one-file-system -c . | tar -C "$tree" -x --same-owner' \
  --customize-hook='mke2fs -q -F -t ext4 -U "$uuid" -L mint -E offset=$((start * 512)) -d "$tree" "$disk" "${size}m"' \
  --customize-hook='rm -rf "$tree"' \
  --format=null "$suite"
printf '%s\n' 'serial --unit=0 --speed=115200' 'terminal_output serial console' 'echo Mintmark boots Debian' \
  'set root=(hd0,msdos1)' 'configfile /boot/grub/grub.cfg' >"$scratch/early.cfg"
grub-mkimage -O i386-pc -p /boot/grub -c "$scratch/early.cfg" -o "$scratch/core.img" \
  biosdisk part_msdos ext2 normal configfile serial terminal echo linux boot
# The boot sector without its partition table; it loads what lies in the sectors behind it.
dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$scratch/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
cp --sparse=always "$disk" "$target.part"
mv "$target.part" "$target"
ln -sfn "$(basename "$target")" "$link"
echo "$link"
