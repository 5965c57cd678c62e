#!/usr/bin/env bash
# Installs the real programs that the test suites talk to (Debian and Ubuntu), and nothing else.
set -euo pipefail
packages=(
  libiscsi-bin qemu-utils qemu-block-extra tgt   # iSCSI clients and the peer of the benchmark
  xorriso qemu-system-x86                         # read the fixtures, boot from the disks
  xmlsec1 openssl                                # oracles for signatures and chains
  memtest86+ grub-rescue-pc ipxe                 # images that nobody here wrote
  chromium                                       # the pages
  postgresql                                     # the registry's other database
  redis-server                                   # the queue that several processes share
  python3-aiosmtpd                               # takes the mails of the confirmations
  nginx-light                                    # a web location nobody here wrote
  open-iscsi busybox-static cpio e2fsprogs kmod  # the machine that logs in with the kernel's initiator
  mmdebstrap fdisk grub-common grub-pc-bin       # a Debian disk image made from scratch
  libvirt-daemon-system libvirt-clients libxml2-utils  # takes the XML that is printed
  curl rclone                                    # the peers of the pull benchmark
  xz-utils bzip2 zstd
)
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  "${as_root[@]}" apt-get update -qq
  # Services that a package would start are not wanted: the tests start their own.
  "${as_root[@]}" env RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
bash "$(dirname "$0")/install-minio.sh"
bash "$(dirname "$0")/install-kernel.sh"
bash "$(dirname "$0")/make-debian-image.sh"
echo 'all test tools are installed'
