// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { conntrackdProgram } from '../flow-sharing/conntrackd.mjs';
import { makeConntrackRoom } from '../lib/conntrack-room.mjs';

export const description =
  'outage of a translated flow when the node of a NAT gateway dies, by how many other connections it has, beside keepalived with conntrackd; --sizes 10k,100k';

export const limitMs = 40 * 60_000;

const SIZES = { none: 0, '10k': 10_000, '100k': 100_000, '1m': 1_000_000 };
const DEFAULT_SIZES = 'none,10k,100k';

/** `--trials N` (default 5) of each size; the lease is that of the example, 300 ms, the adverts are 100 ms apart. */
export async function run({ options, cleanup, signal, emit, say }) {
  if (process.getuid() !== 0) throw new Error('needs root, for namespaces and links');
  for (const program of ['keepalived', 'conntrack', 'nft', 'nsenter'])
    if (spawnSync(program, ['--version']).error) throw new Error(`needs ${program}`);
  const conntrackd = conntrackdProgram();
  if (conntrackd.reason) throw new Error(`needs the reference conntrackd: ${conntrackd.reason}`);
  const asked = (options.sizes ?? DEFAULT_SIZES).split(',').map((name) => {
    if (SIZES[name] === undefined) throw new Error(`sizes are ${Object.keys(SIZES).join(', ')}, not ${name}`);
    return { name, connections: SIZES[name] };
  });
  // What is there stays there: the small ones first.
  const sizes = asked.toSorted((a, b) => a.connections - b.connections);
  makeConntrackRoom(Math.max(...sizes.map(({ connections }) => connections)), cleanup);
  const task = {
    folder: cleanup.folder(),
    trials: Number(options.trials ?? 5),
    sizes,
    conntrackd,
    verbose: options.verbose === true,
  };
  const side = (name) => runSide({ ...task, side: name }, { cleanup, signal, say });
  // One behind the other: all namespaces share the kernel's table, and who listens to its events slows everybody.
  const ours = await side('vnfpool');
  const reference = await side('reference');
  for (const { name, connections } of sizes) {
    emit({
      figure: `node of a gateway killed, ${connections === 0 ? 'no' : connections} other connections`,
      unit: 'ms',
      samples: ours.get(name),
      referenceSamples: reference.get(name),
      referenceName: 'keepalived, advert 100 ms, and conntrackd, FTFW',
    });
  }
}

/** Outages of one pair, by size. */
async function runSide(task, { cleanup, signal, say }) {
  const inside = join(import.meta.dirname, 'inside.mjs');
  const child = cleanup.spawn(['unshare', '--net', process.execPath, inside, JSON.stringify(task)], {
    // A process group of its own: Ctrl-C reaches only us. The child ends when its standard input does.
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  signal.addEventListener('abort', () => child.stdin.end(), { once: true });
  const samples = new Map();
  let failure = 'the process inside ended early';
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line);
    if (said.say) say(`${task.side}  ${said.say}`);
    else if (said.measured) samples.set(said.measured.size, said.measured.samples);
    else failure = said.failed;
  });
  await new Promise((resolve) => {
    child.once('close', resolve);
  });
  if (failure !== '') throw new Error(failure);
  return samples;
}
