// SPDX-License-Identifier: Apache-2.0
import { PoolElement } from '@vnfpool/client';
import { type Credentials, CredentialsError } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';
import { MANAGER_POOL } from '../manager-pool.ts';

export interface PoolRegistrationOptions {
  readonly credentials: () => Credentials;
  /** Where nodes reach us. */
  readonly address: string;
  readonly port: number;
  /** Higher ones come first. */
  readonly term: bigint;
  readonly logger: Logger;
}

interface RegistrarAt {
  readonly address: string;
  readonly port: number;
}

/** A manager that died stays no longer than this, should its registrar die too. */
const LIFE_MS = 60_000;
const DEREGISTER_MS = 1_000;
/** Registrars of a set that are told of us; the one heard of first is forgotten. */
const REGISTRARS_MAX = 8;

/** Keeps a manager in the pool of managers, so that nodes find it by a registrar. */
export class PoolRegistration {
  readonly #options: PoolRegistrationOptions;
  #registrars: readonly { readonly host: string; readonly port: number }[] = [];
  #element: PoolElement | null = null;
  /** Ours in the pool, for as long as this process lives; 0: none yet. */
  #id = 0;

  constructor(options: PoolRegistrationOptions) {
    this.#options = options;
  }

  /** There is a registrar; it tells that again and again. The newest is asked first. */
  useRegistrar({ address, port }: RegistrarAt): void {
    if (this.#registrars.some((known) => known.host === address && known.port === port)) return;
    this.#registrars = [{ host: address, port }, ...this.#registrars].slice(0, REGISTRARS_MAX);
    this.#open();
  }

  /** There are newer credentials. */
  renewed(): void {
    if (this.#element) this.#element.renew(this.#options.credentials());
    else if (this.#registrars.length > 0) this.#open();
  }

  /** Leaves the pool; bounded. */
  async close(): Promise<void> {
    const element = this.#element;
    this.#element = null;
    if (element?.registered) await element.deregister({ timeoutMs: DEREGISTER_MS }).catch(() => {});
    element?.close();
  }

  #open(): void {
    const { credentials, address, port, term, logger } = this.#options;
    this.#element?.close();
    this.#element = null;
    try {
      this.#element = new PoolElement({
        registrars: this.#registrars,
        credentials: credentials(),
        poolHandle: MANAGER_POOL,
        ...(this.#id === 0 ? {} : { id: this.#id }),
        transport: { type: 'tcp', address, port },
        policy: { type: 'priority', priority: Number(term & 0xffffffffn) },
        lifeMs: LIFE_MS,
        tuning: { attemptsAtOnce: 1 },
        onEvent: ({ event }) => logger.info({ pool: MANAGER_POOL, event }, 'registration'),
        onTrouble: ({ registrar, reason }) => logger.warn({ registrar, reason }, 'registrar'),
      });
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error;
      logger.error(
        { reason: error.message },
        'nodes do not find us by a registrar: our certificate is not good',
      );
      return;
    }
    this.#id = this.#element.id;
    this.#element.register().catch((error: unknown) => {
      logger.warn({ pool: MANAGER_POOL, reason: (error as Error).message }, 'not registered yet');
    });
  }
}
