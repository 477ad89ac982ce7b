// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import type { ResolveHost } from './fixed-source.ts';
import { resolveAll } from './fixed-source.ts';
import {
  type FoundManagers,
  type ManagerAddress,
  type ManagerSource,
  parseManagerAddress,
} from './manager-address.ts';

/** A longer file is not of ours. */
export const MANAGER_FILE_BYTES_MAX = 16_384;
const LINES_MAX = 16;

/**
 * What a DHCP client's hook, or a person, writes: a manager a line, `HOST`, `HOST:PORT` or `[ADDRESS6]:PORT`, the best
 * first; `#` begins a comment. Lines that are none of these are faults; at most 16 managers are taken.
 */
export function readManagerFile(text: string, defaultPort: number): FoundManagers {
  const addresses: ManagerAddress[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.replace(/#.*/, '').trim();
    if (word === '') continue;
    if (addresses.length + faults.length === LINES_MAX) {
      faults.push(`line ${index + 1} and what follows: no more than ${LINES_MAX} managers`);
      break;
    }
    const address = parseManagerAddress(word, defaultPort);
    if (address === null)
      faults.push(`line ${index + 1}: ${JSON.stringify(word.slice(0, 64))} is no HOST:PORT`);
    else addresses.push(address);
  }
  return { addresses, faults };
}

/** A file of managers, read anew at each attempt. */
export function fileManagers(path: string, defaultPort: number, resolve?: ResolveHost): ManagerSource {
  return {
    name: `file ${path}`,
    find: async (signal) => {
      const { addresses, faults } = readManagerFile(await readBounded(path), defaultPort);
      const resolved = await resolveAll(addresses, resolve, signal);
      return { addresses: resolved.addresses, faults: [...faults, ...resolved.faults] };
    },
  };
}

/** @throws Error when it cannot be read or is too long */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const octets = Buffer.alloc(MANAGER_FILE_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(octets, length, octets.length - length, null);
      length += bytesRead;
      if (length > MANAGER_FILE_BYTES_MAX) throw new Error(`more than ${MANAGER_FILE_BYTES_MAX} octets`);
      if (bytesRead === 0) return octets.toString('utf8', 0, length);
    }
  } finally {
    await file.close();
  }
}
