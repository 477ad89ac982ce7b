// SPDX-License-Identifier: Apache-2.0
import { encodeStateMark, type StateMark } from '@vnfpool/wire/shared-state';

const whole: StateMark = {
  epoch: 7,
  node: 2,
  number: 12,
  generation: 1,
  sequence: 345,
  state: 'whole',
  sum: { keys: 10, digest: 0x0123_4567_89ab_cdefn },
};

/** Marks of state in a store, of every kind. */
export const STATE_MARKS: readonly Uint8Array[] = [
  whole,
  { ...whole, state: 'ended' as const, sequence: Number.MAX_SAFE_INTEGER },
  { ...whole, state: 'midway' as const, generation: 0, sum: null },
].map((mark) => new Uint8Array(Buffer.from(encodeStateMark(mark), 'latin1')));
