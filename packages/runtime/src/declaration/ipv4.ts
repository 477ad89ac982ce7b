// SPDX-License-Identifier: Apache-2.0

/** Says what is wrong with a virtual address, or gives it in one form. */
export function parseVirtualAddress(
  text: string,
): { readonly address: string; readonly prefix: number } | { readonly fault: string } {
  if (text.includes(':'))
    return { fault: `IPv6 virtual addresses are not there yet; got ${JSON.stringify(text)}` };
  const wanted = 'must be an IPv4 address with prefix length, such as 10.77.0.100/24';
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return { fault: `${wanted}; got ${JSON.stringify(text)}` };
  const octets = match.slice(1, 5).map(Number);
  const prefix = Number(match[5]);
  // Leading zeros are read as octal by some programs and as decimal by others.
  if (match.slice(1).some((part) => part.length > 1 && part.startsWith('0'))) {
    return { fault: `must not have leading zeros; got ${JSON.stringify(text)}` };
  }
  if (octets.some((octet) => octet > 255) || prefix < 1 || prefix > 32) {
    return { fault: `${wanted}; got ${JSON.stringify(text)}` };
  }
  const first = octets[0] as number;
  if (first === 0 || first === 127 || first >= 224) {
    return { fault: `must be an address that a host can have; ${octets.join('.')} is reserved` };
  }
  return { address: octets.join('.'), prefix };
}
