#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What makes a node a gateway. The rules are the same at both, but for the ports that they give out; which of them gets packets the addresses say,
# and forwards the fence.
#
#   gateway.sh [INSTANCE]
set -e
cd "$(dirname "$0")"
# The last flows that a gateway let out before it died the next one may not know: it must not give their ports to others. So the instances nat#1 and
# nat#2 each have half of the ports; where more than two may hold the slot, there have to be as many parts.
ports=1024-65535
case "$1" in
  *'#'*[13579]) ports=1024-33279 ;;
  *'#'*) ports=33280-65535 ;;
esac
nft -D "ports=$ports" -f gateway.nft
# Behind a failover the kernel has not seen the last segments of a connection: their numbers are taken as they come.
echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal
# A connection that is in no table is not taken up in its middle: without its state it would break, and show it.
echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose
echo 1 >/proc/sys/net/ipv4/ip_forward
exec sleep infinity
