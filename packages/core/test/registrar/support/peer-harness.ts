// SPDX-License-Identifier: Apache-2.0
import {
  type Identity,
  Registrar,
  type RegistrarEvent,
  type RegistrarInput,
  type RegistrarOptions,
  type RegistrarOutput,
  type RegistrarSnapshot,
  type RegistrarTransport,
} from '@vnfpool/core/registrar';
import { type AsapMessage, decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { decodeEnrp, type EnrpMessage, encodeEnrp } from '@vnfpool/wire/enrp';
import { seededRandom } from '../../handlespace/seeded-random.ts';

export const OWN_ID = 100;

export function enrpOf(id: number): RegistrarTransport {
  return { type: 'tcp', port: 9901, address: `10.1.0.${id & 255}` };
}

type Content<M> = M extends EnrpMessage ? Omit<M, 'sender' | 'receiver'> : never;

/** One registrar, started alone, whose peers and elements are played by the test, message by message. */
export class PeerHarness {
  readonly registrar: Registrar;
  now = 1000;
  readonly events: RegistrarEvent[] = [];
  readonly closed: string[] = [];
  readonly connects: Extract<RegistrarOutput, { type: 'connect' }>[] = [];
  readonly #enrp = new Map<number, EnrpMessage[]>();
  readonly #asap = new Map<number, AsapMessage[]>();

  constructor(options: Partial<RegistrarOptions> = {}) {
    this.registrar = new Registrar(
      { registrarId: OWN_ID, keepAlivePeriodMs: 0, ...options },
      seededRandom(3),
      () => true,
    );
    this.give({ type: 'start', server: enrpOf(OWN_ID), asap: [], mentors: [] });
    this.events.length = 0;
  }

  give(input: RegistrarInput): void {
    for (const output of this.registrar.handle(input, this.now)) this.#take(output);
  }

  open(
    association: number,
    identity: Identity | null = { role: 'registrar', name: `r${association}` },
    attempt?: number,
  ): void {
    const peer = { transport: 'tcp', addresses: ['10.1.0.9'] } as const;
    const opened = { type: 'peer-opened', association, identity, peer } as const;
    this.give(attempt === undefined ? opened : { ...opened, attempt });
  }

  /** Sends a message as this registrar; what comes back on the association is returned. */
  say(association: number, sender: number, content: Content<EnrpMessage>, receiver = 0): EnrpMessage[] {
    const message = { ...content, sender, receiver } as EnrpMessage;
    this.give({ type: 'peer-message', association, ...decodeEnrp(encodeEnrp(message)) });
    return this.heard(association);
  }

  /** Opens an association and makes this registrar known on it. */
  meet(association: number, id: number, checksum = 0xffff): EnrpMessage[] {
    this.open(association);
    return this.presence(association, id, checksum);
  }

  presence(association: number, id: number, checksum = 0xffff, replyRequired = false): EnrpMessage[] {
    const server = { registrarId: id, transport: enrpOf(id) };
    return this.say(association, id, { type: 'presence', replyRequired, checksum, server });
  }

  asap(association: number, message: AsapMessage): AsapMessage[] {
    this.give({ type: 'message', association, ...decodeAsap(encodeAsap(message)) });
    return this.asapHeard(association);
  }

  heard(association: number): EnrpMessage[] {
    const messages = this.#enrp.get(association) ?? [];
    this.#enrp.delete(association);
    return messages;
  }

  asapHeard(association: number): AsapMessage[] {
    const messages = this.#asap.get(association) ?? [];
    this.#asap.delete(association);
    return messages;
  }

  /** Runs every deadline up to so many milliseconds from now. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let step = 0; step < 100_000; step++) {
      const due = this.registrar.nextDeadline();
      if (due === undefined || due > end) break;
      this.now = Math.max(this.now, due);
      for (const output of this.registrar.expire(this.now)) this.#take(output);
    }
    this.now = end;
  }

  /** The clock jumps: what was due meanwhile is noticed late. */
  jump(ms: number): void {
    this.now += ms;
    for (const output of this.registrar.expire(this.now)) this.#take(output);
  }

  view(): RegistrarSnapshot {
    return this.registrar.snapshot(this.now);
  }

  reasons(): string[] {
    return this.events.splice(0).map(({ event, reason }) => `${event}: ${reason}`);
  }

  #take(output: RegistrarOutput): void {
    if (output.type === 'event') this.events.push(output);
    else if (output.type === 'close') this.closed.push(`${output.association}: ${output.reason}`);
    else if (output.type === 'connect') this.connects.push(output);
    else if (output.type === 'peer-send') {
      const { message } = decodeEnrp(encodeEnrp(output.message));
      this.#enrp.set(output.association, [...(this.#enrp.get(output.association) ?? []), message]);
    } else if (output.type === 'send') {
      const { message } = decodeAsap(encodeAsap(output.message));
      this.#asap.set(output.association, [...(this.#asap.get(output.association) ?? []), message]);
    }
  }
}
