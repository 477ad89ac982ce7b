// SPDX-License-Identifier: Apache-2.0
import {
  Registrar,
  type RegistrarInput,
  type RegistrarOutput,
  type RegistrarSnapshot,
} from '@vnfpool/core/registrar';
import { readAsap } from '@vnfpool/runtime/asap';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { encodeAsap } from '@vnfpool/wire/asap';
import { NodeClock } from '../lease-world/node-clock.ts';
import { SimProcess } from './process.ts';
import type { StreamEnd } from './streams.ts';
import type { World } from './world.ts';

export const REGISTRAR_HOST = 11;
const REGISTRAR_PORT = 3864;
/** Shorter than the daemon's 60 s: a manager that dies before it wrote the address down hears of it only then. */
const ANNOUNCE_EVERY_MS = 5_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 10_000;

export interface RegistrarSurroundings {
  /** Who is at a host. */
  readonly nameOf: (host: number) => string | undefined;
  /** Tells the manager where we are; false: not heard. */
  readonly announce: (at: { readonly address: string; readonly port: number }) => boolean;
}

/** The registrar: everything it knows dies with its process. */
export class FullRegistrar {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #around: RegistrarSurroundings;
  #core: Registrar | undefined;

  constructor(world: World, around: RegistrarSurroundings) {
    this.#world = world;
    this.#around = around;
    const clock = new NodeClock(1, world.random.between(1, 1e6), 1.7e12);
    this.process = new SimProcess(world, 'registrar', REGISTRAR_HOST, clock);
  }

  snapshot(): RegistrarSnapshot | undefined {
    return this.#core?.snapshot(this.process.nowMs());
  }

  kill(): void {
    this.process.kill();
  }

  start(): void {
    if (this.process.isAlive) return;
    const world = this.#world;
    const { process } = this;
    process.begin();
    const core = new Registrar({ registrarId: Math.max(1, world.random.u32()) }, world.random, () => true);
    this.#core = core;
    const connections = new Map<number, StreamEnd>();
    const driver: CoreDriver<RegistrarInput, RegistrarOutput> = new CoreDriver<
      RegistrarInput,
      RegistrarOutput
    >({
      core,
      clock: process.driverClock,
      effects: {
        send: ({ association, message }) => connections.get(association)?.send(encodeAsap(message)),
        close: ({ association, reason }) => connections.get(association)?.close(reason),
        // The one registrar of this world knows no peers, and calls on nobody.
        connect: () => {},
        'peer-send': () => {},
        announce: () => {},
        'presence-multicast': () => {},
        event: (event) => {
          if (event.event !== 'element-registered' || event.reason !== 'renewed')
            world.log(
              () =>
                `registrar ${event.event}: ${event.reason}${'elementId' in event ? ` ${event.elementId}` : ''}`,
            );
        },
      },
      onFault: ({ error }) => world.fail(`registrar: ${String(error)}`),
    });
    let last = 0;
    world.streams.listen(process, (end, fromHost) => {
      const association = ++last;
      connections.set(association, end);
      const name = this.#around.nameOf(fromHost);
      const role = name === undefined ? 'user' : 'node';
      driver.submit({
        type: 'association-opened',
        association,
        identity: { role, name: name ?? 'user', mayRegister: role === 'node' },
        peer: { transport: 'tcp', addresses: [`10.77.0.${fromHost}`] },
      });
      end.onClose = () => {
        connections.delete(association);
        driver.submit({ type: 'association-closed', association });
      };
      end.onFrame = (frame) => {
        const incoming = readAsap(frame);
        if (incoming.type === 'malformed') world.fail(`malformed ASAP: ${incoming.reason}`);
        else driver.submit({ ...incoming, association });
      };
    });
    process.onEnd(() => {
      this.#core = undefined;
      driver.stop();
      world.streams.processEnded(process, true);
    });
    this.#announce(RETRY_MS_MIN);
  }

  #announce(retryMs: number): void {
    const at = { address: `10.77.0.${REGISTRAR_HOST}`, port: REGISTRAR_PORT };
    const isHeard = this.#around.announce(at);
    this.process.after(isHeard ? ANNOUNCE_EVERY_MS : retryMs, () =>
      this.#announce(isHeard ? RETRY_MS_MIN : Math.min(RETRY_MS_MAX, retryMs * 2)),
    );
  }
}
