// SPDX-License-Identifier: Apache-2.0
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';

/**
 * What an object is, so that it need not be read to know it: `claim` of an epoch, `start` of a full checkpoint, `more` of that, a piece of an
 * incremental one (`delta`), the `end` of an epoch.
 */
export type ObjectKind = 'claim' | 'start' | 'more' | 'delta' | 'end';

export interface NamedObject extends CheckpointPlace {
  readonly name: string;
  readonly kind: ObjectKind;
}

const NAME = /^([0-9]{16})-([0-9]{10})-(claim|start|more|delta|end)$/;

/** In the order of their names they are in that of their places. */
export function objectName({ epoch, number }: CheckpointPlace, kind: ObjectKind): string {
  return `${String(epoch).padStart(16, '0')}-${String(number).padStart(10, '0')}-${kind}`;
}

/** Of the objects of one slot, ascending; names that are not ours are left out. */
export function objectsOf(names: readonly string[]): NamedObject[] {
  return names.flatMap((name) => {
    const [, epoch, number, kind] = NAME.exec(name) ?? [];
    if (kind === undefined || !Number.isSafeInteger(Number(epoch))) return [];
    return [{ name, epoch: Number(epoch), number: Number(number), kind: kind as ObjectKind }];
  });
}

/** Of the names of one slot the last that is of a checkpoint, or ends an epoch before this one; undefined: there is none. */
export function lastWritten(names: readonly string[], before: number): NamedObject | undefined {
  return objectsOf(names).findLast(({ epoch, kind }) => epoch < before && kind !== 'claim');
}

export function isBefore(a: CheckpointPlace, b: CheckpointPlace): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.number < b.number);
}
