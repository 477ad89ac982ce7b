// SPDX-License-Identifier: Apache-2.0
import type {
  AsapMessage,
  DeregistrationResponse,
  EndpointKeepAlive,
  RegistrationResponse,
} from '@vnfpool/wire/asap';
import type { ErrorCause, Policy } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import type { HuntOptions, HuntOutput } from '../registrar-hunt/messages.ts';
import { RegistrarHunt } from '../registrar-hunt/registrar-hunt.ts';
import { causesInWords, refusesRequest } from './causes.ts';
import { LocalElements } from './local-elements.ts';
import {
  POOL_ELEMENT_DEFAULTS,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from './messages.ts';
import {
  eventOf,
  isMinorChange,
  type LocalElement,
  newElement,
  type PoolElementTimer,
  registrationOf,
  reregistrationMs,
} from './registration-state.ts';

type RegisterInput = Extract<PoolElementInput, { type: 'register' }>;

/** Over what an element reaches its home registrar: an association opened to us, or (undefined) the one hunted for. */
type Inbound = number | undefined;

/**
 * Keeps elements registered: one association to a registrar, any number of elements on it. Hunts while it has
 * elements, lets go of the association with the last one. A registrar that takes an element over opens an
 * association to us; the element's home is then at its other end.
 * @see RFC 5352 §3.1, §3.2, §3.4
 */
export class PoolElementCore implements Core<PoolElementInput, PoolElementOutput> {
  readonly #options: Required<Omit<PoolElementOptions, keyof HuntOptions>>;
  readonly #hunt: RegistrarHunt;
  readonly #elements = new LocalElements();
  readonly #inbound = new Set<number>();
  readonly #deadlines = new Deadlines<LocalElement, PoolElementTimer>();
  #outputs: PoolElementOutput[] = [];

  constructor(options: PoolElementOptions, random: Random) {
    this.#options = { ...POOL_ELEMENT_DEFAULTS, ...options };
    this.#hunt = new RegistrarHunt(options, random);
  }

  handle(input: PoolElementInput, nowMs: number): PoolElementOutput[] {
    switch (input.type) {
      case 'register':
        this.#register(input, nowMs);
        break;
      case 'update': {
        const element = this.#elements.find(input.poolHandle, input.elementId);
        if (element !== undefined) this.#update(element, input.policy, nowMs);
        break;
      }
      case 'deregister': {
        const element = this.#elements.find(input.poolHandle, input.elementId);
        if (element !== undefined) this.#deregister(element, nowMs);
        break;
      }
      case 'connected': {
        const outputs = this.#hunt.connected(input.association);
        if (outputs === undefined) break;
        this.#outputs.push(...outputs);
        for (const element of this.#elements.over(undefined)) this.#resume(element, nowMs);
        break;
      }
      case 'disconnected': {
        const { lost, outputs } = this.#hunt.disconnected(input.association, nowMs);
        if (lost) this.#detach(undefined, 'lost', outputs, nowMs);
        else this.#outputs.push(...outputs);
        break;
      }
      case 'announcement':
        this.#outputs.push(...this.#hunt.announced(input.message, input.source, nowMs));
        break;
      case 'message':
        if (input.association === this.#hunt.association) this.#message(input.message, undefined, nowMs);
        break;
      case 'inbound-opened':
        if (this.#inbound.size < this.#options.inboundMax) this.#inbound.add(input.association);
        else this.#outputs.push({ type: 'disconnect', association: input.association });
        break;
      case 'inbound-message':
        if (this.#inbound.has(input.association)) this.#message(input.message, input.association, nowMs);
        break;
      case 'inbound-closed':
        if (this.#inbound.delete(input.association)) this.#detach(input.association, 'lost', [], nowMs);
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
    return this.#elements.find(poolHandle, elementId)?.phase;
  }

  #register(input: RegisterInput, nowMs: number): void {
    const { elementId: id, userTransport, policy, lifeMs } = input;
    const existing = this.#elements.find(input.poolHandle, id);
    if (existing !== undefined) {
      this.#deadlines.clear(existing, 't3-deregistration');
      if (existing.phase === 'deregistering') existing.phase = 'hunting';
      existing.asapTransport = input.asapTransport;
      this.#change(existing, { userTransport, policy, lifeMs }, nowMs);
      if (existing.phase === 'hunting' && this.#home(existing) !== undefined)
        this.#sendRegistration(existing, nowMs);
      return;
    }
    const element = newElement(input, input.poolHandle.slice());
    if (this.#elements.size >= this.#options.elementsMax) {
      this.#outputs.push({ ...eventOf(element), event: 'failed', reason: 'too many elements' });
      return;
    }
    this.#elements.add(element);
    if (this.#hunt.association === undefined) this.#outputs.push(...this.#hunt.want(nowMs));
    else this.#sendRegistration(element, nowMs);
  }

  /** A load that hardly changed goes along with the next registration. */
  #update(element: LocalElement, policy: Policy, nowMs: number): void {
    const minor =
      element.phase === 'registered' &&
      isMinorChange(element.sentPolicy, policy, this.#options.loadHysteresis);
    if (minor) element.policy = policy;
    else this.#change(element, { policy }, nowMs);
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
    if (this.#home(element) === undefined) {
      this.#forget(element);
      this.#outputs.push({ ...eventOf(element), event: 'deregistered', reason: 'was not registered' });
      this.#stopWhenEmpty();
      return;
    }
    element.attempts = 0;
    this.#sendDeregistration(element, nowMs);
  }

  #resume(element: LocalElement, nowMs: number): void {
    if (element.phase === 'deregistering') this.#sendDeregistration(element, nowMs);
    else this.#sendRegistration(element, nowMs);
  }

  /**
   * The association is gone, or let go because nobody answers; `outputs` is what the hunt does about it. A registrar
   * that ends it may just be starting or stopping: only silence is an attempt to register that failed.
   */
  #detach(inbound: Inbound, why: 'lost' | 'silent', outputs: readonly HuntOutput[], nowMs: number): void {
    const moved: LocalElement[] = [];
    for (const element of this.#elements.over(inbound)) {
      const { phase, member } = element;
      this.#deadlines.clearAll(element);
      element.inbound = undefined;
      element.homeRegistrar = 0;
      if (phase === 'deregistering' || (phase === 'registering' && why === 'silent')) {
        element.attempts += 1;
        if (this.#giveUp(element)) continue;
      }
      if (phase !== 'deregistering') element.phase = 'hunting';
      element.member = false;
      if (member && phase !== 'deregistering') {
        this.#outputs.push({ ...eventOf(element), event: 'detached', reason: 'association lost' });
      }
      moved.push(element);
    }
    this.#outputs.push(...outputs);
    if (inbound !== undefined && moved.length > 0) {
      if (this.#hunt.association === undefined) this.#outputs.push(...this.#hunt.want(nowMs));
      else for (const element of moved) this.#resume(element, nowMs);
    }
    this.#stopWhenEmpty();
  }

  /** Nothing else concerns an element. */
  #message(message: AsapMessage, inbound: Inbound, nowMs: number): void {
    if (message.type === 'registration-response') this.#registrationResponse(message, inbound, nowMs);
    else if (message.type === 'deregistration-response')
      this.#deregistrationResponse(message, inbound, nowMs);
    else if (message.type === 'endpoint-keep-alive') this.#keepAlive(message, inbound, nowMs);
    else if (message.type === 'error' && refusesRequest(message.causes)) {
      const element = this.#elements.oldestRequest(inbound);
      if (element?.phase === 'registering') this.#rejected(element, message.causes);
      else if (element?.phase === 'deregistering') this.#refused(element, message.causes, nowMs);
    }
  }

  #registrationResponse(message: RegistrationResponse, inbound: Inbound, nowMs: number): void {
    const element = this.#elements.find(message.poolHandle, message.elementId);
    if (element?.phase !== 'registering' || element.inbound !== inbound) return;
    if (inbound === undefined) this.#outputs.push(...this.#hunt.provedGood());
    if (message.rejected) {
      this.#rejected(element, message.causes);
      return;
    }
    const wasMember = element.member;
    element.member = true;
    element.known = true;
    this.#settle(element, nowMs);
    if (!wasMember || message.causes.length > 0) {
      this.#outputs.push({ ...eventOf(element), event: 'registered', warnings: message.causes });
    }
    if (element.changed) this.#change(element, {}, nowMs);
    this.#releaseHunt();
  }

  /** Registered, until T4 has it registered anew. */
  #settle(element: LocalElement, nowMs: number): void {
    this.#deadlines.clearAll(element);
    element.phase = 'registered';
    element.attempts = 0;
    const inMs = reregistrationMs(element.lifeMs, this.#options.reregistrationMaxMs);
    this.#deadlines.set(element, 't4-reregistration', nowMs + inMs);
  }

  #rejected(element: LocalElement, causes: readonly ErrorCause[]): void {
    this.#forget(element);
    this.#outputs.push({ ...eventOf(element), event: 'rejected', reason: causesInWords(causes), causes });
    this.#stopWhenEmpty();
  }

  #deregistrationResponse(message: DeregistrationResponse, inbound: Inbound, nowMs: number): void {
    const element = this.#elements.find(message.poolHandle, message.elementId);
    if (element === undefined || element.inbound !== inbound) return;
    const { causes } = message;
    if (element.phase === 'deregistering') {
      if (inbound === undefined) this.#outputs.push(...this.#hunt.provedGood());
      if (causes.length > 0) {
        this.#refused(element, causes, nowMs);
        return;
      }
      this.#forget(element);
      this.#outputs.push({ ...eventOf(element), event: 'deregistered', reason: 'confirmed' });
      this.#stopWhenEmpty();
    } else if (element.phase === 'registered' && causes.length === 0) {
      element.member = false;
      this.#outputs.push({ ...eventOf(element), event: 'detached', reason: 'life expired' });
      this.#sendRegistration(element, nowMs);
    }
  }

  /** The registrar would not let it go. */
  #refused(element: LocalElement, causes: readonly ErrorCause[], nowMs: number): void {
    this.#settle(element, nowMs);
    const reason = causesInWords(causes);
    this.#outputs.push({ ...eventOf(element), event: 'deregistration-refused', reason, causes });
  }

  /**
   * Every element that is meant answers, whoever asks, on the association that the question came by. H makes the
   * asker its home registrar, and it registers there once so that its new home has fresh values.
   */
  #keepAlive(message: EndpointKeepAlive, inbound: Inbound, nowMs: number): void {
    const { poolHandle, registrarId } = message;
    const association = inbound ?? this.#hunt.association;
    if (association === undefined) return;
    for (const element of this.#elements.inPool(poolHandle, message.elementId)) {
      // Nobody can have it from a registrar.
      if (!element.known) continue;
      const ack = { type: 'endpoint-keep-alive-ack', poolHandle: element.poolHandle } as const;
      this.#outputs.push({ type: 'send', association, message: { ...ack, elementId: element.id } });
      const isOver = element.inbound === inbound;
      if (!message.becomeHome || element.phase === 'deregistering') {
        if (isOver) element.homeRegistrar = registrarId;
        continue;
      }
      if (element.homeRegistrar === registrarId && this.#home(element) !== undefined) continue;
      const moved = !isOver || element.homeRegistrar !== 0;
      element.inbound = inbound;
      element.homeRegistrar = registrarId;
      const reason = `registrar 0x${registrarId.toString(16)} took it over`;
      this.#outputs.push({ ...eventOf(element), event: 'adopted', reason, registrarId });
      if (moved) this.#sendRegistration(element, nowMs);
    }
  }

  #expired(element: LocalElement, timer: PoolElementTimer, nowMs: number): void {
    switch (timer) {
      case 't2-registration':
      case 't3-deregistration':
        // Counts the attempt of every element that waits for an answer: it is the registrar that is silent.
        if (element.inbound === undefined) this.#detach(undefined, 'silent', this.#hunt.giveUp(nowMs), nowMs);
        else {
          const association = element.inbound;
          this.#inbound.delete(association);
          this.#detach(association, 'silent', [{ type: 'disconnect', association }], nowMs);
        }
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
    element.sentPolicy = element.policy;
    this.#deadlines.clearAll(element);
    this.#deadlines.set(element, 't2-registration', nowMs + this.#options.registrationTimeoutMs);
    this.#send(element, registrationOf(element, this.#options));
  }

  #sendDeregistration(element: LocalElement, nowMs: number): void {
    element.phase = 'deregistering';
    element.sentMs = nowMs;
    this.#deadlines.clearAll(element);
    this.#deadlines.set(element, 't3-deregistration', nowMs + this.#options.deregistrationTimeoutMs);
    const { poolHandle, id: elementId } = element;
    this.#send(element, { type: 'deregistration', poolHandle, elementId });
  }

  /** The association to its home registrar; undefined: there is none. */
  #home(element: LocalElement): number | undefined {
    return element.inbound ?? this.#hunt.association;
  }

  #send(element: LocalElement, message: AsapMessage): void {
    const association = this.#home(element);
    if (association !== undefined) this.#outputs.push({ type: 'send', association, message });
  }

  #forget(element: LocalElement): void {
    this.#deadlines.clearAll(element);
    this.#elements.delete(element);
  }

  /** Nobody's home is there any more. Not before the new home has them all: the old one would remove them. */
  #releaseHunt(): void {
    for (const _ of this.#elements.over(undefined)) return;
    for (const { phase } of this.#elements) if (phase === 'registering') return;
    this.#outputs.push(...this.#hunt.stop());
  }

  #stopWhenEmpty(): void {
    if (this.#elements.size > 0) return;
    this.#outputs.push(...this.#hunt.stop());
    for (const association of this.#inbound) this.#outputs.push({ type: 'disconnect', association });
    this.#inbound.clear();
  }

  #drain(): PoolElementOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
