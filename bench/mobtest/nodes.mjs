// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:tls';
import { MobilityNode } from '@vnfpool/core/mobility';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import { TlsTransport } from '@vnfpool/transport/tls';
import { decodeMobility, encodeMobility } from '@vnfpool/wire/mobility';
import { mobilityRule } from './frames.mjs';

/*
 * A process with the node endpoints of `start`, one TLS connection each; or, by `echo`, one plain TLS connection that
 * answers every REQUEST octets by ANSWER octets.
 */

/** Octets of the newest GET and of its answer, for the reference. */
const sizes = { request: 0, answer: 0 };

/** What an agent tells of a function that runs. */
const REPORT = {
  v: 1,
  pid: 4242,
  address: '192.0.2.7',
  port: 5060,
  incarnation: '00112233aabbccdd',
  healthy: true,
  restarts: 0,
  failing: false,
  reason: '',
  output: ['listening on 192.0.2.7:5060'],
};

function startNode({ id, credentials, port, functions }) {
  const transport = new TlsTransport({
    rule: mobilityRule,
    credentials,
    judgePeer: (names) => (parseIdentity(names).role === 'manager' ? null : 'no manager'),
  });
  const random = systemRandom();
  const connections = new Map();
  let last = 0;
  const nothing = () => {};
  const managed = withResolvers();
  const driver = new CoreDriver({
    core: new MobilityNode({
      random,
      nodeId: id,
      highestTerm: 0n,
      bootTime: random.u64(),
      instance: random.u64(),
      addresses: ['127.0.0.1'],
    }),
    clock: systemClock(),
    onFault: ({ error }) => {
      throw error;
    },
    effects: {
      connect: () => {
        transport.connect({ host: '127.0.0.1', port }).then(
          (connection) => {
            last += 1;
            const of = last;
            connections.set(of, connection);
            connection.onClose(() => driver.submit({ type: 'disconnected', connection: of }));
            driver.submit({ type: 'connected', connection: of });
            connection.onFrame((frame) => {
              const message = decodeMobility(frame);
              if (message.command === 'get') sizes.request = frame.length;
              driver.submit({ type: 'message', connection: of, message });
            });
          },
          (error) => driver.submit({ type: 'connect-failed', reason: error.message }),
        );
      },
      send: ({ connection, message }) => {
        const octets = encodeMobility(message);
        if (message.type === 'ack') sizes.answer = octets.length;
        connections.get(connection)?.send(octets);
      },
      close: ({ connection, reason }) => connections.get(connection)?.close(reason),
      managed: managed.resolve,
      unmanaged: nothing,
      add: nothing,
      prepare: nothing,
      move: nothing,
      copy: nothing,
      'move-session': nothing,
      delete: nothing,
      configure: nothing,
      'failovers-acknowledged': nothing,
      persist: nothing,
      event: nothing,
    },
  });
  for (let at = 1; at <= functions; at++)
    driver.submit({ type: 'function-changed', functionId: id * 100 + at, status: 'Running', report: REPORT });
  driver.submit({ type: 'start' });
  return managed.promise;
}

function echo({ port, credentials, request, answer }) {
  const { key, certificate: cert, ca } = credentials;
  const options = { host: '127.0.0.1', port, key, cert, ca, minVersion: 'TLSv1.3', servername: '' };
  const socket = connect({ ...options, checkServerIdentity: () => undefined });
  socket.setNoDelay(true);
  const octets = Buffer.alloc(answer, 1);
  let left = 0;
  socket.on('data', (chunk) => {
    left += chunk.length;
    for (; left >= request; left -= request) socket.write(octets);
  });
  socket.on('error', () => {});
}

function withResolvers() {
  let resolve;
  const promise = new Promise((yes) => {
    resolve = yes;
  });
  return { promise, resolve };
}

async function take(message) {
  if (message.type === 'start') {
    const { nodes, port, functions } = message;
    // A few at a time: a listener's queue is not endless.
    for (let at = 0; at < nodes.length; at += 16)
      await Promise.all(nodes.slice(at, at + 16).map((node) => startNode({ ...node, port, functions })));
    process.send({ type: 'managed' });
  } else if (message.type === 'sizes') process.send({ type: 'sizes', ...sizes });
  else if (message.type === 'echo') echo(message);
}
process.on('message', (message) => void take(message));
process.once('disconnect', () => process.exit());
