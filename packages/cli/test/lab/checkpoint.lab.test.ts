// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { formatEpoch } from '@vnfpool/core';
import type { CheckpointAnswer, CheckpointView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { ledgerClient } from './ledger-client.ts';
import { isWhole, slotOf } from './running-set.ts';
import { type Child, until } from './support.ts';

/* Accounts whose state lies in a folder: whoever holds the slot next has them, though nobody who had them is left. */

const folder = fileURLToPath(new URL('../../../../examples/ledger', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.79.0.2',
  'node-a': '10.79.0.11',
  'node-b': '10.79.0.12',
  'node-c': '10.79.0.13',
  client: '10.79.0.30',
};
const SERVICE = '10.79.0.100';

describe.skipIf(missing !== '')(`state that a store has ${missing}`, () => {
  let hosts: Hosts;
  let agents: Map<string, Child>;
  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const holderOf = (state: StateView): string => slotOf(state, 'ledger').node ?? '';
  const agentOf = (node: string): Child => agents.get(node) as Child;

  const { accounts, add: addTo } = ledgerClient(() => hosts, SERVICE);
  /** Changes that were answered. */
  let added = 0;
  const add = async (name: string): Promise<number> => {
    const balance = await addTo(name);
    added += 1;
    return balance;
  };
  const checkpoint = async (...args: readonly string[]): Promise<CheckpointAnswer> => {
    const { code, stdout, stderr } = await hosts.cli('manager', 'state', 'checkpoint', ...args, '-o', 'json');
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as CheckpointAnswer;
  };
  const listed = async (): Promise<readonly CheckpointView[]> => {
    const { code, stdout, stderr } = await hosts.cli('manager', 'state', 'list', 'ledger/0', '-o', 'json');
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { readonly items: readonly CheckpointView[] }).items;
  };
  /** Nothing is on its way any more; what holders tell is up to a second old. */
  const isInStore = (state: StateView): boolean => {
    const { sharing } = slotOf(state, 'ledger');
    return (
      isWhole(state) &&
      sharing?.isProtected === true &&
      (sharing.state?.sequence ?? 0) >= added &&
      sharing.checkpoint?.sequence === sharing.state?.sequence
    );
  };
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

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    agents = await hosts.startSet('ledger', NODES);
    const store = `${hosts.folder}/store`;
    mkdirSync(store);
    const declaration = readFileSync(`${folder}/set.yaml`, 'utf8')
      .replace('arguments: [ledger.mjs', `arguments: [${folder}/ledger.mjs`)
      .replace('10.77.0.100', SERVICE)
      .replace('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
      .replace('lease: 300ms', 'lease: 1s')
      .replace('{ method: [replicate], loss: 0 }', '{ method: [checkpoint], store: main, loss: 1s }')
      .replace('pools:', `stores: { main: "file://${store}" }\npools:`);
    writeFileSync(`${hosts.folder}/set.yaml`, declaration);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    await untilState('the slot is held', (state) => isWhole(state) && holderOf(state) !== '');
    for (const name of ['one', 'two', 'three']) await add(name);
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('a checkpoint is made when it is called for, and is the newest of those that are listed', async () => {
    await untilState('the store has it', isInStore);
    const balance = await add('one');
    expect(balance).toBeGreaterThan(0);
    const made = await checkpoint('ledger/0');
    // What was answered before the call is in it, or in one that the interval has made meanwhile.
    expect(made.sequence).toBeGreaterThanOrEqual(added);
    const whole = await checkpoint('ledger/0', '--full');
    expect(whole).toMatchObject({ kind: 'full', keys: 3, node: holderOf(await hosts.state('manager')) });
    expect(whole.octets).toBeGreaterThan(0);
    expect(await checkpoint('ledger/0')).toMatchObject({ kind: 'none', number: whole.number, octets: 0 });
    const found = await listed();
    expect(found.every(({ damage }) => damage === null)).toBe(true);
    expect(found.filter(({ isRestorable }) => isRestorable)).toEqual([found.at(-1)]);
    expect(found.at(-1)).toMatchObject({
      pool: 'ledger',
      slot: 0,
      kind: 'full',
      epoch: whole.epoch,
      number: whole.number,
      sequence: whole.sequence,
      octets: whole.octets,
      node: whole.node,
    });
    const { code, stdout } = await hosts.cli('manager', 'state', 'list');
    expect([code, stdout]).toEqual([0, expect.stringContaining('whole, the newest restorable one')]);
  });

  test('a damaged one is told, and the one before it is the newest that can be restored', async () => {
    const whole = await checkpoint('ledger/0', '--full');
    await add('three');
    const { epoch, first, number } = await until('there is one behind it', async () => {
      const last = (await listed()).at(-1);
      return last !== undefined && last.number > whole.number ? last : null;
    });
    const [slot = ''] = readdirSync(`${hosts.folder}/store`);
    const name = `${String(epoch).padStart(16, '0')}-${String(first).padStart(10, '0')}-delta`;
    const file = `${hosts.folder}/store/${slot}/${name}`;
    const octets = readFileSync(file);
    // A folder tells where an object lies, not what is in it.
    const spoilt = Buffer.from(octets);
    spoilt.writeUInt8(spoilt.readUInt8(9) ^ 1, 9);
    chmodSync(file, 0o600);
    writeFileSync(file, spoilt);
    try {
      const found = await listed();
      expect(found.find((each) => each.epoch === epoch && each.number === number)?.damage).toContain(name);
      expect(found.find(({ isRestorable }) => isRestorable)).toMatchObject({ number: whole.number });
    } finally {
      writeFileSync(file, octets);
    }
    expect((await listed()).every(({ damage }) => damage === null)).toBe(true);
  });

  test('more are kept from now on, without a restart', async () => {
    const file = `${hosts.folder}/set.yaml`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('store: main,', 'store: main, keep: 4,'));
    const { stdout } = await hosts.cli('manager', 'plan', file);
    expect(stdout).toContain('keepFull 4');
    expect((await hosts.cli('manager', 'apply', file)).code).toBe(0);
    await until('four are kept', async () => {
      await checkpoint('ledger/0', '--full');
      return (await listed()).filter(({ kind }) => kind === 'full').length === 4;
    });
    await checkpoint('ledger/0', '--full');
    expect((await listed()).filter(({ kind }) => kind === 'full')).toHaveLength(4);
  });

  const restore = (name: string, ...more: readonly string[]) =>
    hosts.cli('manager', 'state', 'restore', 'ledger/0', '--checkpoint', name, ...more);
  const nameOf = ({ epoch, number }: CheckpointView | CheckpointAnswer): string =>
    `${formatEpoch(epoch)}/${number}`;

  test('the slot begins anew with a chosen one, and goes on from there whoever dies', async () => {
    const chosen = await checkpoint('ledger/0', '--full');
    const had = await accounts();
    await add('one');
    await add('four');
    const before = await untilState('the store has it', isInStore);
    const shown = await restore(nameOf(chosen));
    expect([shown.code, shown.stderr]).toEqual([1, expect.stringContaining('--confirm ledger/0')]);
    expect(shown.stdout).toMatch(/Dropped would be .*: 2 updates of \d+ that the holder has/);
    expect(await accounts()).not.toEqual(had);
    const { code, stdout, stderr } = await restore(nameOf(chosen), '--confirm', 'ledger/0');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`begins with ${nameOf(chosen)}`);
    await until('the accounts are what they were', async () => isDeepStrictEqual(await accounts(), had));
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').epoch).toBeGreaterThan(slotOf(before, 'ledger').epoch ?? 0);
    expect(slotOf(after, 'ledger').sharing?.isLossy).toBe(false);
    const told = after.events.find(({ type }) => type === 'state.restored');
    expect(told?.message).toContain(nameOf(chosen));
    const node = holderOf(after);
    kill(node);
    await untilState('another node holds it', (state) => !['', node].includes(holderOf(state)));
    expect(await accounts()).toEqual(had);
    await startAgain(node);
    await untilState('the store has it', isInStore);
  });

  test('where nobody can hold it, whoever does next begins with it, also who held it last and lives', async () => {
    const chosen = await checkpoint('ledger/0', '--full');
    const had = await accounts();
    await add('two');
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    const others = NODES.filter((each) => each !== node);
    for (const other of others) kill(other);
    await untilState('nobody holds it', (state) => holderOf(state) === '');
    const { code, stderr } = await restore(nameOf(chosen), '--confirm', 'ledger/0');
    expect(code, stderr).toBe(0);
    for (const other of others) await startAgain(other);
    expect(await accounts()).toEqual(had);
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').sharing?.isLossy).toBe(false);
    expect((await restore('9.9/1', '--confirm', 'ledger/0')).stderr).toContain('no checkpoint 9.9/1');
  });

  test('what cannot be had is refused with its reason', async () => {
    const refused = async (...args: readonly string[]): Promise<string> => {
      const { code, stderr } = await hosts.cli('manager', 'state', ...args);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await refused('checkpoint', 'ledger/7')).toContain('has no slot 7');
    expect(await refused('list', 'other')).toContain('there is no pool other');
    // The folder is gone as a mount may be.
    renameSync(`${hosts.folder}/store`, `${hosts.folder}/elsewhere`);
    try {
      expect(await refused('checkpoint', 'ledger/0')).toContain('the store does not take it');
      expect(await refused('list', 'ledger/0')).toContain(`${hosts.folder}/store`);
    } finally {
      renameSync(`${hosts.folder}/elsewhere`, `${hosts.folder}/store`);
    }
    await untilState('the store has it', isInStore);
  });

  test('a node that dies: another one reads what the store has', async () => {
    const before = await untilState('the store has it', isInStore);
    const had = await accounts();
    const node = holderOf(before);
    kill(node);
    await untilState('another node holds it', (state) => !['', node].includes(holderOf(state)));
    expect(await accounts()).toEqual(had);
    await add('two');
    await startAgain(node);
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').sharing).toMatchObject({ method: 'checkpoint', isLossy: false });
  });

  test('a planned hand-over loses nothing, whatever the interval', async () => {
    const state = await untilState('the store has it', isInStore);
    const to = slotOf(state, 'ledger').standbys[0] ?? '';
    const balance = await add('three');
    const { code, stderr } = await hosts.cli('manager', 'handover', 'ledger/0', '--to', to);
    expect(code, stderr).toBe(0);
    await untilState('another node holds it', (now) => !['', holderOf(state)].includes(holderOf(now)));
    expect(await accounts()).toMatchObject({ three: balance });
  });

  test('an agent that is upgraded goes on under another epoch', async () => {
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    await startAgain(node, '--take-over');
    const balance = await add('one');
    const after = await untilState('the store has it', isInStore);
    expect(holderOf(after)).toBe(node);
    kill(node);
    await untilState('another node holds it', (now) => !['', node].includes(holderOf(now)));
    expect(await accounts()).toMatchObject({ one: balance });
    await startAgain(node);
  });

  test('an agent that stands still, and wakes, changes nothing in the store', async () => {
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    agentOf(node).process.kill('SIGSTOP');
    await untilState('another node holds it', (now) => !['', node].includes(holderOf(now)));
    await add('two');
    const had = await accounts();
    agentOf(node).process.kill('SIGCONT');
    const next = holderOf(await untilState('the store has it', isInStore));
    kill(next);
    await untilState('another node holds it', (now) => !['', next].includes(holderOf(now)));
    expect(await accounts()).toEqual(had);
    await startAgain(next);
  });

  test('with nobody left, whoever comes back has it', async () => {
    await untilState('the store has it', isInStore);
    const had = await accounts();
    for (const node of NODES) kill(node);
    for (const node of NODES) await startAgain(node);
    expect(await accounts()).toEqual(had);
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger').sharing?.isLossy).toBe(false);
  });

  const forget = () =>
    until('what the old slot has left is removed', async () => {
      const { code } = await hosts.cli('manager', 'state', 'forget', 'ledger/0', '--confirm', 'ledger/0');
      return code === 0;
    });

  test('a set that is deleted and declared anew gets its old state back, and the old slot keeps it', async () => {
    const before = await untilState('the store has it', isInStore);
    const { id } = slotOf(before, 'ledger');
    const had = await accounts();
    expect(await hosts.cli('manager', 'delete', 'set', 'ledger')).toMatchObject({ code: 0 });
    await until('no function of it runs', () => NODES.every((node) => functionsOf(node).length === 0));
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const anew = await untilState('the slot is held', (state) => isWhole(state) && holderOf(state) !== '');
    const fresh = slotOf(anew, 'ledger').id;
    expect(fresh).not.toBe(id);
    expect(await accounts()).toEqual({});
    added = 0;
    await add('five');
    await untilState('the store has it', isInStore);
    const objects = (): readonly string[] => readdirSync(`${hosts.folder}/store/${id}`).sort();
    const kept = objects();
    const others = await hosts.cli('manager', 'state', 'list', 'ledger/0', '--others', '-o', 'json');
    expect(others.code, others.stderr).toBe(0);
    const keys = Object.keys(had as object).length;
    expect(JSON.parse(others.stdout)).toMatchObject({
      items: [
        { id, set: 'ledger', pool: 'ledger', slot: 0, keys, damage: null, misfit: null, current: null },
      ],
    });
    const give = (from: string, ...more: readonly string[]) =>
      hosts.cli('manager', 'state', 'restore', 'ledger/0', '--from-slot', from, ...more);
    expect((await give(fresh)).stderr).toContain('is slot 0 of ledger itself');
    const shown = await give(id);
    expect([shown.code, shown.stderr]).toEqual([1, expect.stringContaining('--confirm ledger/0')]);
    expect(shown.stdout).toContain(`slot ledger/0 of set ledger, ${id}, which is none of this set`);
    expect(await accounts()).toEqual({ five: expect.anything() });
    const given = await give(id, '--confirm', 'ledger/0');
    expect(given.code, given.stderr).toBe(0);
    await until('the accounts are what they were', async () => isDeepStrictEqual(await accounts(), had));
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger')).toMatchObject({ id: fresh, sharing: { isLossy: false } });
    expect(after.events.find(({ type }) => type === 'state.restored')?.message).toContain(id);
    const node = holderOf(after);
    kill(node);
    await untilState('another node holds it', (state) => !['', node].includes(holderOf(state)));
    expect(await accounts()).toEqual(had);
    await startAgain(node);
    expect(objects()).toEqual(kept);
    await forget();
    expect(objects()).toEqual(['9007199254740991-0000000000-claim']);
    expect(await accounts()).toEqual(had);
  });

  test('with one node left, and a slot that nobody has ever held, whoever is the first begins with what the old one had', async () => {
    const before = await untilState('the store has it', isInStore);
    const { id } = slotOf(before, 'ledger');
    const had = await accounts();
    expect(await hosts.cli('manager', 'delete', 'set', 'ledger')).toMatchObject({ code: 0 });
    await until('no function of it runs', () => NODES.every((node) => functionsOf(node).length === 0));
    const [left, ...others] = NODES;
    for (const node of others) kill(node);
    await untilState('they are lost', ({ nodes }) =>
      nodes.every(({ name, status }) => (name === left) === (status === 'registered')),
    );
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const given = await until('it is given', async () => {
      const words = ['restore', 'ledger/0', '--from-slot', id, '--confirm', 'ledger/0'];
      const { code, stdout, stderr } = await hosts.cli('manager', 'state', ...words);
      // Until the node has taken the set, and a function.
      if (code !== 0) expect(stderr).toMatch(/No node with a candidate|no state of the slot is shared here/);
      return code === 0 ? stdout : null;
    });
    expect(given).toContain(`of ${id}, which ${left} has written as the newest: 1/1, `);
    expect(holderOf(await hosts.state('manager'))).toBe('');
    for (const node of others) await startAgain(node);
    expect(await accounts()).toEqual(had);
    added = 0;
    const after = await untilState('the store has it', isInStore);
    expect(slotOf(after, 'ledger')).toMatchObject({ sharing: { isLossy: false } });
    await add('five');
    await forget();
  });

  test('what a set that is deleted leaves is removed when its name is said twice, whoever wakes later', async () => {
    const before = await untilState('the store has it', isInStore);
    const node = holderOf(before);
    const { id } = slotOf(before, 'ledger');
    const objects = (): readonly string[] => readdirSync(`${hosts.folder}/store/${id}`);
    agentOf(node).process.kill('SIGSTOP');
    await untilState('another node holds it', (now) => !['', node].includes(holderOf(now)));
    expect(await hosts.cli('manager', 'delete', 'set', 'ledger')).toMatchObject({ code: 0 });
    await until('it is told as left', async () => {
      const { stdout } = await hosts.cli('manager', 'state', 'list', '--left');
      return stdout.includes(`ledger/0  ${id}`);
    });
    expect(objects().length).toBeGreaterThan(1);
    await until('it is removed', async () => {
      const words = ['forget', 'ledger/0', '--confirm', 'ledger/0'];
      const { code, stderr } = await hosts.cli('manager', 'state', ...words);
      if (code !== 0) expect(stderr).toContain('has not confirmed yet');
      return code === 0;
    });
    const claim = ['9007199254740991-0000000000-claim'];
    expect(objects()).toEqual(claim);
    agentOf(node).process.kill('SIGCONT');
    await until('it runs nothing any more', () => hosts.functionPids(node).length === 0);
    expect(objects()).toEqual(claim);
    const { stdout } = await hosts.cli('manager', 'state', 'list', '--left', '-o', 'json');
    expect(JSON.parse(stdout)).toEqual({ items: [] });
  });
});
