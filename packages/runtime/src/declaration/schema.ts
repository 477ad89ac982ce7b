// SPDX-License-Identifier: Apache-2.0
import { type FailoverProfile, LEASE_MS_MAX, LEASE_MS_MIN } from '@vnfpool/core/lease';
import { z } from 'zod';
import {
  type AddressingFile,
  addressingSchema,
  type SlotAddressesFile,
  slotAddressesSchema,
} from './addresses.ts';
import { type ContainerFile, containerSchema } from './container.ts';
import {
  type FailoverRules,
  failbackSchema,
  flapSchema,
  type GuardFile,
  guardSchema,
  holdDownSchema,
  type RestartFile,
  restartSchema,
} from './detection.ts';
import { duration } from './duration.ts';
import { type NetworkFile, netnsSchema } from './netns.ts';
import { bitRate, octets } from './quantity.ts';
import { type RedundancyFile, redundancySchema } from './redundancy.ts';
import { type SharingFile, sharingSchema } from './sharing.ts';
import { type HooksFile, hooksSchema, type StateFile, stateSchema } from './state.ts';
import { storesSchema } from './stores.ts';
import { type UpgradeFile, upgradeSchema } from './upgrade.ts';
import { count, text } from './words.ts';

/*
 * The declaration as a person writes it. Descriptions here become the JSON Schema and the configuration
 * reference; what the file means as a whole is checked in `checks.ts`.
 */

export const NAME_PATTERN: RegExp = /^[a-z][a-z0-9-]{0,30}$/;
const FENCE_WORDS_MAX = 64;
/** The file after defaults, durations in milliseconds. */
export interface DeclarationFile {
  readonly set: string;
  readonly nodes: readonly string[] | Readonly<Record<string, NodeFile | null>>;
  readonly council?: readonly string[] | undefined;
  readonly councils?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly fence?: { readonly hook: readonly string[]; readonly timeout: number } | undefined;
  readonly stores?: Readonly<Record<string, string>> | undefined;
  readonly pools: Readonly<Record<string, PoolFile>>;
  readonly probes: readonly {
    readonly pool: string;
    readonly every: number;
    readonly deadline: number;
    readonly path: string;
  }[];
  readonly guard?: GuardFile | undefined;
}

export interface NodeFile {
  readonly witness?: boolean | undefined;
}

export interface PoolFile {
  readonly council?: string | undefined;
  readonly function: {
    /** Only a function with a network may be without. */
    readonly program?: string | undefined;
    readonly arguments: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly directory: string;
    readonly port: number;
    readonly health: {
      readonly type?: 'tcp' | 'http' | 'command' | 'sip-options' | 'function' | undefined;
      readonly http?: string | undefined;
      readonly command?: readonly string[] | undefined;
      readonly every: number;
      readonly timeout: number;
      readonly rise: number;
      readonly fall: number;
    };
    readonly stop: { readonly signal: string; readonly grace: number };
    readonly limits?:
      | {
          readonly processors?: number | undefined;
          readonly memory?: number | undefined;
          readonly processes?: number | undefined;
          readonly storage?: number | undefined;
          readonly bandwidth?: number | undefined;
        }
      | undefined;
    readonly netns?: NetworkFile | undefined;
    readonly container?: ContainerFile | undefined;
    readonly state?: StateFile | undefined;
    readonly hooks?: HooksFile | undefined;
  };
  readonly redundancy: RedundancyFile;
  readonly policy: 'round-robin' | 'least-used' | 'priority';
  readonly address?: SlotAddressesFile | undefined;
  readonly addresses?: readonly SlotAddressesFile[] | undefined;
  readonly addressing?: AddressingFile | undefined;
  readonly failover: FailoverRules & {
    readonly lease?: number | undefined;
    readonly profile?: FailoverProfile | undefined;
    readonly within?: number | undefined;
  };
  readonly restart?: RestartFile | undefined;
  readonly sharing?: SharingFile | undefined;
  readonly upgrade?: UpgradeFile | undefined;
}

