// SPDX-License-Identifier: Apache-2.0
import type { LossBound } from '@vnfpool/wire/mobility';
import type { Ask } from './ask.ts';
import { whyUnsealed } from './carried.ts';
import {
  acknowledgedBy,
  granularityOf,
  type Loss,
  lossOf,
  type PossibleLevel,
  RECOVERY_MS,
  recoveryOf,
  securityStateOf,
} from './level.ts';
import { boundWords, counted, lossWords, recoveryWords } from './words.ts';

/** A rule that a level breaks by itself, whoever else offers it. */
export type LevelRule =
  | 'method'
  | 'sessions'
  | 'active'
  | 'store'
  | 'standbys'
  | 'loss'
  | 'mapping-loss'
  | 'acknowledged'
  | 'recovery'
  | 'granularity'
  | 'format'
  | 'rate'
  | 'window'
  | 'overload'
  | 'integrity'
  | 'encryption'
  | 'security-state';

/** Tells in words why the level is refused, or null. */
type Refuses = (level: PossibleLevel, ask: Ask) => string | null;

/** The weightiest first: what the pool is, then what it asks. */
const RULES: readonly (readonly [LevelRule, Refuses])[] = [
  [
    'method',
    ({ method }, { sharing }) =>
      sharing.methods.includes(method) ? null : `the pool does not ask for ${method}`,
  ],
  [
    'sessions',
    ({ method }, { hasSessions }) =>
      method !== 'cookie' || hasSessions
        ? null
        : 'a cookie is left with the user of an RSerPool session, and users reach this pool by its address',
  ],
  [
    'active',
    ({ method }, { active }) =>
      method !== 'gossip' || active > 1
        ? null
        : 'gossip is for pools where several instances are active, and here one is',
  ],
  [
    'store',
    ({ method }, { sharing }) =>
      method !== 'shared' || sharing.store !== undefined
        ? null
        : 'the state needs a store, and the pool names none',
  ],
  ['standbys', standbysMissing],
  ['loss', lossTooHigh],
  [
    'mapping-loss',
    (level, { sharing }) =>
      sharing.mappingLoss === undefined ||
      lossOf(level) === 0 ||
      (level.method === 'conntrack' && level.defer)
        ? null
        : 'mappings may be lost: no packet waits until a standby has them',
  ],
  [
    'acknowledged',
    (level, { sharing: { acknowledged = 0 } }) => {
      const by = acknowledgedBy(level);
      const did =
        by === 0 ? 'no standby acknowledges' : `${counted(by, 'standby')} acknowledge${by === 1 ? 's' : ''}`;
      return by >= acknowledged ? null : `${did}, and the pool asks for ${acknowledged}`;
    },
  ],
  [
    'recovery',
    (level, { sharing: { recovery = 'cold' } }) =>
      RECOVERY_MS[recoveryOf(level)] <= RECOVERY_MS[recovery]
        ? null
        : `recovery is ${recoveryWords(recoveryOf(level))}, and the pool asks for ${recoveryWords(recovery)}`,
  ],
  [
    'granularity',
    (level, { sharing }) => otherwise('state is kept by', granularityOf(level), sharing.granularity),
  ],
  ['format', otherFormat],
  [
    'rate',
    (level, { sharing: { updatesPerSecond = 0 } }) =>
      !('updatesPerSecond' in level) || level.updatesPerSecond >= updatesPerSecond
        ? null
        : `it carries ${level.updatesPerSecond} updates a second, and the pool asks for ${updatesPerSecond}`,
  ],
  [
    'window',
    (level, { sharing: { windowOctets = Number.POSITIVE_INFINITY } }) =>
      !('windowOctets' in level) || level.windowOctets <= windowOctets
        ? null
        : `it has ${level.windowOctets} octets under way, and the pool asks for ${windowOctets} at most`,
  ],
  [
    'overload',
    (level, { sharing }) =>
      otherwise('the rule at overload is', 'overload' in level ? level.overload : null, sharing.overload),
  ],
  [
    'integrity',
    (level, { sharing }) =>
      !sharing.integrity || level.method === 'none' || level.protection.integrity
        ? null
        : 'the state travels without integrity, and the pool asks for it',
  ],
  [
    'encryption',
    (level, { sharing }) =>
      !sharing.encryption || level.method === 'none' || level.protection.encryption
        ? null
        : 'the state travels without encryption, and the pool asks for it',
  ],
  ['security-state', securityStateRefused],
];

