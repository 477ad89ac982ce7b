// SPDX-License-Identifier: Apache-2.0
import {
  PoolElementCore,
  type PoolElementEvent,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from '@vnfpool/core/pool-element';
import type { RegistrarLinks } from '@vnfpool/runtime/asap';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Policy, Transport } from '@vnfpool/wire/parameters';
import { bounded } from './bounded.ts';
import {
  type CallOptions,
  type ClientOptions,
  clientLinks,
  octetsOf,
  type PoolHandle,
} from './client-options.ts';
import { PoolError } from './pool-error.ts';

export type { PoolElementEvent } from '@vnfpool/core/pool-element';

export interface PoolElementClientOptions extends ClientOptions {
  readonly poolHandle: PoolHandle;
  /** Where users reach us. */
  readonly transport: Transport;
  /** The pool's policy with our values. Default round robin. */
  readonly policy?: Policy;
  /** How long we stay in the pool unheard of; null: for ever. Default 300 s. */
  readonly lifeMs?: number | null;
  /** Unique in the pool, not 0. Default random. */
  readonly id?: number;
  /** What becomes of us, after `register` too: lost and found again, taken over by another registrar. */
  readonly onEvent?: (event: PoolElementEvent) => void;
  /** Timers, see `PoolElementOptions` of the core. */
  readonly tuning?: Omit<PoolElementOptions, 'registrars'>;
}

type Watcher = (event: PoolElementEvent | PoolError) => void;

/**
 * A member of a pool. Stays registered, at whichever registrar answers, until deregistered.
 * @see RFC 5352 §3.1
 */
export class PoolElement {
  readonly id: number;
  readonly #options: PoolElementClientOptions;
  readonly #poolHandle: Uint8Array;
  readonly #driver: CoreDriver<PoolElementInput, PoolElementOutput>;
  readonly #links: RegistrarLinks;
  readonly #watchers = new Set<Watcher>();
  #registered = false;
  #ended: PoolError | null = null;

  /** Uses other credentials for connections from now on, see `keepRenewed`. */
  readonly renew: (credentials: Credentials) => void;

  /** @throws CredentialsError when the credentials are not good now */
  constructor(options: PoolElementClientOptions) {
    const random = systemRandom();
    this.#options = options;
    this.#poolHandle = octetsOf(options.poolHandle);
    this.id = options.id ?? Math.max(1, random.u32());
    // Once in the pool, an element goes on trying for as long as it lives.
    const core = new PoolElementCore(
      { attemptsMax: Number.POSITIVE_INFINITY, ...options.tuning, registrars: options.registrars },
      random,
    );
    const { links, renew } = clientLinks(options, (input) => this.#driver.submit(input));
    this.#links = links;
    this.renew = renew;
    this.#driver = new CoreDriver<PoolElementInput, PoolElementOutput>({
      core,
      clock: systemClock(),
      effects: {
        connect: ({ association, registrar }) => this.#links.connect(association, registrar),
        disconnect: ({ association }) => this.#links.disconnect(association),
        send: ({ association, message }) => this.#links.send(association, message),
        event: (event) => this.#event(event),
      },
      onFault: ({ error }) => this.#end(new PoolError('internal', 'the pool element failed', error)),
    });
  }

  /** In the pool, as far as we know. */
  get registered(): boolean {
    return this.#registered;
  }

  /**
   * Joins the pool; settles when a registrar has said yes.
   * @throws PoolError `rejected` with the registrar's reason; on `timeout` it goes on trying: `close` ends it
   */
  register(options: CallOptions = {}): Promise<void> {
    const { transport, policy = { type: 'round-robin' }, lifeMs = 300_000 } = this.#options;
    return this.#watch('register', options, {
      start: { type: 'register', ...this.#name(), userTransport: transport, policy, lifeMs },
      done: (event) => {
        if (event.event === 'registered') return true;
        if (event.event === 'rejected' || event.event === 'failed')
          throw new PoolError('rejected', event.reason);
        return false;
      },
    });
  }

  /** Tells our new load, weight or priority. Calls in quick succession are joined. */
  update(policy: Policy): void {
    this.#driver.submit({ type: 'update', ...this.#name(), policy });
  }

  /**
   * Leaves the pool; settles when the registrar has confirmed it, or cannot be asked.
   * @throws PoolError
   */
  async deregister(options: CallOptions = {}): Promise<void> {
    await this.#watch('deregister', options, {
      start: { type: 'deregister', ...this.#name() },
      done: (event) => {
        if (event.event === 'deregistered') return true;
        if (event.event === 'deregistration-refused') throw new PoolError('refused', event.reason);
        return false;
      },
    });
  }

  /** Lets the registrar go without a word: it finds out by itself. `deregister` first where there is time. */
  close(): void {
    this.#end(new PoolError('closed', 'the pool element is closed'));
  }

  #name(): { readonly poolHandle: Uint8Array; readonly elementId: number } {
    return { poolHandle: this.#poolHandle, elementId: this.id };
  }

  #watch(
    what: string,
    options: CallOptions,
    {
      start,
      done,
    }: { readonly start: PoolElementInput; readonly done: (event: PoolElementEvent) => boolean },
  ): Promise<void> {
    return bounded<void>(what, options, (resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return () => {};
      }
      const watcher: Watcher = (event) => {
        if (event instanceof PoolError) return reject(event);
        try {
          if (done(event)) resolve();
        } catch (error) {
          reject(error as PoolError);
        }
      };
      this.#watchers.add(watcher);
      if (!this.#driver.submit(start)) reject(new PoolError('overloaded', 'too many requests at once'));
      return () => this.#watchers.delete(watcher);
    });
  }

  #event(event: PoolElementEvent): void {
    if (event.event === 'registered') this.#registered = true;
    else if (event.event !== 'adopted' && event.event !== 'deregistration-refused') this.#registered = false;
    for (const watcher of this.#watchers) watcher(event);
    this.#options.onEvent?.(event);
  }

  #end(error: PoolError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#registered = false;
    this.#driver.stop();
    this.#links.close();
    for (const watcher of this.#watchers) watcher(error);
  }
}
