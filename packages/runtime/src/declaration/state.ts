// SPDX-License-Identifier: Apache-2.0
import type { DeclaredState } from '@vnfpool/core/declared';
import { notCarriedOut } from '@vnfpool/core/state-level';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { DocumentError, type Hooks, type OfferedLevel, parseStateOffers } from '@vnfpool/wire/mobility';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { prefixed } from './netns.ts';
import { count, text } from './words.ts';

/** `state` of a function, as a person writes it. */
export interface StateFile {
  readonly via: DeclaredState['via'];
  readonly format?: string | undefined;
  readonly filter?:
    | {
        readonly zones?: readonly number[] | undefined;
        readonly protocols?: readonly number[] | undefined;
        readonly addresses?: readonly string[] | undefined;
      }
    | undefined;
  readonly standby?: DeclaredState['standby'] | undefined;
  readonly shares?: boolean | undefined;
  readonly merges?: boolean | undefined;
  readonly offers?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

/** `hooks` of a function, as a person writes them. */
export type HooksFile = { readonly [Name in keyof Hooks]?: readonly string[] | undefined };

const hook = (description: string) =>
  z.array(text(4_096)).min(1, 'must name a program').max(64).optional().meta({ description });

export const hooksSchema: z.ZodType<HooksFile> = z.strictObject({
  export: hook('Writes the state to its standard output.'),
  import: hook('Reads state from its standard input.'),
  quiesce: hook('The state changes no more once this has ended.'),
  resume: hook('The function goes on.'),
  discard: hook('Throws away what was imported.'),
  select: hook('Finds the sessions that `VNFPOOL_SESSIONS` names and writes how many they are.'),
  moved: hook('Forgets the selected sessions; packets for them go to `VNFPOOL_FORWARD`.'),
  expect: hook('Sessions may come; writes the address and port for their packets, or nothing.'),
  accept: hook('Serves the sessions that were imported.'),
  role: hook('Hears what the instance is now: `VNFPOOL_ROLE` is `active`, `standby` or `spare`.'),
});

const entries = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(16).optional();

// What a node accepts, as it checks it again: packages/wire/src/mobility/state-access.ts.
export const stateSchema: z.ZodType<StateFile> = z.strictObject({
  via: z.enum(['socket', 'hooks', 'conntrack']).meta({
    description:
      '`socket`: the function speaks to the node agent over the socket that `VNFPOOL_SOCKET` names; `hooks`: by the commands `export`, `import`, `quiesce` and `resume`; `conntrack`: it is what the kernel tracks in its `netns`, or without one what it tracks of the node, which does not move.',
  }),
  format: text(64)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .meta({
      description:
        'What the octets are, for instance `kv/1`. Only instances that say the same exchange state.',
    }),
  filter: z
    .strictObject({
      zones: entries(count(0, 65_535)).meta({ description: 'Zones of connection tracking; 0: without one.' }),
      protocols: entries(count(1, 255)).meta({ description: 'IP protocol numbers: 6 is TCP, 17 UDP.' }),
      addresses: entries(prefixed()).meta({
        description: 'Networks with prefix length, of which one is an end of the connection.',
      }),
    })
    .optional()
    .meta({ description: 'Of `conntrack`: which connections; without it all.' }),
  standby: z.enum(['userspace', 'kernel']).optional().meta({
    default: 'userspace',
    description:
      'Of `conntrack`: where standbys keep their copies. `userspace`: in the agent, and whoever takes the slot puts them into its kernel; `kernel`: in the kernel too, all the time, so that little is left to be put in.',
  }),
  shares: z.boolean('must be true or false').optional().meta({
    description:
      'Of `socket`: the function tells every change of its state while it serves, key by key, so that standbys can have it.',
  }),
  merges: z.boolean('must be true or false').optional().meta({
    description:
      'Of `socket`: the function takes part in counters, registers and sets that all instances of the pool change at the same time.',
  }),
  offers: z.array(z.record(z.string(), z.unknown())).min(1, 'must have at least one entry').optional().meta({
    description:
      'Levels of state sharing that an instance offers, what it likes best first, in place of those that follow from the rest: each a map as `docs/state-sharing.md` shows.',
    'x-values': 'list of maps',
  }),
});

/** Levels that are none, or that no node agent keeps. */
export function checkOffers(
  at: readonly PropertyKey[],
  { via, shares, merges, offers = [] }: StateFile,
): Finding[] {
  return offers.flatMap((_, index): Finding[] => {
    const path = [...at, 'offers', index];
    let level: OfferedLevel | undefined;
    try {
      level = offered([offers[index]])[0];
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      // The place is that within a document of one level: `offers.levels.0.…`.
      const inner = error.path.replace(/^offers\.levels(?:\.0|\[0\])\.?/, '');
      return [{ path: [...path, ...inner.split('.').filter((key) => key !== '')], message: error.expected }];
    }
    if (level === undefined) return [];
    const lacks = notCarriedOut(level);
    if (lacks) return [{ path: [...path, lacks.key], message: lacks.why }];
    if (level.method === 'replicate' && shares !== true)
      return [{ path: [...path, 'method'], message: 'replicate needs via socket and shares true' }];
    if (level.method === 'gossip' && merges !== true)
      return [{ path: [...path, 'method'], message: 'gossip needs via socket and merges true' }];
    if (level.method === 'conntrack' && via !== 'conntrack')
      return [{ path: [...path, 'method'], message: 'conntrack needs via conntrack' }];
    return [];
  });
}

/** @throws DocumentError with its place below `offers.levels` */
function offered(levels: readonly unknown[]): readonly OfferedLevel[] {
  return parseStateOffers(encodeUtf8(JSON.stringify({ v: 1, levels }))).levels;
}

export function normalState(state: StateFile): DeclaredState {
  const { via, format, filter, standby, shares, merges, offers } = state;
  const { zones, protocols, addresses } = filter ?? {};
  return {
    via,
    ...(format === undefined ? {} : { format }),
    ...(filter === undefined
      ? {}
      : {
          filter: {
            ...(zones === undefined ? {} : { zones }),
            ...(protocols === undefined ? {} : { protocols }),
            ...(addresses === undefined ? {} : { addresses }),
          },
        }),
    ...(standby === 'kernel' ? { standby } : {}),
    ...(shares === true ? { shares } : {}),
    ...(merges === true ? { merges } : {}),
    ...(offers === undefined ? {} : { offers: offered(offers) }),
  };
}

export function normalHooks(file: HooksFile): Hooks {
  return Object.fromEntries(Object.entries(file).filter(([, command]) => command !== undefined));
}
