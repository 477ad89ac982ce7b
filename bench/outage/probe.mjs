// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ipBytes } from '@vnfpool/platform/netlink';
import { requestRealtime } from '@vnfpool/platform/realtime';

/*
 * `node probe.mjs ADDRESS PORT [EVERY_MS]`: one UDP datagram a millisecond, or each so many, to an address of IPv4 or
 * IPv6, and when each answer came. A loop of system calls without an event loop, so that neither timers nor garbage
 * collection stretch the millisecond. Every 50 ms it writes a line: [[received at, in ms of CLOCK_MONOTONIC; number; name of who answered], …]. It ends by a signal, or when
 * nobody reads it.
 */

const WRITE_EVERY_NS = 50_000_000n;
const [AF_INET, AF_INET6, SOCK_DGRAM, SOCK_NONBLOCK, POLLIN] = [2, 10, 2, 0o4000, 1];

const [address, port, everyMs = '1'] = process.argv.slice(2);
const EVERY_NS = BigInt(everyMs) * 1_000_000n;
const koffi = createRequire(import.meta.url)('koffi');
const c = koffi.load(null);
const socket = c.func('int socket(int, int, int)');
const sendTo = c.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)');
const receive = c.func('long recv(int, void *, size_t, int)');
const ppoll = c.func('int ppoll(void *, unsigned long, const void *, const void *)');

const bytes = ipBytes(address);
const isIpv4 = bytes.length === 4;
const fd = socket(isIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
if (fd < 0) throw new Error(`socket: errno ${koffi.errno()}`);
const target = Buffer.alloc(isIpv4 ? 16 : 28);
target.writeUInt16LE(isIpv4 ? AF_INET : AF_INET6, 0);
target.writeUInt16BE(Number(port), 2);
// Of IPv6 the flow comes before it.
target.set(bytes, isIpv4 ? 4 : 8);
const poll = Buffer.alloc(8);
poll.writeInt32LE(fd, 0);
poll.writeInt16LE(POLLIN, 4);
const wait = new BigInt64Array(2);
const question = Buffer.alloc(8);
const answer = Buffer.alloc(64);

const realtime = requestRealtime(20);
writeSync(1, `${JSON.stringify({ ready: true, realtime: realtime.isGranted })}\n`);

let number = 0;
let answers = [];
let sendAt = process.hrtime.bigint();
let writeAt = sendAt + WRITE_EVERY_NS;
for (;;) {
  let now = process.hrtime.bigint();
  if (now >= sendAt) {
    question.writeDoubleLE(++number);
    // An error (no route, an ICMP answer) is a probe without an answer.
    sendTo(fd, question, question.length, 0, target, target.length);
    // What a stall of this process swallowed is not sent in a burst afterwards.
    sendAt = now - sendAt > 20n * EVERY_NS ? now + EVERY_NS : sendAt + EVERY_NS;
  }
  for (let length = receive(fd, answer, answer.length, 0); length > 8; ) {
    const at = Number(process.hrtime.bigint()) / 1e6;
    answers.push([at, answer.readDoubleLE(0), answer.toString('latin1', 8, length)]);
    length = receive(fd, answer, answer.length, 0);
  }
  now = process.hrtime.bigint();
  if (now >= writeAt) {
    writeSync(1, `${JSON.stringify(answers)}\n`);
    answers = [];
    writeAt = now + WRITE_EVERY_NS;
  }
  const left = sendAt - process.hrtime.bigint();
  if (left > 0n) {
    wait[1] = left;
    ppoll(poll, 1, wait, null);
  }
}
