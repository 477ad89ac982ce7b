// SPDX-License-Identifier: Apache-2.0
import type { CouncilReport } from '@vnfpool/wire/mobility';
import type { CouncilRecord, NodeCouncil, NodeLeases } from '../lease/index.ts';
import type { KeeperOutput } from './slot-keeper-types.ts';

/** Most sets have one council, which needs no number. */
function whichCouncil(id: number): string {
  return id === 1 ? '' : ` of council number ${id}`;
}

/** A member that has left is nobody to wait for. */
function silentMembers({ council, silent }: NodeCouncil): readonly number[] {
  return silent.filter((node) => council.members.includes(node));
}

/** Whether a node hears more than half of the members, itself among them. */
export function hearsMajority({ members, silent = [] }: Pick<CouncilReport, 'members' | 'silent'>): boolean {
  return members.length - silent.length > members.length / 2;
}

function isInTouch(each: NodeCouncil): boolean {
  return hearsMajority({ members: each.council.members, silent: silentMembers(each) });
}

/** Tells the node, and through it its manager, under which council the leases are. */
export class CouncilNews {
  readonly #told = new Map<number, NodeCouncil>();

  /** Nothing where it is as it was. */
  tell({ councils }: Pick<NodeLeases, 'councils'>): KeeperOutput[] {
    const news = councils.filter(({ councilId, council, voiceless, silent }) => {
      const told = this.#told.get(councilId);
      return told?.council !== council || told.voiceless !== voiceless || told.silent !== silent;
    });
    return news.flatMap((each): KeeperOutput[] => {
      const { councilId: id, council, voiceless } = each;
      const before = this.#told.get(id);
      this.#told.set(id, each);
      const { version, members, next, rival } = council;
      const silent = silentMembers(each);
      const report = {
        id,
        version,
        members,
        next: next?.version ?? null,
        voiceless,
        rival,
        ...(silent.length === 0 ? {} : { silent }),
      };
      return [{ type: 'council', report }, ...this.#hearing(each, before)];
    });
  }

  /** Nobody else may be there to say it, so the node says it itself: once, and when it is over. */
  #hearing(now: NodeCouncil, before: NodeCouncil | undefined): KeeperOutput[] {
    const hears = isInTouch(now);
    if (hears === (before === undefined || isInTouch(before))) return [];
    const { councilId, council } = now;
    const which = `council ${council.version.generation}.${council.version.number}${whichCouncil(councilId)}`;
    const silent = silentMembers(now)
      .map((node) => `node ${node}`)
      .join(', ');
    return [
      hears
        ? { type: 'event', severity: 'info', message: `hears a majority of ${which} again` }
        : {
            type: 'event',
            severity: 'error',
            message: `hears no majority of ${which}: nothing from ${silent}, by number, in the last seconds. No slot is taken or kept here until the way to them is open again`,
          },
    ];
  }

  event({ version, rival }: CouncilRecord, councilId: number): KeeperOutput {
    const { generation, number } = version;
    const which = whichCouncil(councilId);
    return rival === null
      ? { type: 'event', severity: 'info', message: `council ${generation}.${number}${which} is in force` }
      : {
          type: 'event',
          severity: 'error',
          message: `two councils of generation ${generation}${which} were decided on: this node acts for no slot until a person decides on one of a higher generation`,
        };
  }
}
