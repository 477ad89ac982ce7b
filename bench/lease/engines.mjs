// SPDX-License-Identifier: Apache-2.0
import { LeaseEngine } from '@vnfpool/core/lease';
import { createLeaseKey, deriveLeaseKeys, LeaseSeal } from '@vnfpool/runtime/lease-seal';
import { batchLeaseMessages, decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';

export const SLOTS = 1000;
export const NODES = [1, 2, 3];
export const COUNCIL = { generation: 1, number: 1, randomId: '00000000000000c0' };
/** Of IPv4 and UDP. */
const HEAD_BYTES = 28;

/** A thousand slots, whose candidates are these nodes in order. */
export function slotDefinitions(leaseMs, nodes, count = SLOTS) {
  const candidates = nodes.map((node) => ({ node, functionId: node }));
  return Array.from({ length: count }, (_, index) => ({
    id: (0x1000 + index).toString(16).padStart(16, '0'),
    pool: 'web',
    index,
    leaseMs,
    addresses: [],
    genesis: { randomId: '00000000000000e5', candidates },
    candidates,
    lastResort: { rule: 'never' },
  }));
}

export function candidateState(slot, node, rank) {
  return { type: 'candidate-state', slot, functionId: node, functionIncarnation: 1n, ready: true, rank };
}

export function createEngine(node, nowMs, restored = []) {
  let random = node;
  return new LeaseEngine({
    node,
    incarnation: 1n,
    startedAtMs: nowMs - 100_000,
    restored,
    random: { u32: () => ++random, u64: () => BigInt(++random), fraction: () => 0.5 },
  });
}

/**
 * Three engines that hear each other through the real codec, sealed, on one virtual clock; the first one holds all
 * slots. What each of them costs is counted, sockets left out.
 */
export class Engines {
  nowMs = 10_000;
  renewed = 0;
  /** By node: processor time in ms, datagrams and octets sent. */
  spent = new Map(NODES.map((node) => [node, { cpuMs: 0, datagrams: 0, octets: 0 }]));
  #engines = new Map();
  #mail = [];
  #sequence = 0n;
  #seals = sealsBetween(NODES);
  #leaseMs;

  constructor(leaseMs, slots = SLOTS) {
    this.#leaseMs = leaseMs;
    const definitions = slotDefinitions(leaseMs, [1], slots);
    for (const node of NODES) {
      this.#engines.set(node, createEngine(node, this.nowMs));
      this.give(node, {
        type: 'configure',
        council: { id: 1, version: COUNCIL, members: NODES },
        slots: definitions,
      });
    }
    for (const { id } of definitions) this.give(1, candidateState(id, 1, 0));
    // Births, promises and grants: not what is measured.
    for (let n = 0; n < 60; n++) this.turn(leaseMs / 30);
  }

  /** One renewal of every slot. */
  round() {
    const before = this.renewed;
    this.turn(this.#leaseMs / 3);
    return this.renewed - before;
  }

  give(node, input) {
    this.#carryOut(node, this.#engines.get(node).handle(input, this.nowMs));
  }

  /** Lets time pass and everything happen that is due by then; datagrams arrive at once. */
  turn(ms) {
    this.nowMs += ms;
    for (const [node, engine] of this.#engines) {
      this.#timed(node, () => {
        if ((engine.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.nowMs)
          this.#carryOut(node, engine.expire(this.nowMs));
      });
    }
    // As a worker does: what has arrived is read together.
    while (this.#mail.length > 0) {
      const mail = this.#mail;
      this.#mail = [];
      for (const node of NODES) {
        const arrived = mail.filter(({ to }) => to === node);
        if (arrived.length > 0) this.#timed(node, () => this.#receive(node, arrived));
      }
    }
  }

  #receive(node, arrived) {
    const datagrams = arrived.map(({ from, bytes }) => {
      const { header, messages } = decodeLeaseDatagram(this.#seals(node, from).open(bytes));
      return { type: 'datagram', from, header, messages };
    });
    this.give(node, { type: 'datagrams', datagrams });
    this.#engines.get(node).nextDeadline();
  }

  #timed(node, body) {
    const before = process.cpuUsage();
    body();
    const { user, system } = process.cpuUsage(before);
    this.spent.get(node).cpuMs += (user + system) / 1000;
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
    const spent = this.spent.get(from);
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
      const bytes = this.#seals(from, to).seal(encodeLeaseDatagram({ ...header, clockUs }, batch));
      spent.datagrams += 1;
      spent.octets += bytes.length + HEAD_BYTES;
      this.#mail.push({ from, to, bytes });
    }
  }
}

/** The seal of `own` for what it exchanges with `peer`. */
export function sealsBetween(nodes) {
  const keys = new Map(nodes.map((node) => [node, createLeaseKey()]));
  const seals = new Map();
  for (const own of nodes) {
    for (const peer of nodes) {
      if (own === peer) continue;
      const pair = deriveLeaseKeys(keys.get(own), keys.get(peer).publicKey, {
        set: 'bench',
        ownNode: own,
        peerNode: peer,
      });
      seals.set(`${own}/${peer}`, new LeaseSeal(pair));
    }
  }
  return (own, peer) => seals.get(`${own}/${peer}`);
}
