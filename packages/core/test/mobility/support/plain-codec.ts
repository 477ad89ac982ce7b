// SPDX-License-Identifier: Apache-2.0

/*
 * A second reader and writer of the draft's messages, from its layout alone (§6) and without our codec: header of
 * 8 octets, then options of type, sub-type, length and value.
 */

export interface PlainOption {
  readonly type: number;
  readonly sub: number;
  readonly value: Uint8Array;
}

export interface PlainMessage {
  readonly type: number;
  readonly sub: number;
  readonly code: number;
  readonly sequence: number;
  readonly options: readonly PlainOption[];
}

export function writePlain(message: PlainMessage): Uint8Array {
  const body = message.options.flatMap(({ type, sub, value }) => [
    type,
    sub,
    value.length >> 8,
    value.length & 255,
    ...value,
  ]);
  const { type, sub, code, sequence } = message;
  const length = body.length + 4;
  const numbers = [sequence >> 16, (sequence >> 8) & 255, sequence & 255];
  return Uint8Array.from([type, sub, length >> 8, length & 255, code, ...numbers, ...body]);
}

export function readPlain(octets: Uint8Array): PlainMessage {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  if (view.getUint16(2) + 4 !== octets.length) throw new Error('the length is not that of the message');
  const options: PlainOption[] = [];
  let at = 8;
  while (at < octets.length) {
    const end = at + 4 + view.getUint16(at + 2);
    if (end > octets.length) throw new Error('an option is longer than the message');
    options.push({ type: view.getUint8(at), sub: view.getUint8(at + 1), value: octets.slice(at + 4, end) });
    at = end;
  }
  const code = view.getUint8(4);
  return {
    type: view.getUint8(0),
    sub: view.getUint8(1),
    code,
    sequence: view.getUint32(4) & 0xffffff,
    options,
  };
}

export function number(type: number, value: number): PlainOption {
  return {
    type,
    sub: 0,
    value: Uint8Array.of(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255),
  };
}

export function text(type: number, sub: number, value: string): PlainOption {
  return { type, sub, value: new TextEncoder().encode(value) };
}

export function numberOf(option: PlainOption | undefined): number {
  return option?.value.reduce((sum, octet) => sum * 256 + octet, 0) ?? 0;
}

export function textOf(option: PlainOption | undefined): string {
  return new TextDecoder().decode(option?.value);
}

/** All Node IDs or Function IDs of a message, in order: option types 4 and 5. */
export function ids(message: PlainMessage, type: 4 | 5): number[] {
  return message.options.filter((option) => option.type === type).map(numberOf);
}
