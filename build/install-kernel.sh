#!/usr/bin/env bash
# Fetches Debian's kernel for virtual machines into a cache folder outside the tree: its files only, nothing is installed.
set -euo pipefail
# depmod and modprobe may be out of a user's PATH.
PATH="$PATH:/usr/sbin:/sbin"
cache="${MINTMARK_TOOLS:-$HOME/.cache/mintmark-tools}"
link="$cache/kernel"
needed=(virtio_pci virtio_net iscsi_tcp sd_mod ext4 crc32c)

# The package that the newest kernel is in: a meta-package depends on it, and its name holds the version.
find_package() {
  local meta
  for meta in linux-image-cloud-amd64 linux-image-amd64; do
    apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p'
  done | head -n 1
}

# What is there already is good enough: the machines need a kernel, not the newest.
if [ -e "$link/vmlinuz" ]; then
  echo "$link"
  exit 0
fi
package="$(find_package)"
if [ -z "$package" ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  package="$(find_package)"
fi
if [ -z "$package" ]; then
  echo 'no Debian kernel is offered here: the suites that boot machines will be left out' >&2
  exit 0
fi
version="${package#linux-image-}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root "$package")
dpkg-deb -x "$scratch"/*.deb "$scratch/files"
depmod -b "$scratch/files" "$version"
for module in "${needed[@]}"; do
  modprobe -d "$scratch/files" -S "$version" --show-depends "$module" >/dev/null ||
    { echo "$package lacks the module $module" >&2; exit 1; }
done
target="$cache/kernel-$version"
mkdir -p "$cache"
rm -rf "$target"
mv "$scratch/files/boot/vmlinuz-$version" "$scratch/files/vmlinuz"
mv "$scratch/files" "$target"
ln -sfn "$(basename "$target")" "$link"
echo "$link"