const NODES_MAX = 64;
const POOLS_MAX = 64;
const COUNCILS_MAX = 16;
const PROBES_MAX = 64;

const name = (): z.ZodString =>
  z
    .string()
    .regex(NAME_PATTERN, 'must be a name: a small letter, then at most 30 small letters, digits or hyphens');

const health = z.strictObject({
  type: z.enum(['tcp', 'http', 'command', 'sip-options', 'function']).optional().meta({
    description:
      '`tcp`: a connection; `http`, `command`: as the keys of these names say; `sip-options`: OPTIONS over UDP, status 200 to 299 is healthy; `function`: the function says it itself, at least once in `every`. Default: what the keys below name, else `tcp`.',
  }),
  http: text(512).startsWith('/', 'must be a path that starts with /').optional().meta({
    description: 'Path asked by HTTP; a status from 200 to 399 is healthy.',
  }),
  command: z.array(text(4_096)).min(1, 'must name a program').max(64).optional().meta({
    description:
      'Program and its arguments, run on the node; exit code 0 is healthy. `{port}`, `{address}` and `{name}` are replaced.',
  }),
  every: duration(20, 3_600_000).prefault('500ms').meta({ description: 'Time from one check to the next.' }),
  timeout: duration(10, 60_000)
    .prefault('400ms')
    .meta({ description: 'A check without an answer for this long has failed.' }),
  rise: count(1, 100)
    .default(1)
    .meta({ description: 'Checks in a row that must go well before the instance is healthy.' }),
  fall: count(1, 100)
    .default(2)
    .meta({ description: 'Checks in a row that must fail before it is unhealthy.' }),
});

const stop = z.strictObject({
  signal: z
    .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'])
    .default('SIGTERM')
    .meta({ description: 'First signal sent to end the function.' }),
  grace: duration(0, 600_000).prefault('2s').meta({ description: 'SIGKILL follows after this time.' }),
});

const limits = z.strictObject({
  processors: z
    .number('must be a number from 0.01 to 1024')
    .min(0.01, 'must be a number from 0.01 to 1024')
    .max(1_024, 'must be a number from 0.01 to 1024')
    .optional()
    .meta({ description: 'Processors that it may keep busy; 0.5 is half of one. It is held back beyond.' }),
  memory: octets('1MiB', '64TiB').optional().meta({
    description: 'Memory of all its processes together; the kernel ends an instance that wants more.',
  }),
  processes: count(1, 4_194_304)
    .optional()
    .meta({ description: 'Processes and threads at a time; starting more fails.' }),
  storage: octets('1MiB', '1024TiB').optional().meta({
    description: 'What it may write. With `container` only: its root is then its own, in memory.',
  }),
  bandwidth: bitRate('8kbit/s', '1000Gbit/s').optional().meta({
    description: 'What it may receive, and what it may send; more is dropped.',
  }),
});

