// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { COMPONENT_GROUP, decodeComponentStatus, encodeComponentStatus } from '@vnfpool/wire/csp';
import { describe, expect, test } from 'vitest';
import { RSPLIB_CSP } from '../vectors/rsplib-csp.ts';

const report = fromHex(RSPLIB_CSP[0]?.hex ?? '');

/** The captured report with some octets replaced. */
function changed(at: number, hex: string): Uint8Array {
  const bytes = report.slice();
  bytes.set(fromHex(hex), at);
  return bytes;
}

describe('reports of rsplib', () => {
  test.each(RSPLIB_CSP)('$name', ({ hex }) => {
    expect(toHex(encodeComponentStatus(decodeComponentStatus(fromHex(hex))))).toBe(hex);
  });

  test('field by field', () => {
    expect(decodeComponentStatus(report)).toEqual({
      type: 'report',
      final: false,
      sender: { group: COMPONENT_GROUP.poolElement, identifier: 0xc0000001n },
      timestamp: 14n,
      intervalUs: 2_000_000,
      location: 'sctp-vm: [fd00::11]:39369',
      status: 'Looking for Registrar ...',
      workload: 0,
      associations: [],
    });
  });
});

test('an association and the special values', () => {
  const status = {
    ...decodeComponentStatus(report),
    final: true,
    workload: null,
    associations: [
      {
        receiver: { group: COMPONENT_GROUP.registrar, identifier: 0x11111111n },
        durationUs: null,
        flags: 1,
        protocol: 132,
        payloadProtocol: 11,
      },
    ],
  };
  const bytes = encodeComponentStatus(status);
  expect(toHex(bytes.subarray(0, 4))).toBe('01010138');
  expect(toHex(bytes.subarray(284))).toBe('ffff00010100000011111111ffffffffffffffff000100840000000b');
  expect(decodeComponentStatus(bytes)).toEqual(status);
});

test('octets behind the end of a text mean nothing', () => {
  expect(decodeComponentStatus(changed(28 + 127, '41'))).toEqual(decodeComponentStatus(report));
});

test('a text of 128 octets has no zero at its end', () => {
  const bytes = changed(28, '41'.repeat(128));
  expect(decodeComponentStatus(bytes).location).toBe('A'.repeat(128));
  expect(encodeComponentStatus(decodeComponentStatus(bytes))).toEqual(bytes);
});

test.each([
  ['another type', changed(0, '02'), 'unknown'],
  ['another version', changed(4, '00000100'), 'unknown'],
  ['a length that is not the size', changed(2, '0121'), 'length'],
  ['more associations than there are', changed(286, '0001'), 'length'],
  ['a text that is not UTF-8', changed(28, 'ff'), 'utf8'],
  ['a cut', report.subarray(0, 7), 'short'],
])('%s is refused', (_name, bytes, code) => {
  expect(() => decodeComponentStatus(bytes)).toThrow(expect.objectContaining({ name: 'WireError', code }));
});

test.each([
  ['a text of 129 octets', { location: 'A'.repeat(129) }, 'limit'],
  ['a zero in a text', { status: 'a\0b' }, 'value'],
  ['a workload above 1', { workload: 1.1 }, 'value'],
  ['an identifier of 57 bits', { sender: { group: 1, identifier: 1n << 56n } }, 'value'],
])('%s is not encoded', (_name, part, code) => {
  const status = { ...decodeComponentStatus(report), ...part };
  expect(() => encodeComponentStatus(status)).toThrow(WireError);
  expect(() => encodeComponentStatus(status)).toThrow(expect.objectContaining({ code }));
});
