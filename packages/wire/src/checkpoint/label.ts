// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '../bytes/index.ts';
import { parseStrictJson } from '../mobility/json.ts';
import {
  hex64,
  integer,
  matching,
  object,
  oneOf,
  type Shape,
  stateFormat,
  versioned,
} from '../mobility/shape.ts';

/** Whose the checkpoints of a slot are, for whoever knows nothing of its set. */
export interface SlotLabel {
  /** 16 hexadecimal digits. */
  readonly slot: string;
  /** As they were declared. */
  readonly set: string;
  readonly pool: string;
  readonly index: number;
  /** What the values are, `kv/1`: whoever names another one does not understand them. Empty: not known. */
  readonly format: string;
}

/** Octets of a label, without what it is sealed with. */
export const SLOT_LABEL_BYTES_MAX = 1_024;

/** Of a set or a pool. */
export const labelName: Shape<string> = matching(
  /^[\x20-\x7e]{0,100}$/,
  'must be 100 printable ASCII characters at most',
);

const label = versioned(
  object({
    v: oneOf(1),
    slot: hex64,
    set: labelName,
    pool: labelName,
    index: integer(0, Number.MAX_SAFE_INTEGER),
    format: stateFormat,
  }),
);

/** JSON with a version, keys in this order. @throws WireError */
export function encodeSlotLabel(value: SlotLabel): Uint8Array {
  return encodeUtf8(JSON.stringify(label({ v: 1, ...value }, 'label')));
}

/** Unknown keys are passed over. @throws WireError */
export function decodeSlotLabel(octets: Uint8Array): SlotLabel {
  if (octets.length > SLOT_LABEL_BYTES_MAX)
    throw new WireError('limit', 0, `a label of ${octets.length} octets`);
  const { v: _, ...value } = label(parseStrictJson(octets), 'label');
  return value;
}
