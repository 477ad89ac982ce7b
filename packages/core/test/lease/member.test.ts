// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, LeaseValue, Proposer } from '@vnfpool/wire/lease';
import { beforeEach, describe, expect, test } from 'vitest';
import { LeaseMember, type MemberRequest, ROUND_JUMP_MAX } from '../../src/lease/member.ts';
import type { CouncilRecord, SlotRecord } from '../../src/lease/record.ts';
import { LeaseRules } from '../../src/lease/rules.ts';

const SLOT = '00000000000000a1';
const A: Proposer = { node: 1, incarnation: 1n };
const A_RESTARTED: Proposer = { node: 1, incarnation: 2n };
const B: Proposer = { node: 2, incarnation: 1n };
const LEASE_MS = 300;
const DRIFT = 0.01;
const COUNCIL = { generation: 1, number: 1, randomId: '00000000000000c0' };
const COUNCIL_RECORD: CouncilRecord = {
  type: 'council',
  version: COUNCIL,
  members: [1, 2, 3],
  origin: { type: 'birth' },
  next: null,
  isWitness: false,
  rival: null,
};

function value(node: number, randomId = '0000000000000001'): LeaseValue {
  return {
    holder: { node, functionId: node * 16, functionIncarnation: 1n },
    candidates: [{ node: 1, functionId: 16, functionIncarnation: 0n }],
    lastResort: { rule: 'never' },
    lossMark: false,
    leaseMs: LEASE_MS,
    randomId,
  };
}

