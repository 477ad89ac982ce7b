// SPDX-License-Identifier: Apache-2.0
import { PoolElement, type PoolElementEvent } from '@vnfpool/client';
import type { FunctionId } from '@vnfpool/core';
import { type AgentOutput, isSamePlace, registrationKey, wirePolicy } from '@vnfpool/core/agent';
import { type Credentials, CredentialsError } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';

export interface RegistrationsOptions {
  readonly credentials: () => Credentials;
  readonly logger: Logger;
  /** A registrar asks whether an element lives; perhaps somebody could not reach it. */
  readonly onAsked?: (functionId: FunctionId) => void;
}

type Register = AgentOutput & { type: 'register' };

interface Standing {
  readonly wanted: Register;
  element: PoolElement | null;
}

/** A dead agent's element must not stay long, and a living one registers again in time. */
const LIFE_MS = 60_000;
const DEREGISTER_MS = 1_000;
/** After a registrar has said no. */
const AGAIN_MS = 500;

/** Keeps in the handlespace what the agent core wants there. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #standing = new Map<string, Standing>();
  /** Elements on their way out. One that comes back waits: the farewell of the former could overtake it. */
  readonly #leaving = new Map<string, Promise<void>>();
  #registrars: readonly { readonly host: string; readonly port: number }[] = [];

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** Other registrars than before: everything registers anew there. */
  useRegistrars(registrars: readonly { readonly address: string; readonly port: number }[]): void {
    const next = registrars.map(({ address, port }) => ({ host: address, port }));
    if (JSON.stringify(next) === JSON.stringify(this.#registrars)) return;
    this.#registrars = next;
    for (const [key, standing] of this.#standing) {
      if (this.#leaving.has(key)) continue;
      standing.element?.close();
      standing.element = this.#open(standing.wanted);
    }
  }

  /** There are newer credentials: connections from now on use them, and what the former ones kept out comes in. */
  renewed(): void {
    for (const [key, standing] of this.#standing) {
      if (standing.element) standing.element.renew(this.#options.credentials());
      else if (!this.#leaving.has(key)) standing.element = this.#open(standing.wanted);
    }
  }

  register(wanted: Register): void {
    const key = registrationKey(wanted);
    const known = this.#standing.get(key);
    if (known && isSamePlace(known.wanted, wanted)) {
      this.#standing.set(key, { ...known, wanted });
      known.element?.update(wirePolicy(wanted.policy));
      return;
    }
    known?.element?.close();
    this.#standing.set(key, { wanted, element: this.#leaving.has(key) ? null : this.#open(wanted) });
  }

  deregister(output: AgentOutput & { type: 'deregister' }): void {
    const key = registrationKey(output);
    const element = this.#standing.get(key)?.element;
    this.#standing.delete(key);
    if (!element) return;
    const leaving = element
      .deregister({ timeoutMs: DEREGISTER_MS })
      .catch((error: unknown) => {
        this.#options.logger.info({ element: key, reason: (error as Error).message }, 'left without a word');
      })
      .finally(() => {
        element.close();
        if (this.#leaving.get(key) !== leaving) return;
        this.#leaving.delete(key);
        const standing = this.#standing.get(key);
        if (standing?.element === null) standing.element = this.#open(standing.wanted);
      });
    this.#leaving.set(key, leaving);
  }

  /** Deregisters all; bounded. */
  async close(): Promise<void> {
    for (const { wanted } of Array.from(this.#standing.values())) {
      this.deregister({ type: 'deregister', poolHandle: wanted.poolHandle, functionId: wanted.functionId });
    }
    await Promise.all(this.#leaving.values());
  }

  #open(wanted: Register): PoolElement | null {
    if (this.#registrars.length === 0) return null;
    const { logger, credentials } = this.#options;
    const name = registrationKey(wanted);
    let element: PoolElement;
    try {
      element = new PoolElement({
        registrars: this.#registrars,
        credentials: credentials(),
        poolHandle: wanted.poolHandle,
        id: wanted.functionId,
        transport: { type: 'tcp', address: wanted.address, port: wanted.port },
        policy: wirePolicy(wanted.policy),
        lifeMs: LIFE_MS,
        // In turn, so that all of a set meet at its first registrar, should its registrars not share what they know.
        tuning: { attemptsAtOnce: 1 },
        onEvent: (event: PoolElementEvent) => {
          logger.info({ element: name, event: event.event }, 'registration');
          if (event.event === 'rejected') this.#openAgain(name, element);
        },
        onAsked: () => this.#options.onAsked?.(wanted.functionId),
        onTrouble: ({ registrar, reason }) => logger.warn({ registrar, reason }, 'registrar'),
      });
    } catch (error) {
      // Run out, with the manager away for long: leases go on without certificates, and so does the agent.
      if (!(error instanceof CredentialsError)) throw error;
      logger.error({ element: name, reason: error.message }, 'not registered: our certificate is not good');
      return null;
    }
    element.register().catch((error: unknown) => {
      logger.warn({ element: name, reason: (error as Error).message }, 'not registered yet');
    });
    return element;
  }

  /** An instance that came from another node is refused until that node's registration of it is gone. */
  #openAgain(key: string, element: PoolElement): void {
    setTimeout(() => {
      const standing = this.#standing.get(key);
      if (standing?.element !== element) return;
      element.close();
      standing.element = this.#open(standing.wanted);
    }, AGAIN_MS).unref();
  }
}
