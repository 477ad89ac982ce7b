// SPDX-License-Identifier: Apache-2.0
import {
  REPLICA_KEY_BYTES_MAX,
  REPLICA_VALUE_BYTES_MAX,
  type ReplicaSecret,
  type ReplicaUpdate,
} from './messages.ts';

/** Why no frame can have this update, in words; null: one can. For whoever takes updates long before they become octets. */
export function updateFault({ key, value, secret }: Omit<ReplicaUpdate, 'sequence'>): string | null {
  if (key.length === 0 || key.length > REPLICA_KEY_BYTES_MAX) return `a key of ${key.length} octets`;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code > 0xff)
      return `a key with U+${code.toString(16).toUpperCase().padStart(4, '0')}, which is no octet`;
  }
  if (value !== null && value.length > REPLICA_VALUE_BYTES_MAX) return `a value of ${value.length} octets`;
  return secretFault(secret, value);
}

/** Of the secret alone. */
export function secretFault(secret: ReplicaSecret | undefined, value: Uint8Array | null): string | null {
  if (secret !== undefined && value === null) return 'a key that is no more is no secret';
  if (secret === 'name' && value?.length !== 0)
    return 'a secret of which only the name is told, with a value';
  return null;
}
