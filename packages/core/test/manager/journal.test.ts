// SPDX-License-Identifier: Apache-2.0
import { NOTHING_RESTORED } from '@vnfpool/core/manager';
import { expect, test } from 'vitest';
import { Journal } from '../../src/manager/journal.ts';
import { ManagerState } from '../../src/manager/state.ts';

const row = (value: { readonly address: string; readonly port: number } | null) =>
  ({ table: 'registrars', key: 'first', value }) as const;
const OLD = row({ address: '10.0.0.1', port: 1 });
const NEW = row({ address: '10.0.0.2', port: 2 });
const journal = () => new Journal(new ManagerState(NOTHING_RESTORED));

test('what failed is tried again, unless there is something newer', () => {
  const kept = journal();
  kept.save(OLD);
  const batch = kept.takeWrites();
  kept.keep(batch);
  expect(kept.takeWrites()).toEqual([OLD]);
  kept.save(NEW);
  kept.keep([OLD]);
  expect(kept.takeWrites()).toEqual([NEW]);
});

test('a row that is written as a decision is not undone by an older one that waits, or was refused by the disk', () => {
  const waiting = journal();
  waiting.save(OLD);
  waiting.supersede([NEW]);
  expect(waiting.hasWrites).toBe(false);

  const refused = journal();
  refused.save(OLD);
  const batch = refused.takeWrites();
  refused.supersede([NEW]);
  refused.keep(batch);
  expect(refused.hasWrites).toBe(false);
  refused.save(OLD);
  expect(refused.takeWrites()).toEqual([OLD]);
});
