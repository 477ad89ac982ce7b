// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { testSet } from '@vnfpool/testkit/certificates';
import {
  decodeMobility,
  FRAME_HEADER_BYTES,
  type MobilityMessage,
  mobilityFrameBytes,
} from '@vnfpool/wire/mobility';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bin, type Child, notBuilt, start, until } from '../../../cli/test/lab/support.ts';
import { Capture, type Side } from './capture.ts';
import { type Relay, startRelay } from './relay.ts';
import { findTshark, readCapture } from './tshark.ts';

/* What our two endpoints say to each other, as processes over loopback, is dissected whole and without a remark of an error. */

const tshark = await findTshark();
const absent = notBuilt || ('reason' in tshark ? tshark.reason : '');
if (absent !== '') console.warn(`skipped: live traffic is not dissected: ${absent}`);

const SEVERITY_ERROR = 0x800000;

let folder: string;
let capture: Capture;
let relay: Relay | null;
let children: Child[];

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-wireshark-`);
  capture = new Capture();
  relay = null;
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (!child.isOver()) child.process.kill('SIGKILL');
    await child.ended;
  }
  relay?.close();
  rmSync(folder, { recursive: true, force: true });
});

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = start([process.execPath, bin, ...args], env);
  children.push(child);
  return child;
}

/** Runs a manager that does `commands` and stays, with a node that comes through the relay; returns both. */
async function converse(
  commands: readonly string[],
  security: Readonly<Record<Side, readonly string[]>>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly manager: Child; readonly node: Child }> {
  const spoken = commands.flatMap((line) => ['--command', line]);
  const manager = launch(
    ['mobility', 'serve', '--listen', '127.0.0.1:0', '--json', '--stay', ...spoken, ...security.manager],
    env,
  );
  const port = await until('the manager listens', () => {
    if (manager.isOver()) throw new Error(manager.stderr());
    return /"ready":true.*"port":(\d+)/.exec(manager.stdout())?.[1];
  });
  relay = await startRelay(Number(port), capture);
  const at = ['--manager', `127.0.0.1:${relay.port}`, '--state', `${folder}/node`, '--listen', '127.0.0.1'];
  return { manager, node: launch(['node', ...at, ...security.node]) };
}

function rowsOf(
  fields: readonly string[],
  preferences: readonly string[] = [],
): readonly (readonly string[])[] {
  if ('reason' in tshark) throw new Error(tshark.reason);
  const path = `${folder}/live.pcap`;
  capture.write(path);
  return readCapture(tshark, path, fields, preferences);
}

const listOf = (column: string | undefined): string[] => (column ?? '').split(';').filter(Boolean);

function framesOf(octets: Uint8Array): MobilityMessage[] {
  const messages: MobilityMessage[] = [];
  for (let at = 0; at + FRAME_HEADER_BYTES <= octets.length; ) {
    const bytes = mobilityFrameBytes(octets.subarray(at));
    if (at + bytes > octets.length) break;
    messages.push(decodeMobility(octets.subarray(at, at + bytes)));
    at += bytes;
  }
  return messages;
}

describe.skipIf(absent !== '')('live traffic', () => {
  test('over plain TCP: every message, and which answers which', async () => {
    const spec = `${folder}/spec.json`;
    writeFileSync(spec, '{"command":["/bin/sh","-c","exec sleep 600"]}');
    const commands = [
      'wait 1',
      `add 1 101 --name HSS --spec ${spec}`,
      'wait 1 101 Running',
      'get 1 101',
      'get 1 node',
      'delete 1 101',
      'wait 1 101 gone',
      'nodes',
    ];
    const { manager, node } = await converse(commands, { manager: ['--plain'], node: ['--plain'] });
    await until('all is done, and somebody was asked for a sign of life', () => {
      const of = framesOf(relay?.heard(0, 'manager') ?? new Uint8Array());
      return /"command":"nodes"/.test(manager.stdout()) && of.some(({ type }) => type === 'keep-alive');
    });
    node.process.kill('SIGTERM');
    expect((await node.ended).code).toBe(0);
    manager.process.kill('SIGTERM');
    expect((await manager.ended).code).toBe(0);

    const rows = rowsOf([
      'ip.src',
      'svcmob.type',
      'svcmob.sequence',
      'svcmob.answer_to',
      'svcmob.document',
      '_ws.malformed',
      '_ws.expert.severity',
    ]);
    for (const [side, address] of [
      ['node', '192.0.2.10'],
      ['manager', '192.0.2.1'],
    ] as const) {
      const own = rows.filter(([source]) => source === address);
      const sequences = own.flatMap(([, , sequence]) => listOf(sequence).map(Number));
      expect(sequences, side).toEqual(
        framesOf(relay?.heard(0, side) ?? new Uint8Array()).map(({ sequence }) => sequence),
      );
    }
    expect(rows.filter((row) => row[5] !== '' || listOf(row[6]).includes(String(SEVERITY_ERROR)))).toEqual(
      [],
    );
    const types = rows.flatMap(([, type]) => listOf(type));
    expect([...new Set(types)].sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    const answered = rows.flatMap(([, , , to]) => listOf(to));
    expect(answered).toHaveLength(types.filter((type) => type === '6').length);
    expect(rows.some(([, , , , document]) => document?.includes('"command"'))).toBe(true);
  });

  test('inside TLS, by the keys that an end wrote', async () => {
    const set = await testSet('lab');
    const files = async (side: Side): Promise<string[]> => {
      const identity =
        side === 'node' ? { role: side, name: 'n', id: 5 } : ({ role: side, name: 'm' } as const);
      const { key, certificate, ca } = await set.credentials(identity);
      for (const [name, text] of Object.entries({ key, cert: certificate, ca }))
        writeFileSync(`${folder}/${side}.${name}`, text);
      return ['key', 'cert', 'ca'].flatMap((name) => [`--${name}`, `${folder}/${side}.${name}`]);
    };
    const keys = `${folder}/keys.log`;
    const security = { manager: await files('manager'), node: await files('node') };
    const { manager } = await converse(['wait 5', 'get 5 node', 'nodes'], security, {
      NODE_OPTIONS: `--tls-keylog=${keys}`,
    });
    await until('all is done', () => /"command":"nodes"/.test(manager.stdout()));
    manager.process.kill('SIGTERM');
    await manager.ended;
    expect(existsSync(keys) && readFileSync(keys, 'utf8')).toContain('CLIENT_TRAFFIC_SECRET_0');

    const fields = ['svcmob.type', 'svcmob.node_id', '_ws.malformed', '_ws.expert.severity'];
    const rows = rowsOf(fields, [`tls.keylog_file:${keys}`]);
    const types = new Set(rows.flatMap(([type]) => listOf(type)));
    for (const type of ['1', '3', '6']) expect(types).toContain(type);
    // It asks for a number and gets that of its certificate.
    expect(new Set(rows.flatMap(([, node]) => listOf(node)))).toEqual(new Set(['0', '5']));
    expect(rows.filter((row) => row[2] !== '' || listOf(row[3]).includes(String(SEVERITY_ERROR)))).toEqual(
      [],
    );
    // Without the keys there is nothing to see, and no complaint either.
    const closed = rowsOf(fields);
    expect(closed.flatMap(([type]) => listOf(type))).toEqual([]);
    expect(closed.filter((row) => row[2] !== '' || listOf(row[3]).includes(String(SEVERITY_ERROR)))).toEqual(
      [],
    );
  });
});
