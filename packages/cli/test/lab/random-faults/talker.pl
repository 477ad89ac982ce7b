# SPDX-License-Identifier: Apache-2.0
# `perl talker.pl PORT NAME ADDRESS...`: a network function that does not keep quiet. It answers every UDP datagram on PORT
# at its addresses, of IPv4 or IPv6, which need not be there yet, with the datagram and NAME; and says something by itself each
# 5 ms, at each address to the host that asked there last: also when nobody asks any more, or it is not to speak at all. Takes
# and closes TCP connections on PORT (its health check).
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 unpack_sockaddr_in6 AF_INET6 PF_INET6);
use Time::HiRes qw(time);

my ($port, $name, @addresses) = @ARGV;
my ($IP_FREEBIND, $DISCARD, $EVERY) = (15, 9, 0.005);
my @all;
for my $address (@addresses) {
  my $v6 = $address =~ /:/;
  socket(my $udp, $v6 ? PF_INET6 : PF_INET, SOCK_DGRAM, 17) or die "socket: $!";
  # Of sockets of either family.
  setsockopt($udp, 0, $IP_FREEBIND, 1) or die "freebind: $!";
  my $bytes = inet_pton($v6 ? AF_INET6 : AF_INET, $address) // die "no address: $address";
  bind($udp, $v6 ? pack_sockaddr_in6($port, $bytes) : sockaddr_in($port, $bytes)) or die "bind: $!";
  push @all, { udp => $udp, v6 => $v6, asker => undef };
}
socket(my $tcp, PF_INET, SOCK_STREAM, 6) or die "socket: $!";
setsockopt($tcp, SOL_SOCKET, SO_REUSEADDR, 1);
bind($tcp, sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
listen($tcp, 8) or die "listen: $!";
my $all = '';
vec($all, fileno($_), 1) = 1 for $tcp, map { $_->{udp} } @all;
my $next = time;
for (;;) {
  my $left = $next - time;
  select(my $ready = $all, undef, undef, $left > 0 ? $left : 0);
  for my $at (@all) {
    next unless vec($ready, fileno($at->{udp}), 1);
    my $from = recv($at->{udp}, my $bytes, 64, 0);
    next unless defined $from;
    send($at->{udp}, $bytes . $name, 0, $from);
    $at->{asker} =
      $at->{v6} ? pack_sockaddr_in6($DISCARD, (unpack_sockaddr_in6($from))[1]) : sockaddr_in($DISCARD, (sockaddr_in($from))[1]);
  }
  if (vec($ready, fileno($tcp), 1)) {
    my $peer;
    close($peer) if accept($peer, $tcp);
  }
  next if time < $next;
  # What the fence refuses is tried again.
  defined $_->{asker} and send($_->{udp}, $name, 0, $_->{asker}) for @all;
  $next = time + $EVERY;
}
