// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { COMMANDS, decodeMobility, MessageType } from '@vnfpool/wire/mobility';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VECTORS } from '../../../wire/test/mobility/vectors.ts';
import { fuzzInput } from '../../src/fuzz/mutate.ts';
import { SeededRandom } from '../../src/lease-world/seeded-random.ts';
import { Capture, type Side } from './capture.ts';
import { PASSED_OVER, REJECTED } from './messages.ts';
import { findTshark, readCapture } from './tshark.ts';

/* Wireshark's dissector of the service-mobility protocol says of messages what our codec says. */

const tshark = await findTshark();
const absent = 'reason' in tshark ? tshark.reason : '';
if (absent !== '') console.warn(`skipped: the dissector is not tried: ${absent}`);

const SEVERITY_ERROR = 0x800000;
const FUZZED = 3_000;
const SEED = 20_261_121;
const FRAME_BYTES_MAX = 20_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-wireshark-`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(capture: Capture, ...fields: string[]): readonly (readonly string[])[] {
  if ('reason' in tshark) throw new Error(tshark.reason);
  const path = `${folder}/${capture.frames}.pcap`;
  capture.write(path);
  return readCapture(tshark, path, fields);
}

/** Severities of the remarks on a frame. */
function severities(column: string | undefined): number[] {
  return (column ?? '').split(';').filter(Boolean).map(Number);
}

const isError = (column: string | undefined): boolean => severities(column).includes(SEVERITY_ERROR);

function senderOf(octets: Uint8Array): Side {
  return [1, 4, 5].includes(octets[0] ?? 0) ? 'node' : 'manager';
}

describe.skipIf(absent !== '')('worked examples', () => {
  test('each is dissected: type, command, code, number, identifiers, without a remark of an error', () => {
    const capture = new Capture();
    const messages = VECTORS.map(({ hex }) => fromHex(hex));
    for (const [stream, octets] of messages.entries()) capture.add(stream, senderOf(octets), octets);
    const rows = read(
      capture,
      'svcmob.type',
      'svcmob.subtype',
      'svcmob.length',
      'svcmob.code',
      'svcmob.sequence',
      'svcmob.node_id',
      'svcmob.function_id',
      '_ws.malformed',
      '_ws.expert.severity',
    );
    const expected = messages.map((octets, index) => {
      const { message } = VECTORS[index] ?? expect.fail();
      const subType =
        message.type === 'operation'
          ? COMMANDS.indexOf(message.command) + 1
          : message.type === 'ack'
            ? message.subType
            : 0;
      const functions = message.nodes.flatMap((node) => (node.functions ?? []).map(({ id }) => id));
      return [
        MessageType[message.type],
        subType,
        octets.length - 4,
        message.type === 'ack' ? message.code : 0,
        message.sequence,
        message.nodes.map(({ id }) => id).join(';'),
        functions.join(';'),
        '',
      ].map(String);
    });
    expect(rows.map((row) => row.slice(0, -1))).toEqual(expected);
    expect(rows.filter((row) => isError(row.at(-1)))).toEqual([]);
  });

  test('values of options and extensions stand in fields of their own', () => {
    const capture = new Capture();
    for (const [stream, { hex }] of VECTORS.entries()) capture.add(stream, 'node', fromHex(hex));
    const fields = [
      'ipv4',
      'ipv6',
      'port',
      'node.capacity',
      'node.load',
      'node.memory',
      'node.boot_time',
      'function.name',
      'function.load',
      'function.memory',
      'function.status',
      'session.ratio',
      'session.count',
      'text',
      'wanted',
      'hello.version',
      'hello.instance',
      'transfer.token',
      'transfer.role',
      'error',
      'document',
    ];
    const rows = read(capture, ...fields.map((name) => `svcmob.${name}`));
    const all = (field: string): string[] =>
      rows.map((row) => row[fields.indexOf(field)] ?? '').filter((value) => value !== '');
    expect(Object.fromEntries(fields.map((field) => [field, all(field)]))).toEqual({
      ipv4: ['192.0.2.10'],
      ipv6: ['2001:db8::11'],
      port: ['51000'],
      'node.capacity': ['2.4'],
      'node.load': ['3'],
      'node.memory': ['8589934592'],
      'node.boot_time': [expect.stringContaining('Jan  1, 2026 00:00:00.5')],
      'function.name': ['P-CSCF', 'HSS', 'HSS'],
      'function.load': ['0.75'],
      'function.memory': ['268435456'],
      'function.status': [
        'Running',
        'Running',
        'Starting',
        'Running',
        'Running',
        'Running',
        'Running',
        'Unknown',
      ],
      'session.ratio': ['0.3'],
      'session.count': ['300'],
      text: ['no memory on 12', 'manager overload'],
      wanted: ['6/2;7/50', '7/1;7/2;7/50', '6/10'],
      'hello.version': ['1'],
      'hello.instance': ['0x0102030405060708'],
      'transfer.token': ['00112233445566778899aabbccddeeff'],
      'transfer.role': ['2'],
      error: ['3'],
      document: [
        '{"v":1,"kind":"process","command":["/bin/hss"]}',
        '{"v":1,"pool":"hss","slot":0,"role":"standby","epoch":"8"}',
      ],
    });
  });

  test('an ACK is told with what it answers', () => {
    // E1 to E8. Both sides count on their own: the second and the fourth answer number 1 of different sides.
    const from = ['node', 'manager', 'manager', 'node', 'manager', 'node', 'manager', 'node'] as const;
    const capture = new Capture();
    for (const [index, side] of from.entries()) capture.add(0, side, fromHex(VECTORS[index]?.hex ?? ''));
    const rows = read(capture, 'svcmob.answer_to');
    expect(rows.map(([to]) => to)).toEqual(['', '1', '', '3', '', '5', '', '7']);
  });

  test.each([1, 3, 7, 64])('segments of %d octets are put together again', (segmentBytes) => {
    const capture = new Capture();
    const whole = Buffer.concat(VECTORS.map(({ hex }) => fromHex(hex)));
    capture.add(0, 'node', whole, segmentBytes);
    const rows = read(capture, 'svcmob.sequence', '_ws.expert.severity');
    const numbers = rows.flatMap(([sequence = '']) => sequence.split(';').filter(Boolean).map(Number));
    expect(numbers).toEqual(VECTORS.map(({ message }) => message.sequence));
    expect(rows.filter(([, severity]) => isError(severity))).toEqual([]);
  });
});

test.skipIf(absent !== '')('over SCTP, a user message is a message, and has the Length that it tells', () => {
  const capture = new Capture();
  for (const { hex } of VECTORS) capture.addSctp('node', fromHex(hex));
  const cut = capture.addSctp('node', fromHex('0400000d 00000009 04000004 0000000a'));
  const rows = read(capture, 'svcmob.sequence', '_ws.expert.severity');
  expect(rows.slice(0, cut - 1).map(([sequence]) => Number(sequence))).toEqual(
    VECTORS.map(({ message }) => message.sequence),
  );
  expect(rows.map(([, severity]) => isError(severity))).toEqual([...VECTORS.map(() => false), true]);
});

describe.skipIf(absent !== '')('remarks', () => {
  test('everything to be rejected is an expert error, everything else is none', () => {
    const capture = new Capture();
    for (const [stream, { hex }] of [...REJECTED, ...PASSED_OVER].entries()) {
      capture.add(stream, 'node', fromHex(hex));
    }
    const rows = read(capture, '_ws.expert.severity');
    const remarked = rows.map(([severity]) =>
      isError(severity) ? 'error' : severity === '' ? '' : 'remark',
    );
    expect(remarked).toEqual([...REJECTED.map(() => 'error'), ...PASSED_OVER.map(() => 'remark')]);
  });

  test(`of ${FUZZED} spoilt messages exactly those are errors that our codec rejects`, () => {
    const random = new SeededRandom(SEED);
    const corpus = VECTORS.map(({ hex }) => fromHex(hex));
    const capture = new Capture();
    const messages: Uint8Array[] = [];
    for (let tries = 0; messages.length < FUZZED && tries < 10 * FUZZED; tries += 1) {
      const octets = framed(fuzzInput(random, corpus));
      if (octets === null) continue;
      capture.add(messages.length, 'node', octets);
      messages.push(octets);
    }
    expect(messages).toHaveLength(FUZZED);
    const rows = read(capture, '_ws.expert.severity', '_ws.expert.message');
    expect(rows).toHaveLength(FUZZED);
    const differences = messages.flatMap((octets, index) => {
      const fault = faultOf(octets);
      const [severity, message] = rows[index] ?? [];
      return (fault !== null) === isError(severity) ? [] : [{ hex: toHex(octets), fault, message }];
    });
    expect(differences.slice(0, 5)).toEqual([]);
    const rejected = messages.filter((octets) => faultOf(octets) !== null).length;
    expect(rejected).toBeGreaterThan(FUZZED / 10);
    expect(rejected).toBeLessThan((FUZZED * 9) / 10);
  });
});

/** The octets with a Length that frames them: what a stream would deliver. Null: too short or too long for that. */
function framed(octets: Uint8Array): Uint8Array | null {
  if (octets.length < 8 || octets.length > FRAME_BYTES_MAX) return null;
  const whole = octets.slice();
  whole.set([(octets.length - 4) >> 8, (octets.length - 4) & 0xff], 2);
  // A TLS record begins so, and would be taken for one.
  return (whole[0] ?? 0) >= 20 && (whole[0] ?? 0) <= 23 && whole[1] === 3 ? null : whole;
}

function faultOf(octets: Uint8Array): string | null {
  try {
    decodeMobility(octets);
    return null;
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}
