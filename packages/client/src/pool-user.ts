// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import {
  POOL_USER_DEFAULTS,
  PoolUserCore,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from '@vnfpool/core/pool-user';
import { RegistrarLinks } from '@vnfpool/runtime/asap';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { pause } from '@vnfpool/runtime/lifecycle';
import { systemRandom } from '@vnfpool/runtime/random';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import { bounded } from './bounded.ts';
import { ChannelTransports } from './channel/open-channel.ts';
import {
  type CallOptions,
  type ClientOptions,
  defaultTimeoutMs,
  octetsOf,
  type PoolHandle,
} from './client-options.ts';
import { clientScope } from './client-scope.ts';
import { connectTo, isNetworkError } from './connect-to.ts';
import { type DeliverOptions, type Delivery, deliver } from './deliver.ts';
import { LastUsed } from './last-used.ts';
import { PoolError, type PoolErrorCode } from './pool-error.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session-options.ts';

export type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';

export interface PoolUserClientOptions extends ClientOptions {
  /** Timers and cache, see `PoolUserOptions` of the core. */
  readonly tuning?: Omit<PoolUserOptions, 'registrars'>;
  /** With `tuning.updates`: what a registrar told of a pool; no elements: the pool is gone. */
  readonly onPoolChanged?: (handle: Uint8Array, elements: readonly FoundElement[]) => void;
}

export interface ResolveOptions extends CallOptions {
  /** How old an answer from the cache may be; 0: ask. Default: the cache's rule. */
  readonly staleMs?: number;
  /** How many elements to ask for, if it comes to asking; 0xffffffff: all. */
  readonly items?: number;
}

/** Who serves next, and who else could. */
export interface Resolution {
  readonly element: FoundElement;
  /** The next best first. */
  readonly alternatives: readonly FoundElement[];
}

export interface WithElementOptions extends CallOptions {
  /** Elements tried, at most; a second visit counts. Default 8. */
  readonly triesMax?: number;
  /** Time for one element. Default: all of `timeoutMs`. */
  readonly tryTimeoutMs?: number;
  /**
   * Whether an error means that the element could not be reached, so that another may be tried; others are
   * thrown. Default: errors of the network, and `tryTimeoutMs`.
   */
  readonly isUnreachable?: (error: unknown) => boolean;
}

interface Waiting {
  readonly resolve: (resolution: Resolution) => void;
  readonly reject: (error: Error) => void;
}

/** Pause between two rounds through all elements. */
const roundPauseMs = 100;

/**
 * Uses pools: resolves handles, chooses by the pool's policy, reports who cannot be reached.
 * @see RFC 5352 §3.3
 */
export class PoolUser {
  readonly #driver: CoreDriver<PoolUserInput, PoolUserOutput>;
  readonly #links: RegistrarLinks;
  readonly #channels: ChannelTransports;
  readonly #clock = systemClock();
  readonly #core: PoolUserCore;
  readonly #waiting = new Map<number, Waiting>();
  readonly #sessions = new Set<Session>();
  readonly #last = new LastUsed();
  readonly #ending = new AbortController();
  readonly #stopHearing: () => void;
  readonly #staleMs: number;
  #lastRequest = 0;

  /** Uses other credentials for connections from now on, see `keepRenewed`. */
  readonly renew: (credentials: Credentials) => void;

