// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import { Handlespace } from '../handlespace/handlespace.ts';
import type { Placed } from '../handlespace/holding.ts';
import { newCounters, type RegistrarCounters } from './counters.ts';
import { ElementTable } from './element-table.ts';
import type { AssociationId, Peer, RegistrarEvent, RegistrarOutput } from './messages.ts';
import { type Authorize, type Identity, REGISTRAR_DEFAULTS, type RegistrarOptions } from './options.ts';
import type { Owner } from './owner.ts';
import { newScope, type ScopeState } from './peers/scope-state.ts';
import type { Source } from './rate-limits.ts';
import { type PoolSubscribers, Subscriptions } from './subscriptions/subscribers.ts';
import type { RegistrarTimer } from './timer-names.ts';

/** An element that we own, beside what the handlespace holds. */
export interface OwnedElement {
  readonly poolHandle: Uint8Array;
  readonly id: number;
  /** Where it is asked; undefined: no association is left, or it was taken over and is not reached yet. */
  association: Association | undefined;
  /** All over which it registered or answered, that one too; a few. */
  readonly associations: Set<Association>;
  /** The latest over which it registered; undefined: that is gone, or it was taken over. */
  registeredOver: Association | undefined;
  /** Who registered it; undefined: nobody we know. */
  owner: Owner | undefined;
  /** Taken over from a dead registrar, and has not answered us yet. */
  adopting: boolean;
  /** Reports since its last registration that counted. */
  badReports: number;
  /** When each reporter's last report counted; at most `REPORTERS_MAX`. */
  readonly reporters: Map<string, number>;
  lastKeepAliveMs: number;
  lastHeardMs: number;
}

/** An element that another registrar owns, beside what the handlespace holds. Its timer is its expiry. */
export interface RemoteElement {
  readonly poolHandle: Uint8Array;
  readonly id: number;
  /** Where it was when it was ours; undefined: never, or it had no association. */
  formerly: AssociationId | undefined;
}

/** An ASAP association. */
export interface Association {
  readonly id: AssociationId;
  readonly identity: Identity | null;
  readonly peer: Peer;
  /** Those that are reached over it, be they at another one. */
  readonly elements: Set<OwnedElement>;
  readonly limits: Source['buckets'];
  /** Shared by all associations of its source. */
  readonly source: Source;
  readonly subscriptions: Set<PoolSubscribers>;
  /** Elements that were named to it in answers; the oldest go at the bound. */
  readonly told: Set<Placed>;
  malformed: number;
  lastHeardMs: number;
  /** Round-trip time; undefined: not measured. */
  rttMs: number | undefined;
  /** Whether the transport measures it. */
  rttIsTransports: boolean;
}

/** What all handlers of one registrar share. */
export class RegistrarState {
  readonly options: Required<RegistrarOptions>;
  readonly random: Random;
  readonly authorize: Authorize;
  readonly handlespace: Handlespace;
  readonly associations: Map<AssociationId, Association> = new Map<AssociationId, Association>();
  /** No association can be sent away as idle earlier than this. */
  noIdleBeforeMs: number = Number.NEGATIVE_INFINITY;
  readonly deadlines: Deadlines<object, RegistrarTimer> = new Deadlines<object, RegistrarTimer>();
  readonly counters: RegistrarCounters = newCounters();
  readonly owned: ElementTable<OwnedElement> = new ElementTable<OwnedElement>();
  readonly remote: ElementTable<RemoteElement> = new ElementTable<RemoteElement>();
  /** By identity, or else by address. */
  readonly sources: Map<string, Source> = new Map<string, Source>();
  readonly subscriptions: Subscriptions = new Subscriptions();
  readonly scope: ScopeState;
  /** Ours, at present. */
  registrarId: number;
  /** The latest time that was handed in. */
  nowMs: number = Number.NEGATIVE_INFINITY;
  #outputs: RegistrarOutput[] = [];

  constructor(options: RegistrarOptions, random: Random, authorize: Authorize) {
    this.options = { ...REGISTRAR_DEFAULTS, ...options };
    this.registrarId = options.registrarId;
    this.random = random;
    this.authorize = authorize;
    const { limits, checksum, policies, maxIncrement } = this.options;
    this.handlespace = new Handlespace(random, { limits, checksum, policies, maxIncrement });
    this.scope = newScope();
  }

  send(association: Association, message: AsapMessage): void {
    this.output({ type: 'send', association: association.id, message });
  }

  close(association: { readonly id: AssociationId }, reason: string): void {
    this.output({ type: 'close', association: association.id, reason });
  }

  event(event: RegistrarEvent): void {
    this.output(event);
  }

  output(output: RegistrarOutput): void {
    this.#outputs.push(output);
  }

  /** `ms`, an eighth more or less, so that registrars do not speak in step. */
  jittered(ms: number): number {
    return ms * (0.875 + 0.25 * this.random.fraction());
  }

  /** What has gathered since the last call, in order. */
  drain(): RegistrarOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