describe('a member of the council', () => {
  let member: LeaseMember;
  let disk: SlotRecord[];

  function make(startedAtMs: number, restored: readonly SlotRecord[]): LeaseMember {
    const made = new LeaseMember({ startedAtMs, driftBound: DRIFT, rules: new LeaseRules(), restored });
    made.council = COUNCIL_RECORD;
    return made;
  }

  function ask(request: MemberRequest, proposer: Proposer, nowMs: number): LeaseMessage {
    const { record, answers } = member.answer(request, proposer, nowMs);
    if (record !== undefined) disk.push(record);
    const [first] = answers;
    if (first === undefined) throw new Error('no answer');
    return first.message;
  }

  const prepare = (round: number, proposer: Proposer, nowMs: number, functionId = proposer.node * 16) =>
    ask(
      { type: 'prepare', slot: SLOT, serial: 1, round, functionId, functionIncarnation: 1n },
      proposer,
      nowMs,
    );
  const accept = (round: number, proposer: Proposer, nowMs: number, of = value(proposer.node)) =>
    ask({ type: 'accept', slot: SLOT, serial: 2, round, value: of }, proposer, nowMs);
  const renew = (round: number, proposer: Proposer, nowMs: number) =>
    ask({ type: 'renew', slot: SLOT, serial: 3, round }, proposer, nowMs);
  const release = (round: number, proposer: Proposer, nowMs: number) =>
    ask(
      { type: 'release', slot: SLOT, serial: 4, round, reason: 'function-exit', successor: null },
      proposer,
      nowMs,
    );

  beforeEach(() => {
    disk = [];
    member = make(0, []);
    const born = member.birth(
      SLOT,
      { ...value(0), holder: { node: 0, functionId: 0, functionIncarnation: 0n } },
      COUNCIL,
      0,
    );
    if (born !== undefined) disk.push(born);
  });

  test('stores a genesis value once; the absence of a record is never genesis', () => {
    expect(disk).toHaveLength(1);
    prepare(1, A, 0);
    expect(member.birth(SLOT, value(0), COUNCIL, 1)).toBeUndefined();
    const unknown = make(0, []);
    const { answers } = unknown.answer({ type: 'renew', slot: SLOT, serial: 1, round: 1 }, A, 0);
    expect(answers[0]?.message).toMatchObject({ type: 'refuse', reason: 'unknown-slot' });
  });

  test('has promise and acceptance in the record that goes to disk before the answer', () => {
    expect(prepare(1, A, 0)).toMatchObject({ type: 'promise', round: 1, serial: 1, incarnation: 1n });
    expect(disk.at(-1)?.promised).toMatchObject({ round: 1, proposer: A });
    expect(accept(1, A, 0)).toMatchObject({ type: 'accepted', round: 1 });
    expect(disk.at(-1)?.accepted).toMatchObject({ round: 1, proposer: A, value: value(1), released: null });
  });

  test('writes nothing for a renewal', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    const before = disk.length;
    expect(renew(1, A, 100)).toMatchObject({ type: 'renewed' });
    expect(disk).toHaveLength(before);
    expect(member.view(SLOT)?.leaseUntilMs).toBe(100 + LEASE_MS);
  });

  test('counts a lease from receipt', () => {
    prepare(1, A, 0);
    accept(1, A, 50);
    expect(prepare(2, B, 349.9)).toMatchObject({ type: 'refuse', reason: 'leased' });
    expect(prepare(2, B, 350)).toMatchObject({ type: 'promise' });
  });

  test('refuses an equal round of another proposer, also of the same node restarted', () => {
    prepare(1, A, 0);
    expect(prepare(1, B, 0)).toMatchObject({ type: 'refuse', reason: 'promised', promised: 1 });
    expect(prepare(1, A_RESTARTED, 0)).toMatchObject({ type: 'refuse', reason: 'promised' });
    expect(accept(1, B, 0)).toMatchObject({ type: 'refuse', reason: 'promised' });
  });

  test('repeats a promise to the same proposer without writing', () => {
    prepare(1, A, 0);
    const before = disk.length;
    expect(prepare(1, A, 1)).toMatchObject({ type: 'promise', round: 1 });
    expect(disk).toHaveLength(before);
  });

  test('accepts one value in a round', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    expect(accept(1, A, 1, value(1, '0000000000000002'))).toMatchObject({ type: 'refuse' });
    expect(accept(1, A, 1)).toMatchObject({ type: 'accepted' });
    expect(prepare(1, A, 2)).toMatchObject({ type: 'refuse', reason: 'promised' });
  });

  test('refuses what is below its promise', () => {
    prepare(5, B, 0);
    expect(prepare(4, A, 0)).toMatchObject({ type: 'refuse', reason: 'promised', promised: 5 });
    expect(accept(4, A, 0)).toMatchObject({ type: 'refuse', reason: 'promised' });
  });

  test('refuses a round far above the highest known', () => {
    expect(prepare(ROUND_JUMP_MAX + 1, A, 0)).toMatchObject({ type: 'refuse', reason: 'jump' });
    expect(accept(ROUND_JUMP_MAX + 1, A, 0)).toMatchObject({ type: 'refuse', reason: 'jump' });
    expect(prepare(ROUND_JUMP_MAX, A, 0)).toMatchObject({ type: 'promise' });
  });

  test('refuses under a running lease without remembering it, and says round, value and time left', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    const before = disk.length;
    expect(prepare(2, B, 100)).toMatchObject({
      type: 'refuse',
      reason: 'leased',
      promised: 1,
      timeLeftMs: 200,
      accepted: { round: 1, value: value(1) },
    });
    expect(disk).toHaveLength(before);
    expect(renew(1, A, 100)).toMatchObject({ type: 'renewed' });
  });

  test('lets a holder prepare a higher round for itself: its own lease is no obstacle', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    expect(prepare(2, A, 100)).toMatchObject({ type: 'promise', accepted: { round: 1 } });
    expect(prepare(3, A, 100, 99)).toMatchObject({ type: 'refuse', reason: 'leased' });
    expect(prepare(3, A_RESTARTED, 100)).toMatchObject({ type: 'refuse', reason: 'leased' });
  });

  test('reports the last accepted value also when it has expired, and for how long', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    expect(prepare(2, B, 1000)).toMatchObject({
      type: 'promise',
      accepted: { round: 1, value: value(1) },
      endedForMs: 700,
    });
  });

  test('refuses to renew once it has promised a higher round', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    prepare(2, B, 301);
    expect(renew(1, A, 302)).toMatchObject({ type: 'refuse', reason: 'promised', promised: 2 });
  });

  test('takes up a round that it missed', () => {
    expect(accept(3, A, 0)).toMatchObject({ type: 'accepted' });
    expect(disk.at(-1)).toMatchObject({ promised: { round: 3, proposer: A }, accepted: { round: 3 } });
  });

  describe('after a release', () => {
    beforeEach(() => {
      prepare(1, A, 0);
      accept(1, A, 0);
    });

    test('promises to others at once', () => {
      expect(release(1, A, 10)).toMatchObject({ type: 'released', round: 1 });
      expect(prepare(2, B, 10)).toMatchObject({ type: 'promise', accepted: { released: 'function-exit' } });
    });

    test('refuses renewals and acceptances of that round for ever, also after a restart', () => {
      release(1, A, 10);
      expect(renew(1, A, 11)).toMatchObject({ type: 'refuse', reason: 'released' });
      expect(accept(1, A, 11)).toMatchObject({ type: 'refuse', reason: 'released' });
      expect(prepare(1, A, 11)).toMatchObject({ type: 'refuse', reason: 'released' });
      member = make(1000, disk.slice(-1));
      expect(renew(1, A, 5000)).toMatchObject({ type: 'refuse', reason: 'released' });
      expect(accept(1, A, 5000)).toMatchObject({ type: 'refuse', reason: 'released' });
    });

    test('refuses a proposal that the release has overtaken', () => {
      release(2, A, 10);
      expect(accept(2, A, 11)).toMatchObject({ type: 'refuse', reason: 'released' });
    });

    test('ends nothing of another holder', () => {
      release(9, B, 10);
      expect(renew(1, A, 11)).toMatchObject({ type: 'renewed' });
      expect(prepare(10, B, 11)).toMatchObject({ type: 'refuse', reason: 'leased' });
    });

    test('answers a repeated release without writing', () => {
      release(1, A, 10);
      const before = disk.length;
      expect(release(1, A, 20)).toMatchObject({ type: 'released' });
      expect(disk).toHaveLength(before);
    });
  });

  describe('with a round that is reserved for a successor', () => {
    const reserve = (round: number, nowMs: number, of = value(2)) =>
      ask(
        { type: 'reserve', slot: SLOT, serial: 5, round, successorIncarnation: B.incarnation, value: of },
        A,
        nowMs,
      );
    const handOver = (nowMs: number) =>
      ask(
        {
          type: 'release',
          slot: SLOT,
          serial: 4,
          round: 1,
          reason: 'handover',
          successor: { proposer: B, round: 2 },
        },
        A,
        nowMs,
      );

    beforeEach(() => {
      prepare(1, A, 0);
      accept(1, A, 0);
      prepare(2, A, 100);
    });

    test('keeps it as the value of the successor and the promise of the holder', () => {
      expect(reserve(2, 100)).toMatchObject({ type: 'accepted', round: 2 });
      expect(disk.at(-1)).toMatchObject({
        promised: { round: 2, proposer: A },
        accepted: { round: 2, proposer: B, value: { holder: { node: 2 } } },
      });
    });

    test('answers a repetition without writing', () => {
      reserve(2, 100);
      const before = disk.length;
      expect(reserve(2, 110)).toMatchObject({ type: 'accepted' });
      expect(disk).toHaveLength(before);
    });

    test('accepts one value in it', () => {
      reserve(2, 100);
      expect(reserve(2, 110, value(2, '0000000000000002'))).toMatchObject({ type: 'refuse' });
    });

    test('is reserved by the holder only', () => {
      prepare(3, A, 100);
      expect(reserve(2, 100)).toMatchObject({ type: 'refuse', reason: 'promised' });
    });

    test("guards it like a lease, against the successor's own attempts, too: its holder may act still", () => {
      reserve(2, 100);
      expect(prepare(3, B, 150)).toMatchObject({ type: 'refuse', reason: 'leased' });
      expect(prepare(3, A, 150)).toMatchObject({ type: 'refuse', reason: 'leased' });
      expect(prepare(3, B, 100 + LEASE_MS)).toMatchObject({ type: 'promise' });
    });

    test('says nothing of it to views', () => {
      reserve(2, 100);
      expect(member.view(SLOT)).toBeUndefined();
      handOver(110);
      expect(member.view(SLOT)).toMatchObject({ accepted: { round: 2, proposer: B } });
    });

    test("makes it the successor's when the holder lets go for it, on the disk as well", () => {
      reserve(2, 100);
      handOver(110);
      expect(disk.at(-1)).toMatchObject({
        promised: { round: 2, proposer: B },
        accepted: { released: null },
      });
      // Its own lease is no obstacle to it any more.
      expect(prepare(3, B, 150)).toMatchObject({ type: 'promise' });
    });

    test("makes it the successor's when that renews it: it has heard the word", () => {
      reserve(2, 100);
      expect(member.renewOne(SLOT, 2, B, 120)).toBeUndefined();
      expect(renew(2, B, 120)).toMatchObject({ type: 'renewed' });
      expect(disk.at(-1)).toMatchObject({ promised: { round: 2, proposer: B } });
      expect(member.renewOne(SLOT, 2, B, 130)).toBe(130 + LEASE_MS);
    });

    test('frees the slot when its holder takes it back', () => {
      reserve(2, 100);
      release(2, A, 150);
      expect(renew(2, B, 160)).toMatchObject({ type: 'refuse', reason: 'released' });
      expect(prepare(3, B, 160)).toMatchObject({ type: 'promise' });
    });

    test('has nothing to give where it missed what was reserved', () => {
      handOver(110);
      expect(disk.at(-1)).toMatchObject({
        promised: { round: 2, proposer: A },
        accepted: { round: 1, released: 'handover' },
      });
    });

    test('is mute for everybody but the successor after a restart', () => {
      reserve(2, 100);
      member = make(1000, disk.slice(-1));
      expect(prepare(3, B, 1001)).toMatchObject({ type: 'refuse', reason: 'mute' });
      expect(renew(2, B, 1002)).toMatchObject({ type: 'renewed' });
      expect(prepare(3, B, 1003)).toMatchObject({ type: 'promise' });
    });
  });

  describe('with a round that is kept for an heir', () => {
    const C: Proposer = { node: 3, incarnation: 1n };
    const entrust = (round: number, heir: Proposer, heldRound = 1, of = A) =>
      ask({ type: 'entrust', slot: SLOT, serial: 6, round, heldRound, heir }, of, 100);
    const letGo = (nowMs: number) =>
      ask(
        {
          type: 'release',
          slot: SLOT,
          serial: 4,
          round: 1,
          reason: 'function-exit',
          successor: { proposer: B, round: 2 },
        },
        A,
        nowMs,
      );

    beforeEach(() => {
      prepare(1, A, 0);
      accept(1, A, 0);
    });

    test('has it on the disk, beside what it has accepted; a repetition writes nothing', () => {
      expect(entrust(2, B)).toMatchObject({ type: 'entrusted', round: 2 });
      expect(disk.at(-1)).toMatchObject({
        promised: { round: 2, proposer: B, closed: false, isHeirs: true },
        accepted: { round: 1, proposer: A, released: null },
      });
      const before = disk.length;
      expect(entrust(2, B)).toMatchObject({ type: 'entrusted' });
      expect(disk).toHaveLength(before);
    });

    test('renews the round of its holder, which may begin a higher one of its own', () => {
      entrust(2, B);
      expect(renew(1, A, 200)).toMatchObject({ type: 'renewed' });
      expect(member.renewOne(SLOT, 1, A, 210)).toBe(210 + LEASE_MS);
      expect(prepare(3, A, 220)).toMatchObject({ type: 'promise' });
      expect(renew(1, A, 230)).toMatchObject({ type: 'refuse', reason: 'promised' });
    });

    test('is given one by the holder only, by the round that it acts by, and above what is promised', () => {
      expect(entrust(2, B, 1, C)).toMatchObject({ type: 'refuse', reason: 'not-accepted' });
      expect(entrust(3, B, 2)).toMatchObject({ type: 'refuse', reason: 'not-accepted' });
      entrust(3, B);
      expect(entrust(2, C)).toMatchObject({ type: 'refuse', reason: 'promised' });
      expect(entrust(3, C)).toMatchObject({ type: 'refuse', reason: 'promised' });
      expect(entrust(4, C)).toMatchObject({ type: 'entrusted' });
      expect(entrust(4 + ROUND_JUMP_MAX + 1, C)).toMatchObject({ type: 'refuse', reason: 'jump' });
    });

    test('promises it to nobody, not to the heir itself either: that one begins by the word', () => {
      entrust(2, B);
      for (const proposer of [A, B, C])
        expect(prepare(2, proposer, 100 + LEASE_MS)).toMatchObject({ type: 'refuse', reason: 'promised' });
      expect(prepare(3, C, 100 + LEASE_MS)).toMatchObject({ type: 'promise' });
    });

    test('accepts it of the heir within the lease of the holder', () => {
      entrust(2, B);
      expect(accept(2, C, 150)).toMatchObject({ type: 'refuse', reason: 'leased' });
      expect(accept(2, B, 150)).toMatchObject({ type: 'accepted' });
      expect(disk.at(-1)).toMatchObject({ promised: { round: 2, proposer: B }, accepted: { round: 2 } });
      expect(disk.at(-1)?.promised).not.toHaveProperty('isHeirs');
      expect(renew(2, B, 160)).toMatchObject({ type: 'renewed' });
    });

    test.each([true, false])(
      'keeps the lease when the holder lets go for the heir (it was told: %s)',
      (isTold) => {
        if (isTold) entrust(2, B);
        renew(1, A, 120);
        letGo(150);
        expect(disk.at(-1)).toMatchObject({
          promised: { round: 2, proposer: B, isHeirs: true },
          accepted: { round: 1, released: 'function-exit' },
        });
        expect(prepare(3, C, 160)).toMatchObject({ type: 'refuse', reason: 'leased', timeLeftMs: 260 });
        expect(prepare(3, A, 160)).toMatchObject({ type: 'refuse', reason: 'leased' });
        expect(accept(2, B, 170)).toMatchObject({ type: 'accepted' });
      },
    );

    test.each([true, false])('ends it when the heir does not begin (it says so first: %s)', (isFirst) => {
      entrust(2, B);
      if (!isFirst) letGo(140);
      release(2, B, 150);
      // The holder may act still.
      if (isFirst) expect(prepare(3, C, 155)).toMatchObject({ type: 'refuse', reason: 'leased' });
      if (isFirst) letGo(160);
      expect(accept(2, B, 170)).toMatchObject({ type: 'refuse' });
      expect(prepare(3, C, 180)).toMatchObject({ type: 'promise' });
    });

    test('is free at once when the holder lets go for nobody', () => {
      entrust(2, B);
      release(2, A, 150);
      expect(prepare(3, C, 160)).toMatchObject({ type: 'promise' });
    });

    test('is mute for everybody but the two after a restart', () => {
      entrust(2, B);
      member = make(1000, disk.slice(-1));
      expect(prepare(3, C, 1001)).toMatchObject({ type: 'refuse', reason: 'mute' });
      expect(renew(1, A, 1002)).toMatchObject({ type: 'renewed' });
      expect(accept(2, B, 1003)).toMatchObject({ type: 'accepted' });
    });
  });

  describe('after a restart', () => {
    const RESTART_MS = 1000;
    const MUTE_MS = LEASE_MS * (1 + DRIFT);

    beforeEach(() => {
      prepare(1, A, 0);
      accept(1, A, 0);
      prepare(2, A, 0);
      member = make(RESTART_MS, disk.slice(-1));
    });

    test('is mute for others for the longest lease in its records plus drift', () => {
      expect(member.muteUntilMs).toBe(RESTART_MS + MUTE_MS);
      expect(prepare(3, B, RESTART_MS + MUTE_MS - 1)).toMatchObject({ reason: 'mute', timeLeftMs: 1 });
      expect(accept(3, B, RESTART_MS + MUTE_MS - 1)).toMatchObject({ reason: 'mute' });
      expect(prepare(3, B, RESTART_MS + MUTE_MS)).toMatchObject({ type: 'promise' });
    });

    test('has forgotten no promise', () => {
      expect(renew(1, A, RESTART_MS)).toMatchObject({ type: 'refuse', reason: 'promised', promised: 2 });
      expect(prepare(2, B, RESTART_MS + MUTE_MS)).toMatchObject({ reason: 'promised' });
    });

    test('renews what its record says it accepted, and nothing else', () => {
      member = make(RESTART_MS, disk.filter(({ promised }) => promised.round === 1).slice(-1));
      expect(renew(2, A, RESTART_MS)).toMatchObject({ type: 'refuse', reason: 'not-accepted' });
      expect(renew(1, B, RESTART_MS)).toMatchObject({ type: 'refuse', reason: 'not-accepted' });
      expect(renew(1, A, RESTART_MS)).toMatchObject({ type: 'renewed' });
    });
  });

  test('stays mute for the longest lease that it accepted of one holder, not only the last', () => {
    prepare(1, A, 0);
    accept(1, A, 0);
    prepare(2, A, 0);
    accept(2, A, 0, { ...value(1, '0000000000000002'), leaseMs: 24 });
    expect(member.view(SLOT)?.leaseUntilMs).toBe(LEASE_MS);
    expect(make(0, disk.slice(-1)).muteUntilMs).toBe(LEASE_MS * (1 + DRIFT));
  });
});
