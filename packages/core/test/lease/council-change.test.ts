// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import { type CandidateState, compareCouncils, type LeaseInput, nextVersion } from '@vnfpool/core/lease';
import type { CouncilMembership } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { Bench, COUNCIL, held, LEASE_MS, SLOT } from './harness.ts';

const SECOND = nextVersion(COUNCIL, '00000002');

const SHARING: NonNullable<Bench['slotOptions']['sharing']> = {
  method: 'replicate',
  lossUpdates: 0,
  acknowledgedBy: 0,
  overload: 'block',
};

/** Puts another council in force at every node that runs, in one step or announced before. */
function change(bench: Bench, members: readonly number[]): void {
  const former: CouncilMembership = { version: bench.council, members: bench.members };
  bench.councilOptions = { former };
  bench.council = nextVersion(bench.council, '00000002');
  bench.members = members;
  for (const node of bench.engines.keys()) bench.input(node, bench.configuration());
}

/** Which members renew for node 1 from now on. */
function renewers(bench: Bench): number[] {
  const from = bench.sent.length;
  bench.run(2 * LEASE_MS);
  const answers = bench.sent.slice(from).filter(({ message }) => message.type === 'renewed');
  return [...new Set(answers.map(({ from: node }) => node))].sort((a, b) => a - b);
}

describe('a version', () => {
  test('follows on another in its generation; another beginning is a rival', () => {
    expect(SECOND).toEqual({ generation: 1, number: 2, randomId: '0000000000000002' });
    expect(compareCouncils(SECOND, COUNCIL)).toBe('higher');
    expect(compareCouncils(COUNCIL, SECOND)).toBe('lower');
    expect(compareCouncils(SECOND, { ...SECOND, randomId: '0000000000000003' })).toBe('unrelated');
    expect(compareCouncils(SECOND, { ...COUNCIL, randomId: 'ffffffff00000002' })).toBe('rival');
    expect(compareCouncils({ ...COUNCIL, generation: 2 }, SECOND)).toBe('higher');
  });
});

describe('a change of the council', () => {
  test('leaves the holder its slot, its epoch and its open fence', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    change(bench, [1, 2, 4]);
    bench.run(3 * LEASE_MS);
    expect(bench.all('lost')).toEqual([]);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.all('renumbered')).toEqual([]);
    expect(renewers(bench)).toEqual([2, 4]);
    expect(bench.engines.get(4)?.voiceless).toBe(0);
  });

  test('gives the new member what the former ones decided: it does not begin with genesis', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    change(bench, [1, 2, 4]);
    bench.run(LEASE_MS);
    // Only the new member and one that had no part in the first round are left of the council.
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    const { node, epoch, cause } = bench.last('granted');
    expect(node).not.toBe(1);
    expect(epoch).toBeGreaterThan(epochOf(1, 1));
    expect(cause).toBe('lease-expired');
  });

  test('counts only once a majority of the former council has left it', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    // The new member hears nothing of the others, and they hear of the change only from it.
    bench.isLost = (from, to) => from === 4 || to === 4;
    const former: CouncilMembership = { version: COUNCIL, members: [1, 2, 3] };
    const configuration = bench.configuration();
    bench.input(4, { ...configuration, council: { id: 1, version: SECOND, members: [1, 2, 4], former } });
    bench.run(2 * LEASE_MS);
    expect(bench.engines.get(4)?.voiceless).toBe(1);
    expect(bench.all('lost')).toEqual([]);
    bench.isLost = () => false;
    bench.run(2 * LEASE_MS);
    // Nobody has left the former one yet, so nobody tells the new member what it knows.
    expect(bench.engines.get(4)?.voiceless).toBe(1);
    expect(bench.all('lost')).toEqual([]);
  });

  test('is followed by whoever has it stored and hears a peer that works under it', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    const next: CouncilMembership = { version: SECOND, members: [1, 2, 4] };
    bench.councilOptions = { next };
    for (const node of bench.engines.keys()) bench.input(node, bench.configuration());
    bench.run(LEASE_MS);
    expect(bench.engines.get(2)?.council).toMatchObject({ version: COUNCIL, next });
    // One node is told, and then the manager is gone.
    const former: CouncilMembership = { version: COUNCIL, members: [1, 2, 3] };
    bench.input(4, { ...bench.configuration(), council: { id: 1, ...next, former } });
    bench.run(LEASE_MS);
    for (const engine of bench.engines.values()) expect(engine.council?.version).toEqual(SECOND);
    expect(renewers(bench)).toEqual([2, 4]);
    expect(bench.all('lost')).toEqual([]);
    // The manager comes back and does not know it yet: what it says besides still counts.
    bench.slotOptions = { leaseMs: 2 * LEASE_MS };
    expect(bench.input(1, bench.configuration())).not.toContainEqual(
      expect.objectContaining({ type: 'rejected' }),
    );
    bench.run(LEASE_MS);
    expect(bench.all('renumbered', 1)).toHaveLength(1);
  });

  test('of a member that was away for it: it takes over what it missed before it votes again', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    bench.stop(3);
    change(bench, [1, 3, 4]);
    bench.run(LEASE_MS);
    bench.start(3);
    bench.run(2 * LEASE_MS);
    expect(bench.engines.get(3)?.voiceless).toBe(0);
    expect(renewers(bench)).toEqual([3, 4]);
  });

  test('survives the restart of a member in the middle of it', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    bench.isLost = (from, to) => from === 4 || to === 4;
    change(bench, [1, 2, 4]);
    bench.run(LEASE_MS / 2);
    expect(bench.engines.get(4)?.voiceless).toBe(1);
    bench.stop(4);
    bench.isLost = () => false;
    bench.start(4);
    bench.run(LEASE_MS);
    expect(bench.engines.get(4)?.voiceless).toBe(0);
  });

  test('of another council that a node has not stored: it stays where it is, and says so', () => {
    const bench = held();
    const datagram = bench.datagram(2, 1, [{ type: 'renew', slot: SLOT, serial: 1, round: 1 }]);
    const higher: LeaseInput = { ...datagram, header: { ...datagram.header, council: SECOND } };
    expect(bench.input(1, higher)).toEqual([{ type: 'rejected', reason: 'council-mismatch', from: 2 }]);
    expect(bench.engines.get(1)?.council?.version).toEqual(COUNCIL);
  });

  test('a lower one than the node works under is refused', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    const old = bench.configuration();
    change(bench, [1, 2, 4]);
    expect(bench.input(1, old)).toEqual([{ type: 'rejected', reason: 'council-lower', from: 0 }]);
  });

  test('a slot that is made under it is born at its members without asking anyone', () => {
    const bench = held([1, 2, 3], [1, 2, 3, 4]);
    change(bench, [1, 2, 4]);
    bench.run(LEASE_MS);
    const from = bench.sent.length;
    const id = '00000000000000a2';
    const genesis = {
      randomId: '00000000000000e6',
      candidates: [{ node: 1, functionId: 16 }],
      council: SECOND,
    };
    bench.slotOptions = { id, genesis, candidates: genesis.candidates };
    for (const node of bench.engines.keys()) bench.input(node, bench.configuration());
    expect(bench.engines.get(4)?.voiceless).toBe(0);
    expect(bench.sent.slice(from).filter(({ message }) => message.type === 'fetch')).toEqual([]);
  });
});

