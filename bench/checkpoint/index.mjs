// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { ReplicaStore } from '@vnfpool/core/replication';
import { CheckpointWriter, readCheckpoints } from '@vnfpool/runtime/checkpoint';
import { FolderStore } from '@vnfpool/store/objects';

export const description =
  'checkpoints into a folder, full and of what changed, and reading them, beside a file of as many octets with fdatasync';

export const limitMs = 5 * 60_000;

const SLOT = '00000000000000b1';
const KEYS = 100_000;
const CHANGES = 1_000;
const TRIALS = 15;

const keyOf = (n) => `call-${n}`;
const valueOf = (n) => new Uint8Array(100).fill(n);

export async function run({ emit, say, cleanup, signal, options }) {
  const folder = mkdtempSync(`${options?.folder ?? process.cwd()}/.bench-checkpoint-`);
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const objects = new FolderStore(folder);
  const state = new ReplicaStore();
  for (let n = 0; n < KEYS; n++) state.update(keyOf(n), valueOf(n));
  const writerOf = (epoch) =>
    new CheckpointWriter({ objects, slot: SLOT, epoch, node: 1, state, wallMs: Date.now });
  const timed = async (work) => {
    signal.throwIfAborted();
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const octetsAt = (epoch, kinds) =>
    readdirSync(`${folder}/${SLOT}`)
      .filter((name) => name.startsWith(String(epoch).padStart(16, '0')) && kinds.test(name))
      .reduce((sum, name) => sum + statSync(`${folder}/${SLOT}/${name}`).size, 0);
  const bareFile = async (octets) => {
    const file = await open(`${folder}/bare`, 'w');
    await file.writeFile(octets);
    await file.datasync();
    await file.close();
  };

  const samples = { full: [], bareFull: [], delta: [], bareDelta: [], read: [], bareRead: [] };
  let sizes = [0, 0];
  for (let trial = -2; trial < TRIALS; trial++) {
    const epoch = trial + 3;
    const writer = writerOf(epoch);
    const full = await timed(() => writer.write());
    for (let n = 0; n < CHANGES; n++) state.update(keyOf(n * 7), valueOf(n + trial));
    const delta = await timed(() => writer.write());
    sizes = [octetsAt(epoch, /start|more/), octetsAt(epoch, /delta/)];
    const [whole, part] = sizes.map((size) => Buffer.alloc(size, epoch));
    const bareFull = await timed(() => bareFile(whole));
    const bareRead = await timed(() => readFile(`${folder}/bare`));
    const bareDelta = await timed(() => bareFile(part));
    const read = await timed(async () => {
      const kept = await readCheckpoints(objects, SLOT);
      if (kept.store.digest !== state.digest) throw new Error('what was read is another state');
    });
    if (trial < 0) continue;
    for (const [name, value] of Object.entries({ full, bareFull, delta, bareDelta, read, bareRead }))
      samples[name].push(value);
  }
  say(`${KEYS} keys of 100 octets are ${sizes[0]} octets in the store, ${CHANGES} changes ${sizes[1]}`);
  emit({
    figure: 'a full checkpoint of 100,000 keys',
    unit: 'ms',
    samples: samples.full,
    referenceSamples: samples.bareFull,
    referenceName: 'as many octets into a file, with fdatasync',
  });
  emit({
    figure: 'a checkpoint of 1,000 changes',
    unit: 'ms',
    samples: samples.delta,
    referenceSamples: samples.bareDelta,
    referenceName: 'as many octets into a file, with fdatasync',
  });
  emit({
    figure: 'reading 100,000 keys and 1,000 changes',
    unit: 'ms',
    samples: samples.read,
    referenceSamples: samples.bareRead,
    referenceName: 'as many octets out of a file',
  });
}
