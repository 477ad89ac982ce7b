// SPDX-License-Identifier: Apache-2.0
// Standbys' copies, and beside them a peer that reads octets and sends an octet for each batch of them, as acknowledgements are sent.
import { createServer } from 'node:net';
import { replicationRule, StateCopy } from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { usedBytes } from '../lib/used-bytes.mjs';

const [slot, count] = process.argv.slice(2);
const transport = new TcpTransport({ rule: replicationRule });
const copies = await Promise.all(
  Array.from({ length: Number(count) }, () =>
    StateCopy.listen({ slot, transport, host: '127.0.0.1', port: 0 }),
  ),
);
const bare = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', (octets) => socket.write(Buffer.alloc(1, octets.at(-1))));
  socket.on('error', () => socket.destroy());
});
bare.listen(0, '127.0.0.1', () => {
  process.send({ copies: copies.map(({ address }) => address.port), bare: bare.address().port });
});
let before = process.cpuUsage();
process.on('message', (question) => {
  if (question === 'memory') {
    process.send({ bytes: usedBytes() });
    return;
  }
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
});
process.on('disconnect', () => process.exit());
