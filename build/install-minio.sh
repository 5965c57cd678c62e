#!/usr/bin/env bash
# Builds the MinIO server that the object store's tests talk to, once, into a cache folder outside the tree.
set -euo pipefail
version=v0.0.0-20260212201848-7aac2a2c5b7c
target="${MINTMARK_TOOLS:-$HOME/.cache/mintmark-tools}/minio-$version"
link="$(dirname "$target")/minio"
if [ ! -x "$target" ]; then
  command -v go >/dev/null || { echo 'Go is needed to build MinIO' >&2; exit 1; }
  mkdir -p "$(dirname "$target")"
  scratch="$(mktemp -d)"
  trap 'rm -rf "$scratch"' EXIT
  GOBIN="$scratch" go install -trimpath -ldflags '-s -w' "github.com/minio/minio@$version"
  mv "$scratch/minio" "$target"
fi
ln -sfn "$(basename "$target")" "$link"
echo "$link"
