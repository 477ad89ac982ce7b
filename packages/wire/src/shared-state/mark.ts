// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

/**
 * What lies beside the state of a slot in a store: who wrote it last, and what it is. Words, for whoever looks into the store:
 * `v1 epoch=7 node=2 number=12 generation=1 sequence=345 state=whole keys=10 digest=00c0ffee00c0ffee`.
 */
export interface StateMark {
  /** Of the last write. */
  readonly epoch: number;
  readonly node: number;
  /** Of the last write under this epoch, from 1. */
  readonly number: number;
  /** Which data are the state; 0: none are yet. */
  readonly generation: number;
  /** Of the last update that they have. */
  readonly sequence: number;
  /** `midway`: later updates are there in part. `ended`: the holder let go, and this was all. */
  readonly state: 'whole' | 'midway' | 'ended';
  /** Of the state, as in the stream of replication; null: it had changed since, when this was written. */
  readonly sum: { readonly keys: number; readonly digest: bigint } | null;
}

const MARK =
  /^v1 epoch=([0-9]{1,16}) node=([0-9]{1,10}) number=([0-9]{1,16}) generation=([0-9]{1,16}) sequence=([0-9]{1,16}) state=(whole|midway|ended)(?: keys=([0-9]{1,16}) digest=([0-9a-f]{16}))?$/;
const NODE_MAX = 0xffff_ffff;

export function encodeStateMark({ sum, ...mark }: StateMark): string {
  const { epoch, node, number, generation, sequence, state } = mark;
  const digest = sum?.digest.toString(16).padStart(16, '0');
  const known = sum === null ? '' : ` keys=${sum.keys} digest=${digest}`;
  return `v1 epoch=${epoch} node=${node} number=${number} generation=${generation} sequence=${sequence} state=${state}${known}`;
}

/** @throws WireError */
export function decodeStateMark(text: string): StateMark {
  const [all, ...words] = MARK.exec(text) ?? [];
  if (all === undefined) throw new WireError('value', 0, 'no mark of state');
  const [epoch, node, number, generation, sequence] = words.slice(0, 5).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [, , , , , state, keys, digest] = words;
  const sum = digest === undefined ? null : { keys: Number(keys), digest: BigInt(`0x${digest}`) };
  const mark = { epoch, node, number, generation, sequence, state: state as StateMark['state'], sum };
  const amounts = [epoch, number, generation, sequence, sum?.keys ?? 0];
  if (node > NODE_MAX || !amounts.every(Number.isSafeInteger) || encodeStateMark(mark) !== text)
    throw new WireError('value', 0, 'a number in the mark of state');
  return mark;
}
