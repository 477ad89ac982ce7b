// SPDX-License-Identifier: Apache-2.0
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { labFolder, RunningSet } from '../running-set.ts';
import { has } from '../support.ts';
import type { PlacedAddress, SetKind } from './set-kinds.ts';
import { Switches } from './switches.ts';

export const PORT = 7000;
export const NODES: readonly string[] = ['node-a', 'node-b', 'node-c'];
/** Where it is asked from. */
export const ASKER = 'registrar';

const TALKER = fileURLToPath(new URL('./talker.pl', import.meta.url));

/**
 * In a time namespace our CLOCK_BOOTTIME is not the kernel's, so that no program may go by it: the fence takes its other
 * form, on a kernel that has both.
 */
const OTHER_CLOCK = ['unshare', '--time', '--boottime', '1000', '--'];

/** Why there is no other clock; empty when there is. */
export const noOtherClock: string = has('unshare', ...OTHER_CLOCK.slice(1), 'true')
  ? ''
  : 'unshare gives no time namespace';

/** Three nodes, one slot, a small program that says who it is, asked or not. */
function declarationOf({ addresses, mode }: SetKind, raised: readonly PlacedAddress[]): string {
  const placed = raised.map(
    (each) => `{ address: "${each.address}/${each.prefixLength}", link: ${each.link} }`,
  );
  const bound = addresses.map(({ address }) => JSON.stringify(address));
  return `set: faults
nodes: [${NODES.join(', ')}]
pools:
  echo:
    function:
      program: perl
      arguments: [${JSON.stringify(TALKER)}, "{port}", "{name}", ${bound.join(', ')}]
      port: ${PORT}
      health: { every: 500ms, timeout: 400ms }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: [${placed.join(', ')}]
    addressing: { mode: ${mode} }
    policy: priority
    failover: { lease: 300ms }
`;
}

/** Brings it up; `end` takes it away. */
export async function startEchoSet(kind: SetKind): Promise<{
  readonly set: RunningSet;
  readonly switches: Switches;
  readonly end: () => Promise<void>;
}> {
  const folder = labFolder();
  const file = `${folder}.yaml`;
  const write = (raised: readonly PlacedAddress[]): void => {
    writeFileSync(file, declarationOf(kind, raised));
    chmodSync(file, 0o644);
  };
  let set: RunningSet | undefined;
  const end = async (): Promise<void> => {
    await set?.takeDown();
    rmSync(file, { force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // `up` gives its nodes one link, and refuses what is on another.
    write(kind.addresses.filter(({ link }) => link === 'eth0'));
    set = await RunningSet.start({ file, folder, before: kind.fence === 'nft' ? OTHER_CLOCK : [] });
    const switches = await Switches.join(set, kind, [...NODES, ASKER]);
    if (switches.links.includes('eth1')) {
      write(kind.addresses);
      await set.must('apply', file);
    }
    const forms = (await set.state()).nodes.map(({ fence }) => fence);
    if (kind.fence === 'nft' && forms.some((form) => form !== 'nft'))
      throw new Error(`the fences are ${forms.join(', ')}, and were to be nft`);
    return { set, switches, end };
  } catch (error) {
    await end();
    throw error;
  }
}
