// SPDX-License-Identifier: Apache-2.0
import {
  PoolElementCore,
  type PoolElementEvent,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from '@vnfpool/core/pool-element';
import { RegistrarLinks } from '@vnfpool/runtime/asap';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Policy, SctpTransport, TcpTransport, Transport } from '@vnfpool/wire/parameters';
import { AsapEndpoint, type AsapListenAt } from './asap-endpoint.ts';
import { bounded } from './bounded.ts';
import { ChannelTransports } from './channel/open-channel.ts';
import { type CallOptions, type ClientOptions, octetsOf, type PoolHandle } from './client-options.ts';
import { type ClientScope, clientScope } from './client-scope.ts';
import { PoolError } from './pool-error.ts';
import type { ServeOptions, SessionHandler } from './served-session.ts';
import { type ListenAt, Serving } from './serving.ts';

export type { PoolElementEvent } from '@vnfpool/core/pool-element';
export type { ListenAt } from './serving.ts';

export interface PoolElementClientOptions extends ClientOptions {
  readonly poolHandle: PoolHandle;
  /** Where users reach us, if we do not serve by `serve`. */
  readonly transport?: Transport;
  /** Where `serve` listens. */
  readonly listen?: ListenAt;
  /** Where registrars call on us, to take us over when our own is lost. Default: nowhere; we find one by ourselves. */
  readonly asap?: AsapListenAt;
  /** Sessions that are 100 % load; given, a policy with a load is kept up to date with the sessions that we serve. */
  readonly capacity?: number;
  /** The pool's policy with our values. Default round robin. */
  readonly policy?: Policy;
  /** How long we stay in the pool unheard of; null: for ever. Default 300 s. */
  readonly lifeMs?: number | null;
  /** Unique in the pool, not 0. Default random. */
  readonly id?: number;
  /** What becomes of us, after `register` too: lost and found again, taken over by another registrar. */
  readonly onEvent?: (event: PoolElementEvent) => void;
  /**
   * A registrar asks whether we live: regularly, and at once when a user could not reach us. It is answered for us.
   * @see RFC 5352 §3.5
   */
  readonly onAsked?: () => void;
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
  readonly #scope: ClientScope;
  readonly #poolHandle: Uint8Array;
  readonly #clock = systemClock();
  readonly #driver: CoreDriver<PoolElementInput, PoolElementOutput>;
  readonly #links: RegistrarLinks;
  readonly #channels: ChannelTransports;
  readonly #watchers = new Set<Watcher>();
  readonly #stopHearing: () => void;
  readonly #asap: AsapEndpoint | null;
  #policy: Policy;
  #serving: Serving | null = null;
  #registered = false;
  #ended: PoolError | null = null;

  /** Uses other credentials for connections from now on, see `keepRenewed`. */
  readonly renew: (credentials: Credentials) => void;

