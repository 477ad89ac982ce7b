// SPDX-License-Identifier: Apache-2.0
import type { DestinationInput } from '@vnfpool/core/state-transfer';
import { crc32, type StateMessage } from '@vnfpool/wire/state-channel';
import { describe, expect, test } from 'vitest';
import { DestinationUnderTest } from './ends.ts';
import { orderOf } from './order.ts';

const octets = Uint8Array.of(1, 2, 3, 4);
const crc = crc32(octets);
const mark = { type: 'mark', part: 0, bytes: 4, crc, totalBytes: 4, totalCrc: crc, sessions: 3 } as const;
const empty = { bytes: 0, crc: 0, totalBytes: 0, totalCrc: 0, sessions: null } as const;
const commit = { type: 'commit', totalBytes: 0, totalCrc: 0 } as const;

function opened(options: ConstructorParameters<typeof DestinationUnderTest>[0] = {}): DestinationUnderTest {
  const destination = new DestinationUnderTest(options);
  destination.tell({ type: 'start' });
  destination.hello();
  return destination;
}

function ready(options: ConstructorParameters<typeof DestinationUnderTest>[0] = {}): DestinationUnderTest {
  const destination = new DestinationUnderTest(options);
  destination.untilReady();
  expect(destination.core.phase).toBe('ready');
  return destination;
}

test('a transfer from beginning to end', () => {
  const destination = new DestinationUnderTest();
  expect(destination.tell({ type: 'start' })).toEqual([]);
  expect(destination.hello()).toEqual(['persist open', '> welcome']);
  expect(destination.hear({ type: 'begin', part: 0, kind: 'snapshot', bytesExpected: 4 })).toEqual([
    'import 0 snapshot',
  ]);
  expect(destination.hear({ type: 'chunk', octets })).toEqual(['import-chunk 4']);
  expect(destination.hear(mark)).toEqual(['import-end']);
  expect(destination.tell({ type: 'consumed', bytes: 4 })).toEqual([]);
  expect(destination.tell({ type: 'imported', part: 0, sessions: 3 })).toEqual(['> marked 0']);
  destination.hear({ type: 'begin', part: 1, kind: 'last', bytesExpected: null });
  destination.hear({ ...mark, part: 1, bytes: 0, crc: 0 });
  expect(destination.tell({ type: 'imported', part: 1, sessions: 3 })).toEqual(['> marked 1']);
  expect(destination.core.phase).toBe('ready');
  // Written before it owns anything: a restart in between takes over again.
  expect(destination.hear({ type: 'commit', totalBytes: 4, totalCrc: crc })).toEqual([
    'persist committed',
    'activate',
  ]);
  expect(destination.tell({ type: 'activated' })).toEqual(['> committed', 'ended committed 3']);
  expect(destination.tell({ type: 'disconnected', connection: 1 })).toEqual([]);
  expect(destination.wait(600_000)).toEqual(['persist nothing', 'forgotten']);
});

describe('admission', () => {
  const { token, source, destination: to, functionId } = orderOf();
  const hello = {
    type: 'hello',
    token,
    source,
    destination: to,
    functionId,
    targetFunctionId: 101,
    mode: 'move',
    selection: [],
  } as const;
  test.each([
    ['another token', { ...hello, token: token.map((octet, at) => (at === 15 ? octet ^ 1 : octet)) }, 10],
    ['another source', { ...hello, source: 12 }, 10],
    ['another destination', { ...hello, destination: 12 }, 10],
    ['another function', { ...hello, functionId: 100 }, 10],
    ['another function here', { ...hello, targetFunctionId: 102 }, 10],
    ['another mode', { ...hello, mode: 'copy' as const }, 10],
    ['a certificate of another node', hello, 12],
  ])('refused, and the token stays good: %s', (_, message, peer) => {
    const destination = new DestinationUnderTest();
    destination.tell({ type: 'start' });
    expect(destination.tell({ type: 'opened', connection: 7, peer, message })).toEqual(['> refuse', 'close']);
    expect(destination.sent).toEqual([{ type: 'refuse', errorNumber: 3, text: 'token not valid here' }]);
    expect(destination.hello()).toContain('> welcome');
  });

  test('a token is good once', () => {
    const destination = opened();
    expect(destination.hello(2)).toEqual(['> refuse', 'close']);
    expect(destination.core.phase).toBe('importing');
  });

  test('and in time', () => {
    const late = new DestinationUnderTest();
    late.tell({ type: 'start' });
    late.nowMs = 30_001;
    expect(late.hello()).toEqual(['> refuse', 'close']);
    expect(late.wait(0)).toEqual(['discard', 'ended timeout']);
  });

  test('a peer without a certificate is taken by its token', () => {
    const destination = new DestinationUnderTest();
    destination.tell({ type: 'start' });
    expect(destination.tell({ type: 'opened', connection: 1, peer: null, message: hello })).toContain(
      '> welcome',
    );
  });
});

