// SPDX-License-Identifier: Apache-2.0
// Follows the kernel of its namespace and keeps one standby's copy up to date.
import { ReplicaStore } from '@vnfpool/core/replication';
import { FlowUpdates, flowKernel } from '@vnfpool/runtime/flow-sharing';
import { ReplicatedState, replicationRule } from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';

const [slot, host, port] = process.argv.slice(2);
const state = new ReplicatedState({
  slot,
  epoch: 1,
  store: new ReplicaStore(),
  history: [],
  bound: { updates: 1_000_000, overload: 'block' },
  transport: new TcpTransport({ rule: replicationRule, limits: { sendQueueBytesMax: 8 * 2 ** 20 } }),
  standbys: [{ standby: 1, host, port: Number(port) }],
  onNotice: ({ type }) => {
    if (type === 'caught-up') {
      state.listed([1]);
      process.send('ready');
    }
  },
});
const updates = new FlowUpdates({
  kernel: flowKernel(),
  change: (changes) => state.change(changes),
  onFault: (error) => {
    throw error;
  },
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const lag = state.standbys[0]?.lagUpdates ?? Number.POSITIVE_INFINITY;
  process.send({
    cpuMs: (user + system) / 1000,
    flows: updates.size,
    left: updates.pending + lag,
    overruns: updates.overruns,
  });
});
process.on('disconnect', () => process.exit());
