// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { declarationJsonSchema, declarationReference } from '../../src/declaration/index.ts';

test('the reference names every key with its default and range', () => {
  const reference = declarationReference();
  expect(reference).toContain('| `pools.NAME.failover.lease` | duration from 24ms to 1m |  |');
  expect(reference).toContain('| `set` | text | **required** | Name of the set. |');
  for (const line of reference.trim().split('\n').slice(2)) {
    expect(line.split('|').at(-2)?.trim(), `${line} has a meaning`).not.toBe('');
  }
});

test('the JSON Schema allows no unknown keys and tells defaults as written', () => {
  const schema = declarationJsonSchema();
  expect(schema.additionalProperties).toBe(false);
  const pool = schema.properties?.['pools']?.additionalProperties;
  if (typeof pool !== 'object') throw new Error('pools are a map');
  expect(pool.properties?.['policy']?.default).toBe('round-robin');
  const health = pool.properties?.['function']?.properties?.['health']?.properties;
  expect(health?.['every']?.default).toBe('500ms');
});
