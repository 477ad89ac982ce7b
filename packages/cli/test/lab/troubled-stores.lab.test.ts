// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { CheckpointView, EventView, SlotView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noServer, redisProgram } from '../../../store/test/objects/redis-server.ts';
import { Hosts, missing } from './hosts.ts';
import { instanceOf, isWhole, slotOf } from './running-set.ts';
import { StoreRelay } from './store-relay.ts';
import { ask as askApi, type Child, until } from './support.ts';

/*
 * Accounts whose stores are slow, answer nothing, or have no room: those of `strict` wait for the store with each answer, those of
 * `easy` go to one in checkpoints.
 */

const program = fileURLToPath(new URL('../../../../examples/ledger/ledger.mjs', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.82.0.2',
  'node-a': '10.82.0.11',
  'node-b': '10.82.0.12',
  'node-c': '10.82.0.13',
  client: '10.82.0.30',
  store: '10.82.0.40',
};
const POOLS = {
  strict: { address: '10.82.0.100', port: 8080 },
  easy: { address: '10.82.0.101', port: 8081 },
} as const;
type Pool = keyof typeof POOLS;
const PORT = 6379;
const REDIS = `redis://${ADDRESSES['store']}:${PORT}`;
/** Of accounts that are added to at the same time. */
const MANY = 200;
/** More than what is told as slow, less than what an answer of a store may take. */
const LATE_MS = 1_500;

const poolText = (name: Pool, sharing: string): string => `  ${name}:
    function:
      program: node
      arguments: [${program}, --port, "{port}"]
      port: ${POOLS[name].port}
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
      state: { via: socket, shares: true, format: ledger/1 }
    redundancy: { slots: 1, standbys: 1 }
    address: ${POOLS[name].address}/24
    failover: { lease: 1s }
    sharing: ${sharing}
`;
const declaration = ({ kept = `${REDIS}/1`, overload = 'degrade' } = {}): string =>
  `set: ledger
nodes: [${NODES.join(', ')}]
stores: { main: "${REDIS}/0", kept: "${kept}" }
pools:
${poolText('strict', '{ method: [shared], store: main, loss: 0 }')}${poolText('easy', `{ method: [checkpoint], store: kept, loss: 1s, overload: ${overload} }`)}`;

const cannot = [missing, noServer].find((why) => why !== '') ?? '';

describe.skipIf(cannot !== '')(`stores in trouble ${cannot}`, () => {
  let hosts: Hosts;
  let relay: StoreRelay;
  let mounted = false;

  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const folder = (): string => `${hosts.folder}/kept`;
  /** A program of the client, which prints what came of it. */
  const run = (script: string): Child =>
    hosts.start('client', [process.execPath, '--input-type=module', '-e', script]);
  /** One request; the text of an answer with 200, else nothing. */
  const request = async (pool: Pool, method: string, path: string, forMs = 1_000): Promise<string> => {
    const { address, port } = POOLS[pool];
    const child =
      run(`await fetch('http://${address}:${port}${path}', { method: '${method}', signal: AbortSignal.timeout(${forMs}) })
        .then((answer) => (answer.ok ? answer.text() : '')).then((text) => process.stdout.write(text)).catch(() => {});
      process.exit();`);
    await child.ended;
    return child.stdout();
  };
  const ask = (pool: Pool, method: string, path: string): Promise<string> =>
    until(`${method} ${path} of ${pool}`, async () => (await request(pool, method, path)) || null);
  type Accounts = Readonly<Record<string, number>>;
  const accounts = async (pool: Pool): Promise<Accounts> => JSON.parse(await ask(pool, 'GET', '/accounts'));
  const add = async (pool: Pool, name: string): Promise<number> =>
    (JSON.parse(await ask(pool, 'POST', `/accounts/${name}/add`)) as { balance: number }).balance;

  const sharingOf = (state: StateView, pool: Pool): NonNullable<SlotView['sharing']> | null =>
    slotOf(state, pool).sharing ?? null;
  const isWell = (state: StateView, pool: Pool): boolean => {
    const sharing = sharingOf(state, pool);
    return sharing?.isProtected === true && sharing.checkpoint?.fault === '';
  };
  const allWell = (state: StateView): boolean =>
    isWhole(state) && isWell(state, 'strict') && isWell(state, 'easy');
  const isTroubled = (state: StateView, pool: Pool, fault = ''): boolean => {
    const sharing = sharingOf(state, pool);
    return sharing?.isProtected === false && sharing.checkpoint?.fault.includes(fault) === true;
  };
  const events = async (): Promise<readonly EventView[]> => {
    const { text } = await askApi({ socketPath: `${hosts.stateOf('manager')}/api.sock` }, '/v1/events');
    return (JSON.parse(text) as { readonly items: readonly EventView[] }).items;
  };
  const lastEvent = async (): Promise<number> => (await events()).at(-1)?.id ?? 0;
  /** The trouble of a slot was told behind an event, and its end at last; whoever took the slot amid it tells it, too. */
  const wasTold = async (behind: number, pool: Pool): Promise<void> => {
    const types = (await events())
      .filter(({ id, subject }) => id > behind && subject === `slot ${pool}/0`)
      .map(({ type }) => type)
      .filter((type) => type.endsWith('protected'));
    expect([pool, types[0], types.at(-1)]).toEqual([pool, 'slot.unprotected', 'slot.protected']);
  };
  const wellAgain = async (behind: number): Promise<void> => {
    await untilState('the stores have it', allWell);
    for (const pool of ['strict', 'easy'] as const) await wasTold(behind, pool);
  };
  const apply = async (settings: Parameters<typeof declaration>[0]): Promise<void> => {
    writeFileSync(`${hosts.folder}/set.yaml`, declaration(settings));
    const { code, stderr } = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(code, stderr).toBe(0);
  };
  /** The function of the holder ends, and another one goes on. */
  const failover = async (pool: Pool): Promise<void> => {
    const before = slotOf(await hosts.state('manager'), pool);
    const { pid } = instanceOf(await hosts.state('manager'), before.holder ?? '');
    process.kill(pid ?? 0, 'SIGKILL');
    await untilState('another one holds it', (state) => {
      const { holder, epoch } = slotOf(state, pool);
      return holder !== null && holder !== before.holder && epoch > before.epoch;
    });
  };
  /** A command to the store, past the relay. */
  const tellStore = (...words: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(`${hosts.folder}/s`, () => void socket.write(`${words.join(' ')}\r\n`));
      socket.once('error', reject).once('data', (octets) => {
        socket.destroy();
        resolve(String(octets));
      });
    });

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    const own = ['--port', '0', '--unixsocket', `${hosts.folder}/s`, '--save', '', '--dir', hosts.folder];
    const settings = ['--maxmemory-policy', 'noeviction'];
    const store = hosts.start('store', [redisProgram as string, ...own, ...settings]);
    await until('the store serves', () => store.stdout().includes('ready to accept'));
    relay = hosts.on('store', () => new StoreRelay(PORT, `${hosts.folder}/s`));
    mkdirSync(folder());
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder()]).status === 0;
    await hosts.startSet('ledger', NODES);
    await apply({});
    await untilState('the slots are held', allWell);
    for (const pool of ['strict', 'easy'] as const) for (const name of ['one', 'two']) await add(pool, name);
    await untilState('the stores have it', allWell);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    relay?.close();
    await hosts?.takeDown(() => {
      if (mounted) spawnSync('umount', [folder()]);
    });
  });

  test('a store that is slow: answers wait, many for one write; it is told, and is over with it', async () => {
    const behind = await lastEvent();
    relay.delay(LATE_MS);
    const { address, port } = POOLS.strict;
    const asking =
      run(`const add = (number) => fetch('http://${address}:${port}/accounts/many-' + (number % 20) + '/add', { method: 'POST' });
      const answers = await Promise.all(Array.from({ length: ${MANY} }, (_, number) => add(number)));
      console.log(JSON.stringify(answers.map(({ status }) => status)));`);
    const slow = await untilState('it is told of strict', (state) => isTroubled(state, 'strict'));
    expect(sharingOf(slow, 'strict')?.verdict).toMatch(
      /^The store lacks changes of slot 0 of strict that are \d+ ms old: what they bring about waits for it\.$/,
    );
    // No more than was asked for waits.
    expect(sharingOf(slow, 'strict')?.state?.waiting).toBeLessThanOrEqual(MANY);
    // What goes there in checkpoints does not keep its function.
    await add('easy', 'one');
    const late = await untilState('it is told of easy', (state) => isTroubled(state, 'easy'));
    expect(sharingOf(late, 'easy')?.verdict).toContain('a failover would lose them');
    // One by one they would take two hundred times as long as the store does.
    await asking.ended;
    expect(JSON.parse(asking.stdout()), asking.stderr()).toEqual(Array.from({ length: MANY }, () => 200));
    relay.pass();
    await wellAgain(behind);
    const now = await accounts('strict');
    const sum = Object.entries(now).reduce(
      (all, [name, one]) => all + (name.startsWith('many') ? one : 0),
      0,
    );
    expect(sum).toBe(MANY);
  });

  test('a store that takes what it is sent, and answers nothing: it is tried again, with one connection each', async () => {
    const behind = await lastEvent();
    const had = await accounts('strict');
    relay.hold();
    const { taken, open } = relay.countAnew();
    expect(await request('strict', 'POST', '/accounts/one/add')).toBe('');
    await add('easy', 'one');
    for (const pool of ['strict', 'easy'] as const)
      await untilState(`it is told of ${pool}`, (state) =>
        isTroubled(state, pool, 'did not answer in 5000 ms'),
      );
    await add('easy', 'one');
    // The first of each had one.
    await until('each is tried again, twice', () => relay.taken >= taken + 4);
    const { openMax } = relay;
    relay.pass();
    await wellAgain(behind);
    // That one is over may be heard when the next one is there.
    expect(openMax).toBeLessThanOrEqual(open + 1);
    expect((await accounts('strict'))['one']).toBeGreaterThanOrEqual(had['one'] ?? 0);
    await add('strict', 'one');
  });

  test('a store that is full: answers wait or go on as agreed, somebody else can take over, and room ends it', async () => {
    const behind = await lastEvent();
    const had = await accounts('strict');
    expect(await tellStore('CONFIG', 'SET', 'maxmemory', '1')).toBe('+OK\r\n');
    expect(await request('strict', 'POST', '/accounts/two/add')).toBe('');
    const balance = await add('easy', 'two');
    for (const pool of ['strict', 'easy'] as const) {
      const full = await untilState(`it is told of ${pool}`, (state) => isTroubled(state, pool, 'OOM'));
      expect(full.pools.find(({ name }) => name === pool)?.health).toBe('degraded');
    }
    await failover('strict');
    const now = await accounts('strict');
    expect(now).toMatchObject({ ...had, two: now['two'] });
    expect([had['two'], (had['two'] ?? 0) + 1]).toContain(now['two']);
    expect(await request('strict', 'POST', '/accounts/two/add')).toBe('');
    expect(await tellStore('CONFIG', 'SET', 'maxmemory', '0')).toBe('+OK\r\n');
    await wellAgain(behind);
    await add('strict', 'two');
    expect((await accounts('easy'))['two']).toBe(balance);
  });

  test('a folder whose file system is full: nothing is left there by halves, and what was changed meanwhile comes with room', async ({
    skip,
  }) => {
    if (!mounted) skip('a small file system cannot be mounted');
    await apply({ kept: `file://${folder()}` });
    await until('all of it is in the folder', () => readdirSync(folder()).length > 0);
    await untilState('the stores have it', allWell);
    const behind = await lastEvent();
    const filler = `${folder()}/.filler`;
    expect(() => {
      for (;;) appendFileSync(filler, Buffer.alloc(4_096));
    }).toThrow('ENOSPC');
    await add('easy', 'one');
    await untilState('it is told', (state) => isTroubled(state, 'easy', `${folder()} has no room`));
    const refused = await hosts.cli('manager', 'state', 'checkpoint', 'easy/0');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('has no room')]);
    await add('easy', 'two');
    // Where the pool would rather wait, it does, from now on.
    await apply({ kept: `file://${folder()}`, overload: 'block' });
    await until('an answer waits', async () => (await request('easy', 'POST', '/accounts/two/add')) === '');
    rmSync(filler);
    await add('easy', 'two');
    const after = await untilState('the stores have it', allWell);
    await wasTold(behind, 'easy');
    expect(sharingOf(after, 'easy')?.isLossy).toBe(false);
    const [slot = ''] = readdirSync(folder());
    expect(readdirSync(`${folder()}/${slot}`).filter((name) => name.startsWith('.'))).toEqual([]);
    const { stdout } = await hosts.cli('manager', 'state', 'list', 'easy/0', '-o', 'json');
    const { items } = JSON.parse(stdout) as { readonly items: readonly CheckpointView[] };
    expect(items.filter(({ damage }) => damage !== null)).toEqual([]);
    const had = await accounts('easy');
    await untilState('the stores have it', allWell);
    await failover('easy');
    expect(await accounts('easy')).toEqual(had);
  });
});
