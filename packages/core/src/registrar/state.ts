// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import { Handlespace } from '../handlespace/handlespace.ts';
import { type PoolKey, poolKey } from '../handlespace/pool-key.ts';
import type { AssociationId, Peer, RegistrarEvent, RegistrarOutput } from './messages.ts';
import { type Authorize, type Identity, REGISTRAR_DEFAULTS, type RegistrarOptions } from './options.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Timers of an element that we own. */
export type ElementTimer =
  /** The registration runs out. */
  | 'life'
  /** The next periodic keep-alive is due. */
  | 'keep-alive'
  /** The answer to a keep-alive is overdue. */
  | 'keep-alive-answer'
  /** A lost association was not replaced in time. */
  | 'grace';

/** An element that we own, beside what the handlespace holds. */
export interface OwnedElement {
  readonly poolHandle: Uint8Array;
  readonly id: number;
  /** Where it registered; undefined: that association is gone. */
  association: Association | undefined;
  /** Name of who registered it; undefined: nobody we know. */
  owner: string | undefined;
  /** Reports since its last registration that counted. */
  badReports: number;
  /** When each reporter's last report counted; at most `REPORTERS_MAX`. */
  readonly reporters: Map<string, number>;
  lastKeepAliveMs: number;
  lastHeardMs: number;
}

export interface Association {
  readonly id: AssociationId;
  readonly identity: Identity | null;
  readonly peer: Peer;
  readonly elements: Set<OwnedElement>;
  readonly resolutions: TokenBucket;
  readonly reports: TokenBucket;
  malformed: number;
}

/** Counted since the start. */
export interface RegistrarCounters {
  registrations: number;
  registrationsRefused: number;
  deregistrations: number;
  resolutions: number;
  resolutionsNegative: number;
  resolutionsLimited: number;
  keepAlivesSent: number;
  keepAlivesAnswered: number;
  reports: number;
  reportsLimited: number;
  elementsRemoved: number;
  malformed: number;
  unrecognized: number;
  unexpected: number;
  associationsRefused: number;
}

/** What all handlers of one registrar share. */
export class RegistrarState {
  readonly options: Required<RegistrarOptions>;
  readonly random: Random;
  readonly authorize: Authorize;
  readonly handlespace: Handlespace;
  readonly associations: Map<AssociationId, Association> = new Map<AssociationId, Association>();
  readonly deadlines: Deadlines<OwnedElement, ElementTimer> = new Deadlines<OwnedElement, ElementTimer>();
  readonly counters: RegistrarCounters = {
    registrations: 0,
    registrationsRefused: 0,
    deregistrations: 0,
    resolutions: 0,
    resolutionsNegative: 0,
    resolutionsLimited: 0,
    keepAlivesSent: 0,
    keepAlivesAnswered: 0,
    reports: 0,
    reportsLimited: 0,
    elementsRemoved: 0,
    malformed: 0,
    unrecognized: 0,
    unexpected: 0,
    associationsRefused: 0,
  };
  readonly #owned = new Map<string, OwnedElement>();
  #outputs: RegistrarOutput[] = [];

  constructor(options: RegistrarOptions, random: Random, authorize: Authorize) {
    this.options = { ...REGISTRAR_DEFAULTS, ...options };
    this.random = random;
    this.authorize = authorize;
    this.handlespace = new Handlespace(random, {
      limits: this.options.limits,
      checksum: this.options.checksum,
    });
  }

  owned(poolHandle: Uint8Array, id: number): OwnedElement | undefined {
    return this.#owned.get(ownedKey(poolKey(poolHandle), id));
  }

  own(element: OwnedElement): void {
    this.#owned.set(ownedKey(poolKey(element.poolHandle), element.id), element);
  }

  disown(element: OwnedElement): void {
    this.#owned.delete(ownedKey(poolKey(element.poolHandle), element.id));
  }

  send(association: Association, message: AsapMessage): void {
    this.#outputs.push({ type: 'send', association: association.id, message });
  }

  close(association: Association, reason: string): void {
    this.#outputs.push({ type: 'close', association: association.id, reason });
  }

  event(event: RegistrarEvent): void {
    this.#outputs.push(event);
  }

  /** What has gathered since the last call, in order. */
  drain(): RegistrarOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

function ownedKey(pool: PoolKey, id: number): string {
  return `${id}/${pool}`;
}
