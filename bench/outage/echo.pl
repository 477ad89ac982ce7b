# SPDX-License-Identifier: Apache-2.0
# A network function of 6 MB: `perl echo.pl PORT NAME [ADDRESS]` answers every UDP datagram on PORT with the datagram and
# NAME, and takes and closes TCP connections on PORT (its health check). Small, so that its death is over at once.
# With an ADDRESS, which need not be there yet, it answers from it; else from whatever address the system chooses.
use strict;
use warnings;
use Socket;

my ($port, $name, $address) = @ARGV;
my $IP_FREEBIND = 15;
socket(my $udp, PF_INET, SOCK_DGRAM, 17) or die "socket: $!";
setsockopt($udp, 0, $IP_FREEBIND, 1) or die "freebind: $!";
bind($udp, sockaddr_in($port, $address ? inet_aton($address) : INADDR_ANY)) or die "bind: $!";
socket(my $tcp, PF_INET, SOCK_STREAM, 6) or die "socket: $!";
setsockopt($tcp, SOL_SOCKET, SO_REUSEADDR, 1);
bind($tcp, sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
listen($tcp, 8) or die "listen: $!";
my $all = '';
vec($all, fileno($udp), 1) = 1;
vec($all, fileno($tcp), 1) = 1;
for (;;) {
  select(my $ready = $all, undef, undef, undef);
  if (vec($ready, fileno($udp), 1)) {
    my $from = recv($udp, my $bytes, 64, 0);
    send($udp, $bytes . $name, 0, $from) if defined $from;
  }
  if (vec($ready, fileno($tcp), 1)) {
    my $peer;
    close($peer) if accept($peer, $tcp);
  }
}
