// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { IPS_ASSURED, IPS_SEEN_REPLY } from '@vnfpool/platform/conntrack';
import { invertTuple } from '@vnfpool/wire/flow-state';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { movesRefusal } from '../../../daemons/src/node/movable-network.ts';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { FUNCTION, gatewayFile, NatLab, type Talker } from './nat-lab.ts';
import { notBuilt, until } from './support.ts';

/* A NAT gateway that is nothing but rules of the kernel moves to another node, with its connections. */

const missing = labMissing || notBuilt || (movesRefusal() ?? '');
const MEGABYTE = 1_000_000;
/** Enough for a transfer that takes long enough to be met in the middle. */
const MANY = 60_000;

let folder: string;
let lab: NatLab;
let server: Talker;
let client: Talker;

beforeEach(async () => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-nat-`);
  lab = new NatLab(folder);
  await lab.start();
  server = await lab.server();
  expect(await lab.order(`add 1 ${FUNCTION} --spec ${gatewayFile}`)).toMatchObject({ done: true });
  await lab.order(`wait 1 ${FUNCTION} Running`);
  client = await lab.client();
}, 60_000);
afterEach(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const pidOn = (node: 1 | 2): Promise<number> => until(`a process on node ${node}`, () => lab.pid(node));
const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A download under way; `whole` waits for its end, and says that it is what was sent. */
async function download(bytes: number, rate: string) {
  const path = `${folder}/download`;
  const curl = lab.download(bytes, path, rate);
  await until('the download runs', () => sizeOf(path) > MEGABYTE);
  return {
    curl,
    further: async () => {
      const before = sizeOf(path);
      // More than what may wait in buffers behind the gateway.
      await until('the download goes on', () => sizeOf(path) > before + 8 * MEGABYTE);
    },
    whole: async () => {
      expect([await curl.ended, curl.stderr()]).toEqual([0, '']);
      const sent = await until('the server has sent it', () =>
        server.said().find((line) => line['sent'] === bytes),
      );
      expect(sizeOf(path)).toBe(bytes);
      expect(await digestOf(path)).toBe(sent['sha256']);
    },
  };
}

/** How the connection and the datagrams of the client went. */
async function outcome() {
  client.process.stdin?.end();
  await client.ended;
  return client.said().at(-1) as {
    connection: { answered: number; longestWaitMs: number; failure: string | null };
    datagrams: { sent: number; answered: number; longestLossMs: number };
  };
}

/** What the agents have logged of their pauses, and of what was dropped in them. */
function pauses(): string {
  return ['a', 'b']
    .flatMap((host) => lab.log(host as 'a' | 'b').split('\n'))
    .flatMap((line) => /"pauseMs":[0-9.]+|"packets":[0-9]+/.exec(line)?.[0] ?? [])
    .join(', ');
}

/** A move that is met in the middle: some connections are over, and many are not. */
async function beginMove(): Promise<number> {
  const source = await pidOn(1);
  fill(source);
  expect(await lab.order(`move 1 ${FUNCTION} --to 2`)).toMatchObject({ done: true });
  await until('connections come to the destination', () => {
    const pid = lab.pid(2);
    return pid !== undefined && lab.table(pid, (table) => table.count()) > 0;
  });
  return source;
}

/** Connections that nobody uses, which have to move, too. */
function fill(pid: number): void {
  const entries = Array.from({ length: MANY }, (_, n) => {
    const original = {
      source: Uint8Array.of(10, 1, 1 + (n >> 14), (n >> 6) & 0xff),
      destination: Uint8Array.of(198, 51, 100, 1 + (n & 63)),
      protocol: 6,
      layer4: { kind: 'ports' as const, source: 40_000, destination: 443 },
    };
    return {
      original,
      reply: invertTuple(original),
      status: IPS_SEEN_REPLY | IPS_ASSURED,
      timeoutSeconds: 3600,
      zone: 0,
      zoneDirection: 'both' as const,
      mark: 0,
      tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
      sctp: null,
      helper: null,
      labels: null,
      counters: null,
      master: null,
      shifts: null,
    };
  });
  expect(lab.table(pid, (table) => table.insert(entries))).toEqual([]);
}

describe.skipIf(missing !== '')(`a NAT gateway moves ${missing}`, () => {
  test('there and back under a download, questions and datagrams: each of them goes on', async () => {
    const running = await download(200 * MEGABYTE, '25M');
    let from = await pidOn(1);
    for (const to of [2, 1, 2] as const) {
      const before = lab.connections(from).filter((flow) => flow.includes('"protocol":6'));
      expect(before.length).toBeGreaterThanOrEqual(2);
      expect(await lab.order(`move ${3 - to} ${FUNCTION} --to ${to}`)).toMatchObject({ done: true });
      await lab.order(`wait ${to} ${FUNCTION} Running`);
      from = await pidOn(to);
      expect(lab.connections(from)).toEqual(expect.arrayContaining(before));
      await lab.order(`wait ${3 - to} ${FUNCTION} gone`);
      expect(lab.functionLinks(to === 1 ? 'b' : 'a')).toEqual([]);
      await running.further();
    }
    const fresh = await lab.client();
    fresh.process.stdin?.end();
    expect(await fresh.ended).toBe(0);
    await running.whole();
    const { connection, datagrams } = await outcome();
    expect(connection.failure).toBeNull();
    expect(connection.answered).toBeGreaterThan(10);
    process.stdout.write(
      `three moves: datagrams lost for ${datagrams.longestLossMs} ms at most, ` +
        `${datagrams.sent - datagrams.answered} of ${datagrams.sent}; TCP answered after ${connection.longestWaitMs} ms at most; ` +
        `agents: ${pauses()}\n`,
    );
  }, 120_000);

  test('the destination is killed in the middle: the source serves on, and moves there when it is back', async () => {
    const running = await download(120 * MEGABYTE, '8M');
    const source = await beginMove();
    await lab.kill('b');
    await until('the source is told of it', () =>
      lab
        .heard()
        .some(
          (line) => line['event'] === 'function-status' && String(line['reason']).includes('not transferred'),
        ),
    );
    await running.further();
    expect(lab.pid(1)).toBe(source);
    // The agent comes back, and takes away what it had prepared; the move can be tried again.
    lab.agent('b');
    await until('what was prepared is gone', () => lab.functionLinks('b').length === 0);
    expect(await lab.order(`wait 2`)).toMatchObject({ done: true });
    expect(await lab.order(`move 1 ${FUNCTION} --to 2`)).toMatchObject({ done: true });
    await lab.order(`wait 2 ${FUNCTION} Running`);
    await running.whole();
    expect((await outcome()).connection.failure).toBeNull();
  }, 120_000);

  test('the agent of the source is killed in the middle: the gateway serves on without it, and moves when it is back', async () => {
    const running = await download(120 * MEGABYTE, '8M');
    const source = await beginMove();
    await lab.killAgent('a');
    await lab.order(`wait 2 ${FUNCTION} gone`);
    expect(lab.functionLinks('b')).toEqual([]);
    await running.further();
    lab.agent('a');
    await until('its agent is back', () => {
      const registered = lab.heard().filter(({ event, node }) => event === 'node-registered' && node === 1);
      return registered.length === 2;
    });
    await lab.order(`wait 1 ${FUNCTION} Running`);
    expect(lab.pid(1)).toBe(source);
    const again = await lab.order(`move 1 ${FUNCTION} --to 2`);
    expect(again, JSON.stringify([again, lab.log('a').slice(-3000)])).toMatchObject({ done: true });
    await lab.order(`wait 2 ${FUNCTION} Running`);
    await running.whole();
    expect((await outcome()).connection.failure).toBeNull();
  }, 120_000);

  test('the source is lost in the middle: the destination does not open, and nothing is left of it', async () => {
    await beginMove();
    await lab.kill('a');
    await lab.order(`wait 2 ${FUNCTION} gone`);
    expect(lab.functionLinks('b')).toEqual([]);
    const statuses = lab
      .heard()
      .filter((line) => line['event'] === 'function-status' && line['node'] === 2)
      .map((line) => line['status']);
    expect(statuses).not.toContain('Running');
  }, 120_000);

  test('a copy is refused: two gateways would have the same addresses', async () => {
    expect(await lab.order(`copy 1 ${FUNCTION} --to 2`)).toMatchObject({
      done: false,
      result: { code: 128 },
    });
    await until('what was prepared is gone', () => lab.functionLinks('b').length === 0);
    expect((await outcome()).connection.failure).toBeNull();
  }, 60_000);
});
