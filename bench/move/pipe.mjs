// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/*
 * The reference's functions, on Unix sockets. `pipe.mjs give PATH BYTES` writes so many octets; `pipe.mjs take PATH BYTES`
 * keeps as many, and then says one octet.
 */

const [what, path, count] = process.argv.slice(2);
const bytes = Number(count);
if (what === 'give') {
  const piece = Buffer.alloc(1_048_576, 7);
  const socket = connect(path);
  for (let left = bytes; left > 0; left -= piece.length)
    if (!socket.write(left >= piece.length ? piece : piece.subarray(0, left))) await once(socket, 'drain');
} else {
  const server = createServer((socket) => {
    const taken = [];
    let left = bytes;
    socket.on('data', (chunk) => {
      taken.push(chunk);
      left -= chunk.length;
      if (left === 0) socket.write('.');
    });
    socket.on('error', () => {});
  });
  server.listen(path, () => process.stdout.write('ready\n'));
}
