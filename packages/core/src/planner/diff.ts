// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { PlannedChange } from '../management/views.ts';
import { versionName } from './documents.ts';
import { fingerprint } from './fingerprint.ts';
import { instancesOf } from './surplus.ts';
import { planWords, rulesWords } from './upgrade-words.ts';

/** What applying `next` over `former` would change; nothing when they mean the same. */
export function diff(former: DeclaredSet | null, next: DeclaredSet): PlannedChange[] {
  if (!former) {
    return [
      change(
        'create',
        `set ${next.name}`,
        `${next.nodes.length} nodes, council ${next.council.join(', ')}`,
        'nothing was declared before',
      ),
      ...next.pools.map(created),
    ];
  }
  const changes: PlannedChange[] = [];
  compareNames(
    'node',
    former.nodes.map(({ name }) => name),
    next.nodes.map(({ name }) => name),
    changes,
  );
  if (!same(former.council, next.council)) {
    changes.push(
      change(
        'change',
        `set ${next.name}`,
        `council ${former.council.join(', ')} → ${next.council.join(', ')}`,
        'the file names other members',
      ),
    );
  }
  const before = new Map(former.pools.map((pool) => [pool.name, pool]));
  for (const pool of next.pools) {
    const old = before.get(pool.name);
    changes.push(...(old ? changed(old, pool, next.nodes.length) : [created(pool)]));
  }
  for (const pool of former.pools) {
    if (next.pools.some(({ name }) => name === pool.name)) continue;
    changes.push(
      change(
        'delete',
        `pool ${pool.name}`,
        `${instancesOf(pool)} instances end, ${pool.redundancy.slots} slots go`,
        'the file does not declare it any more',
      ),
    );
  }
  if (!same(former.probes, next.probes))
    changes.push(
      change('change', `set ${next.name}`, `${next.probes.length} probes`, 'the file declares other traffic'),
    );
  return changes;
}

function created(pool: DeclaredPool): PlannedChange {
  return change(
    'create',
    `pool ${pool.name}`,
    `${countsOf(pool)}${pool.addresses.length > 0 ? `, ${pool.addresses.join(', ')}` : ''}`,
    'the file declares it',
  );
}

function changed(old: DeclaredPool, pool: DeclaredPool, nodes: number): PlannedChange[] {
  const changes: PlannedChange[] = [];
  const subject = `pool ${pool.name}`;
  if (!same(old.function, pool.function)) {
    const keys = Object.keys(pool.function).filter(
      (key) =>
        !same(
          old.function[key as keyof DeclaredPool['function']],
          pool.function[key as keyof DeclaredPool['function']],
        ),
    );
    changes.push(
      change(
        'change',
        subject,
        `${keys.join(', ')}: ${versionName(old) === versionName(pool) ? 'its instances are told, and go on' : planWords(pool, nodes)}`,
        'what they run has changed',
      ),
    );
  }
  if (old.policy !== pool.policy)
    changes.push(
      change('change', subject, `policy ${old.policy} → ${pool.policy}`, 'the file wants another policy'),
    );
  if (!same(old.redundancy, pool.redundancy))
    changes.push(
      change('change', subject, `${countsOf(old)} → ${countsOf(pool)}`, 'the file wants another redundancy'),
    );
  if (!same(old.addresses, pool.addresses)) {
    changes.push(
      change(
        'change',
        subject,
        `addresses ${old.addresses.join(', ') || 'none'} → ${pool.addresses.join(', ') || 'none'}`,
        'the file gives other addresses',
      ),
    );
  }
  if (!same(old.failover, pool.failover))
    changes.push(
      change(
        'change',
        subject,
        `lease ${old.failover.leaseMs} ms → ${pool.failover.leaseMs} ms`,
        'the file wants another lease',
      ),
    );
  if (rulesWords(old) !== rulesWords(pool))
    changes.push(change('change', subject, `upgrades: ${rulesWords(pool)}`, 'the file wants other upgrades'));
  return changes;
}

function compareNames(
  what: string,
  former: readonly string[],
  next: readonly string[],
  changes: PlannedChange[],
): void {
  for (const name of next.filter((each) => !former.includes(each)))
    changes.push(change('create', `${what} ${name}`, 'may run instances', 'the file declares it'));
  for (const name of former.filter((each) => !next.includes(each)))
    changes.push(
      change(
        'delete',
        `${what} ${name}`,
        'its instances are placed elsewhere',
        'the file does not declare it any more',
      ),
    );
}

function countsOf(pool: DeclaredPool): string {
  const { slots, standbys, spares, instances, slotsPerInstance } = pool.redundancy;
  return instances === undefined
    ? `${slots} slots, ${standbys} standbys, ${spares} spares`
    : `${slots} slots shared by ${instances} instances, at most ${slotsPerInstance ?? 1} each`;
}

function same(a: unknown, b: unknown): boolean {
  return fingerprint(a) === fingerprint(b);
}

function change(
  action: PlannedChange['action'],
  subject: string,
  detail: string,
  reason: string,
): PlannedChange {
  return { action, subject, detail, reason };
}
