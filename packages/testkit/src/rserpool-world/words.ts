// SPDX-License-Identifier: Apache-2.0
import { poolName } from '@vnfpool/core/handlespace';
import type { RegistrarEvent } from '@vnfpool/core/registrar';

/** A registrar's event for the trace; undefined: too common to be told. */
export function describeRegistrarEvent(event: RegistrarEvent): (() => string) | undefined {
  if (event.event === 'element-registered' && event.reason === 'renewed') return undefined;
  return () => {
    const words: string[] = [event.event];
    for (const [key, value] of Object.entries(event) as [string, unknown][]) {
      if (key === 'type' || key === 'event') continue;
      words.push(`${key} ${show(key, value)}`);
    }
    return words.join(' ');
  };
}

function show(key: string, value: unknown): string {
  if (value instanceof Uint8Array) return poolName(value);
  const isIdentifier = /Id$|^(from|to|by|told|computed)$/.test(key);
  if (typeof value === 'number' && isIdentifier) return `0x${value.toString(16)}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
