// SPDX-License-Identifier: Apache-2.0
import type { Hooks, StateAccess } from '@vnfpool/wire/mobility';
import { z } from 'zod';
import { count, text } from './words.ts';

/** `state` of a function, as a person writes it. */
export interface StateFile {
  readonly via: StateAccess['via'];
  readonly format?: string | undefined;
  readonly filter?:
    | {
        readonly zones?: readonly number[] | undefined;
        readonly protocols?: readonly number[] | undefined;
        readonly addresses?: readonly string[] | undefined;
      }
    | undefined;
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
      addresses: entries(text(64)).meta({
        description: 'Networks with prefix length, of which one is an end of the connection.',
      }),
    })
    .optional()
    .meta({ description: 'Of `conntrack`: which connections; without it all.' }),
});

export function normalState({ via, format, filter }: StateFile): StateAccess {
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
  };
}

export function normalHooks(file: HooksFile): Hooks {
  return Object.fromEntries(Object.entries(file).filter(([, command]) => command !== undefined));
}
