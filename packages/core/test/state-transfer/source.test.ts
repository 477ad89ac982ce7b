// SPDX-License-Identifier: Apache-2.0
import { EXPORT_CHUNK_BYTES_MAX, type SourceInput, type SourceOutput } from '@vnfpool/core/state-transfer';
import { STATE_CHUNK_BYTES_MAX, type StateMessage } from '@vnfpool/wire/state-channel';
import { describe, expect, test } from 'vitest';
import { SourceUnderTest } from './ends.ts';
import { orderOf } from './order.ts';

function open(options: ConstructorParameters<typeof SourceUnderTest>[0] = {}): SourceUnderTest {
  const source = new SourceUnderTest(options);
  source.tell({ type: 'start' });
  source.tell({ type: 'connected', connection: 1 });
  return source;
}

test('a MOVE from beginning to end', () => {
  const source = new SourceUnderTest();
  expect(source.tell({ type: 'start' })).toEqual(['connect']);
  expect(source.tell({ type: 'connected', connection: 1 })).toEqual(['> hello']);
  expect(source.hear({ type: 'welcome', windowBytes: 1024 })).toEqual([
    '> begin 0 snapshot',
    'export 0 snapshot',
  ]);
  source.nowMs += 10;
  expect(source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(100) })).toEqual([
    '> chunk 100',
    'pull',
  ]);
  // The change is not known yet: one delta is needed to measure it.
  expect(source.part(0, 0, 3)).toEqual(['> mark 0', '> begin 1 delta', 'export 1 delta']);
  source.nowMs += 10;
  expect(source.part(1, 20, 3)).toEqual(['> mark 1', 'quiesce']);
  source.nowMs += 5;
  expect(source.tell({ type: 'quiesced' })).toEqual(['> begin 2 last', 'export 2 last']);
  expect(source.part(2, 4, 3)).toEqual(['> mark 2', 'persist doubt', '> commit']);
  source.nowMs += 7;
  const end = source.core.handle(
    { type: 'message', connection: 1, message: { type: 'committed', sessions: 3 } },
    source.nowMs,
  );
  expect(end.map(({ type }) => type)).toEqual(['close', 'persist', 'finish', 'ended']);
  expect(end.at(-1)).toEqual({ type: 'ended', outcome: 'committed', sessions: 3, pauseMs: 12 });
  expect(source.tell({ type: 'finished' })).toEqual(['persist nothing']);
  expect(source.core.nextDeadline()).toBeUndefined();
});

test('a COPY serves as soon as the last delta is given, has no record, and does not end', () => {
  const source = open({ order: orderOf('copy') });
  source.hear({ type: 'welcome', windowBytes: 1024 });
  source.part(0, 10);
  expect(source.part(1, 0)).toContain('quiesce');
  source.tell({ type: 'quiesced' });
  expect(source.part(2, 5)).toEqual(['> mark 2', 'resume', '> commit']);
  expect(source.hear({ type: 'committed', sessions: null })).toEqual(['close', 'ended committed null']);
});

test('a MOVE_SESSION tells which, and forgets them in the end', () => {
  const selection = [{ type: 'count' as const, count: 7n }];
  const source = open({ order: orderOf('sessions'), selection });
  expect(source.sent[0]).toMatchObject({ mode: 'sessions', selection });
  source.hear({ type: 'welcome', windowBytes: 1024 });
  source.part(0, 10);
  source.part(1, 0);
  source.tell({ type: 'quiesced' });
  source.part(2, 0);
  expect(source.hear({ type: 'committed', sessions: 7 })).toContain('finish');
  expect(() => new SourceUnderTest({ order: orderOf('sessions') })).toThrow(RangeError);
  expect(() => new SourceUnderTest({ selection })).toThrow(RangeError);
});

