// SPDX-License-Identifier: Apache-2.0
import { ipBytes } from '@vnfpool/platform/netlink';
import { ASKER } from './echo-set.ts';
import type { Fault, Target } from './faults.ts';
import type { PlacedAddress } from './set-kinds.ts';

/*
 * Not a fault of ours: somebody who has no fence says something in the name of an address of the slot, with the very hardware
 * address that the holder speaks with. Only the port tells them apart. There to see that the watchers see it.
 */

const SAY = String.raw`my ($index, $frame) = @ARGV;
socket(my $socket, 17, 3, 0) or die "socket: $!";
my $to = pack('S S l S C C x8', 17, 0, $index, 0, 0, 6);
send($socket, pack('H*', $frame), 0, $to) or die "send: $!";`;

/** To nobody: it comes to all ports, and nobody is led astray by it. */
const NOBODY = '02eeeeeeeeee';

export interface Speech {
  readonly name: string;
  /** The frame, in hexadecimal. */
  readonly frame: string;
}

/** Each way of speaking for an address. `mac`: whose it is said to be. Checksums are left out: nobody takes it. */
export function speechesFor(address: string, mac: string): readonly Speech[] {
  const own = Buffer.from(ipBytes(address)).toString('hex');
  const from = mac.replaceAll(':', '');
  if (own.length === 8) {
    const head = `${NOBODY}${from}`;
    return [
      { name: 'ARP', frame: `${head}0806 0001 0800 06 04 0002 ${from} ${own} ${NOBODY} ${own}` },
      {
        name: 'IPv4',
        frame: `${head}0800 45 00 001c 0000 4000 40 11 0000 ${own} ${own} 1b58 1b58 0008 0000`,
      },
    ].map(packed);
  }
  const head = `${NOBODY}${from}86dd 6000 0000`;
  const linkLocal = `fe80${'0'.repeat(24)}0bad`;
  const all = `ff02${'0'.repeat(27)}1`;
  return [
    // An advertisement may come from another address than it is about.
    {
      name: 'neighbour advertisement',
      frame: `${head} 0020 3a ff ${linkLocal} ${all} 88 00 0000 20000000 ${own} 0201 ${from}`,
    },
    { name: 'IPv6', frame: `${head} 0008 11 40 ${own} ${own} 1b58 1b58 0008 0000` },
  ].map(packed);
}

function packed({ name, frame }: Speech): Speech {
  return { name, frame: frame.replaceAll(' ', '') };
}

export interface Impostor {
  readonly speeches: readonly Speech[];
  say(speech: Speech): Promise<void>;
}

/** Somebody beside the nodes, for an address of the slot. */
export async function impostorFor(
  { set, kind, switches, holder }: Pick<Target, 'set' | 'kind' | 'switches' | 'holder'>,
  { address, link }: PlacedAddress,
): Promise<Impostor> {
  const shown = async (host: string, ...which: readonly string[]): Promise<string> =>
    // Not from /sys, which shows the namespace that it was mounted in.
    (await set.inside(await set.pidOf(host), 'ip', '-o', 'link', 'show', ...which)).stdout;
  const index = /^\d+/.exec(await shown(ASKER, 'dev', link))?.[0] ?? '';
  const spoken = kind.mode === 'same-mac' ? ['type', 'macvlan'] : ['dev', link];
  const mac = /link\/ether (\S+)/.exec(await shown(holder.node, ...spoken))?.[1];
  if (mac === undefined) throw new Error(`${holder.node} has no hardware address for ${address}`);
  return {
    speeches: speechesFor(address, mac),
    say: async ({ frame }) => {
      const said = await set.inside(await set.pidOf(ASKER), 'perl', '-e', SAY, index, frame);
      if (said.code !== 0) throw new Error(said.stderr);
      // The switch has learnt that the holder is there, and would send him nothing before he speaks again.
      const port = switches.port(ASKER, link);
      await switches.run('ip', 'link', 'set', 'dev', port, 'type', 'bridge_slave', 'fdb_flush');
    },
  };
}

/** One that is judged as any other fault. */
export const IMPOSTOR: Fault = {
  name: 'an impostor',
  forMs: [100, 100],
  strike: async (target) => {
    const impostor = await impostorFor(target, target.random.pick(target.kind.addresses));
    await impostor.say(target.random.pick(impostor.speeches));
    return () => {};
  },
};
