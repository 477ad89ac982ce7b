// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { GroupTraffic, openFunctionGroups } from '../../src/cgroups/index.ts';
import { CLONE_NEWNET } from '../../src/libc/constants.ts';
import { libc } from '../../src/libc/index.ts';
import { setLoopbackUp } from '../../src/namespaces/index.ts';
import { startProgram } from '../../src/processes/index.ts';
import { labMissing } from '../support/lab.ts';

const label = `test${randomBytes(4).toString('hex')}`;
// This process goes into a network namespace of its own: nothing of it shows in the machine's.
if (labMissing === '') {
  libc().unshare(CLONE_NEWNET);
  setLoopbackUp();
}
const groups = await openFunctionGroups({ label, where: 'auto' });
const opened =
  labMissing !== '' || groups.second === null
    ? labMissing || groups.description
    : await GroupTraffic.open({ label, mount: groups.second.mount }, groups.second.path);
const why = typeof opened === 'string' ? ` [${opened}]` : '';

/** Sends a hundred datagrams to itself over the loopback. */
const SENDER = `
const s = require('node:dgram').createSocket('udp4');
s.bind(0, '127.0.0.1', () => {
  const { port } = s.address();
  let left = 100;
  const next = () => (left-- > 0 ? s.send(Buffer.alloc(972), port, '127.0.0.1', next) : setTimeout(() => { s.close(); }, 200));
  next();
});`;

async function send(name: string, bitsPerSecond: number | undefined) {
  if (typeof opened === 'string') throw new Error(opened);
  const group = groups.create(name, {});
  onTestFinished(async () => {
    await opened.end(name);
    await group.kill();
    group.remove();
  });
  await opened.begin(name, group.path ?? '', bitsPerSecond);
  const program = startProgram({ command: group.enter([process.execPath, '-e', SENDER]) });
  expect(await program.exited).toMatchObject({ status: 0 });
  return (await opened.counts([name])).get(name);
}

test.skipIf(why !== '')(`what a function sends and receives is counted, of a group only${why}`, async () => {
  // 972 octets and 28 of IP and UDP, a hundred times.
  expect(await send('a.1', undefined)).toEqual({ receivedBytes: 100_000, sentBytes: 100_000 });
  if (typeof opened !== 'string')
    expect(await opened.counts(['a.1'])).toEqual(new Map([['a.1', expect.anything()]]));
});

test.skipIf(why !== '')(`above its limit of bandwidth datagrams are dropped${why}`, async () => {
  const counts = await send('b.1', 80_000);
  // The burst, and what 10,000 octets a second add meanwhile.
  expect(counts?.sentBytes).toBeGreaterThan(10_000);
  expect(counts?.sentBytes).toBeLessThan(60_000);
});

test.skipIf(groups.way === 'proc')('the groups are given back', async () => {
  await groups.close();
  expect(groups.refusal({})).toBeNull();
});