  /** @throws CredentialsError when the credentials are not good now; ScopeSecurityError, RangeError for options */
  constructor(options: PoolUserClientOptions) {
    const scope = clientScope(options, 'user');
    const { requestTimeoutMs, retransmitsMax } = scope.profile.endpoint;
    this.#core = new PoolUserCore(
      { requestTimeoutMs, retransmitsMax, ...scope.hunt, ...options.tuning },
      systemRandom(),
    );
    this.#channels = new ChannelTransports(scope.data);
    this.#staleMs = options.tuning?.staleMs ?? POOL_USER_DEFAULTS.staleMs;
    this.#links = new RegistrarLinks({
      transport: (registrar) => scope.asap(registrar),
      submit: (input) => this.#driver.submit(input),
      ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
    });
    this.renew = (credentials) => scope.renew(credentials);
    this.#driver = new CoreDriver<PoolUserInput, PoolUserOutput>({
      core: this.#core,
      clock: this.#clock,
      effects: {
        connect: ({ association, registrar }) => this.#links.connect(association, registrar),
        disconnect: ({ association }) => this.#links.disconnect(association),
        send: ({ association, message }) => this.#links.send(association, message),
        resolved: ({ request, element, alternatives }) =>
          this.#waiting.get(request)?.resolve({ element, alternatives }),
        unresolved: ({ request, reason }) =>
          this.#waiting
            .get(request)
            ?.reject(new PoolError(unresolvedCodes[reason], `the pool was not resolved: ${reason}`)),
        // Whatever the application returns is not waited for.
        'pool-changed': ({ poolHandle, elements }) => {
          options.onPoolChanged?.(poolHandle, elements);
        },
      },
      onFault: ({ error }) => this.#end(new PoolError('internal', 'the pool user failed', error)),
    });
    this.#stopHearing = scope.hear((message, source) =>
      this.#driver.submit({ type: 'announcement', message, source }),
    );
  }

  /**
   * Asks who serves next. Answered from the cache while that is fresh.
   * @throws PoolError
   */
  resolve(handle: PoolHandle, options: ResolveOptions = {}): Promise<Resolution> {
    return bounded<Resolution>('resolve', options, (resolve, reject) => {
      if (this.#ending.signal.aborted) {
        reject(closedError());
        return () => {};
      }
      const request = ++this.#lastRequest;
      this.#waiting.set(request, { resolve, reject });
      const { staleMs, items } = options;
      const bound = {
        ...(staleMs === undefined ? {} : { staleMs }),
        ...(items === undefined ? {} : { items }),
      };
      if (!this.#driver.submit({ type: 'resolve', request, poolHandle: octetsOf(handle), ...bound })) {
        reject(new PoolError('overloaded', 'too many requests at once'));
      }
      return () => this.#waiting.delete(request);
    });
  }

  /**
   * Opens a session; settles when an element serves it. It goes on at another one when that is lost. `signal` ends it,
   * `timeoutMs` bounds the opening.
   * @throws PoolError
   */
  async open(handle: PoolHandle, options: SessionOptions = {}): Promise<Session> {
    const poolHandle = octetsOf(handle);
    const { timeoutMs = defaultTimeoutMs } = options;
    this.#throwIfEnded();
    const onAbort = (): void => session.close();
    const session: Session = new Session(
      {
        poolHandle,
        transports: this.#channels,
        clock: this.#clock,
        resolve: (fresh) => this.#candidates(poolHandle, fresh, options.resolveTimeoutMs ?? 3000),
        unreachable: (elementId, report) =>
          this.#driver.submit({ type: 'unreachable', poolHandle, elementId, report }),
        onOver: () => {
          this.#sessions.delete(session);
          options.signal?.removeEventListener('abort', onAbort);
        },
      },
      {
        failoverTimeoutMs: timeoutMs,
        ...options,
        onEvent: (event) => {
          if (event.event === 'opened') this.#last.set(poolHandle, event.element);
          else if (event.event === 'failed-over') this.#last.set(poolHandle, event.to);
          options.onEvent?.(event);
        },
      },
    );
    this.#sessions.add(session);
    const whole = this.#whole(timeoutMs, options.signal);
    try {
      await session.open(whole);
    } catch (error) {
      throw this.#bound(error, whole, options.signal);
    }
    if (options.signal?.aborted === true) session.close();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    return session;
  }

  /**
   * Delivers one message, each element by a session of its own that ends with it. Settles when the transport has it,
   * which is not yet to say that the element has.
   * @returns The elements that got it, and why others did not
   * @throws PoolError when nobody got it; RangeError for more than 256 KiB
   */
  async send(
    handle: PoolHandle,
    message: string | Uint8Array,
    options: DeliverOptions = {},
  ): Promise<Delivery> {
    const poolHandle = octetsOf(handle);
    const { timeoutMs = defaultTimeoutMs } = options;
    this.#throwIfEnded();
    const whole = this.#whole(timeoutMs, options.signal);
    try {
      return await deliver(
        {
          transports: this.#channels,
          clock: this.#clock,
          signal: whole,
          resolve: async (everybody) => {
            const all = everybody ? { staleMs: 0, items: 0xffffffff } : {};
            const found = await this.resolve(poolHandle, { signal: whole, ...all });
            return [found.element, ...found.alternatives];
          },
          last: this.#last.get(poolHandle),
          unreachable: (id) => this.reportUnreachable(poolHandle, id),
          used: (element) => this.#last.set(poolHandle, element),
        },
        octetsOf(message),
        options,
      );
    } catch (error) {
      throw this.#bound(error, whole, options.signal);
    }
  }

  /** Elements in the cache, fresh or stale, in no order; none: the pool is not in it. */
  cached(handle: PoolHandle): readonly FoundElement[] {
    return this.#core.cached(octetsOf(handle));
  }

  /** Forgets what is known of a pool. */
  purge(handle: PoolHandle): void {
    this.#driver.submit({ type: 'purge', poolHandle: octetsOf(handle) });
  }

  /** Says that an element could not be reached: it leaves our cache, and the registrar is told. */
  reportUnreachable(handle: PoolHandle, elementId: number): void {
    this.#driver.submit({ type: 'unreachable', poolHandle: octetsOf(handle), elementId });
  }

  /**
   * Runs `use` on an element of the pool; when it cannot be reached, reports it and goes on to the next, until
   * one serves. `use` may run several times: it must bear that.
   * @throws PoolError; what `use` throws and is not about reachability
   */
  async withElement<T>(
    handle: PoolHandle,
    use: (element: FoundElement, context: { readonly signal: AbortSignal }) => Promise<T>,
    options: WithElementOptions = {},
  ): Promise<T> {
    const { timeoutMs = defaultTimeoutMs, triesMax = 8, isUnreachable = isNetworkError } = options;
    const whole = this.#whole(timeoutMs, options.signal);
    let tried = new Set<number>();
    let last: unknown;
    for (let tries = 0; tries < triesMax; tries += 1) {
      let found: Resolution;
      try {
        found = await this.resolve(handle, { signal: whole, timeoutMs });
      } catch (error) {
        // The registrar has dropped the last element that we reported.
        if (last !== undefined && error instanceof PoolError && error.code === 'unknown-pool') break;
        throw this.#bound(error, whole, options.signal);
      }
      const element =
        [found.element, ...found.alternatives].find(({ id }) => !tried.has(id)) ?? found.element;
      if (tried.has(element.id)) {
        // Once around: who failed a moment ago may be back.
        tried = new Set();
        await pause(roundPauseMs, whole).catch((error: unknown) => {
          throw this.#bound(error, whole, options.signal);
        });
      }
      tried.add(element.id);
      const trying = new AbortController();
      const signal = AbortSignal.any([whole, trying.signal]);
      try {
        return await bounded<T>(
          'the element',
          { signal: whole, timeoutMs: options.tryTimeoutMs ?? timeoutMs },
          (resolve, reject) => {
            use(element, { signal }).then(resolve, reject);
            return () => trying.abort();
          },
        );
      } catch (error) {
        if (whole.aborted) throw this.#bound(error, whole, options.signal);
        const silent = error instanceof PoolError && error.code === 'timeout';
        if (!silent && !isUnreachable(error)) throw error;
        last = error;
        this.reportUnreachable(handle, element.id);
      }
    }
    throw new PoolError('unreachable', `no element of the pool could be reached in ${triesMax} tries`, last);
  }

  /**
   * A TCP connection to an element of the pool. Yours to close.
   * @throws PoolError
   */
  connect(handle: PoolHandle, options: WithElementOptions = {}): Promise<Socket> {
    return this.withElement(handle, (element, { signal }) => connectTo(element, signal), options);
  }

  /** Ends every call with `closed` and lets the registrar go. */
  close(): void {
    this.#end(closedError());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #whole(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
    const bounds = [AbortSignal.timeout(timeoutMs), this.#ending.signal];
    return AbortSignal.any(signal === undefined ? bounds : [...bounds, signal]);
  }

  /** Who could serve a session: from the cache while that is fresh, from a registrar, or at worst from an old cache. */
  async #candidates(
    poolHandle: Uint8Array,
    fresh: boolean,
    resolveTimeoutMs: number,
  ): Promise<readonly FoundElement[]> {
    const known = this.cached(poolHandle).length > 0;
    const bounds = known ? { timeoutMs: resolveTimeoutMs } : {};
    try {
      const found = await this.resolve(poolHandle, { staleMs: fresh ? 0 : this.#staleMs, ...bounds });
      return [found.element, ...found.alternatives];
    } catch (error) {
      const silent =
        error instanceof PoolError && (error.code === 'timeout' || error.code === 'not-answered');
      const old = this.cached(poolHandle);
      if (!silent || old.length === 0) throw error;
      return old;
    }
  }

  #throwIfEnded(): void {
    if (this.#ending.signal.aborted) throw this.#ending.signal.reason;
  }

  #end(error: PoolError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    this.#driver.stop();
    this.#stopHearing();
    this.#links.close();
    for (const session of this.#sessions) session.close();
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /** Names the bound that ended a call. */
  #bound(error: unknown, whole: AbortSignal, own: AbortSignal | undefined): unknown {
    if (!whole.aborted) return error;
    if (this.#ending.signal.aborted) return this.#ending.signal.reason;
    if (own?.aborted === true) return new PoolError('aborted', 'aborted', own.reason);
    return new PoolError('timeout', 'no element served in time', error);
  }
}

const unresolvedCodes: Readonly<
  Record<Extract<PoolUserOutput, { type: 'unresolved' }>['reason'], PoolErrorCode>
> = {
  'unknown pool': 'unknown-pool',
  refused: 'refused',
  'not answered': 'not-answered',
  'too many requests': 'overloaded',
};

function closedError(): PoolError {
  return new PoolError('closed', 'the pool user is closed');
}
