// SPDX-License-Identifier: Apache-2.0
import type {
  DeclaredFailback,
  DeclaredFlap,
  DeclaredGuard,
  DeclaredPool,
  DeclaredRestart,
} from '@vnfpool/core/declared';
import { z } from 'zod';
import { duration, formatDuration } from './duration.ts';
import { count } from './words.ts';

/*
 * What is done about failures: restarts, penalties, the way back, and the guard against losing much at once.
 */

export interface RestartFile {
  readonly inPlace: number;
  readonly within: number;
  readonly ready: number;
  readonly elsewhere: number | 'never';
}

export interface FlapFile {
  readonly penalty: number;
  readonly suppress: number;
  readonly reuse: number;
  readonly halfLife: number;
}

export type FailbackFile = 'never' | { readonly delayed: number } | { readonly window: string };

export interface GuardFile {
  readonly share: number;
  readonly least: number;
  readonly within: number;
}

export interface FailoverRules {
  readonly flap?: FlapFile | undefined;
  readonly holdDown: number;
  readonly failback: FailbackFile;
}

const WINDOW = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const PENALTY_MAX = 1_000_000;

const orNever = (
  minMs: number,
  maxMs: number,
): z.ZodUnion<[z.ZodLiteral<'never'>, ReturnType<typeof duration>]> =>
  z.union([z.literal('never'), duration(minMs, maxMs)], {
    error: `must be never, or a duration with a unit (ms, s or m), from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
  });

export const restartSchema: z.ZodType<RestartFile> = z.strictObject({
  inPlace: count(0, 100).default(0).meta({
    description:
      'How often an instance that holds a slot and ends, or turns unhealthy, is started again where it is before its slot goes to another one.',
  }),
  within: duration(1_000, 86_400_000)
    .prefault('1m')
    .meta({ description: 'Time in which these starts are counted.' }),
  ready: duration(100, 600_000).prefault('5s').meta({
    description: 'It must be ready again within this time; else its slot goes to another one.',
  }),
  elsewhere: orNever(5_000, 86_400_000).default('never').meta({
    description:
      'An instance that is not ready for so long, also because its node is lost, is made anew on another node, with nothing of its state. Default: `never`.',
  }),
});

const penalty = (): z.ZodNumber => count(1, PENALTY_MAX);

export const flapSchema: z.ZodType<FlapFile> = z.strictObject({
  penalty: penalty().default(1_000).meta({ description: 'Added by every failure of an instance.' }),
  suppress: penalty().default(2_500).meta({
    description: 'From here on it takes a slot only if no other instance does.',
  }),
  reuse: penalty().default(1_000).meta({ description: 'Until its penalty is this again.' }),
  halfLife: duration(1_000, 86_400_000)
    .prefault('1m')
    .meta({ description: 'A penalty is halved in this time.' }),
});

export const holdDownSchema: z.ZodPrefault<ReturnType<typeof duration>> = duration(0, 86_400_000)
  .prefault('0ms')
  .meta({
    description:
      'An instance that lost a slot by a failure does not try for one for this time, even if nobody else does: slots change hands no faster.',
  });

const failbacks: z.ZodType<FailbackFile> = z.union(
  [
    z.literal('never'),
    z.strictObject({
      delayed: duration(0, 86_400_000).meta({ description: 'Once it has been fit for so long.' }),
    }),
    z.strictObject({
      window: z
        .string()
        .regex(WINDOW, 'must be a time of day, from and to, as 02:00-04:00')
        .meta({ description: 'Within this time of the day, in UTC: `02:00-04:00`.' }),
    }),
  ],
  { error: 'must be never, { delayed: 30s } or { window: "02:00-04:00" }' },
);

export const failbackSchema: z.ZodDefault<z.ZodType<FailbackFile>> = failbacks.default('never').meta({
  description:
    'Whether a slot goes back, by a planned hand-over, to the instance that it was made for: `never` (default), `{ delayed: 30s }` once that has been fit for so long, or `{ window: "02:00-04:00" }`, times of day in UTC.',
});

export const guardSchema: z.ZodType<GuardFile> = z.strictObject({
  share: z
    .number('must be a number from 0.01 to 1')
    .min(0.01, 'must be a number from 0.01 to 1')
    .max(1, 'must be a number from 0.01 to 1')
    .default(1 / 3)
    .meta({
      description: 'More than this share of the nodes; 1: never.',
      'x-values': 'number from 0.01 to 1',
    }),
  least: count(1, 64).default(2).meta({ description: 'At least so many nodes.' }),
  within: duration(1_000, 3_600_000)
    .prefault('1m')
    .meta({ description: 'Lost within this time of one another.' }),
});

export function normalRestart(restart: RestartFile | undefined): Pick<DeclaredPool, 'restart'> {
  if (restart === undefined) return {};
  const { inPlace, within, ready, elsewhere } = restart;
  const elsewhereMs = elsewhere === 'never' ? null : elsewhere;
  const normal: DeclaredRestart = { inPlace, withinMs: within, readyMs: ready, elsewhereMs };
  return inPlace === 0 && elsewhereMs === null ? {} : { restart: normal };
}

/** What was not said is not there, so that an old declaration is what it was. */
export function normalFailoverRules({
  flap,
  holdDown,
  failback,
}: FailoverRules): Omit<DeclaredPool['failover'], 'leaseMs'> {
  const back = normalFailback(failback);
  return {
    ...(flap === undefined ? {} : { flap: normalFlap(flap) }),
    ...(holdDown === 0 ? {} : { holdDownMs: holdDown }),
    ...(back === null ? {} : { failback: back }),
  };
}

export function normalGuard(guard: GuardFile | undefined): { readonly guard?: DeclaredGuard } {
  if (guard === undefined) return {};
  return { guard: { share: guard.share, least: guard.least, withinMs: guard.within } };
}

function normalFlap({ penalty: each, suppress, reuse, halfLife }: FlapFile): DeclaredFlap {
  return { penalty: each, suppress, reuse, halfLifeMs: halfLife };
}

function normalFailback(failback: FailbackFile): DeclaredFailback | null {
  if (failback === 'never') return null;
  if ('delayed' in failback) return { rule: 'delayed', delayMs: failback.delayed };
  const [, ...words] = WINDOW.exec(failback.window) ?? [];
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = words.map(Number);
  return { rule: 'window', fromMinute: fromHour * 60 + fromMinute, toMinute: toHour * 60 + toMinute };
}

/** What no single key can tell. */
export function checkFailoverRules(
  at: readonly PropertyKey[],
  { flap, failback }: FailoverRules,
): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const findings = [];
  if (flap && flap.reuse >= flap.suppress) {
    const message = `must be below suppress (${flap.suppress})`;
    findings.push({ path: [...at, 'flap', 'reuse'], message });
  }
  if (typeof failback === 'object' && 'window' in failback) {
    const [from, to] = failback.window.split('-');
    if (from === to)
      findings.push({ path: [...at, 'failback', 'window'], message: 'must not end as it begins' });
  }
  return findings;
}
