// SPDX-License-Identifier: Apache-2.0
import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '@vnfpool/platform/journal';
import { opsPerSecond } from '../lib/rounds.mjs';
import { Engines, SLOTS } from './engines.mjs';
import { measureFailover } from './failover.mjs';
import { measureFailoverInKernel, measureFenceLoad } from './kernel.mjs';
import { measureLoad } from './load.mjs';

const LEASE_MS = 300;

export const description =
  '1,000 slots: renewal rounds a second beside plain JSON leases, processor, octets and memory, and all of them failing over at once, without and with the kernel; durable journal appends';

export const limitMs = 5 * 60_000;

/**
 * What one would write first: a lease a slot, renewed by a message of JSON to each of two others, which answer. No
 * rounds, no majority of a council that may change, no incarnations, no batches: it is not safe, only cheap to write.
 */
class NaiveLeases {
  nowMs = 10_000;
  renewed = 0;
  #untilMs = new Map(Array.from({ length: SLOTS }, (_, n) => [`slot-${n}`, 0]));
  #members = [new Map(), new Map()];

  round() {
    this.nowMs += LEASE_MS / 3;
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
  const ours = new Engines(LEASE_MS);
  const naive = new NaiveLeases();
  const first = ours.round();
  if (first < SLOTS) throw new Error(`${first} of ${SLOTS} slots were renewed`);
  const round = (leases) => {
    leases.round();
    return 1;
  };
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
  // First what is processor time: a reference that allocates much leaves a heap behind that the caches do not hold, and an agent has none.
  measureLoad(emit);
  await measureFenceLoad(emit, cleanup);
  measureRounds(emit);
  measureFailover(emit, cleanup);
  await measureFailoverInKernel(emit, cleanup);
  measureJournal(emit, cleanup.folder());
}