describe('the window', () => {
  test('credit comes when a quarter of it was consumed', () => {
    const destination = opened({ windowBytes: 16 });
    destination.hear({ type: 'begin', part: 0, kind: 'snapshot', bytesExpected: null });
    destination.hear({ type: 'chunk', octets });
    expect(destination.tell({ type: 'consumed', bytes: 3 })).toEqual([]);
    expect(destination.tell({ type: 'consumed', bytes: 1 })).toEqual(['> credit 20']);
    // More than ever came does not count.
    expect(destination.tell({ type: 'consumed', bytes: 1000 })).toEqual([]);
  });

  test('an octet more than credit ends it', () => {
    const destination = opened({ windowBytes: 7 });
    destination.hear({ type: 'begin', part: 0, kind: 'snapshot', bytesExpected: null });
    destination.hear({ type: 'chunk', octets });
    expect(destination.hear({ type: 'chunk', octets })).toEqual([
      '> cancel protocol',
      'close',
      'discard',
      'ended protocol',
    ]);
  });
});

const begin = { type: 'begin', part: 0, kind: 'snapshot', bytesExpected: null } as const;
describe('given up while importing', () => {
  test.each<readonly [string, readonly StateMessage[], string]>([
    ['the first part has number 1', [{ ...begin, part: 1 }], 'protocol'],
    ['the first part is a delta', [{ ...begin, kind: 'delta' }], 'protocol'],
    ['a part within a part', [begin, { ...begin, part: 1, kind: 'delta' }], 'protocol'],
    [
      'a part before the last was taken in',
      [begin, { type: 'mark', part: 0, ...empty }, { ...begin, part: 1, kind: 'delta' }],
      'protocol',
    ],
    ['a chunk outside a part', [{ type: 'chunk', octets }], 'protocol'],
    ['a mark outside a part', [mark], 'protocol'],
    ['a mark of another part', [begin, { ...mark, part: 1 }], 'protocol'],
    ['an octet lost', [begin, { type: 'chunk', octets: octets.subarray(1) }, mark], 'integrity'],
    ['an octet changed', [begin, { type: 'chunk', octets: Uint8Array.of(1, 2, 3, 5) }, mark], 'integrity'],
    [
      'a total that does not fit',
      [begin, { type: 'chunk', octets }, { ...mark, totalBytes: 5 }],
      'integrity',
    ],
    ['commit before all state is in', [begin, commit], 'protocol'],
    ['a message of a destination', [{ type: 'welcome', windowBytes: 1 }], 'protocol'],
    [
      'the source gives up',
      [{ type: 'cancel', reason: 'would-not-converge', text: '' }],
      'would-not-converge',
    ],
    ['more expected than it takes', [{ ...begin, bytesExpected: 2001 }], 'resources'],
  ])('%s', (_, messages, reason) => {
    const destination = opened({ bytesMax: 2000 });
    const out = messages.flatMap((message) => destination.hear(message));
    expect(out.slice(-2)).toEqual(['discard', `ended ${reason}`]);
    expect(out).not.toContain('activate');
    expect(destination.hear(commit)).toEqual([]);
  });

  test.each<readonly [string, DestinationInput, string]>([
    ['the connection is lost', { type: 'disconnected', connection: 1 }, 'lost-connection'],
    ['a frame does not decode', { type: 'malformed', connection: 1, reason: 'x' }, 'protocol'],
    ['the function fails', { type: 'failed', reason: 'x' }, 'function'],
    ['the function ends', { type: 'gone' }, 'function'],
    ['the manager cancels', { type: 'cancel' }, 'cancelled'],
    ['the manager decides', { type: 'verdict', verdict: 'aborted' }, 'verdict'],
    ['a part is imported that was not marked', { type: 'imported', part: 0, sessions: null }, 'function'],
  ])('%s', (_, input, reason) => {
    expect(opened().tell(input).slice(-2)).toEqual(['discard', `ended ${reason}`]);
  });

  test('too many octets, and too many parts', () => {
    const small = opened({ bytesMax: 3 });
    small.hear(begin);
    expect(small.hear({ type: 'chunk', octets })).toContain('ended resources');
    const few = opened({ partsMax: 1 });
    few.hear(begin);
    few.hear({ type: 'mark', part: 0, ...empty });
    few.tell({ type: 'imported', part: 0, sessions: null });
    expect(few.hear({ ...begin, part: 1, kind: 'delta' })).toContain('ended resources');
  });

  test('sessions that are not as many as the source gave', () => {
    const destination = opened();
    destination.hear(begin);
    destination.hear({ type: 'mark', part: 0, ...empty });
    destination.tell({ type: 'imported', part: 0, sessions: 1 });
    destination.hear({ ...begin, part: 1, kind: 'last' });
    destination.hear({ type: 'mark', part: 1, ...empty, sessions: 3 });
    expect(destination.tell({ type: 'imported', part: 1, sessions: 2 })).toContain('ended integrity');
  });

  test('nothing for 30 seconds, though the source is there', () => {
    const destination = opened();
    for (let second = 1; second < 30; second += 1) {
      destination.wait(1000);
      destination.hear({ type: 'alive' });
    }
    expect(destination.wait(1000)).toContain('ended timeout');
  });

  test('a verdict that it committed does not make incomplete state whole', () => {
    const destination = opened();
    expect(destination.tell({ type: 'verdict', verdict: 'committed' })).toEqual([]);
    expect(destination.core.phase).toBe('importing');
  });
});

