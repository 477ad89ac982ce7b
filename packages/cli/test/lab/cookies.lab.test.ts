// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HandedCookies } from '@vnfpool/wire/mobility';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { bin, until } from './support.ts';
import { UserSession } from './user-session.ts';

/* Sessions whose state is with their users, in cookies that are sealed with what the set hands to its functions. */

const program = fileURLToPath(new URL('../fixtures/counted.mjs', import.meta.url));
const NODES = ['node-a', 'node-b'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.83.0.2',
  'node-a': '10.83.0.11',
  'node-b': '10.83.0.12',
  registrar: '10.83.0.20',
  client: '10.83.0.30',
};

describe.skipIf(missing !== '')(`cookies of a pool ${missing}`, () => {
  let hosts: Hosts;
  const sessions: UserSession[] = [];

  const open = async (): Promise<UserSession> => {
    const session = new UserSession({
      hosts,
      host: 'client',
      pool: 'count',
      endpoints: [`tcp://${ADDRESSES['registrar']}:3863`],
      fifo: `${hosts.folder}/user-${sessions.length}`,
    });
    sessions.push(session);
    await session.opened();
    return session;
  };
  const say = async (session: UserSession): Promise<{ count: number; pid: number }> => {
    const [count, pid] = (await session.say()).split(' ').map(Number);
    return { count: count ?? 0, pid: pid ?? 0 };
  };
  const files = (): string[] =>
    NODES.flatMap((node) => {
      const folder = `${hosts.stateOf(node)}/sockets`;
      const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      return names.filter((name) => name.endsWith('cookie-secrets')).map((name) => `${folder}/${name}`);
    });
  const handed = (): HandedCookies[] =>
    files().map((file) => JSON.parse(readFileSync(file, 'utf8')) as HandedCookies);
  /** Both elements stand in the pool. */
  const untilBothServe = async (): Promise<void> => {
    await until('both serve', async () => {
      const { stdout } = await hosts.start('client', [
        process.execPath,
        bin,
        'resolve',
        '--open',
        '--registrar',
        `tcp://${ADDRESSES['registrar']}:3863`,
        'count',
      ]).ended;
      return NODES.every((node) => stdout.includes(ADDRESSES[node] ?? ''));
    });
  };
  const rotate = async (): Promise<void> => {
    const former = handed()[0]?.secrets[0];
    const { code, stderr } = await hosts.cli('manager', 'secret', 'rotate', 'count');
    expect(code, stderr).toBe(0);
    await until('another secret seals', () => handed().every(({ secrets }) => secrets[0] !== former));
  };

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    await hosts.startSet('cookies', NODES);
    const at = `tcp://${ADDRESSES['registrar']}`;
    await hosts.ready(
      hosts.daemon('registrar', 'registrar', '--open', '--asap', `${at}:3863`, '--enrp', `${at}:9901`),
    );
    writeFileSync(
      `${hosts.folder}/set.yaml`,
      `set: cookies
nodes: [${NODES.join(', ')}]
pools:
  count:
    function:
      program: ${process.execPath}
      arguments: [${program}, "{address}", "{port}", "${ADDRESSES['registrar']}"]
      port: 7000
    redundancy: { slots: 2 }
    failover: { lease: 1s }
    sharing: { method: [cookie], loss: 0, age: 10m }
`,
    );
    const { code, stderr } = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(code, stderr).toBe(0);
    await untilBothServe();
  });
  afterAll(async () => {
    for (const session of sessions) await session.close();
    await hosts?.takeDown();
  });

  test('both functions have one secret, which only they can read', () => {
    const [one, two] = handed();
    expect(one).toEqual({ v: 1, pool: 'count', secrets: [expect.any(String)], maxAgeMs: 600_000 });
    expect(two).toEqual(one);
    for (const file of files()) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('a session goes on at another element with what was sealed by the first', async () => {
    const session = await open();
    await say(session);
    const before = await say(session);
    expect(before.count).toBe(2);
    process.kill(before.pid, 'SIGKILL');
    await session.failedOver();
    const after = await say(session);
    expect(after.count).toBe(3);
    expect(after.pid).not.toBe(before.pid);
    await untilBothServe();
  });

  test('a cookie of before a rotation opens behind it, and so does one of after it', async () => {
    const [early, late] = [await open(), await open()];
    const before = [await say(early), await say(late)];
    await rotate();
    const [{ secrets } = { secrets: [] }] = handed();
    expect(secrets).toHaveLength(2);
    // Sealed anew: `early` says nothing in between.
    const again = await say(late);
    expect(again.count).toBe(2);
    const events = (await hosts.state('manager')).events.map(({ type }) => type);
    expect(events).toEqual(expect.arrayContaining(['secret.drawn', 'secret.rotating', 'secret.rotated']));
    // They may be at one element.
    for (const pid of new Set([before[0]?.pid ?? 0, again.pid])) {
      process.kill(pid, 'SIGKILL');
      await (pid === again.pid ? late : early).failedOver();
      await untilBothServe();
    }
    await early.failedOver();
    expect([(await say(early)).count, (await say(late)).count]).toEqual([2, 3]);
  });

  test('of a pool without cookies there is no secret, and nothing to rotate', async () => {
    const { code, stderr } = await hosts.cli('manager', 'secret', 'rotate', 'other');
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no pool other')]);
  });
});
