// SPDX-License-Identifier: Apache-2.0
import { Conntrack, subscribeConntrack, writeConntrackSetting } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { commitFlows, KernelCopy } from '@vnfpool/runtime/flow-sharing';
import { sharedFlowBody, sharedFlowKey, sharedFlowValue } from '@vnfpool/wire/flow-state';
import { connection } from '../flow-sharing/flows.mjs';
import { Cleanup } from '../lib/cleanup.mjs';

export const description =
  'taking over connections: the copy put into an empty kernel, beside one that the kernel of the standby had already';

export const limitMs = 5 * 60_000;

const FLOWS = 100_000;
const TRIALS = 5;

/** Milliseconds until a kernel has the copy; `isKept`: it was kept there before. */
async function takeOver(values, isKept) {
  const cleanup = new Cleanup();
  try {
    const namespace = createNamespace();
    cleanup.add(() => namespace.close());
    const table = inNamespace(namespace.fd, () => {
      const opened = new Conntrack();
      writeConntrackSetting('nf_conntrack_events', 1);
      return opened;
    });
    cleanup.add(() => table.close());
    let kept = null;
    if (isKept) {
      kept = new KernelCopy({
        table,
        contents: { get: (key) => values.get(key), entries: () => values.entries() },
        filter: () => ({}),
        watch: (listener) =>
          inNamespace(namespace.fd, () => subscribeConntrack(listener, { exceptPort: table.port })),
        onRefused: (count, code) => {
          throw new Error(`the kernel refuses ${count} connections: ${code}`);
        },
        onFault: (error) => {
          throw error;
        },
      });
      await kept.settled();
    }
    const start = performance.now();
    await kept?.stop();
    const result = await commitFlows(table, values, { known: kept?.known({}) ?? null });
    const tookMs = performance.now() - start;
    if (result.kept + result.flows !== FLOWS || (isKept && result.flows > 0))
      throw new Error(`not as it should be: ${JSON.stringify(result)}`);
    return tookMs;
  } finally {
    await cleanup.run();
  }
}

export async function run({ emit, say, options, signal }) {
  const trials = options.trials === undefined ? TRIALS : Number(options.trials);
  const values = new Map();
  for (let number = 0; number < FLOWS; number++) {
    const flow = connection(number);
    values.set(sharedFlowKey(flow), sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds));
  }
  const samples = { kernel: [], userspace: [] };
  for (let turn = 0; turn < trials; turn++) {
    for (const way of ['userspace', 'kernel']) {
      signal.throwIfAborted();
      samples[way].push(await takeOver(values, way === 'kernel'));
      say(`${way}: ${samples[way].at(-1).toFixed(0)} ms`);
    }
  }
  emit({
    figure: `taking over ${FLOWS} connections that are in the kernel`,
    unit: 'ms',
    samples: samples.kernel,
    referenceSamples: samples.userspace,
    referenceName: 'from a copy in user space',
  });
}
