// SPDX-License-Identifier: Apache-2.0
import { type Socket, connect as tcpConnect } from 'node:net';
import {
  PoolUserCore,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from '@vnfpool/core/pool-user';
import type { RegistrarLinks } from '@vnfpool/runtime/asap';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { pause } from '@vnfpool/runtime/lifecycle';
import { systemRandom } from '@vnfpool/runtime/random';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import { bounded } from './bounded.ts';
import {
  type CallOptions,
  type ClientOptions,
  clientLinks,
  defaultTimeoutMs,
  octetsOf,
  type PoolHandle,
} from './client-options.ts';
import { PoolError, type PoolErrorCode } from './pool-error.ts';

export type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';

export interface PoolUserClientOptions extends ClientOptions {
  /** Timers and cache, see `PoolUserOptions` of the core. */
  readonly tuning?: Omit<PoolUserOptions, 'registrars'>;
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
  readonly #waiting = new Map<number, Waiting>();
  readonly #ending = new AbortController();
  #lastRequest = 0;

  /** Uses other credentials for connections from now on, see `keepRenewed`. */
  readonly renew: (credentials: Credentials) => void;

  /** @throws CredentialsError when the credentials are not good now */
  constructor(options: PoolUserClientOptions) {
    const core = new PoolUserCore({ ...options.tuning, registrars: options.registrars }, systemRandom());
    const { links, renew } = clientLinks(options, (input) => this.#driver.submit(input));
    this.#links = links;
    this.renew = renew;
    this.#driver = new CoreDriver<PoolUserInput, PoolUserOutput>({
      core,
      clock: systemClock(),
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
      },
      onFault: ({ error }) => this.#end(new PoolError('internal', 'the pool user failed', error)),
    });
  }

  /**
   * Asks who serves next. Answered from the cache while that is fresh.
   * @throws PoolError
   */
  resolve(handle: PoolHandle, options: CallOptions = {}): Promise<Resolution> {
    return bounded<Resolution>('resolve', options, (resolve, reject) => {
      if (this.#ending.signal.aborted) {
        reject(closedError());
        return () => {};
      }
      const request = ++this.#lastRequest;
      this.#waiting.set(request, { resolve, reject });
      if (!this.#driver.submit({ type: 'resolve', request, poolHandle: octetsOf(handle) })) {
        reject(new PoolError('overloaded', 'too many requests at once'));
      }
      return () => this.#waiting.delete(request);
    });
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
    const whole = AbortSignal.any([
      AbortSignal.timeout(timeoutMs),
      this.#ending.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
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

  #end(error: PoolError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    this.#driver.stop();
    this.#links.close();
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

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Errors of Node's sockets, also as the cause of a failed `fetch`. */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && networkCodes.has(String(error.code))) return true;
  return error.cause !== undefined && isNetworkError(error.cause);
}

function connectTo(element: FoundElement, signal: AbortSignal): Promise<Socket> {
  const { userTransport } = element;
  if (userTransport.type !== 'tcp') {
    return Promise.reject(
      new PoolError('unreachable', `the pool is served over ${userTransport.type}, not TCP`),
    );
  }
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: userTransport.address, port: userTransport.port });
    const onAbort = (): void => {
      socket.destroy();
      reject(new PoolError('aborted', 'connecting was aborted', signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function closedError(): PoolError {
  return new PoolError('closed', 'the pool user is closed');
}
