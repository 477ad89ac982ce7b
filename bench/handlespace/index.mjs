// SPDX-License-Identifier: Apache-2.0
import { Deadlines } from '@vnfpool/core/deadlines';
import { Handlespace } from '@vnfpool/core/handlespace';
import { collectGarbage, usedBytes } from '../lib/used-bytes.mjs';
import { PlainHandlespace } from './plain.mjs';
import { POLICIES } from './policies.mjs';

export const description =
  'operations a second and memory of the handlespace, per policy and size; --sizes 1k,1m';

export const limitMs = 15 * 60_000;

const SIZES = { '1k': 1000, '10k': 10_000, '100k': 100_000, '1m': 1_000_000 };
const ROUND_MS = 12;
const ROUNDS = 3;
const LIMITS = { poolsMax: 2_000_000, elementsPerPoolMax: 2_000_000, elementsMax: 2_000_000 };
const handle = new TextEncoder().encode('bench-pool');

/**
 * Milliseconds of processor time, collector and compiler included: all of this computes and waits for nothing, so that a
 * busy machine need not count.
 */
function clockMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** xorshift, so that each run does the same. */
function seededRandom(seed) {
  let state = seed;
  const u32 = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { u32, u64: () => (BigInt(u32()) << 32n) | BigInt(u32()), fraction: () => u32() / 2 ** 32 };
}

const elementOf = (id, policy) => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy,
});

/** A thousand odd steps that visit every index of an array once, far from each other. */
const scattered = (index, size) => (index * 611_953) % size;

/** Operations a second of `body(index)`, called with 0, 1, … up to `most`. One sample a round. */
function rate(body, most = Number.POSITIVE_INFINITY) {
  const samples = [];
  let index = 0;
  // Asking the clock costs more than an operation.
  let batch = 1;
  const round = () => {
    const [first, start] = [index, clockMs()];
    for (let elapsed = 0; ; ) {
      const end = Math.min(most, index + batch);
      for (; index < end; index++) body(index);
      const before = elapsed;
      elapsed = clockMs() - start;
      if (elapsed >= ROUND_MS || index >= most) return ((index - first) * 1000) / elapsed;
      if (elapsed - before < 2) batch *= 2;
    }
  };
  // The first round is the compiler's, if there is enough to do for others.
  const first = round();
  while (samples.length < ROUNDS && index < most) samples.push(round());
  return samples.length > 0 ? samples : [first];
}

let isFirst = true;