/** The first rule that refuses the level to the pool, with its reason; null: it meets all that is asked. */
export function refusalOf(
  level: PossibleLevel,
  ask: Ask,
): { readonly rule: LevelRule; readonly verdict: string } | null {
  for (const [rule, refuses] of RULES) {
    const verdict = refuses(level, ask);
    if (verdict !== null) return { rule, verdict };
  }
  return null;
}

/** Of what a level has not at all nothing can be wrong. */
function otherwise(claim: string, has: string | null, asked: string | undefined): string | null {
  return has === null || asked === undefined || has === asked
    ? null
    : `${claim} ${has}, and the pool asks for ${asked}`;
}

/** Standbys that the method needs, and that the pool has not. */
function standbysMissing(level: PossibleLevel, { sharing, standbys }: Ask): string | null {
  if (level.method !== 'replicate' && level.method !== 'conntrack') return null;
  const wanted = Math.max(acknowledgedBy(level), sharing.acknowledged ?? 0);
  if (wanted > standbys)
    return `${counted(wanted, 'standby')} would have to acknowledge, and the pool declares ${standbys}`;
  return standbys === 0 ? 'there is nobody to send the state to: the pool declares no standbys' : null;
}

/** Why a level of each method loses something. */
const LOSES: {
  readonly [Method in PossibleLevel['method']]: (
    level: PossibleLevel & { readonly method: Method },
  ) => string;
} = {
  none: () => 'every session is lost at a failover',
  cookie: ({ lossUpdates }) => `${counted(lossUpdates, 'update')} may be missing from the last cookie`,
  checkpoint: ({ intervalMs }) =>
    `what came after the last checkpoint is lost, up to its interval of ${intervalMs} ms`,
  replicate: (level) => `output does not wait for standbys, so ${lossWords(lossOf(level))} may be lost`,
  gossip: () => 'gossip is eventual: nothing bounds what a failover loses',
  shared: (level) => `output does not wait for the store, so ${lossWords(lossOf(level))} may be lost`,
  conntrack: ({ lagMs, defer }) =>
    `connection tracking is always bounded, here by ${lagMs} ms: the kernel raises its event when the first packet is already on its way${defer ? '; defer makes the loss 0 for mappings only' : ''}`,
};

function lossTooHigh(level: PossibleLevel, { sharing: { loss: asked } }: Ask): string | null {
  const loss = lossOf(level);
  if (asked === undefined || isWithin(loss, asked)) return null;
  const why = (LOSES[level.method] as (level: PossibleLevel) => string)(level);
  return `${why}, and the pool asks for ${asked === 0 ? 'loss 0' : `at most ${boundWords(asked)}`}`;
}

/** A bound in time and one in updates cannot be compared. */
function isWithin(loss: Loss, asked: 0 | LossBound): boolean {
  if (loss === 0) return true;
  if (typeof loss === 'string' || asked === 0) return false;
  return 'ms' in loss
    ? 'ms' in asked && loss.ms <= asked.ms
    : 'updates' in asked && loss.updates <= asked.updates;
}

function otherFormat(level: PossibleLevel, { sharing: { encoding, schema } }: Ask): string | null {
  if (level.method === 'none') return null;
  const { format } = level;
  const has = 'schema' in format ? `${format.schema}/${format.version}` : 'none';
  return (
    otherwise('the format is', format.encoding, encoding) ??
    otherwise('the schema is', has, schema && `${schema.id}/${schema.version}`)
  );
}

/** Keys and secrets go along only where the pool says so, and then only encrypted. */
function securityStateRefused(level: PossibleLevel, { sharing }: Ask): string | null {
  const state = securityStateOf(level);
  const isBare = level.method !== 'none' && !level.protection.encryption;
  const asked = sharing.securityState ?? 'excluded';
  const unsealed = asked === 'excluded' ? null : whyUnsealed(level.method);
  const other = otherwise('security state is', state, asked);
  return (
    (other !== null && unsealed !== null ? `${other}: ${unsealed}` : other) ??
    (state !== 'excluded' && isBare ? `security state is ${state}, which needs encryption` : null)
  );
}
