// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSharing } from '@vnfpool/core/declared';
import { askOf, isCarriedBySlot, offersOf, settle } from '@vnfpool/core/state-level';
import { objectStoreFault } from '@vnfpool/store/objects';
import { sharedStateStoreFault } from '@vnfpool/store/shared-state';
import {
  type Granularity,
  KEEP_FULL_MAX,
  KEEP_FULL_MIN,
  type LossBound,
  type OverloadRule,
  type RecoveryClass,
  type SecurityState,
  type SharingMethod,
  type StateFormat,
} from '@vnfpool/wire/mobility';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { duration } from './duration.ts';
import { octets } from './quantity.ts';
import { count, text } from './words.ts';

/** `sharing`, as a person writes it. */
export interface SharingFile {
  readonly method: readonly SharingMethod[];
  readonly loss?: 0 | LossBound | undefined;
  readonly mappingLoss?: 0 | undefined;
  readonly acknowledged?: number | undefined;
  readonly recovery?: RecoveryClass | undefined;
  readonly granularity?: Granularity | undefined;
  /** `pfsync`, which an offer can name, is carried by no agent. */
  readonly format?: Exclude<StateFormat['encoding'], 'pfsync'> | undefined;
  readonly schema?: NonNullable<DeclaredSharing['schema']> | undefined;
  readonly rate?: number | undefined;
  readonly window?: number | undefined;
  readonly overload?: OverloadRule | undefined;
  readonly integrity?: boolean | undefined;
  readonly encryption?: boolean | undefined;
  readonly securityState: SecurityState;
  readonly store?: string | undefined;
  readonly keep?: number | undefined;
  readonly age?: number | undefined;
  readonly lastResort?: 'never' | number | undefined;
}

const METHODS = ['none', 'cookie', 'checkpoint', 'replicate', 'gossip', 'shared', 'conntrack'] as const;
const UPDATES_MAX = 1_000_000_000;
/** A week. */
const COOKIE_AGE_MS_MAX = 604_800_000;
/** Where something may be lost anyway; of a loss of 0 it is never. */
const LAST_RESORT_MS = 10_000;

const lossSchema: z.ZodType<0 | LossBound> = z.union(
  [
    count(0, UPDATES_MAX).transform((updates) => (updates === 0 ? 0 : { updates })),
    duration(1, 3_600_000).transform((ms) => ({ ms })),
  ],
  {
    error: `must be 0, a whole number of updates up to ${UPDATES_MAX}, or a duration with a unit (ms, s or m) from 1ms to 60m`,
  },
);

const schemaSchema: z.ZodType<NonNullable<DeclaredSharing['schema']>> = text(72)
  .regex(/^[!-.0-~]{1,64}\/[1-9][0-9]{0,4}$/, 'must be a name and a version, such as kv/1')
  .transform((written) => {
    const [id = '', version] = written.split('/');
    return { id, version: Number(version) };
  });

const lastResortSchema: z.ZodType<'never' | number> = z.union([z.literal('never'), duration(0, 86_400_000)], {
  error: 'must be never, or a duration with a unit (ms, s or m) from 0ms to 1440m',
});

const yesOrNo = (description: string) => z.boolean('must be true or false').optional().meta({ description });

