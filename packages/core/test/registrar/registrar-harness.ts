// SPDX-License-Identifier: Apache-2.0
import {
  type Authorize,
  type Identity,
  type Peer,
  Registrar,
  type RegistrarEvent,
  type RegistrarOptions,
  type RegistrarOutput,
} from '@vnfpool/core/registrar';
import { type AsapMessage, decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { seededRandom } from '../handlespace/seeded-random.ts';

export const WEB: Uint8Array = encodeUtf8('web');
export const REGISTRAR_ID = 0x0a0b0c0d;

export function element(id: number, change: Partial<PoolElement> = {}): PoolElement {
  return {
    id,
    homeRegistrar: 0,
    registrationLife: 60,
    userTransport: { type: 'tcp', port: 80, address: `10.0.0.${id}` },
    policy: { type: 'round-robin' },
    ...change,
  };
}

export function node(name: string): Identity {
  return { role: 'node', name };
}

/** A registrar with its clock; every message goes over the wire format both ways. */
export class RegistrarHarness {
  readonly registrar: Registrar;
  now = 1000;
  events: RegistrarEvent[] = [];
  closed: number[] = [];
  #sent = new Map<number, AsapMessage[]>();

  constructor(options: Partial<RegistrarOptions> = {}, authorize: Authorize = () => true) {
    this.registrar = new Registrar({ registrarId: REGISTRAR_ID, ...options }, seededRandom(7), authorize);
  }

  open(association: number, identity: Identity | null, change: Partial<Peer> = {}): void {
    const peer: Peer = { transport: 'tcp', addresses: [`10.0.0.${association}`], ...change };
    this.#take(this.registrar.handle({ type: 'association-opened', association, identity, peer }, this.now));
  }

  /** Sends a message and returns what came back on that association. */
  say(association: number, message: AsapMessage): AsapMessage[] {
    const decoded = decodeAsap(encodeAsap(message));
    this.#take(this.registrar.handle({ type: 'message', association, ...decoded }, this.now));
    return this.heard(association);
  }

  register(association: number, registered: PoolElement, poolHandle: Uint8Array = WEB): AsapMessage[] {
    return this.say(association, { type: 'registration', poolHandle, element: registered });
  }

  resolve(association: number, items?: number): number[] {
    const question = { type: 'handle-resolution', sendUpdates: false, poolHandle: WEB } as const;
    const heard = this.say(association, items === undefined ? question : { ...question, items });
    const answer = heard.findLast(({ type }) => type === 'handle-resolution-response');
    return answer?.type === 'handle-resolution-response' ? answer.elements.map(({ id }) => id) : [];
  }

  close(association: number): void {
    this.#take(this.registrar.handle({ type: 'association-closed', association }, this.now));
  }

  malformed(association: number, report: { code: number; info: Uint8Array } | null): AsapMessage[] {
    this.#take(this.registrar.handle({ type: 'malformed', association, report }, this.now));
    return this.heard(association);
  }

  /** Runs every deadline up to so many milliseconds from now. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (
      let due = this.registrar.nextDeadline();
      due !== undefined && due <= end;
      due = this.registrar.nextDeadline()
    ) {
      this.now = due;
      this.#take(this.registrar.expire(due));
    }
    this.now = end;
  }

  /** What was sent on this association since it was last asked for. */
  heard(association: number): AsapMessage[] {
    const messages = this.#sent.get(association) ?? [];
    this.#sent.delete(association);
    return messages;
  }

  reasons(): string[] {
    const reasons = this.events.map(({ event, reason }) => `${event}: ${reason}`);
    this.events = [];
    return reasons;
  }

  #take(outputs: readonly RegistrarOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'event') this.events.push(output);
      else if (output.type === 'close') this.closed.push(output.association);
      else if (output.type === 'send') {
        const messages = this.#sent.get(output.association) ?? [];
        messages.push(decodeAsap(encodeAsap(output.message)).message);
        this.#sent.set(output.association, messages);
      }
    }
  }
}
