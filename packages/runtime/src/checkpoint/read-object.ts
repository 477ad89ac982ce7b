// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@vnfpool/store/objects';
import { WireError } from '@vnfpool/wire/bytes';
import { type CheckpointObject, decodeCheckpoint } from '@vnfpool/wire/checkpoint';
import type { NamedObject, ObjectKind } from './names.ts';
import { unsealed } from './seal.ts';

/** An object that is not what was written; it is as if it were not there. */
export class DamagedObject extends Error {
  override readonly name = 'DamagedObject';
}

/** @throws DamagedObject, ObjectStoreError */
export async function readObject(
  store: ObjectStore,
  slot: string,
  named: NamedObject,
): Promise<CheckpointObject> {
  const octets = await store.read(slot, named.name);
  if (octets === null) throw new DamagedObject(`${named.name} is gone`);
  return objectOf(octets, slot, named);
}

/** What an object says. @throws DamagedObject */
export function objectOf(
  octets: Uint8Array,
  slot: string,
  { name, epoch, number, kind }: NamedObject,
): CheckpointObject {
  let object: CheckpointObject;
  try {
    object = decodeCheckpoint(unsealed(octets));
  } catch (error) {
    if (error instanceof WireError) throw new DamagedObject(`${name}: ${error.message}`);
    throw error;
  }
  const isNamed = object.slot === slot && object.epoch === epoch && object.number === number;
  if (!isNamed || kindOf(object) !== kind) throw new DamagedObject(`${name} is another object`);
  return object;
}

export function kindOf(object: CheckpointObject): ObjectKind {
  if (object.type !== 'part') return object.type;
  if (object.from > 0) return 'delta';
  return object.first === object.number ? 'start' : 'more';
}
