// SPDX-License-Identifier: Apache-2.0
import type {
  AsapMessage,
  DeregistrationResponse,
  EndpointKeepAlive,
  RegistrationResponse,
} from '@vnfpool/wire/asap';
import { describeCause, type ErrorCause } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import { poolKey } from '../handlespace/pool-key.ts';
import { type HuntOutput, RegistrarHunt } from '../registrar-hunt/registrar-hunt.ts';
import {
  POOL_ELEMENT_DEFAULTS,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from './messages.ts';
import {
  type LocalElement,
  type PoolElementTimer,
  registrationOf,
  reregistrationMs,
} from './registration-state.ts';

type RegisterInput = Extract<PoolElementInput, { type: 'register' }>;

/**
 * Keeps elements registered: one association to a registrar, any number of elements on it. Hunts while it has
 * elements, lets go of the association with the last one.
 * @see RFC 5352 §3.1, §3.2, §3.4
 */
export class PoolElementCore implements Core<PoolElementInput, PoolElementOutput> {
  readonly #options: Required<PoolElementOptions>;
  readonly #hunt: RegistrarHunt;
  readonly #elements = new Map<string, LocalElement>();
  readonly #deadlines = new Deadlines<LocalElement, PoolElementTimer>();
  #outputs: PoolElementOutput[] = [];

  constructor(options: PoolElementOptions, random: Random) {
    const hunt = { connectTimeoutMs: 10_000, backoffMinMs: 500, backoffMaxMs: 60_000 };
    this.#options = { ...POOL_ELEMENT_DEFAULTS, ...hunt, ...options };
    this.#hunt = new RegistrarHunt(options, random);
  }

  handle(input: PoolElementInput, nowMs: number): PoolElementOutput[] {
    switch (input.type) {
      case 'register':
        this.#register(input, nowMs);
        break;
      case 'update': {
        const element = this.#find(input.poolHandle, input.elementId);
        if (element !== undefined) this.#change(element, { policy: input.policy }, nowMs);
        break;
      }
      case 'deregister': {
        const element = this.#find(input.poolHandle, input.elementId);
        if (element !== undefined) this.#deregister(element, nowMs);
        break;
      }
      case 'connected':
        if (this.#hunt.connected(input.association)) this.#attach(nowMs);
        break;
      case 'disconnected': {
        const outputs = this.#hunt.disconnected(input.association, nowMs);
        if (outputs !== undefined) this.#detach(outputs);
        break;
      }
      case 'message':
        if (input.association === this.#hunt.association) this.#message(input.message, nowMs);
        break;
    }
    return this.#drain();
  }

  expire(nowMs: number): PoolElementOutput[] {
    for (let due = this.#deadlines.take(nowMs); due !== undefined; due = this.#deadlines.take(nowMs)) {
      this.#expired(due.owner, due.timer, nowMs);
    }
    this.#outputs.push(...this.#hunt.expire(nowMs));
    return this.#drain();
  }

  nextDeadline(): number | undefined {
    const deadlines = [this.#deadlines.next(), this.#hunt.nextDeadline()].filter((at) => at !== undefined);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }

  /** How far the registration of an element is; undefined: no such element. */
  phase(poolHandle: Uint8Array, elementId: number): LocalElement['phase'] | undefined {
    return this.#find(poolHandle, elementId)?.phase;
  }

  #register(input: RegisterInput, nowMs: number): void {
    const { elementId: id, userTransport, policy, lifeMs } = input;
    const existing = this.#find(input.poolHandle, id);
    if (existing !== undefined) {
      this.#deadlines.clear(existing, 't3-deregistration');
      if (existing.phase === 'deregistering') existing.phase = 'hunting';
      this.#change(existing, { userTransport, policy, lifeMs }, nowMs);
      if (existing.phase === 'hunting' && this.#hunt.association !== undefined)
        this.#sendRegistration(existing, nowMs);
      return;
    }
    const poolHandle = input.poolHandle.slice();
    if (this.#elements.size >= this.#options.elementsMax) {
      this.#outputs.push({
        type: 'event',
        event: 'failed',
        poolHandle,
        elementId: id,
        reason: 'too many elements',
      });
      return;
    }
    const element: LocalElement = {
      poolHandle,
      id,
      userTransport,
      policy,
      lifeMs,
      phase: 'hunting',
      member: false,
      changed: false,
      attempts: 0,
      sentMs: Number.NEGATIVE_INFINITY,
      homeRegistrar: 0,
    };
    this.#elements.set(elementKey(poolHandle, id), element);
    if (this.#hunt.association === undefined) this.#outputs.push(...this.#hunt.want(nowMs));
    else this.#sendRegistration(element, nowMs);
  }

  #change(
    element: LocalElement,
    values: Partial<Pick<LocalElement, 'userTransport' | 'policy' | 'lifeMs'>>,
    nowMs: number,
  ): void {
    Object.assign(element, values);
    element.changed = true;
    if (element.phase !== 'registered') return;
    const dueMs = element.sentMs + this.#options.updateSpacingMs;
    if (dueMs <= nowMs) this.#sendRegistration(element, nowMs);
    else this.#deadlines.set(element, 'update', dueMs);
  }

  #deregister(element: LocalElement, nowMs: number): void {
    if (element.phase === 'deregistering') return;
    // Without association it is not registered any more, or will not be for longer than its registrar waits.
    if (this.#hunt.association === undefined) {
      this.#forget(element);
      this.#outputs.push({ ...eventOf(element), event: 'deregistered', reason: 'was not registered' });
      this.#stopWhenEmpty();
      return;
    }
    element.attempts = 0;
    this.#sendDeregistration(element, nowMs);
  }

  #attach(nowMs: number): void {
    for (const element of this.#elements.values()) {
      if (element.phase === 'deregistering') this.#sendDeregistration(element, nowMs);
      else this.#sendRegistration(element, nowMs);
    }
  }

  /** The association is gone, or let go; `outputs` is what the hunt does about it. */
  #detach(outputs: readonly HuntOutput[]): void {
    for (const element of this.#elements.values()) {
      const { phase, member } = element;
      this.#deadlines.clearAll(element);
      if (phase === 'registering' || phase === 'deregistering') {
        element.attempts += 1;
        if (this.#giveUp(element)) continue;
      }
      if (phase !== 'deregistering') element.phase = 'hunting';
      element.member = false;
      if (member && phase !== 'deregistering') {
        this.#outputs.push({ ...eventOf(element), event: 'detached', reason: 'association lost' });
      }
    }
    this.#outputs.push(...outputs);
    this.#stopWhenEmpty();
  }

  /** Nothing else concerns an element; an ASAP_ERROR leaves the request to T2 or T3. */
  #message(message: AsapMessage, nowMs: number): void {
    if (message.type === 'registration-response') this.#registrationResponse(message, nowMs);
    else if (message.type === 'deregistration-response') this.#deregistrationResponse(message, nowMs);
    else if (message.type === 'endpoint-keep-alive') this.#keepAlive(message);
  }

  #registrationResponse(message: RegistrationResponse, nowMs: number): void {
    const element = this.#find(message.poolHandle, message.elementId);
    if (element?.phase !== 'registering') return;
    this.#hunt.provedGood();
    this.#deadlines.clear(element, 't2-registration');
    if (message.rejected) {
      const { causes } = message;
      this.#forget(element);
      this.#outputs.push({ ...eventOf(element), event: 'rejected', reason: inWords(causes), causes });
      this.#stopWhenEmpty();
      return;
    }
    const wasMember = element.member;
    element.phase = 'registered';
    element.member = true;
    element.attempts = 0;
    const inMs = reregistrationMs(element.lifeMs, this.#options.reregistrationMaxMs);
    this.#deadlines.set(element, 't4-reregistration', nowMs + inMs);
    if (!wasMember || message.causes.length > 0) {
      this.#outputs.push({ ...eventOf(element), event: 'registered', warnings: message.causes });
    }
    if (element.changed) this.#change(element, {}, nowMs);
  }

  #deregistrationResponse(message: DeregistrationResponse, nowMs: number): void {
    const element = this.#find(message.poolHandle, message.elementId);
    if (element === undefined) return;
    const { causes } = message;
    if (element.phase === 'deregistering') {
      this.#deadlines.clear(element, 't3-deregistration');
      this.#hunt.provedGood();
      if (causes.length === 0) {
        this.#forget(element);
        this.#outputs.push({ ...eventOf(element), event: 'deregistered', reason: 'confirmed' });
        this.#stopWhenEmpty();
        return;
      }
      element.phase = 'registered';
      const inMs = reregistrationMs(element.lifeMs, this.#options.reregistrationMaxMs);
      this.#deadlines.set(element, 't4-reregistration', nowMs + inMs);
      this.#outputs.push({
        ...eventOf(element),
        event: 'deregistration-refused',
        reason: inWords(causes),
        causes,
      });
    } else if (element.phase === 'registered' && causes.length === 0) {
      element.member = false;
      this.#outputs.push({ ...eventOf(element), event: 'detached', reason: 'life expired' });
      this.#sendRegistration(element, nowMs);
    }
  }

  /** Every element that is meant answers, whoever asks; H makes the asker its home registrar. */
  #keepAlive(message: EndpointKeepAlive): void {
    const key = poolKey(message.poolHandle);
    for (const element of this.#elements.values()) {
      if (!element.member || poolKey(element.poolHandle) !== key) continue;
      if (message.elementId !== undefined && message.elementId !== element.id) continue;
      const { poolHandle, id: elementId } = element;
      this.#send({ type: 'endpoint-keep-alive-ack', poolHandle, elementId });
      if (!message.becomeHome || element.homeRegistrar === message.registrarId) continue;
      element.homeRegistrar = message.registrarId;
      const reason = `registrar 0x${message.registrarId.toString(16)} took it over`;
      this.#outputs.push({ ...eventOf(element), event: 'adopted', reason, registrarId: message.registrarId });
    }
  }

  #expired(element: LocalElement, timer: PoolElementTimer, nowMs: number): void {
    switch (timer) {
      case 't2-registration':
      case 't3-deregistration':
        // Counts the attempt of every element that waits for an answer: it is the registrar that is silent.
        this.#detach(this.#hunt.giveUp(nowMs));
        break;
      case 't4-reregistration':
      case 'update':
        this.#sendRegistration(element, nowMs);
        break;
    }
  }

  /** True: that was one attempt too many, and the element is forgotten. */
  #giveUp(element: LocalElement): boolean {
    if (element.attempts <= this.#options.attemptsMax) return false;
    const { phase } = element;
    this.#forget(element);
    if (phase === 'deregistering') {
      this.#outputs.push({ ...eventOf(element), event: 'deregistered', reason: 'not confirmed' });
    } else {
      this.#outputs.push({ ...eventOf(element), event: 'failed', reason: 'not answered' });
    }
    return true;
  }

  #sendRegistration(element: LocalElement, nowMs: number): void {
    element.phase = 'registering';
    element.changed = false;
    element.sentMs = nowMs;
    this.#deadlines.clear(element, 't4-reregistration');
    this.#deadlines.clear(element, 'update');
    this.#deadlines.set(element, 't2-registration', nowMs + this.#options.registrationTimeoutMs);
    this.#send(registrationOf(element, this.#options.lifeUnit));
  }

  #sendDeregistration(element: LocalElement, nowMs: number): void {
    element.phase = 'deregistering';
    this.#deadlines.clearAll(element);
    this.#deadlines.set(element, 't3-deregistration', nowMs + this.#options.deregistrationTimeoutMs);
    this.#send({ type: 'deregistration', poolHandle: element.poolHandle, elementId: element.id });
  }

  #send(message: AsapMessage): void {
    const { association } = this.#hunt;
    if (association !== undefined) this.#outputs.push({ type: 'send', association, message });
  }

  #find(poolHandle: Uint8Array, id: number): LocalElement | undefined {
    return this.#elements.get(elementKey(poolHandle, id));
  }

  #forget(element: LocalElement): void {
    this.#deadlines.clearAll(element);
    this.#elements.delete(elementKey(element.poolHandle, element.id));
  }

  #stopWhenEmpty(): void {
    if (this.#elements.size === 0) this.#outputs.push(...this.#hunt.stop());
  }

  #drain(): PoolElementOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

function elementKey(poolHandle: Uint8Array, id: number): string {
  return `${id}/${poolKey(poolHandle)}`;
}

function eventOf(element: LocalElement): { type: 'event'; poolHandle: Uint8Array; elementId: number } {
  return { type: 'event', poolHandle: element.poolHandle, elementId: element.id };
}

function inWords(causes: readonly ErrorCause[]): string {
  return causes.length === 0 ? 'no reason given' : causes.map(describeCause).join(', ');
}
