// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, createServer } from 'node:tls';
import { createFunctionState } from '@vnfpool/daemons/node/function-state';
import { StateMover, stateRule } from '@vnfpool/daemons/node/state-mover';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { TlsTransport } from '@vnfpool/transport/tls';
import { waitUntil } from '../lib/wait.mjs';
import { sessionsOf } from './session.mjs';

/* The part of a node that moves sessions, in a process of its own, with one function; ordered about by its parent. */

const site = {};

const orders = {
  async open({ credentials, folder, count }) {
    const { key, certificate: cert, ca } = credentials;
    Object.assign(site, { tls: { key, cert, ca, minVersion: 'TLSv1.3' } });
    const judgePeer = (names) => (parseIdentity(names).role === 'node' ? null : 'no node');
    site.mover = await StateMover.open({
      transport: new TlsTransport({
        rule: stateRule,
        credentials,
        judgePeer,
        limits: { sendQueueBytesMax: 4_194_304 },
      }),
      peerOf: ({ peer }) => parseIdentity(peer.identity).id ?? null,
      listen: { host: '127.0.0.1', port: 0 },
      folder: join(folder, 'transfers'),
      clock: systemClock(),
      logger: silentLogger,
      onFault: ({ error }) => {
        throw error;
      },
    });
    await start(folder, count);
    return { port: site.mover.port, dumpPort: await listenForDumps() };
  },

  /** The function is as it was at the start; how many sessions it had before. */
  async again() {
    site.program.stdin.write('.');
    const { value } = await site.lines.next();
    return Number(/^had (\d+)$/.exec(value)[1]);
  },

  async receive({ order }) {
    const { movableSessions: sessions } = site.state;
    const forward = await sessions.expect(new AbortController().signal);
    site.mover.receive(unpacked(order), {
      tokenUntilMs: systemClock().nowMs() + 30_000,
      state: sessions,
      ofSessions: true,
      ...(forward === null ? {} : { forward }),
      activate: async () => void (await sessions.accept()),
      onInquire: () => {},
      onEnded: () => {},
    });
    return {};
  },

  /** From the selection until the source has forgotten what another owns. */
  async send({ order, port, count }) {
    const { movableSessions: sessions } = site.state;
    const started = performance.now();
    const selected = await sessions.select([{ type: 'count', count }], new AbortController().signal);
    const selectMs = performance.now() - started;
    const end = await new Promise((resolve) => {
      site.transfer = site.mover.send(unpacked(order), {
        to: { address: '127.0.0.1', port },
        state: sessions,
        selection: [{ type: 'count', count: BigInt(count) }],
        finish: (_mode, forward) => sessions.moved(forward),
        onInquire: () => {},
        onEnded: resolve,
      });
    });
    return { end, selected, selectMs, ms: performance.now() - started, bytes: site.transfer.report().bytes };
  },

  /** The reference: the same sessions as one text of JSON over a TLS connection, read into a map at its other end. */
  async dump({ port, count }) {
    const all = new Map(sessionsOf(count));
    const started = performance.now();
    const socket = connect({ ...site.tls, host: '127.0.0.1', port, checkServerIdentity: () => undefined });
    await once(socket, 'secureConnect');
    const octets = Buffer.from(JSON.stringify([...all]));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(octets.length);
    socket.write(head);
    socket.write(octets);
    const [answer] = await once(socket, 'data');
    const ms = performance.now() - started;
    socket.destroy();
    if (answer.readUInt32BE(0) !== count) throw new Error('what arrived is not what was sent');
    return { ms, bytes: octets.length };
  },
};

async function start(folder, count) {
  const command = [process.execPath, join(import.meta.dirname, 'function.mjs'), String(count)];
  const environment = { PATH: process.env.PATH ?? '' };
  site.state = await createFunctionState({
    specification: { v: 1, kind: 'process', command, state: { via: 'socket', format: 'kv/1' } },
    name: 'bench#1',
    folder: join(folder, 'function'),
    environment,
    fill: (text) => text,
    pid: () => site.program?.pid ?? null,
  });
  site.program = spawn(command[0], command.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, ...site.state.environment },
  });
  site.lines = createInterface({ input: site.program.stdout })[Symbol.asyncIterator]();
  await site.lines.next();
  await waitUntil('the function to say hello', () => site.state.movableSessions ?? undefined);
}

async function listenForDumps() {
  const server = createServer({ ...site.tls, requestCert: true }, (socket) => {
    const chunks = [];
    let left = null;
    socket.on('data', (chunk) => {
      // Its first four octets come at once.
      left = (left ?? chunk.readUInt32BE(0) + 4) - chunk.length;
      chunks.push(chunk);
      if (left > 0) return;
      const taken = new Map(JSON.parse(Buffer.concat(chunks).subarray(4).toString()));
      const answer = Buffer.alloc(4);
      answer.writeUInt32BE(taken.size);
      socket.write(answer);
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

const unpacked = (order) => ({ ...order, token: new Uint8Array(Buffer.from(order.token, 'hex')) });

async function answer({ id, type, ...order }) {
  try {
    process.send({ id, ok: true, result: await orders[type](order) });
  } catch (error) {
    process.send({ id, ok: false, error: error.message });
  }
}
process.on('message', (message) => void answer(message));

process.once('disconnect', () => {
  site.program?.kill();
  void site.state?.close().then(() => process.exit());
});
