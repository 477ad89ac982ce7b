// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';

/* A server that answers every REQUEST octets by ANSWER, and writes once for each chunk that it reads. */

const [, , request, answerHex] = process.argv;
const requestBytes = Number(request);
const answer = Buffer.from(answerHex, 'hex');
const server = createServer({ noDelay: true }, (socket) => {
  let left = 0;
  socket.on('data', (chunk) => {
    left += chunk.length;
    const count = Math.floor(left / requestBytes);
    left -= count * requestBytes;
    if (count === 0) return;
    const out = Buffer.allocUnsafe(count * answer.length);
    for (let at = 0; at < count; at++) answer.copy(out, at * answer.length);
    socket.write(out);
  });
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
