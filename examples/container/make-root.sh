#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a root file system in the folder `image` beside this file: one program that needs no libraries, and nothing else.
set -e
cd "$(dirname "$0")"
busybox=$(command -v busybox) || { echo "no busybox: apt install busybox-static" >&2; exit 1; }
if grep -q /ld-linux "$busybox"; then
  echo "$busybox needs libraries: apt install busybox-static" >&2
  exit 1
fi
mkdir -p image/bin image/etc image/tmp
cp "$busybox" image/bin/busybox
ln -sf busybox image/bin/sh
