// SPDX-License-Identifier: Apache-2.0
import type { ShareLink } from './share-link.ts';

/** State that standbys have a copy of, by the node agent. `SharedMap` is one. */
export interface SharedState {
  /**
   * A slot is granted: reads the state that comes, makes it its own, and goes on over `link`.
   * @param isOwn this node held the slot last; who has its state since then keeps it and corrects what came
   * @returns whether it did not hold the slot before, or had to take another state
   */
  share(link: ShareLink, isOwn: boolean): Promise<boolean>;
  /** It is active, and nobody wants its state. @returns whether it was not before */
  standAlone(): boolean;
  /** It is not active. */
  standBy(): void;
  /** Nobody tells what it is any more. */
  close(): void;
}
