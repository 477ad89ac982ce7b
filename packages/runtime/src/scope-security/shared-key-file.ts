// SPDX-License-Identifier: Apache-2.0
import { type CertificateRole, roles } from '../certificates/identity.ts';
import type { PskKey } from './description.ts';
import { ScopeSecurityError } from './errors.ts';

/** Whose identity means what, where it does not say so itself. */
export interface SharedKeyMapping {
  readonly identity: string;
  readonly role: CertificateRole;
  readonly name: string;
}

/** Keys of one file at most. */
const KEYS_MAX = 65_536;

/**
 * Reads lines `IDENTITY:KEY`, the key in hexadecimal, as several TLS tools have them; `#` begins a comment. An
 * identity `ROLE/NAME` says who it is, any other needs a mapping. Messages name lines, never keys.
 * @throws ScopeSecurityError
 */
export function parseSharedKeys(
  text: string,
  path: string,
  mappings: readonly SharedKeyMapping[] = [],
): PskKey[] {
  const keys: PskKey[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const fail = (why: string): never => {
      throw new ScopeSecurityError('description', `${path}, line ${index + 1}: ${why}`);
    };
    if (keys.length >= KEYS_MAX) fail(`more than ${KEYS_MAX} keys`);
    // The last colon: identities may have some.
    const at = line.lastIndexOf(':');
    const digits = line.slice(at + 1);
    if (at < 1 || !/^(?:[0-9a-fA-F]{2})+$/.test(digits)) fail('not IDENTITY:KEY with a key in hexadecimal');
    const identity = line.slice(0, at);
    const mapping = mappings.find((each) => each.identity === identity);
    const [, role, name = ''] = /^([a-z]+)\/(.+)$/.exec(identity) ?? [];
    const own = roles.find((each) => each === role);
    const key = Uint8Array.from(Buffer.from(digits, 'hex'));
    if (mapping !== undefined) keys.push({ ...mapping, key });
    else if (own !== undefined) keys.push({ identity, role: own, name, key });
    else
      fail(
        `"${identity}" is not ROLE/NAME with a role of ${roles.join(', ')}, and no identity says who it is`,
      );
  }
  return keys;
}
