// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { ReplicaStore } from '@vnfpool/core/replication';
import { ReplicatedState, replicationRule } from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { encodeReplica } from '@vnfpool/wire/replication';
import { median } from '../lib/statistics.mjs';
import { usedBytes } from '../lib/used-bytes.mjs';

export const description =
  'changes a second that reach a standby in another process, or are acknowledged by k of three, beside a bare TCP stream of the same octets; time of a change; memory of an idle session';

export const limitMs = 5 * 60_000;

const SLOT = '00000000000000b1';
const CHANGES = 200_000;
const BATCH = 256;
const KEYS = 10_000;
const TRIALS = 7;
const HELD = 300;
const STANDBYS = 3;
/** Of changes that are waited for: a quarter of the others. */
const WAITED = CHANGES / 4;
const SESSIONS = 100_000;

// Made before, so that only what we do is measured.
const KEY_TEXTS = Array.from({ length: KEYS }, (_, n) => `call-${n}`);
const VALUES = Array.from({ length: 1_021 }, (_, n) => new Uint8Array(32).fill(n));
const keyOf = (n) => KEY_TEXTS[n % KEYS];
const valueOf = (n) => VALUES[n % VALUES.length];

/** Lets sockets have their turn: without it changes of one key would become one. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a frame with these changes has on the wire. */
function octetsOf(count) {
  const updates = Array.from({ length: count }, (_, n) => ({
    sequence: n + 1,
    key: keyOf(n),
    value: VALUES[0],
  }));
  const mark = { sequence: 500_000, keys: KEYS, digest: 1n << 60n, clockUs: 1e9 };
  return encodeReplica({ type: 'updates', updates, mark });
}

export async function run({ emit, say, cleanup, signal }) {
  const child = fork(new URL('copy.mjs', import.meta.url), [SLOT, STANDBYS]);
  cleanup.add(() => child.kill());
  const [ports] = await once(child, 'message', { signal });
  const cpuOfChild = async () => {
    child.send('cpu');
    const [{ cpuMs }] = await once(child, 'message', { signal });
    return cpuMs;
  };
  const bare = connect(ports.bare, '127.0.0.1');
  await once(bare, 'connect', { signal });
  bare.setNoDelay(true);
  cleanup.add(() => bare.destroy());
  const frame = octetsOf(BATCH);
  say(
    `${CHANGES} changes of a key and 32 octets, ${BATCH} a turn, ${(frame.length / BATCH).toFixed(1)} octets each`,
  );

  let epoch = 0;
  const withState = async (bound, work, standbys = 1) => {
    epoch += 1;
    const told = new EventEmitter();
    let behind = standbys;
    told.on('caught-up', () => {
      behind -= 1;
      if (behind === 0) told.emit('all caught up');
    });
    const begun = Promise.all([once(told, 'ready', { signal }), once(told, 'all caught up', { signal })]);
    const state = new ReplicatedState({
      slot: SLOT,
      epoch,
      store: new ReplicaStore(),
      history: [],
      bound,
      transport: new TcpTransport({ rule: replicationRule, limits: { sendQueueBytesMax: 8 * 2 ** 20 } }),
      standbys: ports.copies
        .slice(0, standbys)
        .map((port, index) => ({ standby: index + 1, host: '127.0.0.1', port })),
      onNotice: ({ type }) => told.emit(type),
    });
    await begun;
    state.listed(ports.copies.slice(0, standbys).map((_, index) => index + 1));
    try {
      return await work(state);
    } finally {
      state.close();
    }
  };

  // Changes of a turn go together; the next turn follows when they were taken, and all are there at the end.
  const flood = async (state, changes = CHANGES) => {
    const start = performance.now();
    for (let n = 0; n < changes; ) {
      const batch = [];
      for (const end = n + BATCH; n < end; n++) batch.push(state.set(keyOf(n), valueOf(n)));
      await Promise.all(batch);
      await turn();
    }
    while (state.standbys.some(({ lagUpdates }) => lagUpdates > 0)) await turn();
    return (changes * 1000) / (performance.now() - start);
  };
  const stream = async () => {
    const start = performance.now();
    for (let n = 0; n < CHANGES; n += BATCH) {
      if (!bare.write(frame)) await once(bare, 'drain', { signal });
      await turn();
    }
    // What comes back behind the last octet.
    const last = frame.slice();
    last[last.length - 1] = 0xee;
    bare.write(last);
    for await (const octets of bareData(bare, signal)) if (octets.at(-1) === 0xee) break;
    return (CHANGES * 1000) / (performance.now() - start);
  };

  const samples = { ours: [], bare: [], own: [], standby: [] };
  const asynchronous = { updates: 1_000_000, overload: 'block' };
  for (let trial = -2; trial < TRIALS; trial++) {
    signal.throwIfAborted();
    const before = process.cpuUsage();
    await cpuOfChild();
    const ours = await withState(asynchronous, flood);
    const { user, system } = process.cpuUsage(before);
    const childMs = await cpuOfChild();
    const perSecond = await stream();
    if (trial < 0) continue;
    samples.ours.push(ours);
    samples.bare.push(perSecond);
    samples.own.push((user + system) / CHANGES);
    samples.standby.push((childMs * 1000) / CHANGES);
  }
  emit({
    figure: 'changes, asynchronous',
    unit: 'a second',
    samples: samples.ours,
    referenceSamples: samples.bare,
    referenceName: 'the octets alone, over TCP',
  });
  const cpu = (figure, values) =>
    emit({ figure, unit: 'µs a change', samples: values, referenceSamples: null, referenceName: null });
  cpu('processor of the holder', samples.own);
  cpu('processor of the standby', samples.standby);

  const echo = async () => {
    const small = octetsOf(1);
    const start = performance.now();
    bare.write(small);
    for await (const _ of bareData(bare, signal)) break;
    return performance.now() - start;
  };
  const held = { ours: [], bare: [] };
  await withState({ updates: 0, overload: 'block' }, async (state) => {
    for (let n = -100; n < HELD; n++) {
      const start = performance.now();
      await state.set(keyOf(n + 100), valueOf(n + 100));
      const tookMs = performance.now() - start;
      const echoMs = await echo();
      if (n < 0) continue;
      held.ours.push(tookMs);
      held.bare.push(echoMs);
    }
  });
  emit({
    figure: 'a change that is held until its standby has it',
    unit: 'ms',
    samples: held.ours,
    referenceSamples: held.bare,
    referenceName: 'the octets there and an octet back, over TCP',
  });
  // Each change is answered once so many of three have it; 256 of them are under way at a time.
  for (const acknowledgedBy of [0, 1, 2, 3]) {
    const bound = { updates: acknowledgedBy === STANDBYS ? 0 : 1_000_000, acknowledgedBy, overload: 'block' };
    const ours = [];
    const took = [];
    await withState(
      bound,
      async (state) => {
        for (let trial = -1; trial < 3; trial++) {
          const perSecond = await flood(state, WAITED);
          if (trial >= 0) ours.push(perSecond);
        }
        for (let n = 0; n < HELD; n++) {
          const start = performance.now();
          await state.set(keyOf(n), valueOf(n));
          took.push(performance.now() - start);
          // What others do not wait for is theirs before the next one.
          while (state.standbys.some(({ lagUpdates }) => lagUpdates > 0)) await turn();
        }
      },
      STANDBYS,
    );
    const whom =
      acknowledgedBy === 0 ? 'asynchronous, to three' : `acknowledged by ${acknowledgedBy} of three`;
    const reference = { referenceSamples: samples.bare, referenceName: 'the octets alone, over TCP, to one' };
    emit({ figure: `changes, ${whom}`, unit: 'a second', samples: ours, ...reference });
    emit({
      figure: `a change, ${whom}`,
      unit: 'ms',
      samples: took,
      referenceSamples: held.bare,
      referenceName: 'the octets there and an octet back, over TCP',
    });
  }
  await memory({ withState, asynchronous, child, emit, signal });
  say(`held adds ${(median(held.ours) - median(held.bare)).toFixed(3)} ms to a round trip at the median`);
}

