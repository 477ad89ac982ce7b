// SPDX-License-Identifier: Apache-2.0

/** 16 hexadecimal digits. */
export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
