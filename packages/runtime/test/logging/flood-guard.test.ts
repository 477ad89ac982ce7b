// SPDX-License-Identifier: Apache-2.0
import { createLogger, FloodGuard } from '@vnfpool/runtime/logging';
import { expect, test } from 'vitest';

function guarded(linesMax = 3) {
  const lines: { msg: string; kind?: string; count?: number; n?: number }[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line)) };
  let nowMs = 0;
  const guard = new FloodGuard(createLogger({ component: 'test', to }), { linesMax, nowMs: () => nowMs });
  return { guard, lines, pass: (ms: number) => void (nowMs += ms) };
}

test('a few lines of a kind in a second, then a count; other kinds are apart', () => {
  const { guard, lines, pass } = guarded();
  for (let n = 0; n < 1000; n++) guard.warn('refused', { n }, 'refused');
  guard.warn('malformed', {}, 'malformed');
  expect(lines.map(({ msg }) => msg)).toEqual(['refused', 'refused', 'refused', 'malformed']);
  pass(1000);
  guard.warn('refused', { n: 1000 }, 'refused');
  expect(lines.slice(4)).toMatchObject([
    { msg: 'more of the same, not written', kind: 'refused', count: 997 },
    { msg: 'refused', n: 1000 },
  ]);
  pass(5000);
  guard.warn('refused', {}, 'refused');
  expect(lines).toHaveLength(7);
});

test('what was left out at the end is told at the end, once', () => {
  const { guard, lines } = guarded();
  for (let n = 0; n < 5; n++) guard.warn('refused', {}, 'refused');
  guard.close();
  guard.close();
  expect(lines.slice(3)).toMatchObject([{ kind: 'refused', count: 2 }]);
});

test('kinds without end are one kind', () => {
  const { guard, lines } = guarded(1);
  for (let n = 0; n < 1000; n++) guard.warn(`kind ${n}`, {}, 'refused');
  expect(lines.length).toBeLessThan(70);
});
