// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { decodeEnrp, encodeEnrp, enrpFrameLength } from '@vnfpool/wire/enrp';
import { DiscardError } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { ENRP_VECTORS } from '../vectors/enrp.ts';
import { RSPLIB_ENRP } from '../vectors/rsplib-enrp.ts';

const TO_2 = '0a0b0c0d 51525354';
const WEB = '00090007 77656200';

/** What `decodeEnrp` throws for these octets. */
function failure(hex: string): WireError {
  try {
    decodeEnrp(fromHex(hex));
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

describe('messages of RFC 5353 §2', () => {
  test.each(ENRP_VECTORS)('$name', ({ hex, message }) => {
    const bytes = fromHex(hex);
    expect(toHex(encodeEnrp(message))).toBe(toHex(bytes));
    expect(decodeEnrp(bytes)).toEqual({ message, unrecognized: [] });
  });

  test.each(RSPLIB_ENRP)('rsplib $name', ({ hex }) => {
    const { message, unrecognized } = decodeEnrp(fromHex(hex));
    expect(unrecognized).toEqual([]);
    expect(toHex(encodeEnrp(message))).toBe(hex);
    expect(toHex(encodeEnrp(message, 'included'))).toBe(hex);
  });

  test.each(ENRP_VECTORS)('every truncation is refused: $name', ({ hex }) => {
    const bytes = fromHex(hex);
    for (let size = 0; size < bytes.length; size++) {
      expect(() => decodeEnrp(bytes.subarray(0, size))).toThrow(WireError);
    }
  });
});

describe('presence, RFC 5353 §2.1', () => {
  test('with neither checksum nor server', () => {
    expect(decodeEnrp(fromHex(`0100000c ${TO_2}`)).message).toEqual({
      type: 'presence',
      sender: 0x0a0b0c0d,
      receiver: 0x51525354,
      replyRequired: false,
    });
  });

  test('a checksum at the end: 2 octets of padding that the lengths do not count', () => {
    const message = {
      type: 'presence',
      sender: 1,
      receiver: 0,
      replyRequired: false,
      checksum: 0xffff,
    } as const;
    expect(toHex(encodeEnrp(message))).toBe('0100001200000001' + '00000000' + '000f0006ffff0000');
    expect(toHex(encodeEnrp(message, 'included'))).toBe('0100001400000001' + '00000000' + '000f0006ffff0000');
    for (const hex of ['01000012', '01000014']) {
      const bytes = fromHex(`${hex} 00000001 00000000 000f0006 ffff0000`);
      expect(decodeEnrp(bytes).message).toEqual(message);
    }
  });

  test('a checksum of 4 octets is refused', () => {
    expect(reportOf(`01000014 ${TO_2} 000f0008 0000a593`)).toEqual({ code: 3, info: '000f00080000a593' });
  });
});

describe('handle table response, RFC 5353 §2.3', () => {
  test('a pool without elements is let pass', () => {
    expect(decodeEnrp(fromHex(`0302001c ${TO_2} ${WEB} ${WEB}`)).message).toMatchObject({
      more: true,
      pools: [
        { poolHandle: fromHex('776562'), elements: [] },
        { poolHandle: fromHex('776562'), elements: [] },
      ],
    });
  });

  test('rejected', () => {
    const message = {
      type: 'handle-table-response',
      sender: 1,
      receiver: 2,
      rejected: true,
      more: false,
    } as const;
    expect(toHex(encodeEnrp({ ...message, pools: [] }))).toBe('0301000c0000000100000002');
  });

  test('a pool element before any pool handle is malformed', () => {
    const element =
      '000a002c aaaa0002 51525354 0000012c 00050010 00500000 00010008 0a000016 0008000c 00000002 00000001';
    const error = failure(`03000040 ${TO_2} ${element} ${WEB}`);
    expect(error.code).toBe('missing');
    expect(reportOf(`03000040 ${TO_2} ${element} ${WEB}`)).toEqual({
      code: 3,
      info: element.replaceAll(' ', ''),
    });
  });
});

describe('handle update, RFC 5353 §2.4', () => {
  const update = fromHex(ENRP_VECTORS.find(({ name }) => name.startsWith('E4 '))?.hex ?? '');

  test('an action that is neither add nor delete is refused, with a report', () => {
    const bytes = update.slice();
    bytes[13] = 2;
    expect(reportOf(toHex(bytes))).toEqual({ code: 3, info: '' });
    expect(failure(toHex(bytes))).toMatchObject({ code: 'value', offset: 12 });
  });

  test('the reserved octets are ignored', () => {
    const bytes = update.slice();
    bytes[15] = 7;
    expect(decodeEnrp(bytes)).toEqual(decodeEnrp(update));
  });
});

describe('unknown messages and parameters, RFC 5354 §2, §3', () => {
  test.each([
    ['00', '0f000004', null],
    ['01', '4a000008cafebabe', { code: 2, info: '4a000008cafebabe' }],
    ['10, as 00', '8f000004', null],
    ['11, as 01', 'cf000004', { code: 2, info: 'cf000004' }],
    ['reserved type 0', '00000004', null],
  ])('message bits %s', (_name, hex, report) => {
    expect(reportOf(hex)).toEqual(report);
  });

  test.each([
    ['00', '3f000004', null],
    ['01', '7f000004', { code: 1, info: '7f000004' }],
  ])('parameter bits %s', (_name, parameter, report) => {
    expect(reportOf(`01000010 ${TO_2} ${parameter}`)).toEqual(report);
  });

  test('parameters to skip are told', () => {
    const { unrecognized } = decodeEnrp(fromHex(`01000014 ${TO_2} bf000004 ff000004`));
    expect(unrecognized.map(({ type, report }) => ({ type, report }))).toEqual([
      { type: 0xbf00, report: false },
      { type: 0xff00, report: true },
    ]);
  });

  test.each([
    ['without cause', '000c0004'],
    ['with an unknown parameter of the report kind', '7f000004'],
    ['without Operation Error', 'bf000004'],
  ])('an error %s is not answered', (_name, parameter) => {
    expect(reportOf(`0a000010 ${TO_2} ${parameter}`)).toBeNull();
  });
});

test('frame length: rounded up to 4, at least 4', () => {
  expect(enrpFrameLength(fromHex('01000012'))).toBe(20);
  expect(() => enrpFrameLength(fromHex('01000003'))).toThrow(WireError);
});