const programFields = z.strictObject({
  program: text(4_096).min(1, 'must not be empty').optional().meta({
    description:
      'The program that is the network function. Required, but for a function whose `netns` has `rules`, `sysctls` or `routes`, which may be these alone, and for one whose container has a `bundle`.',
  }),
  arguments: z.array(text(4_096)).max(256).default([]).meta({
    description: 'Its arguments; `{port}`, `{address}` and `{name}` are replaced for each instance.',
  }),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'),
      text(4_096),
    )
    .default({})
    .meta({ description: 'Environment variables given to it.' }),
  directory: text(4_096).min(1).default('.').meta({
    description:
      'Working directory; relative to the place of this file. Of a container: inside it, absolute; default `/`.',
  }),
  port: count(0, 65_535)
    .default(0)
    .meta({ description: 'TCP port on which every instance serves; 0: each node chooses a free one.' }),
  health: health.prefault({}).meta({ description: 'How an instance is checked.' }),
  stop: stop.prefault({}).meta({ description: 'How an instance is ended.' }),
  limits: limits.optional().meta({
    description:
      'What an instance and all that it starts may use. A node that cannot enforce one of them does not run it, and says why.',
  }),
  state: stateSchema.optional().meta({
    description:
      'How the state of an instance is taken and given when it moves to another node. Without it a moved instance begins with nothing.',
  }),
  hooks: hooksSchema.optional().meta({
    description:
      'Commands that the node agent runs on occasion, each a program and its arguments; `{port}`, `{address}` and `{name}` are replaced.',
  }),
  netns: netnsSchema.optional().meta({
    description:
      'A network namespace of its own for every instance, made before it starts and removed after it ended. Nodes need root.',
  }),
  container: containerSchema.optional().meta({
    description:
      'A container for every instance, run by `crun` or `runc`: a file system of its own, and the network of the node, or that of `netns`. Nodes need root.',
  }),
});

const program = programFields.refine(
  ({ program, netns, container }) => program !== undefined || netns !== undefined || container !== undefined,
  {
    path: ['program'],
    message: 'program is missing; it must be text',
    // Told beside other faults: an unknown key is often this one, misspelt.
    when: ({ value }) => typeof value === 'object' && value !== null,
  },
);

const pool = z.strictObject({
  function: program.meta({ description: 'What runs.' }),
  council: name().optional().meta({
    description:
      'Of several councils the one that decides who holds its slots, as long as there is the pool. Default: the first.',
  }),
  redundancy: redundancySchema.prefault({}).meta({
    description: 'How many instances, and what for. At most one instance of a pool runs on a node.',
  }),
  policy: z
    .enum(['round-robin', 'least-used', 'priority'])
    .default('round-robin')
    .meta({ description: 'How pool users that ask the registrar choose among the instances.' }),
  address: slotAddressesSchema.optional().meta({
    description:
      'Virtual address with prefix length, for a pool with one slot: `10.77.0.100/24`. Or a map of `address` and `link`, or a list of several, all of that slot.',
    'x-values': 'address, map, or list of these',
  }),
  addresses: z.array(slotAddressesSchema).max(64).optional().meta({
    description: 'Virtual addresses, an entry for each slot; an entry may be what `address` may be.',
    'x-values': 'list of addresses, maps, or lists of these',
  }),
  addressing: addressingSchema.optional().meta({
    description: 'How virtual addresses are raised, announced and guarded.',
  }),
  failover: z
    .strictObject({
      profile: z.enum(['fast', 'normal', 'calm']).optional().meta({
        description:
          'Lease of 24 ms, 300 ms (the default) or 3 s, each renewed every third of it. `fast` needs hosts that hardly ever stall for 8 ms; `vnfpool explain` says whether these do.',
      }),
      within: duration(1, 60_000).optional().meta({
        description:
          'Instead of a profile: the longest outage that users may see when a node dies, everything counted. The lease follows from it; what cannot be met is refused.',
      }),
      lease: duration(LEASE_MS_MIN, LEASE_MS_MAX).optional().meta({
        description:
          'Instead of a profile: how long a holder may act without the council; another takes over after this time.',
      }),
      flap: flapSchema.optional().meta({
        description:
          'How failures of an instance count against it. Default: three within some seconds put it last for one to two minutes.',
      }),
      holdDown: holdDownSchema,
      failback: failbackSchema,
    })
    .prefault({})
    .meta({
      description:
        'How fast a slot changes hands when a node dies (`profile`, `within` or `lease`), and to whom.',
    }),
  restart: restartSchema.optional().meta({
    description:
      'What is done about an instance that fails, step by step. Without it a slot is let go at once, and the instance is started again on its node.',
  }),
  sharing: sharingSchema.optional().meta({
    description:
      'What is asked of the way in which standbys come to the state of a slot while it is held. Without it a failover loses what its holder knew.',
  }),
  upgrade: upgradeSchema.optional().meta({
    description: 'How instances get another version of the function.',
  }),
});

