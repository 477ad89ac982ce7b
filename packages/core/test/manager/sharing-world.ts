// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSharing } from '@vnfpool/core/declared';
import type { SharingReport, StandbyReport } from '@vnfpool/wire/mobility';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

export const NODES = ['a', 'b', 'c'];
export const HELD: DeclaredSharing = { methods: ['replicate'], loss: 0 };

export function kv(sharing: DeclaredSharing | undefined, format = 'kv/1', shares = true): DeclaredPool {
  const declared = pool('kv', 1, 1, 1, { state: { via: 'socket', format, ...(shares ? { shares } : {}) } });
  return { ...declared, ...(sharing === undefined ? {} : { sharing }) };
}

/** One slot, held by the instance on node a; candidates are on b and c. */
export async function world(declared: DeclaredPool = kv(HELD)) {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const apply = (next: DeclaredPool) => {
    const text = 'set: edge';
    domain.give({ type: 'apply', requestId: 1, declared: set(NODES, [next]), text, file: 'set.yaml' });
    return domain.replies.at(-1);
  };
  apply(declared);
  const views = () => domain.core.views(domain.nowMs);
  const standby = (node: number, change: Partial<StandbyReport> = {}): StandbyReport => ({
    node,
    isListed: true,
    state: 'following',
    lagUpdates: 3,
    lagMs: 2,
    lagBytes: 96,
    roundTripMs: 0.5,
    ...change,
  });
  /** The instance on node a, or `from`, holds the slot, and tells this of its standbys. */
  const tell = (
    standbys: readonly StandbyReport[] | null,
    change: Partial<SharingReport> = {},
    epoch = '1',
    listed: readonly number[] = [],
    from = 1,
  ): void => {
    const holder = { node: from, functionId: from };
    const report = { keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0, isLossy: false };
    const slot = {
      id: views().slots[0]?.id ?? '',
      state: 'holding' as const,
      epoch,
      holder,
      candidates: [holder, ...listed.map((id) => ({ node: id, functionId: id }))],
    };
    const sharing = standbys === null ? {} : { sharing: { ...report, ...change, standbys } };
    domain.report(from, { slots: [{ ...slot, reason: '', ...sharing }], failovers: [] });
  };
  const events = () =>
    views()
      .events.filter(({ subject }) => subject === 'slot kv/0')
      .filter(({ type }) =>
        /standby|protected|lossy|first-packets|told|events|damaged|mended|stream/.test(type),
      )
      .map(({ type, severity, message }) => `${severity} ${type}: ${message}`)
      .toReversed();
  return { domain, apply, views, standby, tell, events };
}
