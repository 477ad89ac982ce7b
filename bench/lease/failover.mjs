// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { openJournal } from '@vnfpool/platform/journal';
import { batchLeaseMessages, decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';
// Inside of the package: what the agent itself writes.
import { compactLeaseRecords, leaseRecordCodec } from '../../packages/daemons/dist/node/lease-journal.js';
import {
  COUNCIL,
  candidateState,
  createEngine,
  NODES,
  SLOTS,
  sealsBetween,
  slotDefinitions,
} from './engines.mjs';

const LEASE_MS = 300;
const TRIALS = 7;
/** Datagrams that a worker reads at once. */
const BURST = 64;
const GIVE_UP_MS = 20_000;

/**
 * Node 1 holds a thousand slots and is gone: until the last one is served by another. Two survivors share this one thread,
 * with sealed datagrams and journals on disk; time is what they use of the processor and wait for the disk. Nothing is
 * raised on a link.
 */
class Survivors {
  #engines = new Map();
  #journals = new Map();
  #mail = [];
  #sequence = 0n;
  #seals = sealsBetween(NODES);
  #bases = { realMs: 0, virtualMs: 10_000 };
  #isReal = false;
  #waitedMs = 0;
  served = new Map();

  constructor(folder) {
    const slots = slotDefinitions(LEASE_MS, NODES);
    for (const node of NODES) {
      this.#engines.set(node, createEngine(node, this.nowMs));
      const path = join(folder, `journal-${node}`);
      this.#journals.set(node, openJournal({ path, codec: leaseRecordCodec, compact: compactLeaseRecords }));
      this.#give(node, { type: 'configure', council: { id: 1, version: COUNCIL, members: NODES }, slots });
    }
    for (const { id } of slots)
      for (const node of NODES) this.#give(node, candidateState(id, node, Math.max(0, node - 2)));
    // Node 1 takes them all; what the other two hear of it is in their registers.
    for (let n = 0; n < 90; n++) this.#turn(LEASE_MS / 30);
    if (this.#servedBy(1) < SLOTS) throw new Error(`node 1 holds ${this.#servedBy(1)} of ${SLOTS} slots`);
  }

  get nowMs() {
    const { realMs, virtualMs } = this.#bases;
    return this.#isReal ? virtualMs + this.#passedMs() - realMs : virtualMs;
  }

  /** Ends node 1; returns after how many milliseconds more than the lease the last slot was served. */
  failOver() {
    this.#engines.delete(1);
    this.#journals.get(1).close();
    this.#mail = [];
    this.#bases = { realMs: this.#passedMs(), virtualMs: this.#bases.virtualMs };
    this.#isReal = true;
    const startMs = this.nowMs;
    while (this.#servedBy(2) + this.#servedBy(3) < SLOTS) {
      this.#step();
      if (this.nowMs - startMs > GIVE_UP_MS)
        throw new Error(`${this.#servedBy(2) + this.#servedBy(3)} of ${SLOTS} slots after ${GIVE_UP_MS} ms`);
    }
    const tookMs = this.nowMs - startMs - LEASE_MS;
    for (const node of [2, 3]) this.#journals.get(node).close();
    return tookMs;
  }

  #servedBy(node) {
    return [...this.served.values()].filter((each) => each === node).length;
  }

  #turn(ms) {
    this.#bases.virtualMs += ms;
    do this.#step();
    while (this.#mail.length > 0);
  }

  #step() {
    for (const [node, engine] of this.#engines) {
      if ((engine.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.nowMs)
        this.#carryOut(node, engine.expire(this.nowMs));
      const arrived = this.#mail.filter(({ to }) => to === node).slice(0, BURST);
      if (arrived.length === 0) continue;
      this.#mail = this.#mail.filter((mail) => !arrived.includes(mail));
      const datagrams = arrived.map(({ from, bytes }) => {
        const { header, messages } = decodeLeaseDatagram(this.#seals(node, from).open(bytes));
        return { type: 'datagram', from, header, messages };
      });
      this.#give(node, { type: 'datagrams', datagrams });
      engine.nextDeadline();
    }
  }

  #give(node, input) {
    this.#carryOut(node, this.#engines.get(node).handle(input, this.nowMs));
  }

  #carryOut(node, outputs) {
    for (const output of outputs) {
      if (output.type === 'persist') {
        this.#write(node, output.records);
      } else if (output.type === 'granted')
        this.#give(node, { type: 'activate', slot: output.slot, epoch: output.epoch });
      else if (output.type === 'fence-until') this.served.set(output.slot, node);
      else if (output.type === 'send') this.#send(node, output.to, output.messages);
    }
  }

  /** Processor time of this process and its waits for the disk: what others do on the machine is left out. */
  #passedMs() {
    return cpuMs() + this.#waitedMs;
  }

  #write(node, records) {
    const startMs = performance.now();
    const startCpuMs = cpuMs();
    this.#journals.get(node).append(records.map((record) => ({ ...record, councilId: 1 })));
    this.#waitedMs += Math.max(0, performance.now() - startMs - (cpuMs() - startCpuMs));
  }

  #send(from, to, messages) {
    if (!this.#engines.has(to)) return;
    for (const batch of batchLeaseMessages(messages)) {
      const header = {
        sender: from,
        receiver: to,
        incarnation: 1n,
        sequence: ++this.#sequence,
        councilId: 1,
        council: COUNCIL,
      };
      const clockUs = BigInt(Math.round(this.nowMs * 1000));
      this.#mail.push({
        from,
        to,
        bytes: this.#seals(from, to).seal(encodeLeaseDatagram({ ...header, clockUs }, batch)),
      });
    }
  }
}

/** What it would take to write each promise and each acceptance of one member down by itself. */
function writesOneByOne(folder) {
  const record = Buffer.alloc(700, 0x61);
  const journal = openJournal({
    path: join(folder, 'plain'),
    codec: { encode: (entry) => entry, decode: (bytes) => bytes },
    compact: (entries) => entries.slice(-1),
  });
  const startMs = performance.now();
  for (let n = 0; n < 2 * SLOTS; n++) journal.append([record]);
  journal.close();
  return performance.now() - startMs;
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function measureFailover(emit, cleanup) {
  const samples = [];
  const referenceSamples = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    samples.push(new Survivors(cleanup.folder()).failOver());
    referenceSamples.push(writesOneByOne(cleanup.folder()));
  }
  emit({
    figure: `${SLOTS} slots fail over at once: the last one served, after the lease`,
    unit: 'ms',
    samples,
    referenceSamples,
    referenceName: 'a write to the disk for each promise and acceptance of one member',
  });
}
