// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { toHex, WireError } from '@vnfpool/wire/bytes';
import { formatIp } from '@vnfpool/wire/parameters';
import {
  decodePfsync,
  encodePfsync,
  PFSYNC_IP_PROTOCOL,
  type PfsyncKey,
  type PfsyncMessage,
  type PfsyncPeer,
  type PfsyncSection,
  type PfsyncState,
} from '@vnfpool/wire/pfsync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { octetsOf, VECTORS } from '../../../wire/test/pfsync/vectors.ts';
import { fuzzInput } from '../../src/fuzz/mutate.ts';
import { SeededRandom } from '../../src/lease-world/seeded-random.ts';
import { Capture } from './capture.ts';
import { findTshark, readCapture } from './tshark.ts';

/* Wireshark's dissector of pfsync, written from the layout alone, says of datagrams what our codec says. */

const tshark = await findTshark();
const absent = 'reason' in tshark ? tshark.reason : '';
if (absent !== '') console.warn(`skipped: the dissector of pfsync is not tried: ${absent}`);

const SEVERITY_ERROR = String(0x800000);
const FUZZED = 2_000;
const SEED = 20_261_122;
const HEADER_BYTES = 20;
const FUZZ_BYTES_MAX = 20_000;
const NO_RULE = 0xffffffff;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-pfsync-`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(datagrams: readonly Uint8Array[], fields: readonly string[]): readonly (readonly string[])[] {
  if ('reason' in tshark) throw new Error(tshark.reason);
  const capture = new Capture();
  for (const octets of datagrams) capture.addIp('node', PFSYNC_IP_PROTOCOL, octets);
  const path = `${folder}/pfsync.pcap`;
  capture.write(path);
  return readCapture(tshark, path, fields, [], 'pfsync.lua');
}

type Values = Record<string, (string | number | bigint)[]>;

/** What a frame should show: values by the name of the field, in order. */
function shownOf(message: PfsyncMessage): Values {
  const values: Values = {};
  const add = (name: string, ...more: (string | number | bigint)[]): void => {
    values[name] = [...(values[name] ?? []), ...more];
  };
  add('checksum', toHex(message.rulesChecksum));
  for (const section of message.sections) showSection(add, message, section);
  return values;
}

type Add = (name: string, ...more: (string | number | bigint)[]) => void;

const hex = (value: number | bigint, digits: number): string =>
  `0x${value.toString(16).padStart(digits, '0')}`;

function showSection(add: Add, { rulesChecksum }: PfsyncMessage, section: PfsyncSection): void {
  const subheader = encodePfsync({ rulesChecksum, sections: [section] }).subarray(HEADER_BYTES);
  add('action', subheader[0] ?? -1);
  add('item_words', subheader[1] ?? -1);
  if (section.type === 'opaque') {
    add('count', section.count);
    if (section.octets.length > 0) add('opaque', toHex(section.octets));
    return;
  }
  add('count', section.items.length);
  for (const item of section.items) {
    if ('creatorId' in item) add('creator', hex(item.creatorId, 8));
    if ('id' in item) add('id', hex(item.id, 16));
    if ('interfaceName' in item) add('interface', item.interfaceName);
    if ('source' in item) {
      showPeer(add, 'src', item.source);
      showPeer(add, 'dst', item.destination);
      add('expire', item.expireSeconds);
      add('timeout', item.timeout);
      add('state_flags', hex(item.stateFlags, 4));
    }
    if ('wire' in item) showState(add, item);
    if ('status' in item) {
      add('end_time', item.endSeconds);
      add('status', item.status === 'start' ? 1 : 2);
    }
    if ('spi' in item) {
      add('tdb.spi', hex(item.spi, 8));
      add(item.destination.length === 4 ? 'tdb.ipv4' : 'tdb.ipv6', formatIp(item.destination));
      add('tdb.port', item.port);
      if (item.scope !== null) {
        add('tdb.flow_information', hex(item.flowInformation, 8));
        add('tdb.scope', toHex(item.scope));
      }
      add('tdb.rpl', item.replayCounter);
      add('tdb.bytes', item.bytes);
      add('tdb.protocol', item.protocol);
      add('tdb.updates', item.updates);
      add('tdb.rdomain', item.routingDomain);
    }
  }
}

function showPeer(add: Add, name: string, peer: PfsyncPeer): void {
  add(`${name}.scrub_flags`, hex(peer.scrub.flags, 4));
  add(`${name}.scrub_ttl`, peer.scrub.ttl);
  add(`${name}.scrub_flag`, peer.scrub.flag);
  add(`${name}.ts_mod`, peer.scrub.timestampModulator);
  add(`${name}.seqlo`, peer.sequenceLow);
  add(`${name}.seqhi`, peer.sequenceHigh);
  add(`${name}.seqdiff`, peer.sequenceDifference);
  add(`${name}.max_win`, peer.windowMax);
  add(`${name}.mss`, peer.segmentBytesMax);
  add(`${name}.state`, peer.state);
  add(`${name}.wscale`, hex(peer.windowScale, 2));
}

const FAMILY_NUMBERS = { ipv4: 2, ipv6: 24 } as const;

function showKey(add: Add, name: string, key: PfsyncKey): void {
  const kind = key.family === 'ipv4' ? 'ipv4' : 'ipv6';
  for (const n of [0, 1] as const) {
    add(`${name}.${kind}_${n}`, formatIp(key.addresses[n]));
    add(`${name}.port_${n}`, key.ports[n]);
  }
  add(`${name}.rdomain`, key.routingDomain);
  add(`${name}.family`, key.family === null ? 0 : FAMILY_NUMBERS[key.family]);
}

function showState(add: Add, state: PfsyncState): void {
  showKey(add, 'wire', state.wire);
  showKey(add, 'stack', state.stack);
  add('route_address', toHex(state.routeAddress));
  add('rule', state.rule ?? NO_RULE);
  add('anchor', state.anchor ?? NO_RULE);
  add('nat_rule', state.natRule ?? NO_RULE);
  add('age', state.ageSeconds);
  add('packets_0', state.forwardPackets);
  add('packets_1', state.reversePackets);
  add('bytes_0', state.forwardBytes);
  add('bytes_1', state.reverseBytes);
  add('rtable_0', state.routingTables[0]);
  add('rtable_1', state.routingTables[1]);
  add('max_mss', state.segmentBytesMax);
  add('family', state.family === null ? 0 : FAMILY_NUMBERS[state.family]);
  add('protocol', state.protocol);
  add('direction', state.direction);
  add('log', hex(state.log, 2));
  add('route', state.route);
  add('sync_flags', hex(state.syncFlags, 2));
  add('updates', state.updates);
  add('min_ttl', state.ttlMin);
  add('tos', hex(state.tos, 2));
  add('prio_0', state.priorities[0]);
  add('prio_1', state.priorities[1]);
}

describe.skipIf(absent !== '')('pfsync', () => {
  test('every value of the vectors is shown, without a remark of an error', () => {
    const datagrams = VECTORS.map((vector) => octetsOf(vector.hex));
    const expected = datagrams.map((octets) => shownOf(decodePfsync(octets)));
    const fields = [...new Set(expected.flatMap((values) => Object.keys(values)))];
    expect(fields.length).toBeGreaterThan(70);
    const rows = read(datagrams, [
      ...fields.map((name) => `pfsync6.${name}`),
      '_ws.malformed',
      '_ws.expert.severity',
    ]);
    expect(rows).toHaveLength(datagrams.length);
    for (const [index, values] of expected.entries()) {
      const row = rows[index] ?? [];
      const shown = Object.fromEntries(
        fields.map((name, at) => [name, row[at]]).filter(([, text]) => text !== ''),
      );
      const wanted = Object.fromEntries(
        Object.entries(values).map(([name, all]) => [name, all.map(normal(name)).join(';')]),
      );
      expect(shown, VECTORS[index]?.name).toEqual(wanted);
      expect(row[fields.length], VECTORS[index]?.name).toBe('');
      expect((row[fields.length + 1] ?? '').split(';')).not.toContain(SEVERITY_ERROR);
    }
  });

  test(`of ${FUZZED} spoilt datagrams exactly those are errors that our codec refuses`, () => {
    const random = new SeededRandom(SEED);
    const corpus = VECTORS.map((vector) => octetsOf(vector.hex));
    const datagrams: Uint8Array[] = [];
    for (let tries = 0; datagrams.length < FUZZED && tries < 10 * FUZZED; tries += 1) {
      const octets = fuzzInput(random, corpus).slice();
      if (octets.length < 1 || octets.length > FUZZ_BYTES_MAX) continue;
      // A right length most times, so that more of it is read.
      if (octets.length >= 4 && random.chance(0.9)) octets.set([octets.length >> 8, octets.length & 0xff], 2);
      datagrams.push(octets);
    }
    const rows = read(datagrams, ['_ws.expert.severity', '_ws.expert.message']);
    expect(rows).toHaveLength(FUZZED);
    let refused = 0;
    const differences = datagrams.flatMap((octets, index) => {
      const fault = faultOf(octets);
      if (fault !== null) refused += 1;
      const [severity = '', message = ''] = rows[index] ?? [];
      const isError = severity.split(';').includes(SEVERITY_ERROR);
      // A fault of the script itself would be told as one of the datagram.
      return (fault !== null) === isError && !/lua/i.test(message)
        ? []
        : [{ hex: toHex(octets), fault, message }];
    });
    expect(differences.slice(0, 5)).toEqual([]);
    expect(refused).toBeGreaterThan(FUZZED / 10);
    expect(refused).toBeLessThan((FUZZED * 9) / 10);
  });
});

/** As tshark prints it. */
function normal(name: string): (value: string | number | bigint) => string {
  return (value) => (name === 'state_flags' ? hex(Number(value), 4) : String(value));
}

function faultOf(octets: Uint8Array): string | null {
  try {
    decodePfsync(octets);
    return null;
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}
