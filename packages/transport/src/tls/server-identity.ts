// SPDX-License-Identifier: Apache-2.0
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** The names that a certificate has for a server; its common name is none. */
export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Whether a certificate names the server that we meant to reach. An address is compared by its octets with the
 * addresses only, a name by its labels with the names only, without regard to case and in the ASCII form of
 * international names. `*` as the whole left-most label of the certificate's name stands for exactly one label.
 * @param reference What we connected by: a name, or an address without brackets.
 * @returns Why not, or null.
 * @see RFC 5355 §3, RFC 9525 §6, RFC 5280 §4.2.1.6
 */
export function serverIdentityFault(reference: string, names: ServerNames): string | null {
  const address = canonicalAddress(reference);
  if (address !== null) {
    if (names.addresses.some((each) => canonicalAddress(each) === address)) return null;
    return `the certificate does not name the address ${address}`;
  }
  const labels = referenceLabels(reference);
  if (labels === null) return `${JSON.stringify(reference.slice(0, 255))} is no name of a server`;
  if (names.dnsNames.some((presented) => matches(labels, presented))) return null;
  return `the certificate does not name ${labels.join('.')}`;
}

/** The one spelling of an address, or null when it is none. IPv4 written within IPv6 stays 16 octets. */
export function canonicalAddress(text: string): string | null {
  if (isIPv4(text)) return text;
  // With a zone it is an address of a link, which no certificate can name.
  if (!isIPv6(text) || text.includes('%')) return null;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

/** Letters, digits, hyphens and, as hosts have them in practice, underscores; at most 63 octets. */
const labelPattern = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Null: not a name that DNS could answer for. One dot at the end says that it is absolute, and is left out. */
function referenceLabels(reference: string): readonly string[] | null {
  const relative = reference.endsWith('.') ? reference.slice(0, -1) : reference;
  // Of anything but letters of other scripts, `domainToASCII` would make something of its own.
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(relative)) return null;
  return labelsOf(domainToASCII(relative));
}

function labelsOf(name: string): readonly string[] | null {
  if (name.length === 0 || name.length > 253) return null;
  const labels = name.toLowerCase().split('.');
  // An address in letters (`1.2.3.4`, `0x7f.1`) is not a name: the last label has a letter that is no number's.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return null;
  return labels.every((label) => labelPattern.test(label)) ? labels : null;
}

function matches(reference: readonly string[], presented: string): boolean {
  const isWildcard = presented.startsWith('*.');
  const fixed = labelsOf(isWildcard ? presented.slice(2) : presented);
  if (fixed === null) return false;
  // `*.org` would be for everybody's names.
  if (isWildcard && fixed.length < 2) return false;
  const compared = isWildcard ? reference.slice(1) : reference;
  return compared.length === fixed.length && compared.every((label, index) => label === fixed[index]);
}
