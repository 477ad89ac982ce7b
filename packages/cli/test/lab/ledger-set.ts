// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/* The ledger of the examples, on hosts of a test's own. */

const folder = fileURLToPath(new URL('../../../../examples/ledger', import.meta.url));
export const NODES = ['node-a', 'node-b', 'node-c'] as const;
export const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  client: '10.78.0.30',
};
export const SERVICE = '10.78.0.100';
/** The example's, with times that do not run out on a machine that does much else. */
export const declaration: string = readFileSync(`${folder}/set.yaml`, 'utf8')
  .replace('arguments: [ledger.mjs', `arguments: [${folder}/ledger.mjs`)
  .replace('10.77.0.100', SERVICE)
  .replace('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
  .replace('lease: 300ms', 'lease: 1s');
