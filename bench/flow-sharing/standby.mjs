// SPDX-License-Identifier: Apache-2.0
// Keeps a copy, and puts it into the kernel of its namespace when it is told to take over.
import { Conntrack } from '@vnfpool/platform/conntrack';
import { commitFlows } from '@vnfpool/runtime/flow-sharing';
import { replicationRule, StateCopy } from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';

const [slot, host] = process.argv.slice(2);
const transport = new TcpTransport({ rule: replicationRule });
const copy = await StateCopy.listen({ slot, transport, host, port: 0 });
process.send({ port: copy.address.port });

async function takeOver() {
  const { store } = await copy.takeOver();
  const start = performance.now();
  const before = process.cpuUsage();
  const table = new Conntrack();
  const entries = [...store].map(({ key, value }) => [key, value]);
  const { flows, refusedTotal } = await commitFlows(table, entries);
  const tookMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  process.send({ tookMs, cpuMs: (user + system) / 1000, flows, refusedTotal });
}

process.on('message', (word) => {
  if (word === 'take over') {
    void takeOver();
    return;
  }
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
});
process.on('disconnect', () => process.exit());
