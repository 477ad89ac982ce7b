// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from '@vnfpool/core';
import type { FailoverView } from '@vnfpool/core/management';
import type { FailoverCause, FailoverRecord, HostReport, PassedOn } from '@vnfpool/wire/mobility';
import { beforeEach, describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const AT = 1_050_000;

let domain: FakeDomain;

beforeEach(async () => {
  domain = await FakeDomain.start();
  const declared = set(['a', 'b', 'c', 'd'], [pool('web', 1, 1, 0), pool('calc', 1, 1, 0)]);
  declared.nodes.forEach(({ name }, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: 1, declared, text: '', file: 'set.yaml' });
  domain.nowMs = 50_000;
});

/** A slot of the pool goes from one node to another. */
function failover(name: string, from: number, to: number, cause: FailoverCause, at = AT, epoch = 2): void {
  const slot = domain.core.views(domain.nowMs).slots.find((each) => each.pool === name)?.id ?? '';
  const record: FailoverRecord = {
    id: `${slot}/${epoch}`,
    slot,
    epoch: String(epoch),
    from: { node: from, functionId: 1 },
    to: { node: to, functionId: 2 },
    cause,
    fencedBy: cause === 'lease-expired' ? 'timeout' : 'release',
    steps: [
      { name: 'detected', atMs: at },
      { name: 'serving', atMs: at + 10 },
    ],
  };
  domain.report(to, { slots: [], failovers: [record] });
}

function host(node: number, told: Partial<HostReport>): void {
  domain.report(node, { slots: [], failovers: [], host: { pauses: [], ...told } });
}

function last(index = 0): FailoverView | undefined {
  return domain.core.views(domain.nowMs).failovers[index];
}

const lost = (node: number): void =>
  domain.give({ type: 'node-lost', node: node as NodeId, reason: 'No answer.' });

describe('classes', () => {
  test.each([
    ['function-exit', 'function', 'its own agent saw it end'],
    ['function-unhealthy', 'function', 'its own agent checked it'],
    ['handover', 'planned', 'both sides were alive'],
  ] as const)('%s is of class %s', (cause, name, evidence) => {
    failover('web', 1, 2, cause);
    expect(last()).toMatchObject({ class: name, evidence });
  });

  test('a lease that ran out is of its node; what is known of the node later is added', () => {
    failover('web', 1, 2, 'lease-expired');
    expect(last()).toMatchObject({
      class: 'node',
      evidence: expect.stringContaining('the manager has not lost it'),
    });
    lost(1);
    expect(last()).toMatchObject({ class: 'node', evidence: 'a does not answer the manager either' });
    expect(domain.rows('failovers').at(-1)).toEqual(last());
  });

  test('a node that stood still was not dead; its own word changes the class', () => {
    failover('web', 1, 2, 'lease-expired');
    host(1, { pauses: [{ kind: 'suspended', untilMs: AT + 4_000, forMs: 4_500 }] });
    expect(last()).toMatchObject({ class: 'pause', evidence: 'a was suspended for 4.5 s' });
    const events = domain.core.views(domain.nowMs).events;
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['node.paused', 'failover.class']));
    // Told again with every report.
    host(1, { pauses: [{ kind: 'suspended', untilMs: AT + 4_000, forMs: 4_500 }] });
    expect(domain.core.views(domain.nowMs).events.filter(({ type }) => type === 'node.paused')).toHaveLength(
      1,
    );
  });

  test('a pause at another time explains nothing', () => {
    failover('web', 1, 2, 'lease-expired');
    host(1, { pauses: [{ kind: 'starved', untilMs: AT - 10_000, forMs: 400 }] });
    expect(last()?.class).toBe('node');
  });

  test.each(['function-unhealthy', 'lease-expired'] as const)(
    'a link that lost its carrier, released (%s) or told when it was back',
    (cause) => {
      failover('web', 1, 2, cause);
      host(1, { link: { name: 'eth0', hasCarrier: true, lostAtMs: AT - 800 } });
      expect(last()).toMatchObject({
        class: 'link',
        cause: 'its link lost its carrier',
        evidence: 'link eth0 of a had lost its carrier',
      });
    },
  );

  describe('a hand-over that the former holder’s node brought about', () => {
    const told = { epoch: '1', rule: 'link', why: 'link eth1 has no carrier for forwarding' } as const;
    const says = (node: number, passedOn: PassedOn | undefined): void => {
      const id = domain.core.views(domain.nowMs).slots.find(({ pool: of }) => of === 'web')?.id ?? '';
      const state = { id, state: 'free', epoch: '1', holder: null, candidates: [], reason: '' } as const;
      domain.report(node, { slots: [{ ...state, ...(passedOn && { passedOn }) }], failovers: [] });
    };
    const link = {
      class: 'link',
      cause: 'its node could not serve it whole',
      evidence: 'a: link eth1 has no carrier for forwarding',
    };
    const planned = { class: 'planned', cause: 'it was handed over on purpose' };

    test.each(['before', 'after'] as const)('is of its link, which it tells %s the record', (when) => {
      if (when === 'before') says(1, told);
      failover('web', 1, 2, 'handover');
      if (when === 'after') expect(last()).toMatchObject(planned);
      if (when === 'after') says(1, told);
      expect(last()).toMatchObject(link);
      expect(domain.rows('failovers').at(-1)).toEqual(last());
      const { events } = domain.core.views(domain.nowMs);
      const changed = events.filter(({ type }) => type === 'failover.class');
      expect(changed).toHaveLength(when === 'after' ? 1 : 0);
      expect(events.find(({ type }) => type === 'failover')?.severity).toBe(
        when === 'before' ? 'warning' : 'info',
      );
      // It holds the slot again.
      says(1, undefined);
      host(1, {});
      expect(last()).toMatchObject(link);
    });

    test('is not of a link where its kernel refused an address, which is said', () => {
      failover('web', 1, 2, 'handover');
      says(1, { epoch: '1', rule: 'address', why: '10.0.0.1 cannot be raised: EACCES' });
      const refused = { class: 'planned', evidence: 'a: 10.0.0.1 cannot be raised: EACCES' };
      expect(last()).toMatchObject(refused);
      says(1, undefined);
      host(1, {});
      expect(last()).toMatchObject(refused);
    });

    test('is not the next one from that node, nor one from another', () => {
      says(1, told);
      failover('web', 1, 2, 'handover');
      failover('web', 2, 1, 'handover', AT + 20_000, 3);
      failover('web', 1, 2, 'handover', AT + 40_000, 4);
      host(1, {});
      expect([last()?.class, last(1)?.class, last(2)?.class]).toEqual(['planned', 'planned', 'link']);
    });

    test('is not one before that holding', () => {
      failover('web', 1, 2, 'handover', AT, 2);
      says(1, { ...told, epoch: '3' });
      expect(last()).toMatchObject(planned);
    });
  });

  test('two nodes at once: both failovers are of class several', () => {
    failover('web', 1, 2, 'lease-expired');
    failover('calc', 3, 4, 'lease-expired', AT + 300);
    expect(last()).toMatchObject({
      class: 'several',
      evidence: expect.stringContaining('several nodes at once (c, a)'),
    });
    expect(last(1)).toMatchObject({ class: 'several' });
  });

  test('two functions at once are two functions', () => {
    failover('web', 1, 2, 'function-exit');
    failover('calc', 3, 4, 'function-exit', AT + 300);
    expect([last()?.class, last(1)?.class]).toEqual(['function', 'function']);
  });

  test('every step names its clock', () => {
    failover('web', 1, 2, 'lease-expired');
    expect(last()?.steps).toEqual([
      { name: 'detected', at: AT, source: 'b', clock: 'boottime' },
      { name: 'serving', at: AT + 10, source: 'b', clock: 'boottime' },
    ]);
  });
});
