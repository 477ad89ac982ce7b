// SPDX-License-Identifier: Apache-2.0
import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LeaseEngine } from '@vnfpool/core/lease';
import { openJournal } from '@vnfpool/platform/journal';
import { batchLeaseMessages, decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';
import { opsPerSecond } from '../lib/rounds.mjs';

export const description =
  'renewal rounds of 1,000 slots a second beside plain JSON leases; durable journal appends beside write and fdatasync';

export const limitMs = 5 * 60_000;

const SLOTS = 1000;
const LEASE_MS = 300;
const NODES = [1, 2, 3];
const COUNCIL = { generation: 1, number: 1, randomId: '00000000000000c0' };

/** Three engines that hear each other through the real codec, one virtual clock. */
class Engines {
  nowMs = 10_000;
  renewed = 0;
  #engines = new Map();
  #mail = [];
  #sequence = 0n;

  constructor() {
    let random = 1;
    for (const node of NODES) {
      const engine = new LeaseEngine({
        node,
        incarnation: 1n,
        startedAtMs: this.nowMs - 100_000,
        restored: [],
        random: { u32: () => ++random, u64: () => BigInt(++random), fraction: () => 0.5 },
      });
      this.#engines.set(node, engine);
    }
    const candidates = [{ node: 1, functionId: 1 }];
    const slots = Array.from({ length: SLOTS }, (_, index) => ({
      id: (0x1000 + index).toString(16).padStart(16, '0'),
      pool: 'web',
      index,
      leaseMs: LEASE_MS,
      addresses: [],
      genesis: { randomId: '00000000000000e5', candidates },
      candidates,
      lastResort: { rule: 'never' },
    }));
    for (const node of NODES)
      this.give(node, { type: 'configure', council: { version: COUNCIL, members: NODES }, slots });
    for (const { id } of slots) {
      const state = { slot: id, functionId: 1, functionIncarnation: 1n, ready: true, rank: 0 };
      this.give(1, { type: 'candidate-state', ...state });
    }
    // Births, promises and grants: not what is measured.
    for (let ms = 0; ms < 2 * LEASE_MS; ms += LEASE_MS / 30) this.turn(LEASE_MS / 30);
  }

  give(node, input) {
    this.#carryOut(node, this.#engines.get(node).handle(input, this.nowMs));
  }

  /** Lets time pass and everything happen that is due by then; datagrams arrive at once. */
  turn(ms) {
    this.nowMs += ms;
    for (const [node, engine] of this.#engines) {
      if ((engine.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.nowMs) {
        this.#carryOut(node, engine.expire(this.nowMs));
      }
    }
    for (let mail = this.#mail.shift(); mail; mail = this.#mail.shift()) {
      const { header, messages } = decodeLeaseDatagram(mail.bytes);
      this.give(mail.to, { type: 'datagram', from: header.sender, header, messages });
    }
  }

  #carryOut(node, outputs) {
    for (const output of outputs) {
      if (output.type === 'granted')
        this.give(node, { type: 'activate', slot: output.slot, epoch: output.epoch });
      else if (output.type === 'fence-until') this.renewed++;
      else if (output.type === 'send') this.#send(node, output.to, output.messages);
    }
  }

  #send(from, to, messages) {
    for (const batch of batchLeaseMessages(messages)) {
      const header = {
        sender: from,
        receiver: to,
        incarnation: 1n,
        sequence: ++this.#sequence,
        council: COUNCIL,
      };
      const clockUs = BigInt(Math.round(this.nowMs * 1000));
      this.#mail.push({ to, bytes: encodeLeaseDatagram({ ...header, clockUs }, batch) });
    }
  }
}

/**
 * What one would write first: a lease a slot, renewed by a message of JSON to each of two others, which answer. No
 * rounds, no majority of a council that may change, no incarnations, no batches: it is not safe, only cheap to write.
 */
class NaiveLeases {
  nowMs = 10_000;
  renewed = 0;
  #untilMs = new Map(Array.from({ length: SLOTS }, (_, n) => [`slot-${n}`, 0]));
  #members = [new Map(), new Map()];

  turn(ms) {
    this.nowMs += ms;
    for (const slot of this.#untilMs.keys()) {
      const text = Buffer.from(JSON.stringify({ type: 'renew', from: 1, slot, sentMs: this.nowMs }));
      for (const member of this.#members) {
        const asked = JSON.parse(text.toString());
        member.set(asked.slot, { holder: asked.from, untilMs: this.nowMs + LEASE_MS });
        const answer = Buffer.from(
          JSON.stringify({ type: 'renewed', slot: asked.slot, sentMs: asked.sentMs }),
        );
        const heard = JSON.parse(answer.toString());
        this.#untilMs.set(heard.slot, heard.sentMs + LEASE_MS);
      }
      this.renewed++;
    }
  }
}

function measureRounds(emit) {
  const ours = new Engines();
  const naive = new NaiveLeases();
  const before = ours.renewed;
  const round = (leases) => {
    leases.turn(LEASE_MS / 3);
    return leases.renewed;
  };
  round(ours);
  if (ours.renewed - before < SLOTS)
    throw new Error(`${ours.renewed - before} of ${SLOTS} slots were renewed`);
  const samples = opsPerSecond({ ours: () => round(ours), naive: () => round(naive) }, { roundMs: 500 });
  emit({
    figure: `renewal round of ${SLOTS} slots, all three nodes' work`,
    unit: 'rounds/s',
    samples: samples.ours,
    referenceSamples: samples.naive,
    referenceName: 'a JSON message a slot and member, unsafe',
  });
}

function measureJournal(emit, folder) {
  const record = Buffer.from(
    JSON.stringify({ type: 'slot', slot: '00000000000000a1', promised: 13, text: 'x'.repeat(200) }),
  );
  const journal = openJournal({
    path: join(folder, 'journal'),
    codec: { encode: (entry) => entry, decode: (bytes) => bytes },
    compact: (entries) => entries.slice(-1),
  });
  const fd = openSync(join(folder, 'plain'), 'w');
  let at = 0;
  const samples = opsPerSecond({
    ours: () => {
      journal.append([record]);
      return 1;
    },
    plain: () => {
      // As often back to nothing as the journal is compacted: a file that does not grow is synced sooner.
      if (at > 2 ** 20) {
        ftruncateSync(fd, 0);
        at = 0;
      }
      at += writeSync(fd, record, 0, record.length, at);
      fdatasyncSync(fd);
      return 1;
    },
  });
  journal.close();
  closeSync(fd);
  emit({
    figure: 'journal append on disk',
    unit: 'appends/s',
    samples: samples.ours,
    referenceSamples: samples.plain,
    referenceName: 'write and fdatasync',
  });
}

export async function run({ emit, cleanup }) {
  measureRounds(emit);
  measureJournal(emit, cleanup.folder());
}