const probe = z.strictObject({
  pool: name().meta({ description: 'Pool that is asked.' }),
  every: duration(1, 3_600_000).prefault('100ms').meta({ description: 'Time from one request to the next.' }),
  deadline: duration(1, 60_000)
    .prefault('250ms')
    .meta({ description: 'A request without an answer for this long has failed.' }),
  path: text(2_048)
    .startsWith('/', 'must be a path that starts with /')
    .default('/')
    .meta({ description: 'Path requested.' }),
});

const node = z.strictObject({
  witness: z.boolean().optional().meta({
    description: 'It runs no functions: it is there for its voice in the council only.',
  }),
});

/** The whole file. */
export const declarationSchema: z.ZodType<DeclarationFile> = z
  .strictObject({
    set: name().meta({ description: 'Name of the set.' }),
    nodes: z
      .union([
        z.array(name()).min(1, 'must name at least one node').max(NODES_MAX),
        z.record(name(), node.nullable()).refine((nodes) => {
          const size = Object.keys(nodes).length;
          return size >= 1 && size <= NODES_MAX;
        }, `must name 1 to ${NODES_MAX} nodes`),
      ])
      .meta({ description: 'Execution nodes: a list of names, or a map with a name as key.' }),
    council: z.array(name()).optional().meta({
      description:
        'The 1, 3 or 5 nodes that decide who holds a slot. Default: the first three, or the first of fewer than three.',
    }),
    councils: z
      .record(name(), z.array(name()))
      .refine((councils) => {
        const size = Object.keys(councils).length;
        return size >= 1 && size <= COUNCILS_MAX;
      }, `must name 1 to ${COUNCILS_MAX} councils`)
      .optional()
      .meta({
        description:
          'In place of `council`, for a large set: several councils by name, each of 1, 3 or 5 nodes. Each pool belongs to one of them.',
      }),
    fence: z
      .strictObject({
        hook: z
          .array(text(1_000).min(1, 'must not be empty'))
          .min(1, 'must name a program')
          .max(FENCE_WORDS_MAX, `must have at most ${FENCE_WORDS_MAX} words`)
          .meta({
            description:
              'Program and arguments that switch a node off: by power, hypervisor or cloud. Run by the agent that takes over, with the name of the node as the last argument; status 0 says that the node is off.',
          }),
        timeout: duration(100, 600_000)
          .prefault('30s')
          .meta({ description: 'The hook is killed after this time, and tried again.' }),
      })
      .optional()
      .meta({
        description:
          'How a node is made silent whose kernel has no fence: nobody opens a slot after it before this has worked.',
      }),
    stores: storesSchema(name()).optional().meta({
      description:
        'Stores outside of the set for the state of pools, by name: `file:///folder`, `redis://[user:password@]host[:port][/db]`, `rediss://` (TLS), `redis+unix:///socket[?db=N]`, `etcd://host[:port][,host[:port]]` or `etcds://`; behind a `?` the files of nodes that `rediss:` and `etcds:` need, and where the password is.',
      'x-values': 'map of addresses',
    }),
    pools: z
      .record(name(), pool)
      .refine((pools) => Object.keys(pools).length <= POOLS_MAX, `must have at most ${POOLS_MAX} pools`)
      .meta({ description: 'Pools by name.' }),
    probes: z
      .array(probe)
      .max(PROBES_MAX)
      .default([])
      .meta({ description: 'Traffic that `vnfpool up` sends to see what users see.' }),
    guard: guardSchema.optional().meta({
      description:
        'When so many nodes are lost at once, nothing is placed anew, moved or deleted until they are back or `vnfpool thaw` says so.',
    }),
  })
  .meta({ title: 'VNF set', description: 'One file declares one set: its nodes and its pools.' });
