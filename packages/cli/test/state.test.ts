// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  CheckpointView,
  LeftStateView,
  RecordingMessage,
  SlotView,
  StoredSlotView,
} from '@vnfpool/core/management';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../../daemons/src/management-api/index.ts';
import { NOW } from '../../daemons/test/management-api/edge-state.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

const found: CheckpointView = {
  pool: 'web',
  slot: 0,
  epoch: 1_099_511_627_783,
  first: 1,
  number: 4,
  kind: 'full',
  writtenAt: NOW - 12_000,
  node: 'node-a',
  sequence: 120,
  octets: 3_145_728,
  damage: null,
  isRestorable: true,
};

/** The slots of the bench, with a store behind those of `web`. */
function withStore(): void {
  const slots = bench.backend.view.slots.map((slot): SlotView => {
    const sharing = { isProtected: true, isLossy: false, verdict: '', state: null, standbys: [] };
    return slot.pool === 'web' ? { ...slot, sharing: { ...sharing, method: 'checkpoint' } } : slot;
  });
  bench.backend.change({ slots });
}

describe('state checkpoint', () => {
  test('says what the store has, in words and as JSON', async () => {
    expect(await bench.run(['state', 'checkpoint', 'web/0'])).toEqual({
      code: 0,
      out: 'web/0: the store has a checkpoint of node-a, of what changed: epoch 1.7, number 9, up to update 120, 12 keys, 4 KiB; it took 13 ms\n',
      err: '',
    });
    const { out } = await bench.run(['state', 'checkpoint', 'web/0', '--full', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ kind: 'full', octets: 4_096 });
    expect(bench.backend.asked.map((call) => call.with)).toEqual([
      { pool: 'web', slot: 0 },
      { pool: 'web', slot: 0, full: true },
    ]);
  });

  test('says that there was nothing new', async () => {
    const ask = bench.backend.checkpoint.bind(bench.backend);
    bench.backend.checkpoint = async (request) => ({ ...(await ask(request)), kind: 'none', octets: 0 });
    expect((await bench.run(['state', 'checkpoint', 'web/0'])).out).toBe(
      'web/0: node-a had nothing new for the store, which has epoch 1.7, number 9, up to update 120, 12 keys; it took 13 ms\n',
    );
  });

  test('a refusal has its reason', async () => {
    bench.backend.refusal = new ApiError(409, 'not-ready', 'web has no checkpoints.');
    expect(await bench.run(['state', 'checkpoint', 'web/0'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('web has no checkpoints.'),
    });
    expect((await bench.run(['state', 'checkpoint', 'web'])).code).toBe(2);
  });
});

describe('state list', () => {
  test('one slot, as a table', async () => {
    const damage = '0000000000000007-0000000005-delta: the digest is another';
    bench.backend.found = [
      found,
      {
        ...found,
        first: 5,
        number: 5,
        kind: 'incremental',
        writtenAt: null,
        node: null,
        sequence: null,
        octets: 80,
        damage,
        isRestorable: false,
      },
    ];
    const { code, out } = await bench.run(['state', 'list', 'web/0']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'SLOT   EPOCH  NUMBER  KIND         WRITTEN  NODE    UP TO UPDATE   SIZE  STATE',
      'web/0    1.7     1-4  full         12s ago  node-a           120  3 MiB  whole, the newest restorable one',
      `web/0    1.7       5  incremental  -        -                  -   80 B  damaged: ${damage}`,
      '',
    ]);
    const { out: json } = await bench.run(['state', 'list', 'web/0', '-o', 'json']);
    expect(JSON.parse(json)).toEqual({ items: bench.backend.found });
  });

  test('all slots that have a store, or those of a pool', async () => {
    expect((await bench.run(['state', 'list'])).out).toBe('no checkpoints\n');
    withStore();
    bench.backend.found = [found];
    await bench.run(['state', 'list']);
    await bench.run(['state', 'list', 'web']);
    expect(bench.backend.asked.map((call) => call.with)).toEqual([
      { pool: 'web', slot: 0 },
      { pool: 'web', slot: 0 },
    ]);
    expect(await bench.run(['state', 'list', 'none'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no pool none'),
    });
  });

  test('of a pool without checkpoints says so', async () => {
    expect(await bench.run(['state', 'list', 'web'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('web has no checkpoints: its method of state sharing is none'),
    });
  });
});

describe('state restore', () => {
  const older: CheckpointView = { ...found, isRestorable: false };
  const newer: CheckpointView = {
    ...found,
    first: 9,
    number: 9,
    kind: 'incremental',
    writtenAt: NOW - 2_000,
    sequence: 130,
  };
  const restore = (...more: readonly string[]) => bench.run(['state', 'restore', 'web/0', ...more]);
  const restored = () =>
    bench.backend.asked.filter(({ what }) => what === 'restore').map((call) => call.with);
  beforeEach(() => {
    withStore();
    bench.backend.found = [older, newer];
  });

  test('says first what would be dropped, and does nothing', async () => {
    const { code, out, err } = await restore('--checkpoint', '1.7/4');
    expect(code).toBe(1);
    expect(out).toContain('12s ago');
    expect(out).toContain('Dropped would be what was changed behind update 120, since ');
    expect(out).toContain(
      ', 12s ago: 10 updates of 130 in the store; nobody who holds the slot tells of more.',
    );
    expect(err).toContain('nothing was changed; to begin anew with it: --confirm web/0');
    expect(restored()).toEqual([]);
  });

  test('what the holder has counts, too', async () => {
    const slots = bench.backend.view.slots.map((slot): SlotView => {
      const state = { keys: 1, bytes: 1, sequence: 150, updatesPerSecond: 0, waiting: 0, at: NOW };
      return slot.sharing ? { ...slot, sharing: { ...slot.sharing, state } } : slot;
    });
    bench.backend.change({ slots });
    expect((await restore('--checkpoint', '4')).out).toContain(': 30 updates of 150 that the holder has.');
  });

  test('is done when the slot is said twice', async () => {
    const { code, out } = await restore('--checkpoint', '4', '--confirm', 'web/0');
    expect([code, out]).toEqual([
      0,
      'web/0: whoever takes it next begins with 1.7/4, which node-a has written as the newest: 1.7/12, up to update 131, 12 keys; it took 13 ms\n',
    ]);
    expect(restored()).toEqual([{ pool: 'web', slot: 0, epoch: 1_099_511_627_783, number: 4 }]);
  });

  test.each<[string, readonly string[], number, string]>([
    ['another slot', ['--checkpoint', '4', '--confirm', 'web/1'], 2, 'nothing was changed'],
    ['one that is gone', ['--checkpoint', '1.7/5', '--confirm', 'web/0'], 1, 'no checkpoint 1.7/5 of web/0'],
    ['no name', ['--checkpoint', 'last'], 2, 'It is EPOCH/NUMBER'],
    ['nothing', [], 2, '--checkpoint'],
  ])('%s is refused', async (_, more, code, words) => {
    expect(await restore(...more)).toMatchObject({ code, err: expect.stringContaining(words) });
    expect(restored()).toEqual([]);
  });

  test('one that is damaged, or has a number of several, is refused', async () => {
    bench.backend.found = [{ ...older, damage: 'pieces of it are missing' }, newer, { ...newer, epoch: 7 }];
    const words = ['--confirm', 'web/0'];
    expect((await restore('--checkpoint', '4', ...words)).err).toContain('damaged: pieces of it are missing');
    expect((await restore('--checkpoint', '9', ...words)).err).toContain('1.7/9, 7/9; say the epoch, too');
    bench.backend.refusal = new ApiError(409, 'not-ready', 'node-a: there is no checkpoint 7/9 in the store');
    expect((await restore('--checkpoint', '7/9', ...words)).err).toContain('node-a: there is no checkpoint');
    expect(restored()).toEqual([]);
  });
});

describe('what another slot has left in the store', () => {
  const id = '00000000000000c1';
  const slotOfOld: StoredSlotView = {
    id,
    set: 'former',
    pool: 'kv',
    slot: 3,
    format: 'kv/1',
    full: 2,
    epoch: 7,
    number: 5,
    writtenAt: NOW - 12_000,
    keys: 12,
    damage: null,
    misfit: null,
    current: null,
  };
  const old: CheckpointView = {
    ...found,
    epoch: 7,
    node: 'node 5',
    keys: 11,
    from: id,
    octets: 4_096,
    isRestorable: false,
  };
  const behind: CheckpointView = {
    ...old,
    first: 5,
    number: 5,
    kind: 'incremental',
    keys: 12,
    octets: 1_024,
    isRestorable: true,
  };
  const restore = (...more: readonly string[]) =>
    bench.run(['state', 'restore', 'web/0', '--from-slot', id, ...more]);
  const restored = () =>
    bench.backend.asked.filter(({ what }) => what === 'restore').map((call) => call.with);
  beforeEach(() => {
    withStore();
    bench.backend.others = [slotOfOld];
    bench.backend.found = [{ ...found, keys: 3 }, old, behind];
  });

  test('is listed: the slots, and the checkpoints of one', async () => {
    const bare = { set: null, pool: null, slot: null, format: null, epoch: null, number: null, keys: null };
    bench.backend.others = [
      slotOfOld,
      { ...slotOfOld, id: '00000000000000c2', misfit: 'it is of the format kv/2', current: 'kv/1' },
      {
        ...slotOfOld,
        ...bare,
        id: '00000000000000c3',
        writtenAt: null,
        full: 0,
        damage: 'broken',
        misfit: 'not said',
      },
    ];
    expect((await bench.run(['state', 'list', 'web/0', '--others'])).out.split('\n')).toEqual([
      'ID                SET     SLOT  FORMAT  WRITTEN  KEYS  FULL  STATE',
      '00000000000000c1  former  kv/3  kv/1    12s ago    12     2  of no slot of this set',
      '00000000000000c2  former  kv/3  kv/1    12s ago    12     2  kv/1 of this set; it is of the format kv/2',
      '00000000000000c3  -       -     -       -           -     0  of no slot of this set; not said; damaged: broken',
      '',
    ]);
    const { out } = await bench.run(['state', 'list', 'web/0', '--from-slot', id]);
    expect(out.split('\n').slice(0, 3)).toEqual([
      'SLOT              EPOCH  NUMBER  KIND         WRITTEN  NODE    UP TO UPDATE   SIZE  STATE',
      '00000000000000c1      7     1-4  full         12s ago  node 5           120  4 KiB  whole',
      '00000000000000c1      7       5  incremental  12s ago  node 5           120  1 KiB  whole, the newest restorable one',
    ]);
    bench.backend.others = [];
    expect((await bench.run(['state', 'list', 'web/0', '--others'])).out).toBe(
      'no other slots in the store\n',
    );
  });

  test('is shown first, with what would be dropped; nothing is done', async () => {
    const { code, out, err } = await restore();
    expect(code).toBe(1);
    expect(out).toContain(
      'It is the state of slot kv/3 of set former, 00000000000000c1, which is none of this set, as it was at ',
    );
    expect(out).toContain(', 12s ago: 12 keys, 5 KiB in the store, of kv/1.');
    expect(out).toContain(
      'Dropped would be what the store has of web/0: 3 keys, up to update 120; nobody who holds it tells of more.',
    );
    expect(out).toContain('What a function marks as secret is in no checkpoint: it begins without that.');
    expect(err).toContain('to begin anew with it: --checkpoint 7/5 --confirm web/0');
    expect(restored()).toEqual([]);
    bench.backend.found = [old];
    expect((await restore('--checkpoint', '4')).out).toContain('Dropped would be nothing');
    const state = { keys: 4, bytes: 1, sequence: 150, updatesPerSecond: 0, waiting: 0, at: NOW };
    const slots = bench.backend.view.slots.map(
      (slot): SlotView => (slot.sharing ? { ...slot, sharing: { ...slot.sharing, state } } : slot),
    );
    bench.backend.change({ slots });
    expect((await restore('--checkpoint', '4')).out).toContain(
      'Dropped would be what the holder of web/0 has: 4 keys, up to update 150. It is written first.',
    );
  });

  test('is given when the slot is said twice: the newest, or the one that is named', async () => {
    const { code, out } = await restore('--confirm', 'web/0');
    expect([code, out]).toEqual([
      0,
      `web/0: whoever takes it next begins with 7/5 of ${id}, which node-a has written as the newest: 1.7/12, up to update 131, 12 keys; it took 13 ms\n`,
    ]);
    await restore('--checkpoint', '7/4', '--format', 'kv/1', '--confirm', 'web/0');
    expect(restored()).toEqual([
      { pool: 'web', slot: 0, epoch: 7, number: 5, from: id },
      { pool: 'web', slot: 0, epoch: 7, number: 4, from: id, format: 'kv/1' },
    ]);
  });

  test('of another format, or of none that is said, is refused', async () => {
    bench.backend.others = [
      { ...slotOfOld, misfit: 'it is of the format kv/2, and the state of this slot of kv/1' },
    ];
    expect((await restore('--confirm', 'web/0')).err).toContain(
      `web/0 cannot be given the state of ${id}: it is of the format kv/2, and the state of this slot of kv/1`,
    );
    bench.backend.others = [
      { ...slotOfOld, format: null, misfit: 'the store does not say of what format it is' },
    ];
    expect((await restore('--confirm', 'web/0')).err).toContain('says it by --format NAME/VERSION');
    expect(restored()).toEqual([]);
  });

  test.each<[string, readonly string[], number, string]>([
    [
      'an id that the store does not know',
      ['restore', 'web/0', '--from-slot', '00000000000000ff'],
      1,
      'has nothing of a slot 00000000000000ff; what it has: vnfpool state list web/0 --others',
    ],
    ['what is no id', ['restore', 'web/0', '--from-slot', 'kv/1'], 2, 'It is 16 hexadecimal digits'],
    [
      'a checkpoint that it has not',
      ['restore', 'web/0', '--from-slot', id, '--checkpoint', '9'],
      1,
      `no checkpoint 9 of ${id}; what it has: vnfpool state list web/0 --from-slot ${id}`,
    ],
    [
      'another slot to confirm',
      ['restore', 'web/0', '--from-slot', id, '--confirm', 'web/1'],
      2,
      'nothing was changed',
    ],
    ['what is no format', ['restore', 'web/0', '--from-slot', id, '--format', 'kv'], 2, 'It is NAME/VERSION'],
    [
      'a format without another slot',
      ['restore', 'web/0', '--checkpoint', '4', '--format', 'kv/1'],
      2,
      '--format is of a slot that --from-slot names',
    ],
    ['a list of no one slot', ['list', 'web', '--others'], 2, '--others needs POOL/SLOT'],
    ['a list of another one for no slot', ['list', '--from-slot', id], 2, '--from-slot needs POOL/SLOT'],
    ['two lists', ['list', 'web/0', '--others', '--left'], 2, 'cannot be used with'],
    [
      'a list of one that the store does not know',
      ['list', 'web/0', '--from-slot', '00000000000000ff'],
      1,
      'has nothing of a slot',
    ],
  ])('%s is refused', async (_, words, code, why) => {
    expect(await bench.run(['state', ...words])).toMatchObject({ code, err: expect.stringContaining(why) });
    expect(restored()).toEqual([]);
  });

  test('none is whole', async () => {
    bench.backend.found = [{ ...old, damage: 'the digest is another' }];
    expect((await restore()).err).toContain(`the store has no whole checkpoint of ${id}`);
    expect((await restore('--checkpoint', '4')).err).toContain('is damaged: the digest is another');
    bench.backend.refusal = new ApiError(
      409,
      'not-ready',
      'web has no checkpoints: its method of state sharing is none.',
    );
    expect(await restore()).toMatchObject({
      code: 1,
      err: expect.stringContaining('web has no checkpoints'),
    });
  });
});

test('another secret of a pool is asked for', async () => {
  const { code, out } = await bench.run(['secret', 'rotate', 'web']);
  expect([code, out]).toEqual([
    0,
    'web: another secret is on its way to the instances, and seals when they have it\n',
  ]);
  expect(bench.backend.asked).toContainEqual({ what: 'rotateSecret', with: { pool: 'web' } });
  bench.backend.refusal = new ApiError(409, 'not-ready', 'web seals no cookies: its method is none.');
  expect(await bench.run(['secret', 'rotate', 'web'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('web seals no cookies'),
  });
});

describe('state that was left', () => {
  const left: readonly LeftStateView[] = [
    {
      id: '00000000000000a1',
      pool: 'kv',
      slot: 0,
      places: [
        { method: 'shared', store: 'main' },
        { method: 'checkpoint', store: 'folder' },
      ],
      leftAt: NOW - 12_000,
    },
    {
      id: '00000000000000a2',
      pool: 'kv',
      slot: 1,
      places: [{ method: 'shared', store: 'main' }],
      leftAt: NOW - 12_000,
    },
    {
      id: '00000000000000a3',
      pool: 'web',
      slot: 0,
      places: [{ method: 'shared', store: 'main' }],
      leftAt: NOW - 1_000,
    },
  ];
  const forgotten = () =>
    bench.backend.asked.filter(({ what }) => what === 'forget').map((call) => call.with);
  beforeEach(() => {
    bench.backend.left = left;
  });

  test('is listed, and a list of checkpoints tells of it', async () => {
    const { out, err } = await bench.run(['state', 'list', '--left']);
    expect([err, ...out.split('\n')]).toEqual([
      '',
      'SLOT   ID                LEFT     STORES',
      'kv/0   00000000000000a1  12s ago  main (shared), folder (checkpoint)',
      'kv/1   00000000000000a2  12s ago  main (shared)',
      'web/0  00000000000000a3  1s ago   main (shared)',
      '',
    ]);
    const { out: json } = await bench.run(['state', 'list', 'kv/1', '--left', '-o', 'json']);
    expect(JSON.parse(json)).toEqual({ items: [left[1]] });
    expect((await bench.run(['state', 'list'])).err).toBe(
      'State of 3 slots that are no more lies in stores, too: vnfpool state list --left\n',
    );
  });

  test('a manager that is too old to know of it lists checkpoints all the same', async () => {
    withStore();
    bench.backend.found = [found];
    bench.backend.leftStates = () => Promise.reject(new ApiError(404, 'not-found', 'nothing is here'));
    const { code, out, err } = await bench.run(['state', 'list']);
    expect([code, out.split('\n').length, err]).toEqual([0, 3, '']);
    expect((await bench.run(['state', 'list', '--left'])).code).toBe(1);
  });

  test('is removed when its name is said twice, and only what was named', async () => {
    const shown = await bench.run(['state', 'forget', 'kv']);
    expect(shown).toMatchObject({ code: 1, err: expect.stringContaining('--confirm kv') });
    expect(shown.out).toContain('00000000000000a2');
    expect(await bench.run(['state', 'forget', 'kv/1', '--confirm', 'kv'])).toMatchObject({ code: 2 });
    expect(forgotten()).toEqual([]);
    expect((await bench.run(['state', 'forget', 'kv/1', '--confirm', 'kv/1'])).out).toBe('kv/1: removed\n');
    expect((await bench.run(['state', 'forget', 'kv', '--confirm', 'kv'])).out).toBe(
      'kv/0: removed\nkv/1: removed\n',
    );
    expect(forgotten()).toEqual([
      { id: '00000000000000a2', pool: 'kv', slot: 1 },
      { id: '00000000000000a1', pool: 'kv', slot: 0 },
      { id: '00000000000000a2', pool: 'kv', slot: 1 },
    ]);
  });

  test('a store that is gone is said', async () => {
    const words = ['state', 'forget', 'kv/1', '--confirm', 'kv/1', '--gone', 'main', '--gone', 'old'];
    expect((await bench.run(words)).code).toBe(0);
    expect(forgotten()).toEqual([{ id: '00000000000000a2', pool: 'kv', slot: 1, gone: ['main', 'old'] }]);
  });

  test('what cannot be removed is told', async () => {
    expect(await bench.run(['state', 'forget', 'other', '--confirm', 'other'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('other has left nothing'),
    });
    bench.backend.refusal = new ApiError(409, 'not-ready', 'main: node-a: the store does not answer');
    const { code, err } = await bench.run(['state', 'forget', 'kv', '--confirm', 'kv']);
    expect(code).toBe(1);
    expect(err).toContain('kv/0: main: node-a: the store does not answer');
    expect(err).toContain('kv/1: main: node-a: the store does not answer');
  });
});

describe('state record', () => {
  const updates = [
    { at: 0.5, key: '1', octets: 64 },
    { at: 2, key: '1', value: null },
  ] as const;
  const record = (...more: readonly string[]) =>
    bench.run(['state', 'record', 'web/0', '--out', join(bench.base, 'x.jsonl'), ...more]);
  const tell = (...messages: readonly RecordingMessage[]): void => {
    bench.backend.recorded = async function* () {
      yield* messages;
    };
  };
  const end = { kind: 'end', data: { updates: 2, elapsedMs: 60_000, why: 'time', reason: '' } } as const;
  const file = (): string => readFileSync(join(bench.base, 'x.jsonl'), 'utf8');

  test('writes what comes, line by line', async () => {
    tell({ kind: 'updates', data: updates }, end);
    const { code, out } = await record();
    expect([code, out]).toEqual([0, `${join(bench.base, 'x.jsonl')}: 2 updates of web/0 in 1 min\n`]);
    expect(file()).toBe('{"at":0.5,"key":"1","octets":64}\n{"at":2,"key":"1","value":null}\n');
    expect(bench.backend.asked.map((call) => call.with)).toEqual([
      { pool: 'web', slot: 0, forMs: 60_000, octetsMax: 16_777_216 },
    ]);
  });

  test('shows how far it is: to a terminal each time, to a log every ten seconds', async () => {
    const progress = [1_000, 9_000, 11_000].map(
      (elapsedMs): RecordingMessage => ({ kind: 'progress', data: { updates: 2, elapsedMs } }),
    );
    tell({ kind: 'updates', data: updates }, ...progress, end);
    expect((await record()).err).toBe('11 s: 2 updates\n');
    const { err } = await bench.run(['state', 'record', 'web/0', '--out', join(bench.base, 'x.jsonl')], {
      terminal: true,
    });
    expect(err.split('\r\u001b[K')).toEqual(['', '1 s: 2 updates', '9 s: 2 updates', '11 s: 2 updates', '']);
  });

  test.each([
    ['octets', 0, 'it ended at its bound of 1 KiB'],
    ['behind', 1, 'updates came faster than they could be fetched'],
    ['left', 1, 'the slot is held there no more'],
    ['failed', 1, 'it ended: node-a does not answer.'],
  ] as const)('that ended by %s says so, and keeps what there is', async (why, code, words) => {
    const reason = why === 'failed' ? 'node-a does not answer.' : '';
    tell({ kind: 'updates', data: updates }, { kind: 'end', data: { ...end.data, why, reason } });
    const done = await record('--octets', '1024');
    expect(done.code).toBe(code);
    expect(done.out + done.err).toContain(words);
    expect(file().split('\n')).toHaveLength(3);
  });

  test('makes no file where nothing comes, or it cannot begin', async () => {
    tell(end);
    expect(await record()).toMatchObject({ code: 1, err: expect.stringContaining('no state has changed') });
    bench.backend.refusal = new ApiError(409, 'not-ready', 'Nobody holds slot 0 of web.');
    expect(await record()).toMatchObject({ code: 1, err: expect.stringContaining('Nobody holds') });
    expect(existsSync(join(bench.base, 'x.jsonl'))).toBe(false);
  });

  test('a stream that breaks off keeps what there is', async () => {
    tell({ kind: 'updates', data: updates });
    expect(await record()).toMatchObject({
      code: 1,
      err: expect.stringContaining('the manager has ended it'),
    });
    expect(file().split('\n')).toHaveLength(3);
  });

  test.each([
    ['--for', '50ms'],
    ['--for', '2h'],
    ['--octets', '1000'],
    ['--octets', '67108865'],
  ])('%s %s is said wrongly', async (...args) => {
    expect((await record(...args)).code).toBe(2);
    expect(bench.backend.asked).toEqual([]);
  });
});
