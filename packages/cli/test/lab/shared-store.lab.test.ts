// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LeftStateView, StateView } from '@vnfpool/core/management';
import { openSharedStateStore } from '@vnfpool/store/shared-state';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noServer, redisProgram } from '../../../store/test/objects/redis-server.ts';
import { etcdProgram, noEtcd } from '../../../store/test/shared-state/etcd-server.ts';
import { TlsFiles } from '../../../store/test/tls-files.ts';
import { Hosts, missing } from './hosts.ts';
import { ledgerClient } from './ledger-client.ts';
import { isWhole, slotOf } from './running-set.ts';
import { bin, type Child, start, until } from './support.ts';

/* Accounts that live in a store on a host of its own, which lets only the last holder write: whatever was answered stays true. */

const folder = fileURLToPath(new URL('../../../../examples/ledger', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.81.0.2',
  'node-a': '10.81.0.11',
  'node-b': '10.81.0.12',
  'node-c': '10.81.0.13',
  client: '10.81.0.30',
  store: '10.81.0.40',
};
const SERVICE = '10.81.0.100';
const PASSWORD = 'not-to-be-shown';
const VALKEY = `redis://${ADDRESSES['store']}:6379`;
const ETCD = `etcd://${ADDRESSES['store']}:2379`;
/** The example's, with times that do not run out on a machine that does much else. */
const declaration = readFileSync(`${folder}/set.yaml`, 'utf8')
  .replace('arguments: [ledger.mjs', `arguments: [${folder}/ledger.mjs`)
  .replace('10.77.0.100', SERVICE)
  .replace('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
  .replace('lease: 300ms', 'lease: 1s')
  .replace('{ method: [replicate], loss: 0 }', '{ method: [shared], store: main, loss: 0 }');

const cannot = [missing, noServer].find((why) => why !== '') ?? '';

describe.skipIf(cannot !== '')(`state that lives in a store ${cannot}`, () => {
  let hosts: Hosts;
  let agents: Map<string, Child>;
  let valkey: Child;
  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const holderOf = (state: StateView): string => slotOf(state, 'ledger').node ?? '';
  const agentOf = (node: string): Child => agents.get(node) as Child;

  const { request, accounts, add: addTo } = ledgerClient(() => hosts, SERVICE);
  /** What was answered last, by account. */
  const told: Record<string, number> = {};
  const add = async (name: string): Promise<void> => {
    const balance = await addTo(name);
    expect(balance).toBeGreaterThan(told[name] ?? 0);
    told[name] = balance;
  };
  /** An answer that did not come may count: a request that is made again then counts twice. */
  const keepsItsWord = async (): Promise<void> => {
    const now = await accounts();
    for (const [name, balance] of Object.entries(told))
      expect(now[name], name).toBeGreaterThanOrEqual(balance);
  };
  const isInStore = (state: StateView): boolean =>
    isWhole(state) && slotOf(state, 'ledger').sharing?.isProtected === true;
  const startAgain = async (node: string, ...more: readonly string[]): Promise<void> => {
    const own = ['--state', hosts.stateOf(node), '--name', node, ...more];
    agents.set(node, hosts.daemon(node, 'node', ...own, '--listen', 'eth0', '--interface', 'eth0'));
    await hosts.ready(agentOf(node));
    // It has registered before it tells what has ended, and until then everything seems to be well.
    await until('its functions run', () => functionsOf(node).every((pid) => existsSync(`/proc/${pid}`)));
  };
  /** Not every node runs one. */
  const functionsOf = (node: string): readonly number[] =>
    existsSync(`${hosts.stateOf(node)}/functions.json`) ? hosts.functionPids(node) : [];
  const kill = (node: string): void => {
    for (const pid of [agentOf(node).pid, ...functionsOf(node)]) process.kill(pid, 'SIGKILL');
  };
  /** The file of a set with this store. */
  const writtenFor = (store: string): string => {
    const file = `${hosts.folder}/set.yaml`;
    writeFileSync(file, declaration.replace('pools:', `stores: { main: "${store}" }\npools:`));
    return file;
  };
  const apply = async (store: string): Promise<void> => {
    const applied = await hosts.cli('manager', 'apply', writtenFor(store));
    expect(applied.code, applied.stderr).toBe(0);
  };
  /** Its confirmed writes are on disk. */
  const startValkey = async (): Promise<void> => {
    const at = `${hosts.folder}/valkey`;
    mkdirSync(at, { recursive: true });
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const listen = [
      '--bind',
      ADDRESSES['store'] as string,
      '--protected-mode',
      'no',
      '--unixsocket',
      `${at}/s`,
    ];
    valkey = hosts.start('store', [redisProgram as string, '--dir', at, ...durable, ...listen]);
    await until('the store serves', () => valkey.stdout().includes('ready to accept'));
  };
  const anotherHolds = (node: string): Promise<StateView> =>
    untilState('another node holds it', (state) => !['', node].includes(holderOf(state)));

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    agents = await hosts.startSet('ledger', NODES);
    await startValkey();
    await apply(VALKEY);
    await untilState('the slot is held', (state) => isWhole(state) && holderOf(state) !== '');
    for (const name of ['one', 'two', 'three']) await add(name);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('a node that dies: another one goes on with all that was answered', async () => {
    const before = await untilState('the store has it', isInStore);
    await add('one');
    const node = holderOf(before);
    kill(node);
    await anotherHolds(node);
    await keepsItsWord();
    await add('two');
    await startAgain(node);
    const after = await untilState('the store has it', isInStore);
    const { sharing } = slotOf(after, 'ledger');
    expect(sharing).toMatchObject({ method: 'shared', isLossy: false });
    expect(sharing?.verdict).toBe('A failover loses nothing that was acknowledged outside.');
  });

  test('a planned hand-over', async () => {
    const state = await untilState('the store has it', isInStore);
    const to = slotOf(state, 'ledger').standbys[0] ?? '';
    await add('three');
    const { code, stderr } = await hosts.cli('manager', 'handover', 'ledger/0', '--to', to);
    expect(code, stderr).toBe(0);
    // On a machine that does much else it may be back by the time that it is looked.
    const { epoch } = slotOf(state, 'ledger');
    await untilState('it was taken', (now) => slotOf(now, 'ledger').epoch !== epoch && holderOf(now) !== '');
    await keepsItsWord();
  });

  test('an agent that is upgraded goes on under another epoch', async () => {
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    await startAgain(node, '--take-over');
    await add('one');
    // At once: what was answered has to be in the store, however little else the next agent has done.
    kill(node);
    await anotherHolds(node);
    await keepsItsWord();
    await startAgain(node);
  });

  test('an agent that stands still, and wakes, changes not a single key', async () => {
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    agentOf(node).process.kill('SIGSTOP');
    // Its function serves on, for whoever is on its host, and what it changes waits for the agent.
    await request(node, ADDRESSES[node] as string, 'POST', '/accounts/stale/add');
    await request(node, ADDRESSES[node] as string, 'POST', '/accounts/two/add');
    await anotherHolds(node);
    await add('two');
    const had = await accounts();
    expect(had).not.toHaveProperty('stale');
    const { id } = (await hosts.state('manager')).slots.find(({ pool }) => pool === 'ledger') ?? { id: '' };
    const store = openSharedStateStore(`redis+unix://${hosts.folder}/valkey/s`);
    const mark = async (): Promise<string> => (await store.look(id)).mark;
    const { claim } = await store.look(id);
    expect(await mark()).toContain(`epoch=${claim?.epoch} node=${claim?.node} `);
    const written = (text: string): string => text.replace(/ number=[0-9]+/, '');
    const former = written(await mark());
    agentOf(node).process.kill('SIGCONT');
    const after = await untilState('the store has it, and whoever woke stands by', (state) => {
      const { standbys } = slotOf(state, 'ledger');
      return isInStore(state) && standbys.length > 0;
    });
    expect(await accounts()).toEqual(had);
    // But for how often it was looked whether all is there.
    expect(written(await mark())).toBe(former);
    expect((await store.look(id)).claim).toEqual(claim);
    await store.close();
    kill(holderOf(after));
    await anotherHolds(holderOf(after));
    expect(await accounts()).toEqual(had);
    await startAgain(holderOf(after));
  });

  test('what goes to the store can be recorded', async () => {
    await untilState('the store has it', isInStore);
    const file = `${hosts.folder}/recorded.jsonl`;
    const own = ['record', 'ledger/0', '--out', file, '--for', '600s', '--state', hosts.stateOf('manager')];
    const recording = start([process.execPath, bin, 'state', ...own]);
    await until('something is recorded', async () => {
      await add('one');
      return existsSync(file) && readFileSync(file).length > 0;
    });
    recording.process.kill('SIGINT');
    const { code, stderr } = await recording.ended;
    expect(code, stderr).toBe(0);
    const [line = ''] = readFileSync(file, 'utf8').split('\n');
    expect(Object.keys(JSON.parse(line) as object)).toContain('octets');
  });

  test('a store that is away: answers wait, and go on when it is back', async () => {
    await untilState('the store has it', isInStore);
    valkey.process.kill('SIGKILL');
    await valkey.ended;
    expect(await request('client', SERVICE, 'POST', '/accounts/one/add')).toBe('');
    const alone = await untilState(
      'it is told',
      (state) => slotOf(state, 'ledger').sharing?.isProtected === false,
    );
    expect(slotOf(alone, 'ledger').sharing?.verdict).toContain('what they bring about waits for it');
    expect(slotOf(alone, 'ledger').sharing?.checkpoint?.fault).not.toBe('');
    expect(await request('client', SERVICE, 'POST', '/accounts/one/add')).toBe('');
    await startValkey();
    await add('one');
    await keepsItsWord();
    await untilState('the store has it', isInStore);
  });

  test('with nobody left, whoever comes back has all that was answered', async () => {
    await untilState('the store has it', isInStore);
    for (const name of ['one', 'two', 'three']) await add(name);
    for (const node of NODES) kill(node);
    for (const node of NODES) await startAgain(node);
    await keepsItsWord();
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').sharing?.isLossy).toBe(false);
  });

  test('a store over TLS that asks for a certificate and a password gets all of it; neither is shown', async () => {
    const files = new TlsFiles();
    const host = ADDRESSES['store'] as string;
    const { ca, certificate, key, client } = await files.pair('store', host);
    const tls = ['--tls-port', '6380', '--tls-cert-file', certificate, '--tls-key-file', key];
    const own = [
      '--bind',
      host,
      '--port',
      '0',
      '--tls-ca-cert-file',
      ca,
      '--save',
      '',
      '--dir',
      hosts.folder,
    ];
    const locked = hosts.start('store', [redisProgram as string, ...own, ...tls, '--requirepass', PASSWORD]);
    await until('the other store serves', () => locked.stdout().includes('Ready to accept'));
    const password = files.write('password', 'another one\n');
    const query = `?ca=${ca}&certificate=${client.certificate}&key=${client.key}&passwordFile=${password}`;
    await untilState('the store has it', isInStore);
    await apply(`rediss://${host}:6380/0${query}`);
    const refused = await untilState('the password is wrong', (state) =>
      slotOf(state, 'ledger').sharing?.checkpoint?.fault.includes('WRONGPASS'),
    );
    expect(slotOf(refused, 'ledger').sharing?.checkpoint?.fault).toMatch(`${host}:6380: WRONGPASS`);
    files.write('password', `${PASSWORD}\n`);
    await add('one');
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    kill(node);
    const taken = await anotherHolds(node);
    await keepsItsWord();
    await startAgain(node);
    const plan = await hosts.cli('manager', 'plan', writtenFor(VALKEY.replace('//', `//pool:${PASSWORD}@`)));
    expect(plan.stdout).toContain('redis://pool:…@');
    const logs = [...agents.values()].flatMap((agent) => [agent.stdout(), agent.stderr()]);
    for (const shown of [plan.stdout, plan.stderr, JSON.stringify([refused, taken]), ...logs])
      expect(shown).not.toContain(PASSWORD);
    await apply(VALKEY);
    await untilState('the store has it', isInStore);
    locked.process.kill('SIGKILL');
    await locked.ended;
    files.remove();
    await keepsItsWord();
  });

  test.skipIf(noEtcd !== '')(`another store, an etcd, gets all of it, and keeps it ${noEtcd}`, async () => {
    const at = `http://${ADDRESSES['store']}`;
    const clients = ['--listen-client-urls', `${at}:2379`, '--advertise-client-urls', `${at}:2379`];
    const peers = ['--listen-peer-urls', `${at}:2380`, '--initial-advertise-peer-urls', `${at}:2380`];
    const own = [
      '--name',
      'one',
      '--data-dir',
      `${hosts.folder}/etcd`,
      '--initial-cluster',
      `one=${at}:2380`,
    ];
    const etcd = hosts.start('store', [etcdProgram as string, ...own, ...clients, ...peers]);
    await until('etcd serves', () => etcd.stderr().includes('ready to serve client requests'));
    await untilState('the store has it', isInStore);
    await apply(ETCD);
    // The other one is not asked any more.
    valkey.process.kill('SIGKILL');
    await valkey.ended;
    await add('one');
    await untilState('the store has it', isInStore);
    const node = holderOf(await hosts.state('manager'));
    kill(node);
    await anotherHolds(node);
    await keepsItsWord();
    await startAgain(node);
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').sharing?.isLossy).toBe(false);
  });

  test('what a set that is deleted leaves in stores is known, and removed when its name is said twice', async () => {
    const state = async (...words: readonly string[]) => hosts.cli('manager', 'state', ...words);
    const left = async (): Promise<readonly LeftStateView[]> => {
      const { stdout } = await state('list', '--left', '-o', 'json');
      return (JSON.parse(stdout) as { readonly items: readonly LeftStateView[] }).items;
    };
    if (valkey.process.exitCode !== null || valkey.process.signalCode !== null) await startValkey();
    const store = openSharedStateStore(`redis+unix://${hosts.folder}/valkey/s`);
    const { id } = slotOf(await untilState('the store has it', isInStore), 'ledger');
    expect((await store.look(id)).mark).not.toBe('');
    expect(await state('forget', 'ledger', '--confirm', 'ledger')).toMatchObject({ code: 1 });
    expect(await hosts.cli('manager', 'delete', 'set', 'ledger')).toMatchObject({ code: 0 });
    const [slot] = await until('it is left', async () => ((await left()).length > 0 ? left() : null));
    expect(slot).toMatchObject({ id, pool: 'ledger', slot: 0 });
    expect((await state('forget', 'ledger')).stderr).toContain('--confirm ledger');
    expect((await store.look(id)).mark).not.toBe('');
    // The store over TLS is there no more, and says so as long as it is asked.
    const { stderr } = await until('nodes know that the slot is no more', async () => {
      const told = await state('forget', 'ledger', '--confirm', 'ledger');
      return told.stderr.includes('has not confirmed yet') ? null : told;
    });
    expect(stderr).toContain('main: ');
    expect(stderr).toContain(':6380: its passwordFile cannot be read: ENOENT');
    expect(await store.look(id)).toEqual({
      claim: { epoch: Number.MAX_SAFE_INTEGER, node: 0 },
      mark: '',
    });
    expect(await left()).toMatchObject([{ id, places: [{ method: 'shared', store: 'main' }] }]);
    const gone = await state('forget', 'ledger', '--confirm', 'ledger', '--gone', 'main');
    expect(gone.code, gone.stderr).toBe(0);
    expect(await left()).toEqual([]);
    await store.close();
  });
});
