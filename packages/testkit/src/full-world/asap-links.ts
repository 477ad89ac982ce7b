// SPDX-License-Identifier: Apache-2.0
import { readAsap } from '@vnfpool/runtime/asap';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import type { SimProcess } from './process.ts';
import type { StreamEnd } from './streams.ts';
import type { World } from './world.ts';

const CONNECT_MS = 10_000;

type LinkInput =
  | { readonly type: 'connected'; readonly association: number }
  | { readonly type: 'disconnected'; readonly association: number }
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage };

/** What a registrar hunt asks for, on simulated streams. */
export class SimAsapLinks {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #submit: (input: LinkInput) => void;
  readonly #links = new Map<number, StreamEnd | null>();

  constructor(world: World, process: SimProcess, submit: (input: LinkInput) => void) {
    this.#world = world;
    this.#process = process;
    this.#submit = submit;
  }

  connect(association: number, registrar: { readonly host: string }): void {
    this.#links.set(association, null);
    const lost = (): void => {
      // Gone already when it was our wish.
      if (this.#links.delete(association)) this.#submit({ type: 'disconnected', association });
    };
    const host = Number(registrar.host.split('.').at(-1));
    this.#world.streams.connect(this.#process, host, {
      timeoutMs: CONNECT_MS,
      fail: lost,
      open: (end) => {
        if (!this.#links.has(association)) {
          end.close('not wanted any more');
          return;
        }
        this.#links.set(association, end);
        end.onFrame = (frame) => {
          const incoming = readAsap(frame);
          if (incoming.type === 'message')
            this.#submit({ type: 'message', association, message: incoming.message });
          else this.#world.fail(`malformed ASAP: ${incoming.reason}`);
        };
        end.onClose = lost;
        this.#submit({ type: 'connected', association });
      },
    });
  }

  disconnect(association: number): void {
    const end = this.#links.get(association);
    this.#links.delete(association);
    end?.close('let go');
  }

  send(association: number, message: AsapMessage): void {
    this.#links.get(association)?.send(encodeAsap(message));
  }

  close(): void {
    for (const association of this.#links.keys()) this.disconnect(association);
  }
}
