// SPDX-License-Identifier: Apache-2.0
import { Handlespace, type HandlespaceOptions, type Pool } from '@vnfpool/core/handlespace';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { Policy, PoolElement } from '@vnfpool/wire/parameters';
import { seededRandom } from './seeded-random.ts';

const web = encodeUtf8('web');

/** An element of the pool `web`, owned by registrar 1. */
export const elementOf = (id: number, policy: Policy, change: Partial<PoolElement> = {}): PoolElement => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy,
  ...change,
});

/** The one pool of a handlespace, with elements that are numbered from 1 in the order of their policies. */
export class TestPool {
  readonly space: Handlespace;

  constructor(policies: readonly Policy[], options: HandlespaceOptions = {}, seed = 1) {
    this.space = new Handlespace(seededRandom(seed), options);
    for (const [index, policy] of policies.entries()) this.set(index + 1, policy);
  }

  get pool(): Pool | undefined {
    return this.space.pool(web);
  }

  set(id: number, policy: Policy): void {
    const result = this.space.set(web, elementOf(id, policy));
    if (result.kind === 'refused') throw new Error(result.reason);
  }

  delete(id: number): void {
    this.space.delete(web, id);
  }

  /** Identifiers. */
  select(count: number): number[] {
    return this.pool?.select(count).map(({ id }) => id) ?? [];
  }

  /** The first of `times` answers, one after the other. */
  firsts(times: number, count = 1): number[] {
    return Array.from({ length: times }, () => this.select(count)[0] ?? 0);
  }

  /** Which part of `times` answers has each element first. */
  shares(times: number): Record<number, number> {
    const shares: Record<number, number> = {};
    for (const id of this.firsts(times)) shares[id] = (shares[id] ?? 0) + 1 / times;
    return shares;
  }
}
