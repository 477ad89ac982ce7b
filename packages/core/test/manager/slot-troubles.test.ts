// SPDX-License-Identifier: Apache-2.0
import type { SlotState } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const GONE = 'there is no link eth1 for 10.0.0.1';
const TAKEN = 'not raised: 10.0.0.1 is in use by 02:00:00:00:00:99 on eth0, which is not of this set';

/** Three nodes run the pool; `tell` says what one of them knows of the slot of web#1. */
async function world() {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const declared = set(NODES, [pool('web', 1, 1, 1)]);
  domain.give({ type: 'apply', requestId: 1, declared, text: 'set: edge', file: 'set.yaml' });
  const slot = () => domain.core.views(domain.nowMs).slots[0];
  const tell = (node: number, state: SlotState['state'], trouble?: string): void => {
    const holder = { node: 1, functionId: 1 };
    const told = { id: slot()?.id ?? '', epoch: '1', holder, candidates: [holder], reason: '' };
    domain.report(node, {
      slots: [{ ...told, state, ...(trouble === undefined ? {} : { trouble }) }],
      failovers: [],
    });
  };
  const events = () => domain.core.views(domain.nowMs).events.filter(({ type }) => type === 'slot.addresses');
  const explained = () => domain.core.explain('web', domain.nowMs)?.slots[0]?.why;
  return { domain, slot, tell, events, explained };
}

test('what a node says of addresses is told once, stands in the slot and in explain, and ends', async () => {
  const { slot, tell, events, explained } = await world();
  tell(1, 'holding');
  for (let n = 0; n < 3; n++) tell(2, 'held', GONE);
  tell(1, 'holding', GONE);
  expect(
    events()
      .map(({ severity, message }) => `${severity} ${message}`)
      .toReversed(),
  ).toEqual([`warning b: ${GONE}.`, `error a: ${GONE}.`]);
  expect(slot()?.reason).toContain(`b: ${GONE}. a: ${GONE}.`);
  expect(explained()).toContain(`b: ${GONE}. a: ${GONE}.`);
  tell(2, 'held');
  tell(1, 'holding');
  expect(events()[0]).toMatchObject({ severity: 'info', message: 'a: the addresses are well again.' });
  expect(slot()?.reason).not.toContain(GONE);
});

test('a slot that its holder does not raise is not served, whatever the lease says', async () => {
  const { domain, tell } = await world();
  const held = () => domain.core.views(domain.nowMs).pools[0]?.health;
  const count = () => domain.core.views(domain.nowMs).pools[0]?.slotsHeld;
  tell(1, 'held', TAKEN);
  expect([held(), count()]).toEqual(['down', 0]);
  tell(1, 'holding');
  expect(held()).not.toBe('down');
  // A stranger who comes later takes nothing away.
  tell(1, 'holding', '10.0.0.1 is claimed by 02:00:00:00:00:99 on eth0 too');
  expect(held()).not.toBe('down');
});
