// SPDX-License-Identifier: Apache-2.0
import { StillClock } from '@vnfpool/testkit/clocks';
import { RECORDED_UPDATES_MAX, recordedLine } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { RecordedSink } from '../../../src/node/slot-state/recorded-sink.ts';
import { Recorder } from '../../../src/node/slot-state/recorder.ts';
import { FakeSink } from './fake-sink.ts';

const set = (key: string, length: number) => ({ key, value: new Uint8Array(length) });
const gone = (key: string) => ({ key, value: null });

function recording(options: { forMs?: number; octetsMax?: number; pendingMax?: number } = {}) {
  const clock = new StillClock();
  const { forMs = 1_000, octetsMax = 1_000_000, pendingMax } = options;
  return { clock, recorder: new Recorder({ forMs, octetsMax }, clock, pendingMax) };
}

test('keys are numbers and values sizes, at their times', () => {
  const { clock, recorder } = recording();
  recorder.take([set('secret', 5), set('other', 0)]);
  clock.pass(12.345);
  recorder.take([set('secret', 7), gone('other'), gone('unknown'), set('other', 1)]);
  expect(recorder.part(0)).toEqual({
    updates: [
      [0, 1, 5],
      [0, 2, 0],
      [12.3, 1, 7],
      [12.3, 2, -1],
      // Of a key that was there before the recording.
      [12.3, 3, -1],
      [12.3, 4, 1],
    ],
    elapsedMs: 12.345,
    end: '',
  });
});

test('what was fetched is forgotten, and is given again until then', () => {
  const { recorder } = recording();
  recorder.take([set('a', 1), set('b', 2), set('c', 3)]);
  expect(recorder.part(0).updates).toHaveLength(3);
  expect(recorder.part(0).updates).toHaveLength(3);
  expect(recorder.part(2).updates).toEqual([[0, 3, 3]]);
  recorder.take([set('a', 4)]);
  expect(recorder.part(3).updates).toEqual([[0, 1, 4]]);
  expect(recorder.part(99).updates).toEqual([]);
});

test('one answer has so many, and the end is told with the last of them', () => {
  const { clock, recorder } = recording();
  recorder.take(Array.from({ length: RECORDED_UPDATES_MAX + 1 }, () => set('a', 1)));
  clock.pass(1_000);
  clock.pass(500);
  expect(recorder.part(0)).toMatchObject({ elapsedMs: 1_000, end: '' });
  expect(recorder.part(RECORDED_UPDATES_MAX)).toMatchObject({ updates: [[0, 1, 1]], end: 'time' });
});

test('it ends at its size, and has no line beyond it', () => {
  const octetsMax = 2 * recordedLine([0, 1, 1]).length;
  const { recorder } = recording({ octetsMax });
  recorder.take([set('a', 1), set('a', 1), set('a', 1), set('a', 1)]);
  expect(recorder.isOver).toBe(true);
  expect(recorder.part(0)).toMatchObject({
    updates: [
      [0, 1, 1],
      [0, 1, 1],
    ],
    end: 'octets',
  });
});

test('it ends when nobody fetches, and goes on while somebody does', () => {
  const { recorder } = recording({ pendingMax: 3 });
  for (let fetched = 0; fetched < 30; fetched += 3) {
    recorder.take([set('a', 1), set('b', 1), set('c', 1)]);
    expect(recorder.part(fetched)).toMatchObject({ end: '' });
    recorder.part(fetched + 3);
  }
  recorder.take([set('a', 1), set('b', 1), set('c', 1), set('d', 1)]);
  expect(recorder.part(30)).toMatchObject({ end: 'behind' });
  expect(recorder.part(30).updates).toHaveLength(3);
});

test('the first end counts', () => {
  const { clock, recorder } = recording();
  recorder.end('stopped');
  clock.pass(2_000);
  recorder.take([set('a', 1)]);
  expect(recorder.part(0)).toEqual({ updates: [], elapsedMs: 0, end: 'stopped' });
});

test('what passes to the standbys is recorded, whatever they do with it, until the slot is left', async () => {
  const sink = new FakeSink([['x', Uint8Array.of(1)]]);
  const between = new RecordedSink(sink);
  sink.securityState = 'sealed';
  expect(between.securityState).toBe('sealed');
  await between.change([set('before', 1)]);
  const { recorder } = recording();
  const { recorder: short } = recording({ octetsMax: 1 });
  between.record(recorder);
  between.record(short);
  await between.change([set('a', 1)]);
  sink.refusal = new Error('full');
  await expect(between.change([set('b', 2)])).rejects.toThrow('full');
  expect([...between.entries()].map(([key]) => key)).toEqual(['x', 'before', 'a']);
  between.close();
  expect(short.part(0)).toMatchObject({ updates: [], end: 'octets' });
  expect(recorder.part(0)).toMatchObject({
    updates: [
      [0, 1, 1],
      [0, 2, 2],
    ],
    end: 'left',
  });
});
