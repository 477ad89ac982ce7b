// SPDX-License-Identifier: Apache-2.0
import { formatPlace, parsePlace, type RelayPlace } from './place.ts';
import { PATH_MAX, type RelaySession, type SessionWay } from './session.ts';

type Way = readonly [string, number];

/** A session on its way to another instance: values of JSON only. */
export interface RelaySessionRecord {
  readonly [key: string]: string | number | null | Way | readonly Way[] | readonly [number, number];
  readonly service: string;
  readonly client: string;
  readonly backend: string;
  readonly port: number | null;
  readonly sinceMs: number;
  /** For how long nothing had come; clocks of two machines need not agree. */
  readonly idleMs: number;
  readonly up: readonly [number, number];
  readonly down: readonly [number, number];
  readonly path: readonly Way[];
  readonly away: Way | null;
  readonly alias: Way | null;
}

/** What a record says. */
export type ReadSession = Pick<
  RelaySession,
  'service' | 'client' | 'backend' | 'upstreamPort' | 'sinceMs' | 'up' | 'down' | 'path' | 'away' | 'alias'
> & {
  readonly idleMs: number;
};

export function writeSessionRecord(session: RelaySession, nowMs: number): RelaySessionRecord {
  const { service, client, backend, upstreamPort, sinceMs, up, down } = session;
  return {
    service: formatPlace(service),
    client: formatPlace(client),
    backend: formatPlace(backend),
    port: upstreamPort,
    sinceMs,
    idleMs: Math.max(0, Math.round(nowMs - session.usedAt)),
    up: [up.packets, up.bytes],
    down: [down.packets, down.bytes],
    path: session.path.map(writeWay),
    away: session.away && writeWay(session.away),
    alias: session.alias && writeWay(session.alias),
  };
}

/** Null: it is not one of ours. */
export function readSessionRecord(value: unknown): ReadSession | null {
  if (value === null || typeof value !== 'object') return null;
  const record = value as Readonly<Record<string, unknown>>;
  const [service, client, backend] = ['service', 'client', 'backend'].map((name) => place(record[name]));
  const [up, down] = ['up', 'down'].map((name) => pair(record[name]));
  const path = readPath(record['path']);
  const [away, alias] = ['away', 'alias'].map((name) => (record[name] === null ? null : way(record[name])));
  const { port, sinceMs, idleMs } = record;
  if (!service || !client || !backend || !up || !down || !path || away === undefined || alias === undefined)
    return null;
  if (port !== null && !(isCount(port) && port > 0 && port <= 65_535)) return null;
  if (!isCount(sinceMs) || !isCount(idleMs)) return null;
  return { service, client, backend, upstreamPort: port, sinceMs, idleMs, up, down, path, away, alias };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const writeWay = ({ transfer, session }: SessionWay): Way => [transfer, session];

function place(value: unknown): RelayPlace | null {
  return typeof value === 'string' ? parsePlace(value) : null;
}

function pair(value: unknown): { packets: number; bytes: number } | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [packets, bytes] = value as readonly unknown[];
  return isCount(packets) && isCount(bytes) ? { packets, bytes } : null;
}

function readPath(value: unknown): SessionWay[] | null {
  if (!Array.isArray(value) || value.length > PATH_MAX) return null;
  const ways = value.flatMap((each) => way(each) ?? []);
  return ways.length === value.length ? ways : null;
}

function way(value: unknown): SessionWay | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [transfer, session] = value as readonly unknown[];
  return typeof transfer === 'string' &&
    /^[0-9a-f]{16}$/.test(transfer) &&
    isCount(session) &&
    session <= 0xffffffff
    ? { transfer, session }
    : undefined;
}