export const sharingSchema: z.ZodType<SharingFile> = z.strictObject({
  method: z
    .array(z.enum(METHODS))
    .min(1, 'must name at least one method')
    .meta({ description: 'Methods that are wanted, what is preferred first.' }),
  loss: lossSchema.optional().meta({
    description:
      'Most that a failover may lose: `0`, nothing that was acknowledged outside; a number of updates; or a duration.',
  }),
  mappingLoss: z.literal(0).optional().meta({
    description: '`0`: no mapping of a translated flow may be lost, whatever else is.',
    'x-values': '`0`',
  }),
  acknowledged: count(1, 64)
    .optional()
    .meta({ description: 'Standbys that acknowledge an update, at least.' }),
  recovery: z.enum(['real-time', 'near', 'relaxed', 'cold']).optional().meta({
    description:
      'How soon the next holder serves with the state: `real-time` within 50 ms, `near` within 1 s, `relaxed` within 10 s, `cold` at some time.',
  }),
  granularity: z.enum(['function', 'tenant', 'session', 'flow', 'key']).optional().meta({
    description: 'What a piece of state belongs to.',
  }),
  format: z.enum(['opaque', 'json', 'conntrack']).optional().meta({
    description: 'What the octets are.',
  }),
  schema: schemaSchema.optional().meta({ description: 'Name and version of what they say: `kv/1`.' }),
  rate: count(1, UPDATES_MAX).optional().meta({ description: 'Updates a second, at least.' }),
  window: octets('1KiB', '1GiB').optional().meta({
    description:
      'What may be under way at a time, at most. Of `checkpoint`: octets of changes after which the next one is made at once; default 512KiB.',
  }),
  overload: z.enum(['block', 'shed', 'degrade']).optional().meta({
    description:
      'When updates come faster than they are carried: the function waits, refuses new work, or goes on without standbys that cannot follow.',
  }),
  integrity: yesOrNo('Damage and forgery on the way are found.'),
  encryption: yesOrNo('Nobody on the way can read the state.'),
  securityState: z.enum(['excluded', 're-derive', 'sealed']).default('excluded').meta({
    description:
      'What a function marks as secret stays with it, is made anew by the next holder, or goes along sealed to the nodes that may take the slot; the last two by `replicate`, with `encryption: true`.',
  }),
  store: text(64).min(1, 'must not be empty').optional().meta({
    description: 'Of `checkpoint` and `shared`: the store, one of `stores`.',
  }),
  keep: count(KEEP_FULL_MIN, KEEP_FULL_MAX).optional().meta({
    description:
      'Of `checkpoint`: full checkpoints that the store keeps, each with what changed behind it. Default 2.',
  }),
  age: duration(60_000, COOKIE_AGE_MS_MAX).optional().meta({
    description:
      'Of `cookie`: older cookies are refused, and a secret that was replaced opens for as long. Default 1440m.',
  }),
  lastResort: lastResortSchema.optional().meta({
    description:
      'Of `replicate`, `conntrack`, `checkpoint` and `shared`: after so long without a candidate that has the state, or without an answer of the store, somebody without it may take the slot, which is then told as lossy. Default: `never` where `loss` is 0, else `10s`.',
    'x-values': '`never`, or duration from 0ms to 1440m',
  }),
});

/** What stands against the sharing of a pool: what nobody could offer, what is not there yet, or that its own function cannot do it. */
export function checkPoolSharing(
  at: readonly PropertyKey[],
  file: SharingFile,
  pool: Pick<DeclaredPool, 'name' | 'redundancy' | 'addresses'> & Pick<DeclaredPool['function'], 'state'>,
  stores: Readonly<Record<string, string>> = {},
): Finding[] {
  const findings = [
    ...checkSharing(at, file, pool),
    ...checkLastResort(at, file),
    ...checkStore(at, file, stores),
    ...checkKernels(at, file, pool),
  ];
  if (findings.length > 0) return findings;
  const sharing = sharingOf(file, stores);
  const { slots, standbys, spares, instances = slots + standbys + spares } = pool.redundancy;
  const own = { instance: pool.name, levels: offersOf(pool, sharing) };
  const { level, reason } = settle(askOf(sharing, pool), [own], instances);
  if (level !== null) return [];
  const missing = (['replicate', 'checkpoint', 'shared', 'gossip'] as const).find(
    (method) => file.method.includes(method) && own.levels.every((each) => each.method !== method),
  );
  const hint = missing
    ? `; a function offers ${missing} by state: { via: socket, ${missing === 'gossip' ? 'merges' : 'shares'}: true }`
    : '';
  return [{ path: [...at, 'method'], message: `cannot be had: ${reason}${hint}` }];
}

function checkStore(
  at: readonly PropertyKey[],
  { store, method }: SharingFile,
  stores: Readonly<Record<string, string>>,
): Finding[] {
  if (store === undefined) return [];
  const address = stores[store];
  if (address !== undefined) {
    const fault =
      (method.includes('shared') ? sharedStateStoreFault(address) : null) ??
      (method.includes('checkpoint') ? objectStoreFault(address) : null);
    return fault === null ? [] : [{ path: [...at, 'store'], message: fault }];
  }
  const names = Object.keys(stores).join(', ');
  return [
    { path: [...at, 'store'], message: `must be one of the stores of the set${names && `: ${names}`}` },
  ];
}

