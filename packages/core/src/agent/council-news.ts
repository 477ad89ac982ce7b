// SPDX-License-Identifier: Apache-2.0
import type { CouncilRecord, NodeCouncil, NodeLeases } from '../lease/index.ts';
import type { KeeperOutput } from './slot-keeper-types.ts';

/** Tells the node, and through it its manager, under which council the leases are. */
export class CouncilNews {
  readonly #told = new Map<number, NodeCouncil>();

  /** Nothing where it is as it was. */
  tell({ councils }: Pick<NodeLeases, 'councils'>): KeeperOutput[] {
    const news = councils.filter(({ councilId, council, voiceless }) => {
      const told = this.#told.get(councilId);
      return told?.council !== council || told.voiceless !== voiceless;
    });
    return news.map((each) => {
      const { councilId: id, council, voiceless } = each;
      this.#told.set(id, each);
      const { version, members, next, rival } = council;
      const report = { id, version, members, next: next?.version ?? null, voiceless, rival };
      return { type: 'council', report };
    });
  }

  event({ version, rival }: CouncilRecord, councilId: number): KeeperOutput {
    const { generation, number } = version;
    // Most sets have one, which needs no number.
    const which = councilId === 1 ? '' : ` of council number ${councilId}`;
    return rival === null
      ? { type: 'event', severity: 'info', message: `council ${generation}.${number}${which} is in force` }
      : {
          type: 'event',
          severity: 'error',
          message: `two councils of generation ${generation}${which} were decided on: this node acts for no slot until a person decides on one of a higher generation`,
        };
  }
}
