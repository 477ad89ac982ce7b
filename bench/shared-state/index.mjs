// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { createClient } from '@redis/client';
import { ReplicaStore } from '@vnfpool/core/replication';
import { SharedStateWriter } from '@vnfpool/runtime/shared-state';
import { openSharedStateStore } from '@vnfpool/store/shared-state';
import { startEtcd, startValkey } from './servers.mjs';

export const description =
  'changes that wait for a store that refuses stale holders, and as many as it takes, beside its own client with the same octets';

export const limitMs = 5 * 60_000;

const SLOT = '00000000000000b1';
const KEYS = 10_000;
const HELD = 1_000;
const HELD_ETCD = 200;
const CHANGES = 100_000;
const BATCH = 256;
const TRIALS = 9;

// Made before, so that only what we do is measured.
const KEY_TEXTS = Array.from({ length: KEYS }, (_, n) => `call-${n}`);
const VALUES = Array.from({ length: 101 }, (_, n) => Buffer.alloc(100, n));
const keyOf = (n) => KEY_TEXTS[n % KEYS];
const valueOf = (n) => VALUES[n % VALUES.length];

/** A holder, with its state. */
async function holderAt(address) {
  const store = openSharedStateStore(address);
  const state = new ReplicaStore();
  const claim = { epoch: 1, node: 1 };
  const writer = new SharedStateWriter({ store, slot: SLOT, claim, state, windowOctets: 2 ** 24, base: '' });
  await writer.write();
  const change = (n) => {
    const [key, value] = [keyOf(n), valueOf(n)];
    writer.add([{ key, value, sequence: state.update(key, value) }], 0);
  };
  return { store, writer, change };
}

export async function run({ emit, cleanup, signal, options }) {
  const folder = mkdtempSync(`${options?.folder ?? process.cwd()}/.bench-shared-`);
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const timed = async (work) => {
    signal.throwIfAborted();
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  /** Ours and the reference in turns. */
  const held = async (count, { writer, change }, bare) => {
    const [samples, referenceSamples] = [[], []];
    for (let n = -20; n < count; n++) {
      const ours = await timed(async () => {
        change(n + 20);
        await writer.write();
      });
      const reference = await timed(() => bare(n + 20));
      if (n < 0) continue;
      samples.push(ours);
      referenceSamples.push(reference);
    }
    return { samples, referenceSamples };
  };

  const valkey = await startValkey(folder, cleanup);
  if (valkey === null) throw new Error('neither valkey-server nor redis-server is here');
  const client = createClient({ socket: { path: valkey.socket } });
  await client.connect();
  cleanup.add(() => client.destroy());
  const holder = await holderAt(valkey.address);
  cleanup.add(() => holder.store.close());
  emit({
    figure: 'a change that waits for Valkey',
    unit: 'ms',
    ...(await held(HELD, holder, (n) => client.hSet('bare', keyOf(n), valueOf(n)))),
    referenceName: 'HSET by its own client',
  });

  const [ours, theirs] = [[], []];
  for (let trial = -1; trial < TRIALS; trial++) {
    const oursMs = await timed(async () => {
      for (let n = 0; n < CHANGES; n += BATCH) {
        for (let at = n; at < n + BATCH; at++) holder.change(at);
        await holder.writer.write();
      }
    });
    const theirsMs = await timed(async () => {
      for (let n = 0; n < CHANGES; n += BATCH) {
        const fields = [];
        for (let at = n; at < n + BATCH; at++) fields.push(keyOf(at), valueOf(at));
        await client.hSet('bare', fields);
      }
    });
    if (trial < 0) continue;
    ours.push((CHANGES / oursMs) * 1_000);
    theirs.push((CHANGES / theirsMs) * 1_000);
  }
  emit({
    figure: 'changes into Valkey, 256 a write',
    unit: 'a second',
    samples: ours,
    referenceSamples: theirs,
    referenceName: 'HSET of as many by its own client',
  });

  const etcd = await startEtcd(folder, cleanup);
  if (etcd === null) return;
  const at = await holderAt(etcd.address);
  cleanup.add(() => at.store.close());
  const put = async (n) => {
    const [key, value] = [Buffer.from(`bare/${keyOf(n)}`), valueOf(n)].map((each) => each.toString('base64'));
    const answer = await fetch(`${etcd.at}/v3/kv/put`, {
      method: 'POST',
      body: JSON.stringify({ key, value }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.json();
  };
  emit({
    figure: 'a change that waits for etcd',
    unit: 'ms',
    ...(await held(HELD_ETCD, at, put)),
    referenceName: 'a put by its gateway',
  });
}
