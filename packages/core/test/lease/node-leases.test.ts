// SPDX-License-Identifier: Apache-2.0
import {
  type HandedOnCouncils,
  type NodeLeaseRecord,
  NodeLeases,
  type NodeLeasesInput,
  type NodeLeasesOutput,
} from '@vnfpool/core/lease';
import type { CouncilDefinition, SlotDefinition } from '@vnfpool/wire/mobility';
import { beforeEach, expect, test } from 'vitest';
import { LEASE_MS, SLOT, START_MS } from './harness.ts';

/* Two councils of one set, on four nodes: 1, 2, 3 grant the first slot, 2, 3, 4 the second. */

const OTHER = '00000000000000a2';
const EAST: CouncilDefinition = {
  id: 1,
  version: { generation: 1, number: 1, randomId: '00000000000000c0' },
  members: [1, 2, 3],
};
const WEST: CouncilDefinition = {
  id: 2,
  version: { generation: 1, number: 1, randomId: '00000000000000d0' },
  members: [2, 3, 4],
};

function slot(id: string, councilId: number): SlotDefinition {
  const order = councilId === 1 ? [2, 3] : [3, 2];
  const candidates = order.map((node) => ({ node, functionId: node * 16 + councilId }));
  return {
    id,
    pool: `pool-${councilId}`,
    index: 0,
    councilId,
    leaseMs: LEASE_MS,
    addresses: [],
    genesis: { randomId: '00000000000000e5', candidates },
    candidates,
    lastResort: { rule: 'never' },
  };
}

const CONFIGURATION = { councils: [EAST, WEST], slots: [slot(SLOT, 1), slot(OTHER, 2)] };

class Node {
  readonly disk: NodeLeaseRecord[] = [];
  readonly told: NodeLeasesOutput[] = [];
  incarnation = 0n;
  leases: NodeLeases | undefined;
}

let nodes: Map<number, Node>;
let nowMs: number;
let mail: { readonly to: number; readonly input: NodeLeasesInput }[];

function start(id: number, handedOn?: HandedOnCouncils): void {
  const node = nodes.get(id) ?? new Node();
  nodes.set(id, node);
  if (!handedOn) node.incarnation += 1n;
  node.leases = new NodeLeases({
    node: id,
    incarnation: node.incarnation,
    startedAtMs: nowMs,
    restored: [...node.disk],
    random: { u32: () => id, u64: () => BigInt(id), fraction: () => 0.5 },
    ...(handedOn && { handedOn }),
  });
  if (!handedOn) give(id, { type: 'configure', ...CONFIGURATION });
}

function give(id: number, input: NodeLeasesInput): NodeLeasesOutput[] {
  const outputs = nodes.get(id)?.leases?.handle(input, nowMs) ?? [];
  carryOut(id, outputs);
  return outputs;
}

function carryOut(id: number, outputs: readonly NodeLeasesOutput[]): void {
  const node = nodes.get(id);
  if (!node) return;
  for (const output of outputs) {
    node.told.push(output);
    if (output.type === 'persist') node.disk.push(...output.records);
    if (output.type === 'granted') give(id, { ...output, type: 'activate' });
    if (output.type === 'fence-close') give(id, { ...output, type: 'fence-closed' });
    if (output.type !== 'send') continue;
    const { councilId, to, messages } = output;
    const council = node.leases?.council(councilId)?.version;
    if (!council) throw new Error(`node ${id} speaks for council ${councilId} without one`);
    const clockUs = BigInt(Math.round(nowMs * 1_000));
    const { incarnation } = node;
    const header = { sender: id, receiver: to, incarnation, sequence: 0n, councilId, council, clockUs };
    mail.push({ to, input: { type: 'datagram', from: id, header, messages } });
  }
}

function run(forMs: number): void {
  for (const untilMs = nowMs + forMs; nowMs < untilMs; nowMs += 1) {
    const due = mail;
    mail = [];
    for (const { to, input } of due) give(to, input);
    for (const [id, { leases }] of nodes)
      if (leases && (leases.nextDeadline() ?? nowMs + 1) <= nowMs) carryOut(id, leases.expire(nowMs));
  }
}

function ready(id: number, ...ranks: readonly [string, number, number][]): void {
  for (const [name, councilId, rank] of ranks) {
    const functionId = id * 16 + councilId;
    give(id, {
      type: 'candidate-state',
      slot: name,
      functionId,
      functionIncarnation: 1n,
      ready: true,
      rank,
    });
  }
}

/** Nodes whose lease of the slot runs. */
const serving = (name: string): number[] =>
  [...nodes].flatMap(([id, { told }]) => {
    const last = told.findLast((output) => output.type === 'fence-until' && output.slot === name);
    return last?.type === 'fence-until' && last.untilMs > nowMs ? [id] : [];
  });

const of = <Type extends NodeLeasesOutput['type']>(id: number, type: Type) =>
  (nodes.get(id)?.told ?? []).filter(
    (output): output is Extract<NodeLeasesOutput, { type: Type }> => output.type === type,
  );

