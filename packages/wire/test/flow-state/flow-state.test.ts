// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeFlowState,
  encodeFlowState,
  type FlowEntry,
  FlowStateDecoder,
  FlowStateEncoder,
  flowKeyText,
  invertTuple,
  natOf,
} from '@vnfpool/wire/flow-state';
import { describe, expect, test } from 'vitest';
import { download, everything, ping, STREAMS } from './vectors.ts';

const plainHex = (text: string): string => text.replaceAll(/\s/g, '');

describe.each(STREAMS)('$name', ({ hex, records }) => {
  test('decodes', () => {
    expect(decodeFlowState(fromHex(hex))).toEqual(records);
  });
  test('encodes', () => {
    expect(toHex(encodeFlowState(records))).toBe(plainHex(hex));
  });
  test('every cut is noticed', () => {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeFlowState(bytes.subarray(0, length)), `${length} octets`).toThrow(WireError);
    }
  });
});

const END = '0009 03 00000001 00000000';
const flow = (body: string): string =>
  `56464c01 ${(1 + plainHex(body).length / 2).toString(16).padStart(4, '0')} 01 ${body} ${END}`;
const TUPLE = '10 06 0a000001 0a000002 0001 0002';
/** With these fields. */
const expectation = (fields: string): string => {
  const body = plainHex(`81 00000000 00000000 0000012c 0000 ${TUPLE} ${TUPLE} ${TUPLE} ${fields}`);
  return `56464c01 ${(body.length / 2).toString(16).padStart(4, '0')} ${body} 0009 03 00000000 00000000`;
};
const UDP = '10 11 0000 0000001e 0a000002 0a000003 0001 0002';

test.each([
  ['another format', '56464d01 0009 03 00000000 00000000', 'unknown'],
  ['another version', '56464c02 0009 03 00000000 00000000', 'unknown'],
  ['a record without a kind', '56464c01 0000', 'length'],
  ['a record that is too long', '56464c01 0401 01', 'length'],
  ['an unknown kind', '56464c01 0001 04', 'unknown'],
  ['wrong counts', '56464c01 0009 03 00000001 00000000', 'value'],
  ['an octet behind the end', '56464c01 0009 03 00000000 00000000 00', 'trailing'],
  ['a record behind the end', '56464c01 0009 03 00000000 00000000 0001 80', 'trailing'],
  ['an octet too many in the end', '56464c01 000a 03 00000000 00000000 00', 'trailing'],
  ['a reserved bit of the shape', flow('50 11 0000 0000001e 0a000002 0a000003 0001 0002'), 'value'],
  ['a layer 4 of no known kind', flow('30 11 0000 0000001e 0a000002 0a000003 0001 0002'), 'value'],
  ['a reply with a layer 4 of no size', flow('08 59 0000 0000001e 0a000002 0a000003'), 'value'],
  ['an unknown field', flow(`${UDP} 7f 00`), 'unknown'],
  ['a field twice', flow(`${UDP} 02 04 00000001 02 04 00000001`), 'duplicate'],
  ['a mark of three octets', flow(`${UDP} 02 03 000001`), 'short'],
  ['a mark of five octets', flow(`${UDP} 02 05 0000000001`), 'trailing'],
  ['a zone of no direction', flow(`${UDP} 01 03 0001 03`), 'value'],
  ['a window scale of 15', flow(`${UDP} 03 05 03 0f 00 00 00`), 'value'],
  ['a helper without a name', flow(`${UDP} 05 00`), 'limit'],
  ['a helper of 16 octets', flow(`${UDP} 05 10 61616161616161616161616161616161`), 'limit'],
  ['a helper that is no text', flow(`${UDP} 05 01 ff`), 'utf8'],
  ['labels of 17 octets', flow(`${UDP} 06 11 0000000000000000000000000000000000`), 'limit'],
  ['an expectation of a third direction', expectation('02 0c 02 10 06 0a000001 0a000002 0001 0002'), 'value'],
  ['an expectation with an unknown field', expectation('7f 00'), 'unknown'],
  ['an expectation with a helper twice', expectation('01 01 61 01 01 61'), 'duplicate'],
  ['an expectation with a helper of 16 octets', expectation(`01 10 ${'61'.repeat(16)}`), 'limit'],
  ['an expectation without its master', '56464c01 000b 81 00000000 00000000 0000', 'short'],
  ['a master with the shape of a reply', flow(`${UDP} 07 0e 12 06 0a000001 0a000002 0001 0015`), 'value'],
])('%s is refused', (_, hex, code) => {
  let got: unknown;
  try {
    decodeFlowState(fromHex(hex));
  } catch (error) {
    got = error;
  }
  expect(got).toBeInstanceOf(WireError);
  expect((got as WireError).code).toBe(code);
});

