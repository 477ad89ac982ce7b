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

export const LEASE_MS = 300;
const TRIALS = 7;
/** Datagrams that a worker reads at once. */
const BURST = 64;
const GIVE_UP_MS = 20_000;

/**
 * Node 1 holds a thousand slots and is gone: until the last one is served by another. Two survivors share this one thread,
 * with sealed datagrams and journals on disk; time is what they use of the processor, and wait for the disk and the kernel.
 */
export class Survivors {
  #seats = new Map();
  #journals = new Map();
  #mail = [];
  #sequence = 0n;
  #seals = sealsBetween(NODES);
  #bases = { realMs: 0, virtualMs: 10_000 };
  #isReal = false;
  #waitedMs = 0;
  #served = new Map();

  /** @param seat makes what acts for a node: `give(input)`, `wake()`, `nextDeadline()` */
  constructor(folder, slots, seat) {
    for (const node of NODES) {
      const path = join(folder, `journal-${node}`);
      this.#journals.set(node, openJournal({ path, codec: leaseRecordCodec, compact: compactLeaseRecords }));
      const world = {
        nowMs: () => this.nowMs,
        write: (records) => this.waitFor(() => this.#journals.get(node).append(records)),
        send: (to, messages) => this.#send(node, to, messages),
        served: (slot) => this.#served.set(slot, node),
        waitFor: (work) => this.waitFor(work),
      };
      this.#seats.set(node, seat(node, world));
      this.#seats.get(node).configure(slots);
    }
    for (const { id } of slots)
      for (const node of NODES) this.#seats.get(node).give(candidateState(id, node, Math.max(0, node - 2)));
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
    this.#seats.delete(1);
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
    return [...this.#served.values()].filter((each) => each === node).length;
  }

  #turn(ms) {
    this.#bases.virtualMs += ms;
    do this.#step();
    while (this.#mail.length > 0);
  }

  #step() {
    for (const [node, seat] of this.#seats) {
      if ((seat.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.nowMs) seat.wake();
      const arrived = this.#mail.filter(({ to }) => to === node).slice(0, BURST);
      if (arrived.length === 0) continue;
      this.#mail = this.#mail.filter((mail) => !arrived.includes(mail));
      const datagrams = arrived.map(({ from, bytes }) => {
        const { header, messages } = decodeLeaseDatagram(this.#seals(node, from).open(bytes));
        return { type: 'datagram', from, header, messages };
      });
      seat.give({ type: 'datagrams', datagrams });
      seat.nextDeadline();
    }
  }

  /** Processor time of this process and its waits: what others do on the machine is left out. */
  #passedMs() {
    return cpuMs() + this.#waitedMs;
  }

  /** Something that waits for the disk or the kernel. */
  waitFor(work) {
    const startMs = performance.now();
    const startCpuMs = cpuMs();
    const result = work();
    this.#waitedMs += Math.max(0, performance.now() - startMs - (cpuMs() - startCpuMs));
    return result;
  }

  #send(from, to, messages) {
    if (!this.#seats.has(to)) return;
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

/** An engine, at whose end nothing is raised on a link. */
class EngineSeat {
  #world;
  #engine;

  constructor(node, world) {
    this.#world = world;
    this.#engine = createEngine(node, world.nowMs());
  }

  configure(slots) {
    this.give({ type: 'configure', council: { id: 1, version: COUNCIL, members: NODES }, slots });
  }

  nextDeadline() {
    return this.#engine.nextDeadline();
  }

  give(input) {
    this.#carryOut(this.#engine.handle(input, this.#world.nowMs()));
  }

  wake() {
    this.#carryOut(this.#engine.expire(this.#world.nowMs()));
  }

  #carryOut(outputs) {
    for (const output of outputs) {
      if (output.type === 'persist')
        this.#world.write(output.records.map((record) => ({ ...record, councilId: 1 })));
      else if (output.type === 'granted')
        this.give({ type: 'activate', slot: output.slot, epoch: output.epoch });
      else if (output.type === 'fence-until') this.#world.served(output.slot);
      else if (output.type === 'send') this.#world.send(output.to, output.messages);
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
    const slots = slotDefinitions(LEASE_MS, NODES);
    const seat = (node, world) => new EngineSeat(node, world);
    samples.push(new Survivors(cleanup.folder(), slots, seat).failOver());
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