describe('with all state in', () => {
  test('a lost connection is waited out, and the manager asked', () => {
    const destination = ready();
    expect(destination.tell({ type: 'disconnected', connection: 1 })).toEqual(['inquire']);
    expect(destination.wait(2000)).toEqual(['inquire']);
    expect(destination.ask(2)).toEqual(['> outcome undecided']);
    expect(destination.wait(2000)).toEqual(['> alive']);
    expect(destination.hear(commit, 2)).toEqual(['persist committed', 'activate']);
  });

  test('for 30 seconds, then nobody will ever commit it', () => {
    const destination = ready();
    destination.tell({ type: 'disconnected', connection: 1 });
    expect(destination.wait(30_000)).toEqual(['inquire', 'discard', 'ended timeout']);
    expect(destination.ask(2)).toEqual(['> outcome aborted']);
    expect(destination.hear(commit, 2)).toEqual(['> cancel cancelled', 'close']);
    expect(destination.tell({ type: 'verdict', verdict: 'committed' })).toEqual([]);
  });

  test('a verdict decides', () => {
    const one = ready();
    one.tell({ type: 'disconnected', connection: 1 });
    expect(one.tell({ type: 'verdict', verdict: 'committed' })).toEqual(['persist committed', 'activate']);
    const other = ready();
    expect(other.tell({ type: 'verdict', verdict: 'aborted' })).toContain('ended verdict');
  });

  test('a commit of something else is none', () => {
    expect(ready().hear({ ...commit, totalCrc: 1 })).toContain('ended integrity');
  });

  test('whoever asks takes the place of the old connection', () => {
    const destination = ready();
    expect(destination.ask(2)).toEqual(['close', '> outcome undecided']);
    expect(destination.hear(commit, 1)).toEqual([]);
  });
});

describe('from commit on', () => {
  function activating(): DestinationUnderTest {
    const destination = ready();
    destination.hear(commit);
    expect(destination.core.phase).toBe('activating');
    return destination;
  }

  test('nothing but the function stops it', () => {
    const destination = activating();
    expect(destination.tell({ type: 'cancel' })).toEqual([]);
    expect(destination.tell({ type: 'verdict', verdict: 'aborted' })).toEqual([]);
    expect(destination.hear({ type: 'cancel', reason: 'cancelled', text: '' })).toEqual([]);
    expect(destination.hear(commit)).toEqual([]);
    expect(destination.tell({ type: 'disconnected', connection: 1 })).toEqual([]);
    expect(destination.ask(2)).toEqual(['> outcome undecided']);
    expect(destination.tell({ type: 'activated' })).toEqual(['> committed', 'ended committed 3']);
    expect(destination.ask(3)).toEqual(['close', '> outcome committed']);
    expect(destination.hear(commit, 3)).toEqual(['> committed']);
  });

  test('a function that cannot take over owns nothing before the source hears of it', () => {
    const destination = activating();
    expect(destination.tell({ type: 'failed', reason: 'x' })).toEqual(['discard']);
    destination.tell({ type: 'disconnected', connection: 1 });
    expect(destination.ask(2)).toEqual(['> outcome undecided']);
    expect(destination.tell({ type: 'discarded' })).toEqual([
      'persist aborted',
      '> cancel function',
      'close',
      'ended function',
    ]);
    expect(destination.ask(3)).toEqual(['> outcome aborted']);
  });

  test('a restart takes over again, and again until it can: the source may have ended', () => {
    const { record } = activating();
    const destination = new DestinationUnderTest({}, record, true);
    expect(destination.tell({ type: 'start' })).toEqual(['activate']);
    expect(destination.tell({ type: 'failed', reason: 'x' })).toEqual([]);
    expect(destination.wait(1000)).toEqual(['activate']);
    expect(destination.tell({ type: 'activated' })).toEqual(['ended committed 3']);
  });

  test('a function that is gone owns nothing: a source in doubt goes on', () => {
    const { record } = activating();
    const destination = new DestinationUnderTest({}, record, false);
    expect(destination.tell({ type: 'start' })).toEqual(['discard']);
    expect(destination.tell({ type: 'discarded' })).toEqual(['persist aborted', 'ended function']);
    expect(destination.ask(1)).toEqual(['> outcome aborted']);
    const later = activating();
    later.tell({ type: 'activated' });
    expect(later.tell({ type: 'gone' })).toEqual(['persist aborted']);
    expect(later.ask(2)).toEqual(['close', '> outcome aborted']);
  });
});

test('a restart before commit came gives up', () => {
  const { record } = ready();
  const destination = new DestinationUnderTest({}, record, true);
  expect(destination.tell({ type: 'start' })).toEqual(['discard']);
  expect(destination.tell({ type: 'discarded' })).toEqual(['persist aborted', 'ended function']);
});

test('who asks while state is still coming in has lost it', () => {
  const destination = opened();
  expect(destination.ask(2)).toEqual(['close', 'discard', 'ended lost-connection', '> outcome aborted']);
});