test('a record and a field that may be skipped are', () => {
  const records = decodeFlowState(
    fromHex(`56464c01 0003 80 0102 0018 01 ${UDP} fe 01 00 0009 03 00000001 00000000`),
  );
  expect(records).toHaveLength(1);
});

test.each<[string, Partial<FlowEntry>]>([
  ['tuples of two families', { reply: everything.reply }],
  ['tuples of two protocols', { reply: { ...download.reply, protocol: 17 } }],
  ['tuples of two kinds', { reply: { ...download.reply, layer4: null } }],
  ['an address of 5 octets', { original: { ...download.original, source: new Uint8Array(5) } }],
  [
    'a port of 17 bits',
    { original: { ...download.original, layer4: { kind: 'ports', source: 65536, destination: 1 } } },
  ],
  ['a status of 17 bits', { status: 0x10000 }],
  ['a negative timeout', { timeoutSeconds: -1 }],
  ['half a second', { timeoutSeconds: 0.5 }],
  ['a helper with a long name', { helper: 'sixteen octets..' }],
  ['labels of no octets', { labels: new Uint8Array() }],
])('%s is not encoded, and leaves the stream whole', (_, wrong) => {
  const encoder = new FlowStateEncoder();
  encoder.flow(ping);
  expect(() => encoder.flow({ ...download, ...wrong })).toThrow(WireError);
  encoder.flow(everything);
  encoder.end();
  expect(decodeFlowState(encoder.take())).toEqual([
    { kind: 'flow', entry: ping },
    { kind: 'flow', entry: everything },
  ]);
});

test('nothing follows the end', () => {
  const encoder = new FlowStateEncoder();
  encoder.end();
  expect(() => encoder.gone(ping)).toThrow(WireError);
});

test('buffers of Node, whose slice is no copy, are taken as plain octets', () => {
  const bytes = Buffer.from(encodeFlowState([{ kind: 'flow', entry: download }]));
  const decoder = new FlowStateDecoder();
  const first = Buffer.from(bytes.subarray(0, 20));
  decoder.push(first);
  first.fill(0);
  expect(decoder.push(bytes.subarray(20))).toEqual([{ kind: 'flow', entry: download }]);
});

test('what was read does not change with the chunk it came in', () => {
  const bytes = encodeFlowState([{ kind: 'flow', entry: download }]);
  const decoder = new FlowStateDecoder();
  const first = bytes.slice(0, 20);
  expect(decoder.push(first)).toEqual([]);
  first.fill(0);
  expect(decoder.push(bytes.slice(20))).toEqual([{ kind: 'flow', entry: download }]);
  expect(decoder.isEnded).toBe(true);
});

describe('the translation of', () => {
  test('a masquerade', () => {
    expect(natOf(download)).toEqual({
      source: { address: fromHex('c6336401'), port: 40_000 },
      destination: null,
    });
  });
  test('both ends', () => {
    expect(natOf(everything)).toEqual({
      source: { address: everything.reply.destination, port: 1001 },
      destination: { address: everything.reply.source, port: 2001 },
    });
  });
  test('a port alone', () => {
    const reply = {
      ...invertTuple(download.original),
      layer4: { kind: 'ports', source: 8080, destination: 40_000 },
    };
    expect(natOf({ ...download, reply: reply as FlowEntry['reply'] })).toEqual({
      source: null,
      destination: { address: download.original.destination, port: 8080 },
    });
  });
  test('a ping whose identifier changed', () => {
    const reply = { ...ping.reply, layer4: { kind: 'icmp' as const, type: 0, code: 0, id: 9 } };
    expect(natOf({ ...ping, reply })).toEqual({
      source: { address: ping.original.source, port: 9 },
      destination: null,
    });
  });
  test('nothing', () => {
    expect(natOf(ping)).toEqual({ source: null, destination: null });
  });
});

test('a name is that of the original tuple and the zone', () => {
  expect(flowKeyText(download)).toBe(flowKeyText({ ...download, reply: ping.reply, mark: 7 } as FlowEntry));
  const others = [ping, everything, { ...download, zone: 1 }, { ...download, original: download.reply }];
  expect(new Set([download, ...others].map(flowKeyText)).size).toBe(5);
});