describe('flow control', () => {
  test('no octet beyond the credit, and nothing more is taken from the function meanwhile', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 100 });
    expect(source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(250) })).toEqual([
      '> chunk 100',
    ]);
    expect(source.hear({ type: 'credit', untilBytes: 200 })).toEqual(['> chunk 100']);
    expect(source.hear({ type: 'credit', untilBytes: 300 })).toEqual(['> chunk 50', 'pull']);
  });

  test('credit that falls is a broken rule', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 100 });
    expect(source.hear({ type: 'credit', untilBytes: 99 })).toContain('ended protocol');
  });

  test('a large chunk travels in pieces that fit a message', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1_000_000 });
    const octets = new Uint8Array(2 * STATE_CHUNK_BYTES_MAX + 1);
    expect(source.tell({ type: 'exported-chunk', part: 0, octets })).toEqual([
      `> chunk ${STATE_CHUNK_BYTES_MAX}`,
      `> chunk ${STATE_CHUNK_BYTES_MAX}`,
      '> chunk 1',
      'pull',
    ]);
  });

  test.each([0, EXPORT_CHUNK_BYTES_MAX + 1])('a chunk of %i octets is the fault of the function', (bytes) => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1024 });
    const out = source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(bytes) });
    expect(out).toEqual(['> cancel function', 'close', 'resume', 'ended function']);
  });

  test('a chunk that nobody asked for, or of another part, counts for nothing', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 10 });
    expect(source.tell({ type: 'exported-chunk', part: 1, octets: new Uint8Array(4) })).toEqual([]);
    source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(20) });
    expect(source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(4) })).toEqual([]);
    expect(source.tell({ type: 'exported', part: 0, sessions: null, changePerSecond: null })).toEqual([]);
  });
});

describe('before commit every failure leaves the source serving', () => {
  const failures: readonly (readonly [string, SourceInput, string])[] = [
    ['a lost connection', { type: 'disconnected', connection: 1 }, 'lost-connection'],
    ['a frame that does not decode', { type: 'malformed', connection: 1, reason: 'x' }, 'protocol'],
    ['a function that fails', { type: 'failed', reason: 'x' }, 'function'],
    ['a cancel by the manager', { type: 'cancel' }, 'cancelled'],
    ['a verdict', { type: 'verdict', verdict: 'aborted' }, 'cancelled'],
    [
      'a cancel by the destination',
      { type: 'message', connection: 1, message: { type: 'cancel', reason: 'resources', text: '' } },
      'resources',
    ],
    [
      'a message out of turn',
      { type: 'message', connection: 1, message: { type: 'committed', sessions: null } },
      'protocol',
    ],
  ];
  const phases: readonly (readonly [string, (source: SourceUnderTest) => void])[] = [
    ['connecting', () => {}],
    ['transferring', (source) => void source.hear({ type: 'welcome', windowBytes: 1024 })],
    [
      'quiescing',
      (source) => {
        source.hear({ type: 'welcome', windowBytes: 1024 });
        source.part(0, 10);
        source.part(1, 0);
      },
    ],
    [
      'last',
      (source) => {
        source.hear({ type: 'welcome', windowBytes: 1024 });
        source.part(0, 10);
        source.part(1, 0);
        source.tell({ type: 'quiesced' });
      },
    ],
  ];
  describe.each(phases)('while %s', (phase, bring) => {
    test.each(failures)('%s', (_, input, reason) => {
      const source = open();
      bring(source);
      expect(source.core.phase).toBe(phase);
      const out = source.tell(input);
      expect(out.slice(-2)).toEqual(['resume', `ended ${reason}`]);
      expect(out).not.toContain('finish');
      expect(source.core.nextDeadline()).toBeUndefined();
      expect(source.tell({ type: 'quiesced' })).toEqual([]);
    });
  });

  test('a refused token', () => {
    const source = open();
    const message: StateMessage = { type: 'refuse', errorNumber: 3, text: 'used' };
    expect(source.core.handle({ type: 'message', connection: 1, message }, 0).at(-1)).toEqual({
      type: 'ended',
      outcome: 'aborted',
      reason: 'refused',
      errorNumber: 3,
      text: 'used',
    });
  });

  test('marks that are not what was sent', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1024 });
    source.tell({ type: 'exported', part: 0, sessions: null, changePerSecond: null });
    expect(source.hear({ type: 'marked', part: 0, totalBytes: 0, totalCrc: 1 })).toContain('ended protocol');
  });

  test('a verdict that it committed is not believed: it cannot be', () => {
    const source = open();
    expect(source.tell({ type: 'verdict', verdict: 'committed' })).toEqual([]);
    expect(source.core.phase).toBe('connecting');
  });
});

