// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeMobility,
  encodeMobility,
  type MobilityDecodeError,
  type MobilityMessage,
  mobilityFrameBytes,
} from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

function rejection(hex: string): MobilityDecodeError {
  try {
    decodeMobility(fromHex(hex));
  } catch (error) {
    return error as MobilityDecodeError;
  }
  throw new Error(`${hex} was accepted`);
}

describe('worked examples', () => {
  test.each(VECTORS)('$name: decodes', ({ hex, message }) => {
    expect(decodeMobility(fromHex(hex))).toEqual(message);
  });

  test.each(VECTORS)('$name: encodes', ({ hex, message }) => {
    expect(toHex(encodeMobility(message))).toBe(toHex(fromHex(hex)));
  });

  test.each(VECTORS)('$name: no prefix of it is a message', ({ hex }) => {
    const whole = fromHex(hex);
    for (let bytes = 0; bytes < whole.length; bytes++) {
      expect(() => decodeMobility(whole.subarray(0, bytes))).toThrow(WireError);
    }
  });

  test.each(VECTORS)('$name: cut short with its Length adjusted, it decodes or is a WireError', ({ hex }) => {
    const whole = fromHex(hex);
    for (let bytes = 8; bytes < whole.length; bytes++) {
      const cut = whole.slice(0, bytes);
      cut[2] = (bytes - 4) >> 8;
      cut[3] = (bytes - 4) & 0xff;
      try {
        decodeMobility(cut);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });

  test.each(VECTORS)('$name: the header tells the size of the frame', ({ hex }) => {
    const whole = fromHex(hex);
    expect(mobilityFrameBytes(whole.subarray(0, 4))).toBe(whole.length);
  });
});

describe('rejections', () => {
  const NODE = '04000004 0000000a';
  const FUNCTION = '05000004 00000065';

  test.each([
    { name: 'Node ID of Length 3', hex: '0400000b 00000009 04000003 00000a', sequence: 9, code: 'length' },
    { name: 'option past the end', hex: '0200000c 0000000a 04000005 0000000a', sequence: 10, code: 'short' },
    {
      name: 'MOVE without destination',
      hex: `03040014 0000000b ${NODE}${FUNCTION}`,
      sequence: 11,
      code: 'missing',
    },
    { name: 'COPY without function', hex: `03050014 0000000b ${NODE}${NODE}`, sequence: 11, code: 'missing' },
    {
      name: 'MOVE_SESSION without sessions',
      hex: `0306001c 0000000b ${NODE}${NODE}${FUNCTION}`,
      sequence: 11,
      code: 'missing',
    },
    { name: 'ADD without function', hex: `0302000c 0000000c ${NODE}`, sequence: 12, code: 'missing' },
    {
      name: 'ADD with the function before the node',
      hex: `03020014 0000000c ${FUNCTION}${NODE}`,
      sequence: 12,
      code: 'missing',
    },
    { name: 'no Node ID', hex: '02000004 0000000d', sequence: 13, code: 'missing' },
    {
      name: 'Node ID with a Sub-OP-Type',
      hex: '0200000c 0000000d 04010004 0000000a',
      sequence: 13,
      code: 'missing',
    },
    { name: 'unknown type', hex: `0800000c 0000000e ${NODE}`, sequence: 14, code: 'unknown' },
    { name: 'unknown command', hex: `03070014 0000000f ${NODE}${FUNCTION}`, sequence: 15, code: 'unknown' },
    {
      name: 'IPv4 address of 5 octets',
      hex: `01000015 00000010 ${NODE} 01000005 c000020a00`,
      sequence: 16,
      code: 'length',
    },
    {
      name: 'port of 4 octets',
      hex: `01000014 00000010 ${NODE} 03000004 00000050`,
      sequence: 16,
      code: 'length',
    },
    { name: 'load with a sign', hex: `04000012 00000011 ${NODE} 06020002 2d31`, sequence: 17, code: 'value' },
    {
      name: 'memory with a fraction',
      hex: `04000013 00000011 ${NODE} 060a0003 312e35`,
      sequence: 17,
      code: 'value',
    },
    {
      name: 'memory with a leading zero',
      hex: `04000012 00000011 ${NODE} 060a0002 3031`,
      sequence: 17,
      code: 'value',
    },
    {
      name: 'boot time of 4 octets',
      hex: `04000014 00000011 ${NODE} 06280004 00000001`,
      sequence: 17,
      code: 'length',
    },
    {
      name: 'an unknown running status',
      hex: `0400001b 00000012 ${NODE} ${FUNCTION} 07320003 4f6666`,
      sequence: 18,
      code: 'value',
    },
    {
      name: 'text that is not UTF-8',
      hex: `07000011 00000013 ${NODE} 09010001 ff`,
      sequence: 19,
      code: 'utf8',
    },
    {
      name: 'a hello cut short',
      hex: `01000017 00000014 ${NODE} 09ff0007 00007ed9 0000 01`,
      sequence: 20,
      code: 'length',
    },
    {
      name: 'a hello with 7 octets of term',
      hex: `01000026 00000014 ${NODE} 09ff0016 00007ed9 0000 01 0102030405060708 01020304050607`,
      sequence: 20,
      code: 'length',
    },
    {
      name: 'a transfer role 3',
      hex: `0302002f 00000015 ${NODE} ${FUNCTION} 09ff0017 00007ed9 0001 00112233445566778899aabbccddeeff 03`,
      sequence: 21,
      code: 'value',
    },
    {
      name: 'an extension twice',
      hex: `06000024 00000016 ${NODE} 09ff0008 00007ed9 0004 0003 09ff0008 00007ed9 0004 0003`,
      sequence: 22,
      code: 'duplicate',
    },
  ])('$name', ({ hex, sequence, code }) => {
    const error = rejection(hex);
    expect(error).toBeInstanceOf(WireError);
    expect({ sequence: error.sequence, code: error.code }).toEqual({ sequence, code });
    expect(error.messageType).toBe(fromHex(hex)[0]);
    expect(error.errorNumber).toBe(1);
  });

  test('a refused command keeps its Sub-Type and Node ID for the ACK', () => {
    const error = rejection(`03040014 0000000b ${NODE}${FUNCTION}`);
    expect(error.subType).toBe(4);
    expect(error.nodeId).toBe(10);
  });

  test('a Length below 4 cannot be framed', () => {
    expect(() => mobilityFrameBytes(fromHex('02000003'))).toThrow(WireError);
    expect(() => decodeMobility(fromHex('02000003 000000'))).toThrow(WireError);
  });

  test('a Length above the maximum configured cannot be framed', () => {
    expect(mobilityFrameBytes(fromHex('0200ffff'))).toBe(65539);
    expect(() => mobilityFrameBytes(fromHex('0200ffff'), 4096)).toThrow(WireError);
  });

  test.each<{ name: string; message: MobilityMessage }>([
    { name: 'sequence', message: { type: 'keep-alive', sequence: 2 ** 24, nodes: [] } },
    { name: 'Node ID', message: { type: 'keep-alive', sequence: 1, nodes: [{ id: 2 ** 32 }] } },
    {
      name: 'address',
      message: { type: 'registration', sequence: 1, nodes: [{ id: 1, addresses: ['here'] }] },
    },
    {
      name: 'load',
      message: { type: 'status-update', sequence: 1, nodes: [{ id: 1, information: { load: -1 } }] },
    },
    {
      name: 'name',
      message: {
        type: 'status-update',
        sequence: 1,
        nodes: [{ id: 1, functions: [{ id: 1, information: { name: '' } }] }],
      },
    },
    { name: 'text', message: { type: 'error', sequence: 1, nodes: [{ id: 1, text: 'é'.repeat(513) }] } },
    {
      name: 'size',
      message: {
        type: 'error',
        sequence: 1,
        nodes: Array.from({ length: 65 }, () => ({ id: 1, text: 'x'.repeat(1024) })),
      },
    },
  ])('the encoder refuses a bad $name', ({ message }) => {
    expect(() => encodeMobility(message)).toThrow(WireError);
  });
});

describe('what is ignored', () => {
  const plain = { type: 'status-update', sequence: 2, nodes: [{ id: 10 }] };

  test.each([
    { name: 'Sub-Type and Code of a STATUS-UPDATE', hex: '0405000c 81000002 04000004 0000000a' },
    { name: 'an unknown OP-Type', hex: '04000011 00000002 04000004 0000000a 0a000001 ff' },
    { name: 'an unknown Sub-OP-Type', hex: '04000011 00000002 04000004 0000000a 06630001 ff' },
    {
      name: "another enterprise's extension",
      hex: '04000016 00000002 04000004 0000000a 09ff0006 00000001 0005',
    },
    { name: 'an unknown extension', hex: '04000016 00000002 04000004 0000000a 09ff0006 00007ed9 0063' },
    {
      name: 'function information without a function',
      hex: '04000011 00000002 04000004 0000000a 07020001 31',
    },
    { name: 'an empty value', hex: '04000010 00000002 04000004 0000000a 06020000' },
    { name: 'options before the first Node ID', hex: '04000011 00000002 06020001 31 04000004 0000000a' },
  ])('$name', ({ hex }) => {
    expect(decodeMobility(fromHex(hex))).toEqual(plain);
  });

  test('zero values of wanted options', () => {
    const wanted = [
      { opType: 6, subType: 2 },
      { opType: 6, subType: 40 },
      { opType: 1, subType: 0 },
    ];
    expect(
      decodeMobility(
        fromHex('02000021 00000001 04000004 0000000a 06020001 30 06280008 0000000000000000 01000000'),
      ),
    ).toEqual({ type: 'keep-alive', sequence: 1, nodes: [{ id: 10, wanted }] });
  });

  test('the missing Node IDs of a plain ACK to MOVE_SESSION', () => {
    expect(decodeMobility(fromHex('06060004 00000006'))).toMatchObject({ type: 'ack', nodes: [] });
    expect(decodeMobility(fromHex('0606000c 00000006 05000004 00000064'))).toMatchObject({
      nodes: [{ id: 0, functions: [{ id: 100 }] }],
    });
  });
});

test('the ACK of GET at node scope names the Function ID before what was wanted', () => {
  const hex = '0601001d 00000002 04000004 0000000a 05000004 00000000 060a0005 3130323430';
  const message: MobilityMessage = {
    type: 'ack',
    subType: 1,
    code: 0,
    sequence: 2,
    nodes: [{ id: 10, information: { memoryBytes: 10240n }, functions: [{ id: 0 }] }],
  };
  expect(decodeMobility(fromHex(hex))).toEqual(message);
  expect(toHex(encodeMobility(message))).toBe(toHex(fromHex(hex)));
});
