// SPDX-License-Identifier: Apache-2.0
import type { Step, Workload } from './workload.ts';

/** A line of a recording that cannot be played. */
export class RecordingError extends Error {
  override readonly name: string = 'RecordingError';
}

const KEY_OCTETS_MAX = 1_024;
/** What a replicated value may have, without the number that goes before it. */
const VALUE_OCTETS_MAX = 65_532;
/** A recording that begins again lets so much time pass. */
const PAUSE_MS = 1;

/**
 * A workload of updates that a function made: one JSON object a line, `{"at": 12.5, "key": "call-1", "value": "base64"}`; `at` in ms,
 * not falling; `value` null: the key was removed; `octets` in place of `value`: a value of this size, of which nothing else is known. When it is over it begins again, without what its last turn left behind being
 * removed. A removal of what is not there is left out.
 * @param rate Updates a second, as many as that on the average; absent: at the times of the recording.
 * @throws RecordingError
 */
export function recordedWorkload(text: string, name: string, rate?: number): Workload {
  const steps = text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [readLine(line, at + 1)]));
  const [first] = steps;
  if (first === undefined) throw new RecordingError(`${name}: there is no update in it`);
  steps.forEach((step, at) => {
    const before = steps[at - 1];
    if (before !== undefined && step.atMs < before.atMs)
      throw new RecordingError(`${name}: update ${at + 1}: its time is before that of the one above`);
  });
  const lengthMs = (steps.at(-1) as Step).atMs - first.atMs + PAUSE_MS;
  const scale = rate === undefined ? 1 : (steps.length * 1_000) / rate / lengthMs;
  const perSecond = Math.round((steps.length * 1_000) / (lengthMs * scale));
  return {
    name: 'recorded',
    summary: `recorded: ${steps.length} updates of ${name}, over and over, ${perSecond} a second`,
    octetsMax: steps.reduce((most, { value }) => Math.max(most, value.length), 0),
    fill: () => [],
    *steps() {
      const there = new Set<string>();
      for (let startMs = -first.atMs; ; startMs += lengthMs) {
        for (const step of steps) {
          if (step.op === 'remove' && !there.delete(step.key)) continue;
          if (step.op === 'write') there.add(step.key);
          yield { ...step, atMs: (startMs + step.atMs) * scale };
        }
      }
    },
  };
}

function readLine(line: string, at: number): Step {
  let told: Readonly<Partial<Record<'at' | 'key' | 'value' | 'octets', unknown>>> | null;
  try {
    told = JSON.parse(line) as typeof told;
  } catch {
    throw new RecordingError(`line ${at} is no JSON`);
  }
  const { at: atMs, key: written, value, octets: size } = told ?? {};
  if (typeof atMs !== 'number' || !Number.isFinite(atMs) || atMs < 0)
    throw new RecordingError(`line ${at}: "at" is a time in ms, 0 or more`);
  if (typeof written !== 'string') throw new RecordingError(`line ${at}: "key" is a text`);
  // A key is octets everywhere below.
  const key = Buffer.from(written, 'utf8').toString('latin1');
  if (key.length === 0 || key.length > KEY_OCTETS_MAX)
    throw new RecordingError(`line ${at}: "key" has 1 to ${KEY_OCTETS_MAX} octets`);
  if (size !== undefined) {
    if (value !== undefined) throw new RecordingError(`line ${at}: "value" or "octets", not both`);
    return { atMs, key, op: 'write', value: octetsOf(size, at) };
  }
  if (value === null) return { atMs, key, op: 'remove', value: new Uint8Array(0) };
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new RecordingError(`line ${at}: "value" is base64, or null for a key that was removed`);
  const octets = new Uint8Array(Buffer.from(value, 'base64'));
  if (octets.length > VALUE_OCTETS_MAX)
    throw new RecordingError(`line ${at}: a value has at most ${VALUE_OCTETS_MAX} octets`);
  return { atMs, key, op: 'write', value: octets };
}

/** No two neighbours are alike, so that it is as hard to make smaller as most values are. */
function octetsOf(size: unknown, at: number): Uint8Array {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > VALUE_OCTETS_MAX)
    throw new RecordingError(`line ${at}: "octets" is a whole number from 0 to ${VALUE_OCTETS_MAX}`);
  return Uint8Array.from({ length: size }, (_, place) => (place * 31) & 0xff);
}
