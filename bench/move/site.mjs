// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectUnix, createServer as createUnixServer } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { createFunctionState } from '@vnfpool/daemons/node/function-state';
import { StateMover, stateRule } from '@vnfpool/daemons/node/state-mover';
import { startProgram } from '@vnfpool/platform/processes';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { TlsTransport } from '@vnfpool/transport/tls';
import { waitUntil } from '../lib/wait.mjs';

/* The part of a node that moves state, in a process of its own, with one function; ordered about by its parent. */

const PIECE = Buffer.alloc(65_536, 7);
/** In which the kernel counts the processor time of others. */
const TICK_MS = 10;
/** As nodes have it: more than the window of a transfer. */
const STATE_QUEUE_BYTES_MAX = 4_194_304;

const site = {};

const orders = {
  async open({ credentials, folder }) {
    const { key, certificate: cert, ca } = credentials;
    Object.assign(site, { tls: { key, cert, ca, minVersion: 'TLSv1.3' }, folder, functions: 0 });
    const judgePeer = (names) => (parseIdentity(names).role === 'node' ? null : 'no node');
    const limits = { sendQueueBytesMax: STATE_QUEUE_BYTES_MAX };
    site.mover = await StateMover.open({
      transport: new TlsTransport({ rule: stateRule, credentials, judgePeer, limits }),
      peerOf: ({ peer }) => parseIdentity(peer.identity).id ?? null,
      listen: { host: '127.0.0.1', port: 0 },
      folder: join(folder, 'transfers'),
      clock: systemClock(),
      logger: silentLogger,
      onFault: ({ error }) => {
        throw error;
      },
    });
    return { port: site.mover.port, rawPort: await listenRaw() };
  },

  /** Starts a function, in place of the one before; where it answers. */
  async run({ bytes, change, role }) {
    await site.program?.stop(0);
    await site.state?.close();
    site.functions += 1;
    const command = [process.execPath, join(import.meta.dirname, 'function.mjs'), `${bytes}`, `${change}`];
    const environment = { PATH: process.env.PATH ?? '' };
    site.state = await createFunctionState({
      specification: { v: 1, kind: 'process', command, state: { via: 'socket', format: 'pages/1' } },
      name: 'bench#1',
      folder: join(site.folder, `function-${site.functions}`),
      environment,
      fill: (text) => text,
      pid: () => site.program?.identity?.pid ?? null,
    });
    site.program = startProgram({ command, environment: { ...environment, ...site.state.environment } });
    const port = await waitUntil(
      'the function to listen',
      () => /^listening on (\d+)$/m.exec(site.program.lines().join('\n'))?.[1],
    );
    await site.state.role(role, '1');
    return { port: Number(port) };
  },

  /** Processor time so far, of this process and of its function, and its largest memory since it was last asked. */
  usage() {
    const { user, system } = process.cpuUsage();
    const { pid } = site.program?.identity ?? {};
    // Behind the name, which ends with the last bracket: from the third field on.
    const fields =
      pid === undefined ? [] : readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    const [, peakKiB] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
    writeFileSync('/proc/self/clear_refs', '5');
    return { agentMs: (user + system) / 1_000, functionMs: ticks * TICK_MS, peakMiB: peakKiB / 1_024 };
  },

  receive({ order }) {
    site.received = new Promise((resolve) => {
      site.mover.receive(unpacked(order), {
        tokenUntilMs: systemClock().nowMs() + 30_000,
        state: site.state,
        activate: () => site.state.role('active', '2'),
        onInquire: () => {},
        onEnded: resolve,
      });
    });
    return {};
  },

  /** Resolves when the move is over at both ends, as the source knows it. */
  async send({ order, port, sizeBytes, pauseMaxMs }) {
    const started = performance.now();
    const end = await new Promise((resolve) => {
      site.transfer = site.mover.send(unpacked(order), {
        to: { address: '127.0.0.1', port },
        state: site.state,
        sizeBytes,
        pauseMaxMs,
        finish: async () => {},
        onInquire: () => {},
        onEnded: resolve,
      });
    });
    const { bytes } = site.transfer.report();
    return { end, ms: performance.now() - started, bytes };
  },

  /** As many octets over a connection of nothing but TLS, until the other end has them all. */
  async raw({ port, bytes }) {
    const started = performance.now();
    const socket = connect({ ...site.tls, host: '127.0.0.1', port, checkServerIdentity: () => undefined });
    await once(socket, 'secureConnect');
    const head = Buffer.alloc(8);
    head.writeDoubleBE(bytes);
    socket.write(head);
    for (let left = bytes; left > 0; left -= PIECE.length)
      if (!socket.write(left >= PIECE.length ? PIECE : PIECE.subarray(0, left))) await once(socket, 'drain');
    await once(socket, 'data');
    socket.destroy();
    return { ms: performance.now() - started };
  },

  /** What a reference's function is to take: through this process, which only passes it on. */
  async take({ bytes }) {
    const { child, path } = pipe('take', bytes);
    await once(child.stdout, 'data');
    site.taker = path;
    site.stopTaker = () => child.kill();
    return {};
  },

  async 'take-end'() {
    site.stopTaker();
    return {};
  },

  /** As many octets from a process over a Unix socket, over TLS, over a Unix socket to a process. */
  async chain({ port, bytes }) {
    const path = join(site.folder, 'chain');
    const server = createUnixServer();
    server.listen(path);
    await once(server, 'listening');
    const socket = connect({ ...site.tls, host: '127.0.0.1', port, checkServerIdentity: () => undefined });
    await once(socket, 'secureConnect');
    socket.write(Buffer.alloc(8));
    const { child } = pipe('give', bytes, path);
    const [given] = await once(server, 'connection');
    const started = performance.now();
    given.pipe(socket);
    await once(socket, 'data');
    const ms = performance.now() - started;
    child.kill();
    socket.destroy();
    server.close();
    return { ms };
  },
};

function pipe(what, bytes, path = join(site.folder, `pipe-${process.hrtime.bigint()}`)) {
  const words = [join(import.meta.dirname, 'pipe.mjs'), what, path, String(bytes)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, path };
}

async function listenRaw() {
  const server = createServer({ ...site.tls, requestCert: true }, (socket) => {
    let left = 0;
    let begun = false;
    socket.on('data', (chunk) => {
      if (!begun) {
        begun = true;
        left = chunk.readDoubleBE(0) + 8;
        // 0: for the taker.
        if (left === 8) {
          const taker = connectUnix(site.taker);
          taker.write(chunk.subarray(8));
          socket.removeAllListeners('data');
          socket.pipe(taker).pipe(socket);
          return;
        }
      }
      left -= chunk.length;
      if (left === 0) socket.write('.');
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

async function end() {
  site.stopTaker?.();
  await site.program?.stop(0);
  await site.state?.close();
  process.exit();
}
process.once('disconnect', () => void end());