/** What a session takes of which nothing is told any more: a key and 32 octets at the holder, and at its standby. */
async function memory({ withState, asynchronous, child, emit, signal }) {
  const bytesOfChild = async () => {
    child.send('memory');
    const [{ bytes }] = await once(child, 'message', { signal });
    return bytes;
  };
  const samples = { holder: [], standby: [], map: [] };
  const nameOf = (n) => `session-${n}`;
  for (let trial = 0; trial < 3; trial++) {
    await withState(asynchronous, async (state) => {
      // The standby has what the trial before left, and drops it as this one begins.
      const before = [usedBytes(), await bytesOfChild()];
      for (let n = 0; n < SESSIONS; n += BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, SESSIONS - n) }, (_, i) =>
          state.set(nameOf(n + i), new Uint8Array(32).fill(n)),
        );
        await Promise.all(batch);
        await turn();
      }
      while (state.standbys[0].lagUpdates > 0) await turn();
      samples.holder.push((usedBytes() - before[0]) / SESSIONS);
      samples.standby.push(((await bytesOfChild()) - before[1]) / SESSIONS);
    });
    const before = usedBytes();
    const map = new Map();
    for (let n = 0; n < SESSIONS; n++) map.set(nameOf(n), new Uint8Array(32).fill(n));
    samples.map.push((usedBytes() - before) / SESSIONS);
    map.clear();
  }
  for (const where of ['holder', 'standby'])
    emit({
      figure: `memory of an idle session at its ${where}`,
      unit: 'octets',
      samples: samples[where],
      referenceSamples: samples.map,
      referenceName: 'its key and 32 octets in a Map',
    });
}

async function* bareData(socket, signal) {
  for (;;) {
    const [octets] = await once(socket, 'data', { signal });
    yield octets;
  }
}
