// SPDX-License-Identifier: Apache-2.0
import { ByteWriter } from '../bytes/index.ts';
import type { FlowKey } from './flow.ts';
import { writeKey } from './record-codec.ts';

/** A string that is equal for equal flows only, for keys of tables; not for people. */
export function flowKeyText(key: FlowKey): string {
  const writer = new ByteWriter();
  writeKey(writer, key);
  return String.fromCharCode(...writer.take());
}
