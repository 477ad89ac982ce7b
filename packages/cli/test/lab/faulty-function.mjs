// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ReplicaSocket } from '@vnfpool/runtime/replication';
import { OctetReader } from '@vnfpool/transport/local';

/*
 * A function that shares a state of nothing, octet by octet. At SIGUSR2 it says an update that is larger than any may be, and does so again each time that it was
 * refused and has come back; at SIGWINCH it closes its connections, and stays away. At the same signal once more it behaves.
 */

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '0.0.0.0' }, port: { type: 'string' } },
});
createServer((_, response) => response.end()).listen(Number(options.port), options.address);

let isOversized = false;
let isAway = false;
let control = null;
let data = null;

/** Update 1 of key `k`, with a value of 65,537 octets. */
function oversized() {
  const body = Buffer.concat([Buffer.from([5, 0, 1, 1, 0x6b, 0x82, 0x80, 0x04]), Buffer.alloc(65_537)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

async function share({ id, data: path }) {
  const reader = OctetReader.connect(path);
  data = reader.socket;
  data.on('error', () => {});
  const socket = new ReplicaSocket(reader);
  for (;;) {
    const message = await socket.next();
    if (message === null) return;
    if (message.type === 'end') socket.end();
    if (message.type !== 'updates' || message.mark === null) continue;
    await socket.send({ type: 'ack', sequence: message.mark.sequence, bytes: 0, clockUs: 0 });
    say({ id, ok: true });
    if (isOversized) data.write(oversized());
  }
}

function say(line) {
  control?.write(`${JSON.stringify(line)}\n`);
}

function come() {
  if (isAway) return;
  control = connect(process.env.VNFPOOL_SOCKET);
  control.on('error', () => {});
  control.once('close', () => {
    data?.destroy();
    setTimeout(come, 200);
  });
  createInterface({ input: control })
    // An error of the socket comes here, too: refused while it writes, it would end.
    .on('error', () => {})
    .on('line', (line) => {
      const { id, op, ...rest } = JSON.parse(line);
      // What breaks off is told by the control socket.
      if (op === 'share') share({ id, ...rest }).catch(() => {});
      else if (id !== undefined) say({ id, ok: true });
    });
  say({ op: 'hello', v: 1, shares: true, format: 'ledger/1' });
}

process.on('SIGUSR2', () => {
  isOversized = !isOversized;
  if (isOversized) data?.write(oversized());
});
process.on('SIGWINCH', () => {
  isAway = !isAway;
  if (isAway) control?.destroy();
  else come();
});
come();
