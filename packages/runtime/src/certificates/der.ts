// SPDX-License-Identifier: Apache-2.0

/** Writes the few forms of ASN.1 DER that a certification request needs. */
export const der = {
  sequence: (...parts: readonly Uint8Array[]): Uint8Array => element(0x30, concat(parts)),
  set: (...parts: readonly Uint8Array[]): Uint8Array => element(0x31, concat(parts)),
  /** An integer of one octet, 0…127. */
  integer: (value: number): Uint8Array => element(0x02, Uint8Array.of(value)),
  utf8: (text: string): Uint8Array => element(0x0c, new TextEncoder().encode(text)),
  /** A bit string of whole octets. */
  bits: (octets: Uint8Array): Uint8Array => element(0x03, concat([Uint8Array.of(0), octets])),
  /** The octets of an object identifier, encoded already. */
  oid: (octets: readonly number[]): Uint8Array => element(0x06, Uint8Array.from(octets)),
  /** Context-specific, constructed. */
  context: (tag: number, content: Uint8Array): Uint8Array => element(0xa0 | tag, content),
};

function element(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length > 0xffff) throw new RangeError(`DER element of ${length} octets`);
  const size =
    length < 0x80 ? [length] : length <= 0xff ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat([Uint8Array.of(tag, ...size), content]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
