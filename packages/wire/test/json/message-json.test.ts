// SPDX-License-Identifier: Apache-2.0
import { encodeAsap } from '@vnfpool/wire/asap';
import { fromHex, toHex } from '@vnfpool/wire/bytes';
import {
  FieldError,
  type MessageJson,
  messageFromJson,
  messageFromJsonText,
  messageToJson,
  WIRE_PROTOCOLS,
  type WireProtocol,
} from '@vnfpool/wire/json';
import { describe, expect, test } from 'vitest';
import { MESSAGES } from './vectors.ts';

const asap = (hex: string): MessageJson => messageToJson('asap', fromHex(hex));

/** Through JSON text and back. */
function again(protocol: WireProtocol, hex: string): string {
  return toHex(messageFromJsonText(JSON.stringify(messageToJson(protocol, fromHex(hex)))));
}

describe.each(WIRE_PROTOCOLS)('%s', (protocol) => {
  test.each(MESSAGES[protocol])('there and back: $name', ({ hex }) => {
    const line = messageToJson(protocol, fromHex(hex));
    expect(line.octets).toBeUndefined();
    expect(again(protocol, hex)).toBe(toHex(fromHex(hex)));
  });
});

describe('final padding', () => {
  const fields = {
    type: 'handle-resolution',
    sendUpdates: false,
    poolHandle: { hex: '776562', text: 'web' },
  };

  test.each([
    ['excluded', '0500000b 00090007 77656200'],
    ['included', '0500000c 00090007 77656200'],
  ])('%s', (padding, hex) => {
    expect(asap(hex)).toEqual({ protocol: 'asap', padding, message: fields });
    expect(again('asap', hex)).toBe(hex.replaceAll(' ', ''));
  });

  test('included in every container around a cause', () => {
    const hex = '04000020 00090007 77656200 000e0008 12345678 000c000c 00030007 abcdef00';
    expect(asap(hex)).toMatchObject({ padding: 'included' });
    expect(again('asap', hex)).toBe(hex.replaceAll(' ', ''));
  });

  test.each([
    ['not there', '0500000b 00090007 776562'],
    ['not zero', '0500000b 00090007 776562ff'],
    ['counted here and not there', '04000020 00090007 77656200 000e0008 12345678 000c000b 00030007 abcdef00'],
  ])('%s: the octets are told', (_name, hex) => {
    const { padding, octets } = asap(hex);
    expect([padding, octets]).toEqual([undefined, hex.replaceAll(' ', '')]);
    expect(again('asap', hex)).toBe(hex.replaceAll(' ', ''));
  });

  test('the standard form, where none is told', () => {
    expect(toHex(messageFromJson({ protocol: 'asap', message: fields }))).toBe('0500000b0009000777656200');
  });
});

describe('what the fields alone do not give', () => {
  test.each<[string, WireProtocol, string]>([
    ['a parameter that is skipped', 'asap', '05000018 00090007 77656200 bf000005 01000000 ff000004'],
    ['another order', 'asap', '08000013 000e0008 12345678 00090007 77656200'],
    ['a reserved flag', 'enrp', '0280000c 51525354 0a0b0c0d'],
    ['a parameter that does not belong here', 'enrp', '05000014 00000001 00000002 000e0008 00000007'],
    [
      'data behind the fields of a policy',
      'asap',
      '06000020 00090007 77656200 0008000c 00000001 00000009 000c0008 00090004',
    ],
    [
      'a number with a zero at its end',
      'mobility',
      '01 00 00 14 00 00 00 01 04 00 00 04 00 00 00 0a 06 02 00 04 32 2e 35 30',
    ],
    [
      'an unknown extension',
      'mobility',
      '01 00 00 16 00 00 00 01 04 00 00 04 00 00 00 0a 09 ff 00 06 00 00 00 01 00 00',
    ],
  ])('%s: the octets are told, and give themselves', (_name, protocol, hex) => {
    const octets = toHex(fromHex(hex));
    expect(messageToJson(protocol, fromHex(hex)).octets).toBe(octets);
    expect(again(protocol, hex)).toBe(octets);
  });

  test('skipped parameters are listed', () => {
    expect(asap('05000018 00090007 77656200 bf000005 01000000 ff000004').unrecognized).toEqual([
      { type: 0xbf00, whole: 'bf00000501', report: false },
      { type: 0xff00, whole: 'ff000004', report: true },
    ]);
  });

  test('octets that no longer say what the fields say are refused', () => {
    const line = asap('0500000b 00090007 776562');
    const changed = { ...line, message: { ...(line.message as object), sendUpdates: true } };
    expect(() => messageFromJson(changed)).toThrow(/^octets say something else than the fields/);
    expect(() => messageFromJson({ ...line, octets: '0500' })).toThrow(/^octets are not a message: /);
    const { octets: _octets, ...without } = changed;
    expect(toHex(messageFromJson(without))).toBe('0501000b0009000777656200');
  });

  test('skipped parameters without the octets are refused', () => {
    const { octets: _octets, ...line } = asap('05000014 00090007 77656200 bf000005 01000000');
    expect(() => messageFromJson(line)).toThrow(/^unrecognized needs the octets/);
  });
});

