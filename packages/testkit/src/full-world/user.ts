// SPDX-License-Identifier: Apache-2.0
import { PoolUserCore, type PoolUserInput, type PoolUserOutput } from '@vnfpool/core/pool-user';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { NodeClock } from '../lease-world/node-clock.ts';
import { SimAsapLinks } from './asap-links.ts';
import { SimProcess } from './process.ts';
import { REGISTRAR_HOST } from './registrar.ts';
import type { World } from './world.ts';

const USER_HOST = 12;
const RESOLVE_EVERY_MS = 500;

/** A pool user that asks for one pool again and again. */
export class FullUser {
  readonly #world: World;
  readonly #process: SimProcess;
  /** Element of the last answer; undefined: there was none. */
  #element: number | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#process = new SimProcess(world, 'user', USER_HOST, new NodeClock(1, 1_000, 1.7e12));
  }

  get element(): number | undefined {
    return this.#element;
  }

  start(pool: string): void {
    const world = this.#world;
    const process = this.#process;
    process.begin();
    const links: SimAsapLinks = new SimAsapLinks(world, process, (input) => driver.submit(input));
    const driver: CoreDriver<PoolUserInput, PoolUserOutput> = new CoreDriver<PoolUserInput, PoolUserOutput>({
      core: new PoolUserCore(
        {
          registrars: [{ host: `10.77.0.${REGISTRAR_HOST}`, port: 3864 }],
          // Each question is a question: answers of before are not of interest here.
          staleMs: 0,
          answerStale: false,
          requestTimeoutMs: 1_000,
          backoffMaxMs: 2_000,
        },
        world.random,
      ),
      clock: process.driverClock,
      effects: {
        connect: ({ association, registrar }) => links.connect(association, registrar),
        disconnect: ({ association }) => links.disconnect(association),
        send: ({ association, message }) => links.send(association, message),
        resolved: ({ element }) => {
          this.#element = element.id;
        },
        unresolved: () => {
          this.#element = undefined;
        },
        'pool-changed': () => {},
      },
      onFault: ({ error }) => world.fail(`user: ${String(error)}`),
    });
    let request = 0;
    const ask = (): void => {
      driver.submit({ type: 'resolve', request: ++request, poolHandle: new TextEncoder().encode(pool) });
      process.after(RESOLVE_EVERY_MS, ask);
    };
    ask();
  }
}
