// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { requestRealtime } from '@vnfpool/platform/realtime';

/*
 * One flow through a gateway that translates. `node flow.mjs server ADDRESS PORT` waits for a datagram, and sends one a millisecond
 * back to where it came from; `node flow.mjs client ADDRESS PORT` asks until the first one comes, and is silent from then on. So the
 * flow goes on only through a gateway that knows it: none would begin it anew. The client tells what came, as `outage/probe.mjs` does.
 */

const EVERY_NS = 1_000_000n;
const WRITE_EVERY_NS = 50_000_000n;
const [AF_INET, SOCK_DGRAM, SOCK_NONBLOCK, POLLIN] = [2, 2, 0o4000, 1];

const [role, address, port] = process.argv.slice(2);
const koffi = createRequire(import.meta.url)('koffi');
const c = koffi.load(null);
const socket = c.func('int socket(int, int, int)');
const bind = c.func('int bind(int, const void *, uint32_t)');
const sendTo = c.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)');
const receiveFrom = c.func('long recvfrom(int, void *, size_t, int, void *, void *)');
const ppoll = c.func('int ppoll(void *, unsigned long, const void *, const void *)');

const fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
if (fd < 0) throw new Error(`socket: errno ${koffi.errno()}`);
const place = Buffer.alloc(16);
place.writeUInt16LE(AF_INET, 0);
place.writeUInt16BE(Number(port), 2);
place.set(address.split('.').map(Number), 4);
if (role === 'server' && bind(fd, place, place.length) !== 0) throw new Error(`bind: errno ${koffi.errno()}`);

const poll = Buffer.alloc(8);
poll.writeInt32LE(fd, 0);
poll.writeInt16LE(POLLIN, 4);
const wait = new BigInt64Array(2);
const bytes = Buffer.alloc(64);
const peer = Buffer.alloc(16);
const peerLength = Buffer.alloc(4);

/** Until something came, or `untilNs`. */
function waitUntilNs(untilNs) {
  const left = untilNs - process.hrtime.bigint();
  if (left <= 0n) return;
  wait[1] = left;
  ppoll(poll, 1, wait, null);
}

function receive() {
  peerLength.writeUInt32LE(peer.length);
  return receiveFrom(fd, bytes, bytes.length, 0, peer, peerLength);
}

const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);
say({ ready: true, realtime: requestRealtime(20).isGranted });

if (role === 'server') {
  while (receive() < 0) waitUntilNs(process.hrtime.bigint() + 100n * EVERY_NS);
  const to = Buffer.from(peer);
  for (let number = 1, sendAt = process.hrtime.bigint(); ; ) {
    bytes.writeDoubleLE(number++);
    sendTo(fd, bytes, 8, 0, to, to.length);
    const now = process.hrtime.bigint();
    sendAt = now - sendAt > 20n * EVERY_NS ? now + EVERY_NS : sendAt + EVERY_NS;
    // What is asked again is not answered: it may come before the client has heard anything.
    while (process.hrtime.bigint() < sendAt) {
      waitUntilNs(sendAt);
      while (receive() >= 0);
    }
  }
}

let came = [];
let hasHeard = false;
for (let writeAt = process.hrtime.bigint() + WRITE_EVERY_NS; ; ) {
  while (receive() >= 8) {
    hasHeard = true;
    came.push([Number(process.hrtime.bigint()) / 1e6, bytes.readDoubleLE(0), 'server']);
  }
  const now = process.hrtime.bigint();
  if (now >= writeAt) {
    if (!hasHeard) sendTo(fd, bytes, 8, 0, place, place.length);
    say(came);
    came = [];
    writeAt = now + WRITE_EVERY_NS;
  }
  waitUntilNs(writeAt);
}
