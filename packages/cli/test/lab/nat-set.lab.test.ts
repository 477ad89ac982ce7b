// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { StateView } from '@vnfpool/core/management';
import { Conntrack, type ConntrackEntry } from '@vnfpool/platform/conntrack';
import { NetworkGate } from '@vnfpool/platform/gate';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { invertTuple } from '@vnfpool/wire/flow-state';
import { describe, expect, onTestFinished, test } from 'vitest';
import { movesRefusal } from '../../../daemons/src/node/movable-network.ts';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { labFolder, RunningSet } from './running-set.ts';
import { notBuilt } from './support.ts';

/* A gateway that is declared in a set: it moves by order of a person, and a standby of it is silent. */

const missing = labMissing || notBuilt || (movesRefusal() ?? '');
/** A network for `up` that has the bridge and nothing of this machine. */
const BRIDGE = 'ip link set lo up && ip link add br-lan type bridge && ip link set br-lan up && exec "$@"';

const declaration = (redundancy: string): string => `set: gateway
nodes: [a, b, c]
pools:
  nat:
    function:
      netns:
        interfaces: [{ name: lan, bridge: br-lan, addresses: [10.1.0.1/24] }]
        sysctls: { net.ipv4.ip_forward: "1" }
      state: { via: conntrack }
${redundancy}`;

async function startSet(redundancy: string): Promise<RunningSet> {
  const file = `${labFolder()}.yaml`;
  writeFileSync(file, declaration(redundancy));
  const before = ['unshare', '--net', '/bin/sh', '-c', BRIDGE, 'sh'];
  const set = await RunningSet.start({ file, before, args: ['--mode', 'loopback'] });
  onTestFinished(async () => {
    await set.takeDown();
    rmSync(file, { force: true });
  });
  return set;
}

/** Looks at the network of a process. */
function at<Result>(
  pid: number | null | undefined,
  look: (table: Conntrack, gate: NetworkGate) => Result,
): Result {
  const fd = openSync(`/proc/${pid}/ns/net`, 'r');
  try {
    return inNamespace(fd, () => {
      const [table, gate] = [new Conntrack(), new NetworkGate()];
      try {
        return look(table, gate);
      } finally {
        table.close();
        gate.dispose();
      }
    });
  } finally {
    closeSync(fd);
  }
}

const isOpen = (pid: number | null | undefined): boolean =>
  at(pid, (_, gate) => gate.dropped('standby') === null && gate.dropped('quiesced') === null);
const running = ({ instances }: StateView) =>
  instances.filter(({ status, move }) => status === 'running' && move === null);

const original: ConntrackEntry['original'] = {
  source: Uint8Array.of(10, 1, 0, 2),
  destination: Uint8Array.of(198, 51, 100, 7),
  protocol: 6,
  layer4: { kind: 'ports', source: 40_000, destination: 443 },
};
const connection: ConntrackEntry = {
  original,
  reply: invertTuple(original),
  status: 0x6,
  timeoutSeconds: 3600,
  zone: 0,
  zoneDirection: 'both',
  mark: 5,
  tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
  sctp: null,
  helper: null,
  labels: null,
  counters: null,
  master: null,
  shifts: null,
};

describe.skipIf(missing !== '')(`a gateway of a set ${missing}`, () => {
  test('moves by order, with its connections, and is open where it is', async () => {
    const set = await startSet('');
    const before = await set.untilState('it runs, and is open', (state) => {
      const [only] = running(state);
      return only?.pid && isOpen(only.pid);
    });
    const [source] = running(before);
    expect(at(source?.pid, (table) => table.insert([connection]))).toEqual([]);
    const to = source?.node === 'a' ? 'b' : 'a';
    await set.must('instance', 'move', source?.name ?? '', '--to', to);
    const after = await set.untilState('it runs there, and is open', (state) => {
      const [only] = running(state);
      return only?.node === to && only.pid && isOpen(only.pid);
    });
    const found = at(running(after)[0]?.pid, (table) => table.find(connection));
    expect(found).toMatchObject({ reply: connection.reply, mark: 5, tcp: { state: 3 } });
  }, 120_000);

  test('with a slot: who holds it is open, the standby is closed, and a move takes the slot along', async () => {
    const set = await startSet('    redundancy: { slots: 1, standbys: 1 }\n    failover: { lease: 1s }\n');
    const settled = (state: StateView) => {
      const all = running(state);
      const holder = all.find(({ role }) => role === 'active');
      const standby = all.find(({ role }) => role === 'standby');
      return holder?.pid && standby?.pid && isOpen(holder.pid) && !isOpen(standby.pid) && holder;
    };
    const before = await set.untilState('one is open, the other is not', settled);
    const holder = settled(before);
    if (!holder) throw new Error('nobody holds the slot');
    expect(at(holder.pid, (table) => table.insert([connection]))).toEqual([]);
    const taken = new Set(running(before).map(({ node }) => node));
    const to = ['a', 'b', 'c'].find((node) => !taken.has(node)) ?? '';
    await set.must('instance', 'move', holder.name, '--to', to);
    const after = await set.untilState('it is open there, and the other is not', (state) => {
      const moved = settled(state);
      return moved && moved.node === to && moved.name === holder.name;
    });
    const moved = settled(after);
    expect(at(moved ? moved.pid : null, (table) => table.find(connection))).toMatchObject({ mark: 5 });
  }, 120_000);
});