describe('deadlines', () => {
  test('a destination that cannot be reached is tried again, for five seconds', () => {
    const source = new SourceUnderTest();
    source.tell({ type: 'start' });
    expect(source.tell({ type: 'connect-failed', reason: 'x' })).toEqual([]);
    expect(source.wait(100)).toEqual(['connect']);
    source.tell({ type: 'connect-failed', reason: 'x' });
    expect(source.wait(199)).toEqual([]);
    expect(source.wait(1)).toEqual(['connect']);
    expect(source.wait(4700)).toEqual(['resume', 'ended timeout']);
  });

  test('something is sent every second, and five of silence are a lost connection', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1024 });
    for (let second = 1; second < 5; second += 1) expect(source.wait(1000)).toEqual(['> alive']);
    source.hear({ type: 'alive' });
    for (let second = 1; second < 5; second += 1) expect(source.wait(1000)).toEqual(['> alive']);
    expect(source.wait(1000).slice(-2)).toEqual(['resume', 'ended lost-connection']);
  });

  test('a function that gives nothing for 30 seconds, though the peer is there', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1024 });
    for (let second = 1; second < 30; second += 1) {
      source.wait(1000);
      source.hear({ type: 'alive' });
    }
    expect(source.wait(1000)).toContain('ended timeout');
  });

  test('a pause that lasts five seconds', () => {
    const source = open();
    source.hear({ type: 'welcome', windowBytes: 1024 });
    source.part(0, 10);
    expect(source.part(1, 0)).toContain('quiesce');
    source.wait(2500);
    source.hear({ type: 'alive' });
    expect(source.wait(2500)).toEqual(expect.arrayContaining(['resume', 'ended timeout']));
  });
});

describe('in doubt', () => {
  const pair = (({ token, source, destination, functionId }) => ({ token, source, destination, functionId }))(
    orderOf(),
  );
  function doubting(): SourceUnderTest {
    const source = new SourceUnderTest();
    source.untilDoubt();
    expect(source.core.phase).toBe('doubt');
    return source;
  }

  test('neither a lost connection, nor silence, nor nonsense, nor a cancel makes it serve', () => {
    const source = doubting();
    expect(source.tell({ type: 'cancel' })).toEqual([]);
    expect(source.tell({ type: 'failed', reason: 'x' })).toEqual([]);
    expect(source.tell({ type: 'disconnected', connection: 1 })).toEqual([]);
    expect(source.wait(100)).toEqual(['connect']);
    expect(source.tell({ type: 'connected', connection: 2 })).toEqual(['> ask']);
    expect(source.hear({ type: 'welcome', windowBytes: 1 }, 2)).toEqual(['close']);
    expect(source.wait(200)).toEqual(['connect']);
    expect(source.tell({ type: 'connected', connection: 3 })).toEqual(['> ask']);
    expect(source.wait(5000)).toEqual(['> alive', 'close', 'inquire']);
    expect(source.core.phase).toBe('doubt');
  });

  test('asks on a new connection, and commits again where that did not arrive', () => {
    const source = doubting();
    source.tell({ type: 'disconnected', connection: 1 });
    source.wait(100);
    source.tell({ type: 'connected', connection: 2 });
    expect(source.sent.at(-1)).toEqual({ type: 'ask', ...pair });
    const before = source.sent.findLast(({ type }) => type === 'commit');
    expect(source.hear({ type: 'outcome', outcome: 'undecided', sessions: null }, 2)).toEqual(['> commit']);
    expect(source.sent.at(-1)).toEqual(before);
  });

  test.each([
    ['committed', ['close', 'persist committed', 'finish', 'ended committed 3']],
    ['aborted', ['close', 'persist nothing', 'resume', 'ended lost-connection']],
    ['unknown', ['close', 'inquire']],
  ] as const)('an outcome %s', (outcome, expected) => {
    const source = doubting();
    source.tell({ type: 'disconnected', connection: 1 });
    source.wait(100);
    source.tell({ type: 'connected', connection: 2 });
    expect(source.hear({ type: 'outcome', outcome, sessions: 3 }, 2)).toEqual(expected);
  });

  test('a token that is not known any more is no outcome', () => {
    const source = doubting();
    source.tell({ type: 'disconnected', connection: 1 });
    source.wait(100);
    source.tell({ type: 'connected', connection: 2 });
    expect(source.hear({ type: 'refuse', errorNumber: 3, text: '' }, 2)).toEqual(['close']);
    expect(source.core.phase).toBe('doubt');
  });

  test.each([
    ['committed', ['close', 'persist committed', 'finish', 'ended committed null']],
    ['aborted', ['close', 'persist nothing', 'resume', 'ended verdict']],
  ] as const)('a verdict: %s', (verdict, expected) => {
    expect(doubting().tell({ type: 'verdict', verdict })).toEqual(expected);
  });

  test('a cancel by the destination is its last word', () => {
    const out = doubting().hear({ type: 'cancel', reason: 'timeout', text: '' });
    expect(out).toEqual(['close', 'persist nothing', 'resume', 'ended timeout']);
  });

  test('asks the manager every two seconds, and tries to connect ever less often', () => {
    const source = doubting();
    source.tell({ type: 'disconnected', connection: 1 });
    const out: string[] = [];
    for (let step = 0; step < 200; step += 1) {
      const now = source.wait(100);
      out.push(...now);
      if (now.includes('connect')) source.tell({ type: 'connect-failed', reason: 'x' });
    }
    expect(out.filter((line) => line === 'inquire')).toHaveLength(10);
    expect(out.filter((line) => line === 'connect')).toHaveLength(13);
    expect(out).not.toContain('resume');
  });

  test('goes on after a restart, with what was committed', () => {
    const before = doubting();
    const source = new SourceUnderTest({}, before.record);
    expect(source.tell({ type: 'start' })).toEqual(['connect']);
    source.tell({ type: 'connected', connection: 9 });
    source.hear({ type: 'outcome', outcome: 'undecided', sessions: null }, 9);
    expect(source.sent.at(-1)).toEqual(before.sent.findLast(({ type }) => type === 'commit'));
  });

  test('with a lease at the source it goes on, behind a restart too, when the outcome is not heard in time', () => {
    const source = new SourceUnderTest({ isLeased: true }, doubting().record);
    expect(source.tell({ type: 'start' })).toEqual(['connect']);
    const out: string[] = [];
    for (let step = 0; step < 50; step += 1) {
      const now = source.wait(100);
      out.push(...now);
      if (now.includes('connect')) source.tell({ type: 'connect-failed', reason: 'x' });
    }
    expect(out.slice(-3)).toEqual(['persist nothing', 'resume', 'ended timeout']);
  });

  test('ends the function once more after a restart that came between record and end', () => {
    const before = doubting();
    before.hear({ type: 'committed', sessions: 3 });
    const source = new SourceUnderTest({}, before.record);
    expect(source.tell({ type: 'start' })).toEqual(['finish']);
    expect(source.tell({ type: 'finished' })).toEqual(['persist nothing']);
  });
});

