// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { NodeStart } from '../../src/node/node-start.ts';

const WALL_MS = Date.UTC(2026, 10, 23, 6, 0, 0);

function started(how: ConstructorParameters<typeof NodeStart>[0], muteMs: number) {
  let nowMs = 1_000;
  const start = new NodeStart(how, muteMs, {
    boottimeMs: () => nowMs,
    wallMs: () => WALL_MS + nowMs - 1_000,
  });
  return { start, pass: (ms: number) => (nowMs += ms) };
}

test.each([
  ['one that goes on', { asked: true, wentOn: true, because: null }, 0, { takeOver: 'went on' }],
  ['one where none ran', { asked: true, wentOn: false, because: null }, 0, { takeOver: 'none ran' }],
  [
    'one that had to be a restart',
    { asked: true, wentOn: false, because: 'it has handed nothing on' },
    3_030.5,
    {
      takeOver: 'restarted instead',
      because: 'it has handed nothing on',
      muteMs: 3_031,
      muteUntil: '2026-11-23T06:00:03.031Z',
    },
  ],
  [
    'one that is started after a crash, which is mute too',
    { asked: false, wentOn: false, because: null },
    250,
    { muteMs: 250, muteUntil: '2026-11-23T06:00:00.250Z' },
  ],
  ['one that is started anew', { asked: false, wentOn: false, because: null }, 0, {}],
])('the ready line of %s', (_, how, muteMs, facts) => {
  expect(started(how, muteMs).start.facts()).toEqual(facts);
});

test('what is left of the muteness is told as it is then, and nothing once it is over', () => {
  const { start, pass } = started({ asked: true, wentOn: false, because: 'it hangs' }, 3_000);
  pass(2_000);
  expect(start.muteMs).toBe(1_000);
  expect(start.facts()).toMatchObject({ muteMs: 1_000, muteUntil: '2026-11-23T06:00:03.000Z' });
  pass(1_000);
  expect([start.muteMs, start.facts()]).toEqual([0, { takeOver: 'restarted instead', because: 'it hangs' }]);
});

test('whoever waits for the vote is told when the muteness is over, and at once where there is none', async () => {
  const begunMs = performance.now();
  const clocks = { boottimeMs: () => performance.now(), wallMs: () => WALL_MS };
  const start = new NodeStart({ asked: false, wentOn: false, because: null }, 30, clocks);
  await start.votes();
  expect(performance.now() - begunMs).toBeGreaterThanOrEqual(30);
  expect(start.muteMs).toBe(0);
  await started({ asked: true, wentOn: true, because: null }, 0).start.votes();
});
