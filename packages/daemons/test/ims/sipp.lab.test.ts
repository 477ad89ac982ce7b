// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Phone } from './phone.ts';
import { askHss, missing, move, optionsFields, startScene, type Told, WAIT } from './scene.ts';
import { findSipp, freePort, start } from './sipp.ts';

/* Calls of sipp, which knows nothing of us, while the proxy moves. */

const CALLS = 100;

test('sipp places calls, the proxy moves in their middle, and each ends as it should', async ({ skip }) => {
  skip(missing !== null, missing ?? '');
  const sipp = await findSipp();
  if ('reason' in sipp) {
    skip(sipp.reason);
    return;
  }
  const scene = await startScene();
  await askHss(scene, 'put', 'bob');
  const proxy = `127.0.0.1:${scene.proxy.address.port}`;
  const port = String(await freePort());
  // sipp answers where a call came from first, whatever Via says; here that is not the address that stays.
  const callee = start(sipp, 'callee', '-p', port, '-m', String(CALLS), '-rsa', proxy);
  const registers = start(
    sipp,
    'register',
    '-s',
    'bob',
    '-key',
    'contact',
    `127.0.0.1:${port}`,
    '-m',
    '1',
    proxy,
  );
  const { code, said } = await registers.ended;
  expect(code, said).toBe(0);

  const phone = await Phone.open('observer', scene.proxy.address.port);
  const tell = async (): Promise<Told> => {
    const { body } = await phone.ask('OPTIONS', 'sip:example.test', optionsFields());
    return JSON.parse(new TextDecoder().decode(body)) as Told;
  };
  // 25 a second, each of two seconds: about 50 at once.
  const caller = start(sipp, 'caller', '-s', 'bob', '-m', String(CALLS), '-r', '25', '-d', '2000', proxy);
  await expect.poll(async () => (await tell()).dialogs, WAIT).toBeGreaterThan(10);
  await move(scene, scene.proxy);
  for (const run of [caller, callee]) {
    const outcome = await run.ended;
    expect(outcome.code, outcome.said).toBe(0);
  }
  const { dialogs, users, counters } = await tell();
  expect({ dialogs, users }).toEqual({ dialogs: 0, users: 1 });
  // The place it moved to has seen the end of more calls than it has seen begin.
  expect(counters['dialogs.ended'] ?? 0).toBeGreaterThan(counters['dialogs.confirmed'] ?? 0);
  expect(counters['dialogs.ended'] ?? 0).toBeLessThanOrEqual(CALLS);
}, 120_000);
