// SPDX-License-Identifier: Apache-2.0
import { ADDRESS } from './echo-set.ts';
import type { Fault } from './faults.ts';
import { macOf } from './node-link.ts';

/*
 * Not a fault of ours: somebody who has no fence says that the address is his, with the hardware address of a node that
 * does not hold it. There to see that the watchers see it.
 */

const SAY = String.raw`my ($mac, $address, $index) = @ARGV;
$mac = pack('H12', $mac =~ s/://gr);
$address = pack('C4', split /\./, $address);
my $type = unpack('S', pack('n', 0x0806));
socket(my $socket, 17, 3, $type) or die "socket: $!";
my $frame = "\xff" x 6 . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 2) . $mac . $address . "\0" x 6 . $address;
send($socket, $frame, 0, pack('S S l S C C x8', 17, $type, $index, 0, 0, 6)) or die "send: $!";`;

export const IMPOSTOR: Fault = {
  name: 'an impostor',
  forMs: [100, 100],
  strike: async ({ set, nodes, holder }) => {
    const other = await macOf(set, nodes.find((node) => node !== holder.node) ?? '');
    const at = await set.pidOf('registrar');
    // Not from /sys, which shows the namespace that it was mounted in.
    const { stdout } = await set.inside(at, 'ip', '-o', 'link', 'show', 'dev', 'eth0');
    const index = /^\d+/.exec(stdout)?.[0] ?? '';
    const said = await set.inside(at, 'perl', '-e', SAY, other, ADDRESS, index);
    if (said.code !== 0) throw new Error(said.stderr);
    return () => {};
  },
};
