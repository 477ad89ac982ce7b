// SPDX-License-Identifier: Apache-2.0
import { Conntrack, subscribeConntrack, writeConntrackSetting } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { commitFlows, KernelCopy } from '@vnfpool/runtime/flow-sharing';
import { sharedFlowBody, sharedFlowKey, sharedFlowValue } from '@vnfpool/wire/flow-state';
import { connection } from '../flow-sharing/flows.mjs';
import { makeConntrackRoom } from '../lib/conntrack-room.mjs';
import { kernelAlone } from './kernel-alone.mjs';

export const description =
  'taking over connections: into an empty kernel, beside the kernel alone, and into one that had them already; --sizes 100k,1m';

export const limitMs = 5 * 60_000;

const SIZES = { '100k': 100_000, '1m': 1_000_000 };
const TRIALS = 5;

/** Milliseconds until a kernel has the copy; `isKept`: it was kept there before. */
function takeOver(values, isKept, whole) {
  return whole.part(async (cleanup) => {
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
    if (result.kept + result.flows !== values.size || (isKept && result.flows > 0))
      throw new Error(`not as it should be: ${JSON.stringify(result)}`);
    return tookMs;
  });
}

/** In turns. */
async function measure(count, { emit, say, signal, trials, cleanup }) {
  const flows = Array.from({ length: count }, (_, number) => connection(number));
  const values = new Map(
    flows.map((flow) => [sharedFlowKey(flow), sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds)]),
  );
  // Who takes over runs it for the first time. Here that is the first turn; all of them are told.
  const ways = {
    userspace: () => takeOver(values, false, cleanup),
    kernel: () => takeOver(values, true, cleanup),
    alone: () => kernelAlone(flows, cleanup),
  };
  const samples = { userspace: [], kernel: [], alone: [] };
  for (let turn = 0; turn < trials; turn++) {
    for (const [name, way] of Object.entries(ways)) {
      signal.throwIfAborted();
      samples[name].push(await way());
      say(`${name}: ${samples[name].at(-1).toFixed(0)} ms`);
    }
  }
  emit({
    figure: `taking over ${count} connections, into an empty kernel`,
    unit: 'ms',
    samples: samples.userspace,
    referenceSamples: samples.alone,
    referenceName: 'kernel alone, its messages made before',
  });
  emit({
    figure: `taking over ${count} connections that are in the kernel`,
    unit: 'ms',
    samples: samples.kernel,
    referenceSamples: samples.userspace,
    referenceName: 'from a copy in user space',
  });
}

export async function run({ emit, say, options, signal, cleanup }) {
  const trials = options.trials === undefined ? TRIALS : Number(options.trials);
  const sizes = (options.sizes ?? '100k').toLowerCase().split(',');
  const unknown = sizes.filter((size) => !(size in SIZES));
  if (unknown.length > 0) throw new Error(`no size ${unknown.join(', ')}: ${Object.keys(SIZES).join(', ')}`);
  for (const size of sizes) {
    makeConntrackRoom(SIZES[size], cleanup);
    await measure(SIZES[size], { emit, say, signal, trials, cleanup });
  }
}
