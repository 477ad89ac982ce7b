#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What makes a node a gateway. The rules are the same at both; which of them gets packets the addresses say, and forwards the fence.
set -e
cd "$(dirname "$0")"
nft -f gateway.nft
# Behind a failover the kernel has not seen the last segments of a connection: their numbers are taken as they come.
echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal
# A connection that is in no table is not taken up in its middle: without its state it would break, and show it.
echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose
echo 1 >/proc/sys/net/ipv4/ip_forward
exec sleep infinity