beforeEach(() => {
  nodes = new Map();
  nowMs = START_MS;
  mail = [];
  for (const id of [1, 2, 3, 4]) start(id);
  ready(2, [SLOT, 1, 0], [OTHER, 2, 1]);
  ready(3, [SLOT, 1, 1], [OTHER, 2, 0]);
  run(4 * LEASE_MS);
});

test('each grants its own slots, and what it says and keeps is told apart', () => {
  expect([serving(SLOT), serving(OTHER)]).toEqual([[2], [3]]);
  // Node 1 is a member of the first only, node 4 of the second. Clocks are compared with everybody's.
  const spokenOf = (id: number) =>
    new Set(
      of(id, 'send').flatMap(({ councilId, messages }) =>
        messages.some(({ type }) => type !== 'clock') ? [councilId] : [],
      ),
    );
  expect([spokenOf(1), spokenOf(4)]).toEqual([new Set([1]), new Set([2])]);
  const kept = (nodes.get(2)?.disk ?? []).flatMap((record) =>
    record.type === 'slot' ? [`${record.councilId} ${record.slot}`] : [],
  );
  expect(new Set(kept)).toEqual(new Set([`1 ${SLOT}`, `2 ${OTHER}`]));
});

test('one that has lost its majority takes none of the slots of the other away', () => {
  nodes.delete(4);
  nodes.delete(3);
  run(3 * LEASE_MS);
  expect([serving(SLOT), serving(OTHER)]).toEqual([[2], []]);
});

test('a node that starts anew has the registers of each where they belong', () => {
  start(2);
  start(3);
  expect(nodes.get(2)?.leases?.councils.map(({ councilId, voiceless }) => [councilId, voiceless])).toEqual([
    [1, 0],
    [2, 0],
  ]);
  ready(2, [SLOT, 1, 0], [OTHER, 2, 1]);
  ready(3, [SLOT, 1, 1], [OTHER, 2, 0]);
  run(8 * LEASE_MS);
  expect([serving(SLOT).length, serving(OTHER).length]).toEqual([1, 1]);
  const epochs = [2, 3].flatMap((id) => of(id, 'granted').map((each) => `${each.slot} ${each.epoch}`));
  expect(new Set(epochs).size).toBe(epochs.length);
});

test('both are handed on to the next process, and go on', () => {
  const handedOn = nodes.get(2)?.leases?.handOn(nowMs);
  expect(handedOn?.councils.map(({ councilId }) => councilId)).toEqual([1, 2]);
  const before = of(2, 'granted').length;
  start(2, structuredClone(handedOn));
  run(3 * LEASE_MS);
  expect([serving(SLOT), serving(OTHER)]).toEqual([[2], [3]]);
  expect(of(2, 'granted')).toHaveLength(before);
});

test('a slot that is told with another council stays with its own', () => {
  const slots = [slot(SLOT, 2), slot(OTHER, 2)];
  const outputs = give(2, { type: 'configure', councils: [EAST, WEST], slots });
  expect(outputs).toContainEqual({ type: 'rejected', reason: 'other-council', from: 0 });
  run(2 * LEASE_MS);
  expect(serving(SLOT)).toEqual([2]);
});

test('a council that is not told any more grants nothing, and lets go', () => {
  for (const id of nodes.keys()) give(id, { type: 'configure', councils: [EAST], slots: [slot(SLOT, 1)] });
  run(2 * LEASE_MS);
  expect([serving(SLOT), serving(OTHER)]).toEqual([[2], []]);
});

test('a datagram of a council of which nothing was told is left unread', () => {
  const header = {
    sender: 3,
    receiver: 2,
    incarnation: 1n,
    sequence: 0n,
    councilId: 9,
    council: EAST.version,
    clockUs: 0n,
  };
  const message = { type: 'clock', wantsAnswer: true } as const;
  const datagram = { type: 'datagram', from: 3, header, messages: [message] } as const;
  const rejected = { type: 'rejected', reason: 'unknown-council', from: 3 };
  expect(give(2, datagram)).toEqual([rejected]);
  expect(give(2, { type: 'datagrams', datagrams: [datagram, datagram] })).toEqual([rejected, rejected]);
});

test('more slots than a node takes part in are refused as a whole', () => {
  const slots = Array.from({ length: 1_025 }, (_, index) =>
    slot(`${index}`.padStart(16, '0'), 1 + (index % 2)),
  );
  expect(give(2, { type: 'configure', councils: [EAST, WEST], slots })).toEqual([
    { type: 'rejected', reason: 'too-many-slots', from: 0 },
  ]);
});

test('each slot is judged by its own council, and what a record says of the own clock holds from the beginning', () => {
  const leases = (councilId: number): NodeLeases => {
    const made = new NodeLeases({
      node: 2,
      incarnation: 9n,
      startedAtMs: nowMs,
      restored: [{ type: 'clock', isOutside: true, councilId }],
      random: { u32: () => 2, u64: () => 2n, fraction: () => 0.5 },
    });
    made.handle({ type: 'configure', ...CONFIGURATION }, nowMs);
    return made;
  };
  expect(leases(1).isClockOutside(SLOT)).toBe(true);
  expect(leases(1).isClockOutside('00000000000000ff')).toBe(false);
  expect(nodes.get(2)?.leases?.isClockOutside(SLOT)).toBe(false);
});
