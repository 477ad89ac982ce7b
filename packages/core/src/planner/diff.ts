// SPDX-License-Identifier: Apache-2.0
import type { DeclaredCouncil, DeclaredNode, DeclaredPool, DeclaredSet } from '../declared/set.ts';
import { withoutPassword } from '../declared/store-address.ts';
import type { PlannedChange } from '../management/views.ts';
import { failoverWords } from './council-losses.ts';
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
        `${next.nodes.length} nodes, ${councilWords(next.councils)}`,
        'nothing was declared before',
      ),
      ...next.pools.map((pool) => created(pool, next)),
    ];
  }
  const changes: PlannedChange[] = [];
  compareNodes(former.nodes, next.nodes, changes);
  if (!same(former.councils, next.councils)) {
    changes.push(
      change(
        'change',
        `set ${next.name}`,
        councilWords(former.councils, next.councils),
        'the file names other members',
      ),
    );
  }
  const before = new Map(former.pools.map((pool) => [pool.name, pool]));
  for (const pool of next.pools) {
    const old = before.get(pool.name);
    changes.push(...(old ? changed(old, pool, former, next) : [created(pool, next)]));
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
  if (!same(former.guard, next.guard))
    changes.push(
      change(
        'change',
        `set ${next.name}`,
        `guard ${textOf(former.guard)} → ${textOf(next.guard)}`,
        'the file wants another guard',
      ),
    );
  if (!same(former.probes, next.probes))
    changes.push(
      change('change', `set ${next.name}`, `${next.probes.length} probes`, 'the file declares other traffic'),
    );
  return changes;
}

function created(pool: DeclaredPool, set: DeclaredSet): PlannedChange {
  return change(
    'create',
    `pool ${pool.name}`,
    `${countsOf(pool)}${pool.addresses.length > 0 ? `, ${addressesText(pool)}` : ''}, failover ${failoverWords(pool, set)}`,
    'the file declares it',
  );
}

function changed(
  old: DeclaredPool,
  pool: DeclaredPool,
  former: DeclaredSet,
  next: DeclaredSet,
): PlannedChange[] {
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
        `${keys.join(', ')}: ${versionName(old) === versionName(pool) ? 'its instances are told, and go on' : planWords(pool, next.nodes.length)}`,
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
        `addresses ${addressesText(old) || 'none'} → ${addressesText(pool) || 'none'}`,
        'the file gives other addresses',
      ),
    );
  }
  if (!same(old.addressing, pool.addressing))
    changes.push(
      change('change', subject, 'addressing', 'the file wants its addresses raised or announced otherwise'),
    );
  // Another council is told once, for the set.
  const { leaseMs: leaseBefore, withinMs: targetBefore, ...before } = old.failover;
  const { leaseMs: leaseNext, withinMs: targetNext, ...after } = pool.failover;
  if (leaseBefore !== leaseNext || targetBefore !== targetNext)
    changes.push(
      change(
        'change',
        subject,
        `failover ${failoverWords(old, former)} → ${failoverWords(pool, next)}`,
        'the file wants slots to change hands at another pace',
      ),
    );
  const rules = [
    ...(same(before, after) ? [] : [`failover ${textOf(before)} → ${textOf(after)}`]),
    ...(same(old.restart, pool.restart) ? [] : [`restart ${textOf(old.restart)} → ${textOf(pool.restart)}`]),
  ];
  for (const detail of rules)
    changes.push(change('change', subject, detail, 'the file wants failures answered otherwise'));
  if (!same(old.sharing, pool.sharing))
    changes.push(
      change(
        'change',
        subject,
        `sharing: ${sharingText(old)} → ${sharingText(pool)}`,
        'the file asks for another sharing of state',
      ),
    );
  if (rulesWords(old) !== rulesWords(pool))
    changes.push(change('change', subject, `upgrades: ${rulesWords(pool)}`, 'the file wants other upgrades'));
  return changes;
}

function addressesText({ addresses }: DeclaredPool): string {
  return addresses.flat().join(', ');
}

function compareNodes(
  former: readonly DeclaredNode[],
  next: readonly DeclaredNode[],
  changes: PlannedChange[],
): void {
  const isIn = (nodes: readonly DeclaredNode[], node: DeclaredNode): boolean =>
    nodes.some(({ name }) => name === node.name);
  for (const node of next.filter((each) => !isIn(former, each))) {
    const part = node.witness ? 'votes in the council it is named in, and runs nothing' : 'may run instances';
    changes.push(change('create', `node ${node.name}`, part, 'the file declares it'));
  }
  for (const node of former.filter((each) => !isIn(next, each)))
    changes.push(
      change(
        'delete',
        `node ${node.name}`,
        'its instances are placed elsewhere',
        'the file does not declare it any more',
      ),
    );
}

/** Small rules, as the normal form has them. */
function textOf(rules: object | undefined): string {
  const words = Object.entries(rules ?? {}).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return words.length === 0 ? 'as it is without rules' : words.join(', ');
}

function sharingText({ sharing }: DeclaredPool): string {
  if (sharing === undefined) return 'none asked for';
  const { methods, ...rest } = sharing;
  const words = Object.entries(rest).map(
    ([key, value]) => `${key} ${withoutPassword(JSON.stringify(value))}`,
  );
  return [methods.join(' or '), ...words].join(', ');
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

/** `council a, b, c`; of several with their names. */
function councilWords(...before: readonly (readonly DeclaredCouncil[])[]): string {
  const isNamed = before.some((councils) => councils.length > 1);
  const words = before.map((councils) =>
    councils.map(({ name, members }) => `${isNamed ? `${name} ` : ''}${members.join(', ')}`).join('; '),
  );
  return `${isNamed ? 'councils' : 'council'} ${words.join(' → ')}`;
}