describe('sessions', () => {
  const forward = { address: '192.0.2.11', port: 40_100 };
  const order = orderOf('sessions');
  const selection = [{ type: 'ratio', ratio: 0.5 }] as const;

  /** In doubt, with the function's address that the destination told, if it did. */
  function doubting(welcome: StateMessage): SourceUnderTest {
    const source = open({ order, selection });
    source.hear(welcome);
    source.part(0, 10, 3);
    source.part(1, 0, 3);
    source.tell({ type: 'quiesced' });
    source.part(2, 0, 3);
    return source;
  }

  test.each([
    ['told', { type: 'welcome', windowBytes: 1024, forward } as const, { forward }],
    ['not told', { type: 'welcome', windowBytes: 1024 } as const, {}],
  ])(
    'where their packets go is %s, and known behind the end, also after a restart',
    (_name, welcome, known) => {
      const source = doubting(welcome);
      expect(source.record).toMatchObject({ phase: 'doubt', mode: 'sessions', ...known });
      const finish = (outputs: readonly SourceOutput[]) => outputs.find(({ type }) => type === 'finish');
      const committed = { type: 'committed', sessions: 3 } as const;
      const ended = source.core.handle({ type: 'message', connection: 1, message: committed }, 5);
      expect(finish(ended)).toEqual({ type: 'finish', mode: 'sessions', ...known });
      // The selection is of no more use, and not written down.
      const again = new SourceUnderTest({ order }, doubting(welcome).record);
      const verdict = again.core.handle({ type: 'verdict', verdict: 'committed' }, 5);
      expect(finish(verdict)).toEqual({ type: 'finish', mode: 'sessions', ...known });
    },
  );
});

test('a connection that comes when nobody waits for it is closed', () => {
  const source = open();
  expect(source.tell({ type: 'connected', connection: 2 })).toEqual(['close']);
  expect(source.hear({ type: 'cancel', reason: 'cancelled', text: '' }, 2)).toEqual([]);
});

test('what it reports', () => {
  const source = open({ sizeBytes: 400 });
  source.hear({ type: 'welcome', windowBytes: 10_000 });
  expect(source.core.report(0)).toMatchObject({ phase: 'transferring', bytes: 0, bytesTotal: 400 });
  source.nowMs = 100;
  source.tell({ type: 'exported-chunk', part: 0, octets: new Uint8Array(400) });
  source.part(0, 0, null, 3600);
  // 400 octets in 100 ms, 3,600 a second change: 360 are pending, 90 ms on their way; the marks take no time here.
  expect(source.core.phase).toBe('quiescing');
  expect(source.core.report(100)).toEqual({
    phase: 'quiescing',
    bytes: 400,
    bytesTotal: 760,
    bytesPerSecond: 4000,
    changePerSecond: 3600,
    expectedPauseMs: 90,
    expectedEndMs: 180,
  });
});
