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
const SLAB = 256 * PAGE;
/** Pages of a delta that leave at once. */
const TOGETHER = 15;
const TICK_MS = 10;

const [bytes, change] = process.argv.slice(2).map(Number);
/** In slabs of whole pages, as it came. */
let state = Array.from({ length: Math.ceil(bytes / SLAB) }, (_, at) =>
  Buffer.alloc(Math.min(SLAB, bytes - at * SLAB), 7),
);
/** Pages written since the last export began; null: nobody wants to know. */
let dirty = null;
let written = 0;

/** A page of the state, in place. */
const page = (number) => {
  const at = (number * PAGE) % SLAB;
  return state[Math.floor((number * PAGE) / SLAB)].subarray(at, at + PAGE);
};

async function* pages(kind) {
  const before = dirty;
  dirty = new Set();
  if (kind === 'snapshot') {
    yield* state;
    return;
  }
  const numbers = [...before];
  for (let at = 0; at < numbers.length; at += TOGETHER) {
    const some = numbers.slice(at, at + TOGETHER);
    const octets = Buffer.allocUnsafe(some.length * (4 + PAGE));
    some.forEach((number, place) => {
      octets.writeUInt32BE(number, place * (4 + PAGE));
      octets.set(page(number), place * (4 + PAGE) + 4);
    });
    yield octets;
  }
}

/** Copies octets that come in pieces of any size into buffers of one size, one after the other. */
async function* inPieces(chunks, bytes) {
  let piece = Buffer.allocUnsafeSlow(bytes);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + bytes - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < bytes) continue;
      yield piece;
      piece = Buffer.allocUnsafeSlow(bytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

async function take(kind, chunks) {
  if (kind === 'snapshot') {
    const slabs = [];
    for await (const slab of inPieces(chunks, SLAB)) slabs.push(slab);
    state = slabs;
    return;
  }
  // All or nothing: what came is put in its place when all is there.
  const records = [];
  for await (const record of inPieces(chunks, 4 + PAGE)) records.push(record);
  for (const record of records) page(record.readUInt32BE(0)).set(record.subarray(4));
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
    const number = Math.floor((Math.random() * bytes) / PAGE);
    page(number).writeUInt32BE(Math.floor(Math.random() * 2 ** 32));
    if (dirty?.has(number) !== true) written += PAGE + 4;
    dirty?.add(number);
  }
}, TICK_MS);

const digest = () => {
  const hash = createHash('sha256');
  for (const slab of state) hash.update(slab);
  return hash.digest('hex');
};

const socket = createSocket('udp4');
socket.on('message', (question, { address, port }) => {
  if (question.length === 1) socket.send(digest(), port, address);
  else if (serves()) socket.send(Buffer.concat([question, Buffer.from('f')]), port, address);
});
socket.bind(0, '127.0.0.1', () => process.stdout.write(`listening on ${socket.address().port}\n`));