describe('a forced decision', () => {
  /** Two of three are dead, and the operator says so. */
  function forced(): Bench {
    const bench = held();
    bench.stop(1);
    bench.stop(2);
    bench.run(2 * LEASE_MS);
    bench.council = { generation: 2, number: 1, randomId: 'ffffffff00000001' };
    bench.members = [3];
    bench.councilOptions = { forced: true };
    bench.input(3, bench.configuration());
    return bench;
  }

  test('lets those that are left go on, after the longest lease that the others may have granted', () => {
    const bench = forced();
    const decidedAtMs = bench.nowMs;
    expect(bench.all('granted', 3)).toEqual([]);
    bench.run(2 * LEASE_MS);
    const granted = bench.last('granted', 3);
    expect(granted.atMs - decidedAtMs).toBeGreaterThanOrEqual(LEASE_MS * 1.01);
    expect(granted.epoch).toBeGreaterThan(epochOf(2, 0));
  });

  test('waits again after a restart that came before the wait was over', () => {
    const bench = forced();
    bench.run(LEASE_MS / 2);
    bench.stop(3);
    bench.run(LEASE_MS / 10);
    bench.start(3);
    bench.ready(3, 0);
    const startedAtMs = bench.nowMs;
    bench.run(3 * LEASE_MS);
    expect(bench.last('granted', 3).atMs - startedAtMs).toBeGreaterThanOrEqual(LEASE_MS);
  });

  test('closes the fence of whoever holds by a lower generation, as soon as it hears of it', () => {
    const bench = held();
    bench.council = { generation: 2, number: 1, randomId: 'ffffffff00000001' };
    bench.members = [1];
    bench.councilOptions = { forced: true };
    const outputs = bench.input(1, bench.configuration());
    const epoch = epochOf(1, 1);
    expect(outputs[0]).toEqual({ type: 'fence-close', slot: SLOT, epoch, reason: 'council-forced' });
    expect(outputs[1]).toEqual({ type: 'lost', slot: SLOT, epoch, reason: 'council-forced' });
  });

  /** All members are dead, and node 4 is none of them: it has no register. */
  function ofAnOutsider(state?: CandidateState): Bench {
    const bench = held([1, 2, 3], [1, 4], state && { slotOptions: { sharing: SHARING } });
    for (const node of [1, 2, 3]) bench.stop(node);
    bench.run(2 * LEASE_MS);
    bench.council = { generation: 2, number: 1, randomId: 'ffffffff00000001' };
    bench.members = [4];
    bench.councilOptions = { forced: true };
    bench.input(4, bench.configuration());
    offers(bench, state);
    bench.run(3 * LEASE_MS);
    return bench;
  }

  function offers(bench: Bench, state: CandidateState | undefined): void {
    const candidate = { slot: SLOT, functionId: 64, functionIncarnation: 1n, ready: true, rank: 0 };
    bench.input(4, { type: 'candidate-state', ...candidate, ...(state && { state }) });
  }

  test('on a node that was no member is no birth: somebody held the slot', () => {
    const bench = ofAnOutsider();
    const granted = bench.last('granted', 4);
    expect(granted).toMatchObject({ cause: 'lease-expired', fencedBy: 'timeout', previous: null });
    expect(granted.epoch).toBeGreaterThan(epochOf(2, 1));
    expect(granted.lossMark).toBe(false);
  });

  test('on a node that has nothing of the state does not let it begin with nothing, unless a person accepts that', () => {
    const nothing = { hasCopy: false, ownEpoch: null };
    const bench = ofAnOutsider(nothing);
    expect(bench.all('granted', 4)).toEqual([]);
    const { epoch } = bench.last('observed', 4);
    offers(bench, { ...nothing, acceptedLoss: epoch });
    bench.run(3 * LEASE_MS);
    expect(bench.last('granted', 4)).toMatchObject({ cause: 'lease-expired', lossMark: true });
  });

  test('on a member that heard of no holder is no birth either', () => {
    const bench = new Bench([1, 2, 3]);
    bench.slotOptions = { sharing: SHARING };
    bench.isLost = (from, to) => from === 3 || to === 3;
    bench.startAll();
    bench.run(LEASE_MS);
    expect(bench.serving()).toEqual([1]);
    bench.stop(1);
    bench.stop(2);
    bench.run(2 * LEASE_MS);
    bench.isLost = () => false;
    bench.council = { generation: 2, number: 1, randomId: 'ffffffff00000001' };
    bench.members = [3];
    bench.councilOptions = { forced: true };
    bench.input(3, bench.configuration());
    const candidate = { slot: SLOT, functionId: 48, functionIncarnation: 1n, ready: true, rank: 0 };
    bench.input(3, { type: 'candidate-state', ...candidate, state: { hasCopy: false, ownEpoch: null } });
    bench.run(3 * LEASE_MS);
    expect(bench.all('granted', 3)).toEqual([]);
  });

  test('on a node that has a copy lets it go on', () => {
    const bench = ofAnOutsider({ hasCopy: true, ownEpoch: null });
    expect(bench.last('granted', 4)).toMatchObject({ cause: 'lease-expired', lossMark: false });
  });

  test('of two persons for two councils: both close, and nothing moves until one of a higher generation', () => {
    const bench = forced();
    bench.run(2 * LEASE_MS);
    expect(bench.last('granted').node).toBe(3);
    const rival = { generation: 2, number: 1, randomId: 'eeeeeeee00000001' };
    const datagram = bench.datagram(2, 3, [{ type: 'renew', slot: SLOT, serial: 1, round: 1 }]);
    const outputs = bench.input(3, { ...datagram, header: { ...datagram.header, council: rival } });
    expect(outputs).toContainEqual(expect.objectContaining({ type: 'lost', reason: 'council-rival' }));
    expect(bench.engines.get(3)?.council?.rival).toEqual(rival);
    bench.stop(3);
    bench.start(3);
    bench.ready(3, 0);
    const grants = bench.all('granted').length;
    bench.run(10 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(grants);
    bench.council = { generation: 3, number: 1, randomId: 'dddddddd00000001' };
    bench.input(3, bench.configuration());
    bench.run(3 * LEASE_MS);
    expect(bench.last('granted').epoch).toBeGreaterThan(epochOf(3, 0));
  });
});

describe('a council in which nobody has a voice yet', () => {
  /** A council of three whose members hear nothing of the former one, in which some had the slot; node 4 is a candidate. */
  function voiceless(): Bench {
    const bench = held([1, 2, 3], [1, 4]);
    for (const node of [4, 5, 6]) if (!bench.engines.has(node)) bench.start(node);
    bench.isLost = (from, to) => [from, to].some((node) => node < 4);
    change(bench, [4, 5, 6]);
    return bench;
  }

  function prepares(bench: Bench): number[] {
    return bench.sent
      .filter(({ from, message }) => from === 4 && message.type === 'prepare')
      .map(({ atMs }) => atMs);
  }

  test('is asked seldomer the longer it refuses', () => {
    const bench = voiceless();
    bench.run(100 * LEASE_MS);
    const tries = new Set(prepares(bench));
    expect(bench.all('granted', 4)).toEqual([]);
    expect(tries.size).toBeGreaterThan(50);
    // A lease at the most lies between two, and half of one as a mean.
    expect(tries.size).toBeLessThan(220);
  });

  test('is asked at once when others are in it', () => {
    const bench = voiceless();
    bench.run(100 * LEASE_MS);
    bench.isLost = () => false;
    const changedMs = bench.nowMs;
    change(bench, [1, 2, 3]);
    bench.run(LEASE_MS);
    expect(prepares(bench).find((atMs) => atMs > changedMs)).toBeLessThan(changedMs + LEASE_MS / 10);
  });
});
