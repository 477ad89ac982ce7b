// SPDX-License-Identifier: Apache-2.0
import type { HuntInput, HuntOutput } from '@vnfpool/core/registrar-hunt';
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { AssociationEnd } from './association.ts';
import { asapFrame, readAsapFrame } from './frames.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

const CONNECT_MS = 30_000;

type LinkInput =
  | HuntInput
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage };

/** Associations that a registrar hunt asks for, in one life of a process. */
export class HuntLinks {
  readonly #world: World;
  readonly #process: Process;
  readonly #submit: (input: LinkInput) => void;
  readonly #ends = new Map<number, AssociationEnd>();
  readonly #giveUp = new Map<number, () => void>();

  constructor(world: World, process: Process, submit: (input: LinkInput) => void) {
    this.#world = world;
    this.#process = process;
    this.#submit = submit;
  }

  get ends(): Iterable<AssociationEnd> {
    return this.#ends.values();
  }

  perform(output: HuntOutput): void {
    const { association } = output;
    if (output.type === 'connect') this.#connect(association, output.registrar.host);
    else this.#disconnect(association);
  }

  send(association: number, message: AsapMessage): void {
    this.#ends.get(association)?.send(asapFrame(this.#world, message));
  }

  #connect(association: number, host: string): void {
    const world = this.#world;
    world.traffic.count('connects', 'connect hunt');
    const giveUp = world.network.connect(this.#process, host, 'asap', {
      timeoutMs: CONNECT_MS,
      opened: (end) => {
        this.#giveUp.delete(association);
        this.#ends.set(association, end);
        end.onClose = () => {
          if (this.#ends.delete(association)) this.#submit({ type: 'disconnected', association });
        };
        end.onFrame = (frame) => {
          const incoming = readAsapFrame(frame);
          if (incoming.type === 'message')
            this.#submit({ type: 'message', association, message: incoming.message });
        };
        this.#submit({ type: 'connected', association });
      },
      failed: () => {
        this.#giveUp.delete(association);
        this.#submit({ type: 'disconnected', association });
      },
    });
    this.#giveUp.set(association, giveUp);
  }

  #disconnect(association: number): void {
    this.#giveUp.get(association)?.();
    this.#giveUp.delete(association);
    const end = this.#ends.get(association);
    this.#ends.delete(association);
    end?.close('let go');
  }
}
