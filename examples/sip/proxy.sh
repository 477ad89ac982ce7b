#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The address comes with the slot, and goes with it: the proxy waits at it before.
set -e
cd "$(dirname "$0")"
echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
exec node proxy.mjs "$@"