/** Whoever takes a slot makes the connections of its kernel those of that slot: no other may have its own there. */
function checkKernels(
  at: readonly PropertyKey[],
  { method }: SharingFile,
  { redundancy, state }: Pick<DeclaredPool, 'redundancy'> & Pick<DeclaredPool['function'], 'state'>,
): Finding[] {
  const place = method.indexOf('conntrack');
  if (place < 0) return [];
  const path = [...at, 'method', place];
  if (redundancy.instances !== undefined)
    return [
      { path, message: 'conntrack needs instances that hold one slot each, and those of N-way hold several' },
    ];
  if (state?.standby === 'kernel' && redundancy.slots > 1)
    return [
      {
        path,
        message: `conntrack with standby: kernel is for a pool with one slot, and this one has ${redundancy.slots}: a standby has one kernel for the connections of all of them`,
      },
    ];
  return [];
}

function checkLastResort(at: readonly PropertyKey[], { method, lastResort }: SharingFile): Finding[] {
  if (lastResort === undefined || method.some((each) => isCarriedBySlot({ method: each }))) return [];
  return [
    {
      path: [...at, 'lastResort'],
      message: 'belongs to the methods replicate, conntrack, checkpoint and shared',
    },
  ];
}

/** What no instance could offer, whatever it is. */
export function checkSharing(
  at: readonly PropertyKey[],
  file: SharingFile,
  pool: Pick<DeclaredPool, 'redundancy' | 'addresses'>,
): Finding[] {
  const { method, store, keep, age, acknowledged = 0, encryption, securityState } = file;
  const { standbys } = askOf(sharingOf(file), pool);
  const stored = method.findIndex((each) => each === 'checkpoint' || each === 'shared');
  const faults: readonly (readonly [isFault: boolean, key: readonly PropertyKey[], message: string])[] = [
    ...method.map(
      (each, index) => [method.indexOf(each) < index, ['method', index], `${each} is named twice`] as const,
    ),
    [stored >= 0 && store === undefined, ['method', stored], 'needs the key store: where the state lives'],
    [stored < 0 && store !== undefined, ['store'], 'belongs to the methods checkpoint and shared'],
    [age !== undefined && !method.includes('cookie'), ['age'], 'belongs to the method cookie'],
    [keep !== undefined && !method.includes('checkpoint'), ['keep'], 'belongs to the method checkpoint'],
    [
      acknowledged > standbys,
      ['acknowledged'],
      `must not be more than the standbys of the pool, which are ${standbys}`,
    ],
    [
      securityState !== 'excluded' && encryption !== true,
      ['securityState'],
      'needs the key encryption with the value true',
    ],
  ];
  return faults.flatMap(([isFault, key, message]) => (isFault ? [{ path: [...at, ...key], message }] : []));
}

/** Only what is asked. @param stores addresses by name */
export function normalSharing(
  file: SharingFile | undefined,
  stores: Readonly<Record<string, string>> = {},
): Pick<DeclaredPool, 'sharing'> {
  return file === undefined ? {} : { sharing: sharingOf(file, stores) };
}

function sharingOf(file: SharingFile, stores: Readonly<Record<string, string>> = {}): DeclaredSharing {
  const { method, format, rate, window, integrity, encryption, securityState, ...rest } = file;
  const { loss, mappingLoss, acknowledged, recovery, granularity, schema, overload, store, keep, age } = rest;
  const storeAddress = store === undefined ? undefined : stores[store];
  const lastResort = rest.lastResort ?? (loss === 0 ? 'never' : LAST_RESORT_MS);
  const hasLast = method.some((each) => isCarriedBySlot({ method: each }));
  return {
    // The schema wants one at least.
    methods: method as unknown as DeclaredSharing['methods'],
    ...(loss === undefined ? {} : { loss }),
    ...(mappingLoss === undefined ? {} : { mappingLoss }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(recovery === undefined ? {} : { recovery }),
    ...(granularity === undefined ? {} : { granularity }),
    ...(format === undefined ? {} : { encoding: format }),
    ...(schema === undefined ? {} : { schema }),
    ...(rate === undefined ? {} : { updatesPerSecond: rate }),
    ...(window === undefined ? {} : { windowOctets: window }),
    ...(overload === undefined ? {} : { overload }),
    ...(integrity === true ? { integrity } : {}),
    ...(encryption === true ? { encryption } : {}),
    ...(securityState === 'excluded' ? {} : { securityState }),
    ...(store === undefined ? {} : { store }),
    ...(storeAddress === undefined ? {} : { storeAddress }),
    ...(keep === undefined ? {} : { keepFull: keep }),
    ...(age === undefined ? {} : { cookieAgeMs: age }),
    ...(hasLast && lastResort !== 'never' ? { lastResortMs: lastResort } : {}),
  };
}
