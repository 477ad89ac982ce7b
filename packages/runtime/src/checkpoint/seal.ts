// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { ByteReader, WireError } from '@vnfpool/wire/bytes';

const DIGEST_BYTES = 32;
const LENGTH_BYTES = 4;

/** Octets with their length before and the SHA-256 of both behind: what a store gives back is what was written, or is found out. */
export function sealed(content: Uint8Array): Uint8Array {
  const octets = Buffer.alloc(LENGTH_BYTES + content.length + DIGEST_BYTES);
  octets.writeUInt32BE(content.length);
  octets.set(content, LENGTH_BYTES);
  const head = octets.subarray(0, LENGTH_BYTES + content.length);
  createHash('sha256').update(head).digest().copy(octets, head.length);
  return octets;
}

/** What was sealed. @throws WireError `length`, `value` when it is anything else */
export function unsealed(octets: Uint8Array): Uint8Array {
  const reader = new ByteReader(octets);
  const length = reader.u32();
  if (octets.length !== LENGTH_BYTES + length + DIGEST_BYTES)
    throw new WireError('length', 0, `${octets.length} octets are not what the length says`);
  const content = reader.bytes(length);
  const digest = createHash('sha256')
    .update(octets.subarray(0, LENGTH_BYTES + length))
    .digest();
  if (digest.compare(reader.rest()) !== 0) throw new WireError('value', 0, 'the digest is another');
  return content;
}