  /** @throws CredentialsError when the credentials are not good now; ScopeSecurityError, RangeError for options */
  constructor(options: PoolElementClientOptions) {
    const random = systemRandom();
    const scope = clientScope(options, 'element');
    this.#options = options;
    this.#scope = scope;
    this.#poolHandle = octetsOf(options.poolHandle);
    const { poolHandleBytesMax, lifeUnit, infiniteLife, endpoint } = scope.profile;
    if (this.#poolHandle.length === 0 || this.#poolHandle.length > poolHandleBytesMax)
      throw new RangeError(
        `a pool handle of ${this.#poolHandle.length} octets; this scope has 1 to ${poolHandleBytesMax}`,
      );
    this.id = options.id ?? Math.max(1, random.u32());
    this.#policy = options.policy ?? { type: 'round-robin' };
    this.#channels = new ChannelTransports(scope.data);
    // Once in the pool, an element goes on trying for as long as it lives.
    const core = new PoolElementCore(
      {
        attemptsMax: Number.POSITIVE_INFINITY,
        lifeUnit,
        infiniteLife,
        registrationTimeoutMs: endpoint.registrationTimeoutMs,
        deregistrationTimeoutMs: endpoint.deregistrationTimeoutMs,
        // Each change goes to all registrars of the scope, and sessions come and go.
        ...(options.capacity === undefined ? {} : { updateSpacingMs: 1000 }),
        ...scope.hunt,
        ...options.tuning,
      },
      random,
    );
    this.#links = new RegistrarLinks({
      transport: (registrar) => scope.asap(registrar),
      submit: (input) => this.#heard(input),
      submitInbound: (input) => this.#heard(input),
      local: () => this.#asap?.local ?? {},
      ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
    });
    this.#asap = options.asap === undefined ? null : new AsapEndpoint(options.asap, scope, this.#links);
    this.renew = (credentials) => scope.renew(credentials);
    this.#driver = new CoreDriver<PoolElementInput, PoolElementOutput>({
      core,
      clock: this.#clock,
      effects: {
        connect: ({ association, registrar }) => this.#links.connect(association, registrar),
        disconnect: ({ association }) => this.#links.disconnect(association),
        send: ({ association, message }) => this.#links.send(association, message),
        event: (event) => this.#event(event),
      },
      onFault: ({ error }) => this.#end(new PoolError('internal', 'the pool element failed', error)),
    });
    this.#stopHearing = scope.hear((message, source) =>
      this.#driver.submit({ type: 'announcement', message, source }),
    );
  }

  /** In the pool, as far as we know. */
  get registered(): boolean {
    return this.#registered;
  }

  /**
   * Joins the pool; settles when a registrar has said yes.
   * @throws PoolError `rejected` with the registrar's reason; on `timeout` it goes on trying: `close` ends it
   */
  async register(options: CallOptions = {}): Promise<void> {
    const { transport } = this.#options;
    if (transport === undefined)
      throw new RangeError('no `transport` to register; or `listen` and call `serve`');
    await this.#register(transport, options);
  }

  /**
   * Listens for sessions, joins the pool, and runs `handler` on each session; settles when a registrar has said yes.
   * @throws TransportError when it cannot listen; PoolError as `register`
   */
  async serve(handler: SessionHandler, options: ServeOptions & CallOptions = {}): Promise<void> {
    const { listen } = this.#options;
    if (listen === undefined) throw new RangeError('no `listen`: there is nowhere to serve');
    if (this.#ended !== null) throw this.#ended;
    if (this.#serving !== null) throw new RangeError('an element serves once');
    const parts = {
      transports: this.#channels,
      clock: this.#clock,
      poolHandle: this.#poolHandle,
      onSessions: (count: number) => this.#sessions(count),
    };
    const serving = new Serving(parts, handler, options);
    this.#serving = serving;
    const transport = await serving.listen(listen).catch((error: unknown) => {
      this.#serving = null;
      throw error;
    });
    // Closed meanwhile.
    if (this.#ended !== null) await serving.close();
    await this.#register(transport, options);
  }

  /** Tells our load, 0 idle to 1 full, where the pool's policy has one. */
  setLoad(load: number): void {
    if (this.#policy.type === 'other' || !('load' in this.#policy))
      throw new RangeError(`policy ${this.#policy.type} knows no load`);
    this.update({ ...this.#policy, load: Math.round(Math.min(1, Math.max(0, load)) * 0xffffffff) });
  }

  /** Tells our new load, weight or priority. Calls in quick succession are joined. */
  update(policy: Policy): void {
    this.#policy = policy;
    this.#driver.submit({ type: 'update', ...this.#name(), policy });
  }

  /**
   * Leaves the pool; settles when the registrar has confirmed it, or cannot be asked. Sessions that are under way go on,
   * new ones are refused.
   * @throws PoolError
   */
  async deregister(options: CallOptions = {}): Promise<void> {
    this.#serving?.refuse();
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

  /** Leaves the pool if that takes no longer than 5 s, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#registered) await this.deregister({ timeoutMs: 5000 }).catch(() => {});
    this.close();
  }

  async #register(transport: Transport, options: CallOptions): Promise<void> {
    const { lifeMs = 300_000 } = this.#options;
    if (!this.#scope.profile.userTransports.includes(transport.type))
      throw new RangeError(`this scope has no elements over ${transport.type}`);
    const asapTransport: SctpTransport | TcpTransport | undefined = await this.#asap?.listen();
    const start: PoolElementInput = {
      type: 'register',
      ...this.#name(),
      userTransport: transport,
      policy: this.#policy,
      lifeMs,
      ...(asapTransport === undefined ? {} : { asapTransport }),
    };
    await this.#watch('register', options, {
      start,
      done: (event) => {
        if (event.event === 'registered') return true;
        if (event.event === 'rejected' || event.event === 'failed')
          throw new PoolError('rejected', event.reason);
        return false;
      },
    });
  }

  /** Our load by the sessions that we serve. */
  #sessions(count: number): void {
    const { capacity } = this.#options;
    if (capacity === undefined || this.#policy.type === 'other' || !('load' in this.#policy)) return;
    this.setLoad(count / capacity);
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

  #heard(input: PoolElementInput): boolean {
    if (input.type === 'message' && input.message.type === 'endpoint-keep-alive') this.#options.onAsked?.();
    return this.#driver.submit(input);
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
    this.#stopHearing();
    this.#links.close();
    void this.#serving?.close();
    void this.#asap?.close();
    for (const watcher of this.#watchers) watcher(error);
  }
}
