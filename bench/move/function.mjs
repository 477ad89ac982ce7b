// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { StatefulFunction } from '@vnfpool/client/stateful';

/*
 * `node function.mjs BYTES CHANGE`: a function with so many octets of state, of which the part CHANGE is written anew each
 * second, in pages at random, as long as it is active and nothing holds it. BYTES 0: its state is to come. It answers
 * each datagram with its octets and a name as long as it serves; a datagram of one octet is always answered, by the
 * digest of the state.
 */

const PAGE = 4_096;
/** Pages of a delta that leave at once. */
const TOGETHER = 15;
const TICK_MS = 10;

const [bytes, change] = process.argv.slice(2).map(Number);
let state = Buffer.alloc(bytes, 7);
/** Pages written since the last export began; null: nobody wants to know. */
let dirty = null;
let written = 0;

async function* pages(kind) {
  const before = dirty;
  dirty = new Set();
  if (kind === 'snapshot') {
    for (let at = 0; at < state.length; at += 1_048_576) yield state.subarray(at, at + 1_048_576);
    return;
  }
  const numbers = [...before];
  for (let at = 0; at < numbers.length; at += TOGETHER) {
    const some = numbers.slice(at, at + TOGETHER);
    const octets = Buffer.allocUnsafe(some.length * (4 + PAGE));
    some.forEach((number, place) => {
      octets.writeUInt32BE(number, place * (4 + PAGE));
      state.copy(octets, place * (4 + PAGE) + 4, number * PAGE, (number + 1) * PAGE);
    });
    yield octets;
  }
}

async function take(kind, chunks) {
  const taken = [];
  for await (const chunk of chunks) taken.push(Buffer.from(chunk));
  const octets = Buffer.concat(taken);
  if (kind === 'snapshot') {
    state = octets;
    return;
  }
  for (let at = 0; at < octets.length; at += 4 + PAGE)
    octets.copy(state, octets.readUInt32BE(at) * PAGE, at + 4, at + 4 + PAGE);
}

const fn = await StatefulFunction.start({
  state: {
    format: 'pages/1',
    export: pages,
    import: take,
    discard: () => {},
    release: () => {
      dirty = null;
    },
    changedBytes: () => {
      const since = written;
      written = 0;
      return since;
    },
  },
});

const serves = () => fn.role === 'active' && !fn.quiesced;
let due = 0;
let at = performance.now();
setInterval(() => {
  const now = performance.now();
  // What a stall swallowed is not made good for.
  due += (Math.min(now - at, 10 * TICK_MS) * change * bytes) / PAGE / 1_000;
  at = now;
  if (!serves()) due = 0;
  for (; due >= 1; due -= 1) {
    const page = Math.floor((Math.random() * bytes) / PAGE);
    state.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), page * PAGE);
    if (dirty?.has(page) !== true) written += PAGE + 4;
    dirty?.add(page);
  }
}, TICK_MS);

const socket = createSocket('udp4');
socket.on('message', (question, { address, port }) => {
  if (question.length === 1) socket.send(createHash('sha256').update(state).digest('hex'), port, address);
  else if (serves()) socket.send(Buffer.concat([question, Buffer.from('f')]), port, address);
});
socket.bind(0, '127.0.0.1', () => process.stdout.write(`listening on ${socket.address().port}\n`));