/** Everything about one policy at one size; `emit` gets ours beside the plain version. */
function measure(name, sizeName, emit) {
  const size = SIZES[sizeName];
  const policy = POLICIES[name];
  const random = seededRandom(7);
  const elements = Array.from({ length: size }, (_, index) => elementOf(index + 1, policy.make(random)));
  const changed = Array.from({ length: 4096 }, () => policy.make(random));
  const again = (index) => elementOf(elements[scattered(index, size)].id, changed[index % changed.length]);
  const figure = (operation, unit, samples, referenceSamples) =>
    emit({
      figure: `${name}, ${sizeName}, ${operation}`,
      unit,
      samples,
      referenceSamples,
      referenceName: 'plain array',
    });

  const build = (space) => {
    const before = usedBytes();
    const start = clockMs();
    for (const element of elements) space.set(handle, element);
    const elapsed = clockMs() - start;
    return { rate: (size * 1000) / elapsed, bytes: (usedBytes() - before) / size };
  };
  const built = (make) => {
    const runs = [];
    let space;
    // The first ones of a small size also warm the compiler up.
    for (let run = 0; run < (size > 10_000 ? 1 : 8); run++) {
      space = make();
      runs.push(build(space));
    }
    const kept = runs.slice(size > 10_000 ? 0 : 3);
    return { space, rates: kept.map((run) => run.rate), bytes: kept.map((run) => run.bytes) };
  };
  const ours = built(() => new Handlespace(seededRandom(11), { limits: LIMITS }));
  const plain = built(() => new PlainHandlespace(seededRandom(11), policy));
  figure('register', 'operations/s', ours.rates, plain.rates);
  // Later ones would be told too little: code that was optimized for the one before keeps its elements for a while.
  if (isFirst) figure('memory', 'bytes/element', ours.bytes, plain.bytes);
  isFirst = false;

  const both = (operation, our, theirs, most) => {
    if (size <= 100_000) collectGarbage();
    figure(operation, 'operations/s', rate(our, most), rate(theirs, most));
  };
  both(
    're-register',
    (index) => ours.space.set(handle, again(index)),
    (index) => plain.space.replace(handle, again(index)),
  );
  for (const count of [1, 3]) {
    both(
      `select ${count}`,
      () => ours.space.pool(handle).select(count),
      () => plain.space.select(handle, count),
    );
  }

  const deadlines = new Deadlines();
  const plainDeadlines = elements.map((element) => ({ element, atMs: 0 }));
  for (const [index, element] of elements.entries()) {
    const atMs = scattered(index, size);
    deadlines.set(element, 'life', atMs);
    plainDeadlines[index].atMs = atMs;
  }
  both(
    'timer restart',
    (index) => deadlines.set(elements[scattered(index, size)], 'life', size + (index % size)),
    (index) => {
      plainDeadlines[scattered(index, size)].atMs = size + (index % size);
    },
  );
  const half = size >> 1;
  const gone = new Set();
  const delist = (space) => (index) => {
    const { id } = elements[scattered(index, size)];
    gone.add(id);
    space.delete(handle, id);
  };
  both('deregister', delist(ours.space), delist(plain.space), half);
  const expired = (space, takeNext) => () => {
    const element = takeNext();
    if (!gone.has(element.id)) space.delete(handle, element.id);
  };
  both(
    'expire',
    expired(ours.space, () => deadlines.take(Number.POSITIVE_INFINITY).owner),
    expired(plain.space, () => {
      let earliest = 0;
      for (let at = 1; at < plainDeadlines.length; at++)
        if (plainDeadlines[at].atMs < plainDeadlines[earliest].atMs) earliest = at;
      return plainDeadlines.splice(earliest, 1)[0].element;
    }),
    half >> 1,
  );
}

/** As many pools as elements. */
function measurePools(sizeName, emit) {
  const size = SIZES[sizeName];
  const random = seededRandom(13);
  const handles = Array.from({ length: size }, (_, index) => new TextEncoder().encode(`pool-${index}`));
  const elements = handles.map((_, index) => elementOf(index + 1, POLICIES.RR.make(random)));
  const spaces = {
    ours: new Handlespace(random, { limits: LIMITS }),
    plain: new PlainHandlespace(random, POLICIES.RR),
  };
  const figure = (operation, unit, [samples, referenceSamples]) =>
    emit({
      figure: `RR, ${sizeName} pools of one, ${operation}`,
      unit,
      samples,
      referenceSamples,
      referenceName: 'plain array',
    });
  const built = Object.values(spaces).map((space) => {
    const before = usedBytes();
    const start = clockMs();
    for (let index = 0; index < size; index++) space.set(handles[index], elements[index]);
    const elapsed = clockMs() - start;
    return { rate: (size * 1000) / elapsed, bytes: (usedBytes() - before) / size };
  });
  figure(
    'register',
    'operations/s',
    built.map((one) => [one.rate]),
  );
  figure(
    'memory',
    'bytes/element',
    built.map((one) => [one.bytes]),
  );
  figure('select 1', 'operations/s', [
    rate((index) => spaces.ours.pool(handles[scattered(index, size)]).select(1)),
    rate((index) => spaces.plain.select(handles[scattered(index, size)], 1)),
  ]);
}

export async function run({ options, emit, say, signal }) {
  const sizes = (options.sizes ?? Object.keys(SIZES).join(',')).toLowerCase().split(',');
  const unknown = sizes.filter((size) => !(size in SIZES));
  if (unknown.length > 0)
    throw new Error(`no size ${unknown.join(', ')}; there are ${Object.keys(SIZES).join(', ')}`);
  const names = options.only?.split(',');
  const wanted = (name) => names === undefined || names.includes(name);
  for (const sizeName of sizes) {
    for (const name of Object.keys(POLICIES).filter(wanted)) {
      signal.throwIfAborted();
      say(`${name}, ${sizeName}`);
      measure(name, sizeName, emit);
      // A turn of the loop, for Ctrl-C.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (wanted('pools') && sizeName !== '1m') measurePools(sizeName, emit);
  }
}
