// SPDX-License-Identifier: Apache-2.0
import type { CouncilRecord, LeaseEngine } from '../lease/index.ts';
import type { KeeperOutput } from './slot-keeper-types.ts';

/** Tells the node, and through it its manager, under which council the leases are. */
export class CouncilNews {
  #told: { readonly council: CouncilRecord; readonly voiceless: number } | undefined;

  /** Nothing where it is as it was. */
  tell({ council, voiceless }: Pick<LeaseEngine, 'council' | 'voiceless'>): KeeperOutput[] {
    if (council === undefined || voiceless === undefined) return [];
    if (this.#told?.council === council && this.#told.voiceless === voiceless) return [];
    this.#told = { council, voiceless };
    const { version, members, next, rival } = council;
    return [{ type: 'council', report: { version, members, next: next?.version ?? null, voiceless, rival } }];
  }

  event({ version, rival }: CouncilRecord): KeeperOutput {
    const { generation, number } = version;
    return rival === null
      ? { type: 'event', severity: 'info', message: `council ${generation}.${number} is in force` }
      : {
          type: 'event',
          severity: 'error',
          message: `two councils of generation ${generation} were decided on: this node acts for no slot until a person decides on one of a higher generation`,
        };
  }
}