test('pool handles can be read, octets are hexadecimal, 64 bits are decimal digits', () => {
  expect(asap('0b00000d 000d0009 73746174 65000000').message).toEqual({
    type: 'cookie',
    cookie: '7374617465',
  });
  expect(asap('0500000a 00090006 ff00 0000').message).toMatchObject({ poolHandle: { hex: 'ff00' } });
  const [report] = MESSAGES.csp;
  expect(messageToJson('csp', fromHex(report?.hex ?? '')).message).toMatchObject({
    sender: { group: 2, identifier: '3221225473' },
    timestamp: '14',
  });
});

test('the longest messages, with text that JSON escapes', () => {
  const handle = new Uint8Array(65_500).fill(0x22);
  const octets = encodeAsap({ type: 'handle-resolution', sendUpdates: false, poolHandle: handle });
  expect(again('asap', toHex(octets))).toBe(toHex(octets));
  octets[1] = 0x80;
  expect(again('asap', toHex(octets))).toBe(toHex(octets));
});

test('a pool handle may be given as text alone', () => {
  const message = { type: 'handle-resolution', sendUpdates: false, poolHandle: { text: 'web' } };
  expect(toHex(messageFromJson({ protocol: 'asap', message }))).toBe('0500000b0009000777656200');
});

describe('errors name the field', () => {
  const resolution = { type: 'handle-resolution', sendUpdates: false, poolHandle: { text: 'web' } };
  const takeover = { type: 'init-takeover', sender: 1, receiver: 0, target: 2 };
  const [report] = MESSAGES.csp;
  const status = messageToJson('csp', fromHex(report?.hex ?? '')).message as object;

  test.each<[unknown, string]>([
    [[], 'line must be an object'],
    [{ error: 'message length 3' }, 'line tells an error: message length 3'],
    [{ message: resolution }, 'protocol must be asap or enrp or csp or mobility'],
    [{ protocol: 'asap', message: resolution, extra: 1 }, 'extra is not known'],
    [{ protocol: 'asap' }, 'message must be an object'],
    [{ protocol: 'asap', message: { type: 'presence' } }, 'message.type must be one of registration, '],
    [
      { protocol: 'asap', message: { ...resolution, sendUpdates: 1 } },
      'message.sendUpdates must be true or false',
    ],
    [{ protocol: 'asap', message: { ...resolution, item: 1 } }, 'message.item is not known'],
    [
      { protocol: 'asap', message: { ...resolution, items: -1 } },
      'message.items must be an integer from 0 to 4294967295',
    ],
    [
      { protocol: 'asap', message: { ...resolution, poolHandle: 'web' } },
      'message.poolHandle must be an object',
    ],
    [
      { protocol: 'asap', message: { ...resolution, poolHandle: {} } },
      'message.poolHandle must have hex or text',
    ],
    [
      { protocol: 'asap', message: { ...resolution, poolHandle: { hex: '776562', text: 'wec' } } },
      'message.poolHandle.text must be what hex says',
    ],
    [
      { protocol: 'asap', message: { ...resolution, poolHandle: { hex: '7' } } },
      'message.poolHandle.hex must be an even',
    ],
    [
      { protocol: 'asap', message: { type: 'error', causes: [{ code: 1 }] } },
      'message.causes[0].info is missing',
    ],
    [{ protocol: 'asap', padding: 'none', message: resolution }, 'padding must be excluded or included'],
    [{ protocol: 'csp', padding: 'included', message: status }, 'padding must be excluded'],
    [
      { protocol: 'csp', message: { ...status, timestamp: 14 } },
      'message.timestamp must be a string of decimal digits',
    ],
    [
      { protocol: 'csp', message: { ...status, workload: 2 } },
      'message.workload must be a number from 0 to 1',
    ],
    [
      {
        protocol: 'enrp',
        message: {
          ...takeover,
          type: 'presence',
          replyRequired: true,
          server: { registrarId: 1, transport: { type: 'udp' } },
        },
      },
      'message.target is not known',
    ],
    [
      {
        protocol: 'enrp',
        message: {
          type: 'list-response',
          sender: 1,
          receiver: 2,
          rejected: false,
          servers: [{ registrarId: 1, transport: { type: 'tcp', port: 1, address: '1.2.3' } }],
        },
      },
      'message.servers[0].transport.address must be an IP address',
    ],
  ])('%j', (line, message) => {
    expect(() => messageFromJson(line)).toThrow(FieldError);
    expect(() => messageFromJson(line)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) }),
    );
  });

  test('a line of another protocol than asked for', () => {
    expect(() => messageFromJson({ protocol: 'asap', message: resolution }, 'enrp')).toThrow(
      /^protocol must be enrp/,
    );
  });

  test('a key that stands twice', () => {
    expect(() => messageFromJsonText('{"protocol":"asap","protocol":"enrp"}')).toThrow(/twice/);
  });
});

test.each<WireProtocol>(['asap', 'enrp', 'mobility'])('%s: two messages are one too many', (protocol) => {
  const hex = MESSAGES[protocol][0]?.hex ?? '';
  expect(() => messageToJson(protocol, fromHex(hex + hex))).toThrow(
    expect.objectContaining({ code: 'trailing' }),
  );
});
