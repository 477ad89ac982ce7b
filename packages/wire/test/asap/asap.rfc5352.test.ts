// SPDX-License-Identifier: Apache-2.0
import { asapFrameLength, decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { DiscardError } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { ASAP_VECTORS } from '../vectors/asap.ts';
import { RSPLIB_ASAP } from '../vectors/rsplib-asap.ts';

/** What `decodeAsap` throws for these octets. */
function failure(hex: string): WireError {
  try {
    decodeAsap(fromHex(hex));
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error(`decoded: ${hex}`);
}

function reportOf(hex: string): { code: number; info: string } | null {
  const error = failure(hex);
  if (!(error instanceof DiscardError)) throw error;
  return error.report === null ? null : { code: error.report.code, info: toHex(error.report.info) };
}

describe('messages of RFC 5352 §2.2', () => {
  test.each(ASAP_VECTORS)('$name', ({ hex, message }) => {
    const bytes = fromHex(hex);
    expect(toHex(encodeAsap(message))).toBe(toHex(bytes));
    expect(decodeAsap(bytes)).toEqual({ message, unrecognized: [] });
  });

  test.each(RSPLIB_ASAP)('rsplib $name', ({ hex }) => {
    const { message, unrecognized } = decodeAsap(fromHex(hex));
    expect(unrecognized).toEqual([]);
    expect(toHex(encodeAsap(message))).toBe(hex);
  });

  test.each(ASAP_VECTORS)('every truncation is refused: $name', ({ hex }) => {
    const bytes = fromHex(hex);
    const length = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    for (let size = 0; size < length; size++) {
      expect(() => decodeAsap(bytes.subarray(0, size))).toThrow(WireError);
    }
  });

  test.each(ASAP_VECTORS)('a shorter or longer message length is refused: $name', ({ hex }) => {
    const bytes = fromHex(hex);
    for (const length of [0, 3, 4, bytes.length - 5, bytes.length + 1, 0xffff]) {
      const wrong = bytes.slice();
      wrong[2] = length >> 8;
      wrong[3] = length & 0xff;
      expect(() => decodeAsap(wrong)).toThrow(WireError);
    }
  });
});

describe('padding, RFC 5354 §2', () => {
  test.each([
    ['as counted', '0500000b 00090007 77656200'],
    ['not there at all', '0500000b 00090007 776562'],
    ['counted by the message', '0500000c 00090007 77656200'],
    ['not zero', '0500000b 00090007 776562ff'],
  ])('final padding %s', (_name, hex) => {
    expect(decodeAsap(fromHex(hex)).message).toMatchObject({
      type: 'handle-resolution',
      poolHandle: fromHex('776562'),
    });
  });
});

describe('unknown parameters, RFC 5354 §3', () => {
  test('bits 00: discard silently', () => {
    expect(reportOf('05000014 00090007 77656200 3f000008 01020304')).toBeNull();
  });
  test('bits 01: discard and report', () => {
    const report = reportOf('05000014 00090007 77656200 7f000008 01020304');
    expect(report).toEqual({ code: 1, info: '7f00000801020304' });
  });
  test('bits 10: skip', () => {
    const { message, unrecognized } = decodeAsap(fromHex('05000014 00090007 77656200 bf000008 01020304'));
    expect(message.type).toBe('handle-resolution');
    expect(unrecognized).toMatchObject([{ type: 0xbf00, report: false }]);
  });
  test('bits 11: skip and report, with its padding, wherever it stands', () => {
    const { message, unrecognized } = decodeAsap(fromHex('05000014 c0fe0005 aa000000 00090007 776562 00'));
    expect(message).toMatchObject({ poolHandle: fromHex('776562') });
    expect(unrecognized).toEqual([{ type: 0xc0fe, whole: fromHex('c0fe0005 aa'), report: true }]);
  });
  test('inside a pool element', () => {
    const hex = `0d000040 00090007 77656200 000a0034 aaaa0002 51525354 0000012c 00050010
      00500000 00010008 0a000016 0008000c 00000002 00000001 c0fe0008 deadbeef`;
    expect(decodeAsap(fromHex(hex)).unrecognized).toMatchObject([{ type: 0xc0fe }]);
  });
});

describe('unknown messages, RFC 5354 §4', () => {
  test.each([
    ['00', '0f000004', null],
    ['01', '4f000004', { code: 2, info: '4f000004' }],
    ['10, as 00', '8f000004', null],
    ['11, as 01', 'cf000008cafebabe', { code: 2, info: 'cf000008cafebabe' }],
    ['reserved type 0', '00000004', null],
  ])('bits %s', (_name, hex, report) => {
    expect(reportOf(hex)).toEqual(report);
  });
});

describe('malformed parameters are discarded with the offending one', () => {
  test.each([
    ['length below 4', '0500000c 00090003 77656200', { code: 3, info: '00090003' }],
    ['length beyond the message', '0500000c 00090009 77656200', { code: 3, info: '00090009' }],
    ['no pool handle', '05000004', { code: 3, info: '' }],
    [
      'pool handle twice',
      '05000014 00090007 77656200 00090007 77656200',
      { code: 3, info: '00090007776562' },
    ],
    [
      'PE identifier of 2 octets',
      '08000012 00090007 77656200 000e0006 1234 0000',
      { code: 3, info: '000e00061234' },
    ],
    [
      'transport use 2',
      '0a000018 0a0b0c0d 00040010 0f170002 00010008 c0000201',
      { code: 3, info: '000400100f17000200010008c0000201' },
    ],
    [
      'transport without address',
      '0a000010 0a0b0c0d 00040008 0f170000',
      { code: 3, info: '000400080f170000' },
    ],
    [
      'IPv4 address of 3 octets',
      '0a000017 0a0b0c0d 0004000f 0f170000 00010007 c0000200',
      { code: 3, info: '00010007c00002' },
    ],
    ['policy 0', '06000014 00090007 77656200 00080008 00000000', { code: 3, info: '' }],
    ['cause cut off', '03010018 00090007 77656200 000e0008 12345678 000c0004', { code: 3, info: '000c0004' }],
  ])('%s', (_name, hex, report) => {
    expect(reportOf(hex)).toEqual(report);
  });

  test.each([
    ['without cause', '0e000008 000c0004'],
    ['with a cause cut off', '0e00000c 000c0008 00030008'],
    ['with an unknown parameter of the report kind', '0e000008 7f000004'],
  ])('an error %s is not reported', (_name, hex) => {
    expect(reportOf(hex)).toBeNull();
  });

  test('an announcement over UDP transport is refused', () => {
    expect(failure('0a000018 0a0b0c0d 00060010 0f170000 00010008 c0000201').code).toBe('value');
  });

  test('more than 64 causes are refused', () => {
    const causes = '00030004'.repeat(65);
    expect(failure(`0e00010c 000c0108 ${causes}`).code).toBe('limit');
  });
});

describe('framing on TCP', () => {
  test('the length is rounded up to 4', () => {
    expect(asapFrameLength(fromHex('0500000b'))).toBe(12);
    expect(asapFrameLength(fromHex('05000004'))).toBe(4);
    expect(asapFrameLength(fromHex('0500ffff'))).toBe(65536);
  });
  test('a length below 4 ends the stream', () => {
    expect(() => asapFrameLength(fromHex('05000003'))).toThrow(WireError);
  });
});

test('a message beyond 65535 octets is not encoded', () => {
  expect(() => encodeAsap({ type: 'cookie', cookie: new Uint8Array(65530) })).toThrow(WireError);
});
