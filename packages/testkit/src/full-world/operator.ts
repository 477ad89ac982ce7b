// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '@vnfpool/core/declared';
import type { ManagerReply } from '@vnfpool/core/manager';
import type { FullManager } from './manager.ts';
import type { World } from './world.ts';

const ASK_AGAIN_MS = 400;
const PATIENCE_MS = 3_000;

/** Who declares the set: asks until the manager has said yes to the last wish. */
export class Operator {
  readonly replies: ManagerReply[] = [];
  readonly #world: World;
  readonly #manager: FullManager;
  #wanted: DeclaredSet | undefined;
  #isAcknowledged = true;
  /** Number of the question that is open; an answer to an earlier one is of no interest. */
  #question = 0;

  constructor(world: World, manager: FullManager) {
    this.#world = world;
    this.#manager = manager;
  }

  /** Undefined: nothing was declared yet. */
  get wanted(): DeclaredSet | undefined {
    return this.#wanted;
  }

  get isAcknowledged(): boolean {
    return this.#isAcknowledged;
  }

  declare(set: DeclaredSet): void {
    this.#wanted = set;
    this.#isAcknowledged = false;
    this.#ask();
  }

  #ask(): void {
    if (!this.#wanted) return;
    const question = ++this.#question;
    const again = (): void => {
      if (question === this.#question && !this.#isAcknowledged) this.#ask();
    };
    const isAsked = this.#manager.apply(this.#wanted, (reply) => {
      this.replies.push(reply);
      if (question !== this.#question) return;
      if (reply.ok) this.#isAcknowledged = true;
      else this.#world.schedule.after(ASK_AGAIN_MS, again);
    });
    this.#world.schedule.after(isAsked ? PATIENCE_MS : ASK_AGAIN_MS, again);
  }
}
