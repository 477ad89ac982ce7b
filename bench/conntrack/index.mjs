// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Conntrack, IPS_ASSURED, IPS_SEEN_REPLY } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { decodeFlowState, encodeFlowState } from '@vnfpool/wire/flow-state';
import { findProgram, libraryPath, unpackedPackages } from '../../scripts/debian-packages.mjs';

export const description =
  'connection tracking entries a second: into the kernel and out of it, beside the program conntrack; flow state encoded and decoded';

export const limitMs = 5 * 60_000;

const ENTRIES = 100_000;
const TRIALS = 5;
/** Inserted or listed before the clock starts. */
const WARM_UP = 5_000;

/** Established TCP connections, without translation: the program's files do not hold it. */
function connection(number) {
  const client = Uint8Array.of(10, number >> 16, (number >> 8) & 0xff, number & 0xff);
  const server = Uint8Array.of(192, 0, 2, 80);
  const ports = (source, destination) => ({ kind: 'ports', source, destination });
  return {
    original: { source: client, destination: server, protocol: 6, layer4: ports(40_000, 443) },
    reply: { source: server, destination: client, protocol: 6, layer4: ports(443, 40_000) },
    status: IPS_SEEN_REPLY | IPS_ASSURED,
    timeoutSeconds: 3600,
    zone: 0,
    zoneDirection: 'both',
    mark: 7,
    tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
}

/** The same behind a gateway, each at a port of it. */
function translated(entry, number) {
  const port = 20_000 + (number % 40_000);
  const address = Uint8Array.of(192, 0, 2, 1 + Math.floor(number / 40_000));
  const { reply } = entry;
  return {
    ...entry,
    reply: { ...reply, destination: address, layer4: { ...reply.layer4, destination: port } },
  };
}

/** The program, or why it is not here. */
function conntrackProgram() {
  const installed = findProgram('conntrack');
  if (installed) return { path: installed, env: process.env };
  const { root, reason } = unpackedPackages('conntrack', ['conntrack']);
  if (reason) return { reason };
  const path = findProgram('conntrack', root);
  if (!path) return { reason: 'the package conntrack has no conntrack' };
  return { path, env: { ...process.env, LD_LIBRARY_PATH: libraryPath(root) } };
}

function perSecond(count, work) {
  const start = performance.now();
  work();
  return (count * 1000) / (performance.now() - start);
}

/** Runs it once; entries a second, and the processor time of the system and of ourselves, µs an entry. */
function costOf(work) {
  const before = process.cpuUsage();
  const rate = perSecond(ENTRIES, work);
  const { system, user } = process.cpuUsage(before);
  return { rate, system: system / ENTRIES, own: user / ENTRIES };
}

function list(table) {
  let count = 0;
  for (const entries of table.dump()) count += entries.length;
  return count;
}

function expectCount(what, got) {
  if (got !== ENTRIES) throw new Error(`${what}: ${got} of ${ENTRIES} entries`);
}

/** Runs the program in the namespace; its output goes to a file, as a reader would slow it down. */
function makeRunner({ path, env }, namespace, folder) {
  return (name, ...args) => {
    const output = openSync(join(folder, name), 'w');
    try {
      const done = inNamespace(namespace.fd, () =>
        spawnSync(path, args, { env, stdio: ['ignore', output, 'pipe'], timeout: 60_000 }),
      );
      if (done.status !== 0) throw new Error(`conntrack ${args.join(' ')}: ${String(done.stderr)}`);
    } finally {
      closeSync(output);
    }
  };
}

function measureKernel({ emit, cleanup, say, trials, entries }) {
  const program = conntrackProgram();
  if (program.reason) say(`without the program conntrack beside: ${program.reason}`);
  const namespace = createNamespace();
  cleanup.add(() => namespace.close());
  const table = inNamespace(namespace.fd, () => new Conntrack());
  cleanup.add(() => table.close());
  const folder = cleanup.folder();
  const run = program.reason ? null : makeRunner(program, namespace, folder);
  const insert = (some) => {
    const failures = table.insert(some);
    if (failures.length > 0) throw failures[0].error;
  };

  insert(entries.slice(0, WARM_UP));
  list(table);
  table.remove(entries.slice(0, WARM_UP));

  const samples = { insert: [], load: [], dump: [], listing: [] };
  const costs = { plain: [], translated: [] };
  const behind = entries.map(translated);
  for (let trial = 0; trial < trials; trial++) {
    const plain = costOf(() => insert(entries));
    costs.plain.push(plain);
    samples.insert.push(plain.rate);
    expectCount('inserted', table.count());
    samples.dump.push(perSecond(ENTRIES, () => expectCount('listed', list(table))));
    if (run !== null) {
      samples.listing.push(perSecond(ENTRIES, () => run('listed', '-L')));
      if (trial === 0) run('saved', '-L', '-o', 'save');
    }
    table.remove(entries);
    if (run !== null) {
      samples.load.push(perSecond(ENTRIES, () => run('loaded', '--load-file', join(folder, 'saved'))));
      expectCount('loaded', table.count());
      table.remove(entries);
    }
    costs.translated.push(costOf(() => insert(behind)));
    expectCount('inserted', table.count());
    table.remove(behind);
  }
  emit({
    figure: `import of ${ENTRIES} entries`,
    unit: 'entries/s',
    samples: samples.insert,
    referenceSamples: run === null ? null : samples.load,
    referenceName: run === null ? null : 'conntrack --load-file',
  });
  const alone = (figure, unit, values) =>
    emit({ figure, unit, samples: values, referenceSamples: null, referenceName: null });
  alone(
    `import of ${ENTRIES} translated entries`,
    'entries/s',
    costs.translated.map(({ rate }) => rate),
  );
  for (const [name, some] of Object.entries({
    'an import': costs.plain,
    'one translated': costs.translated,
  })) {
    alone(
      `${name}: the system's time an entry`,
      'µs',
      some.map(({ system }) => system),
    );
    alone(
      `${name}: our own time an entry`,
      'µs',
      some.map(({ own }) => own),
    );
  }
  emit({
    figure: `listing of ${ENTRIES} entries`,
    unit: 'entries/s',
    samples: samples.dump,
    referenceSamples: run === null ? null : samples.listing,
    referenceName: run === null ? null : 'conntrack -L into a file',
  });
}

/** The reference is JSON, with addresses as text. */
function measureCodec({ emit, trials, entries }) {
  const records = entries.map((entry) => ({ kind: 'flow', entry }));
  const plain = entries.map((entry) => ({
    ...entry,
    original: { ...entry.original, source: entry.original.source.join('.'), destination: '192.0.2.80' },
    reply: { ...entry.reply, source: '192.0.2.80', destination: entry.reply.destination.join('.') },
  }));
  const samples = { encode: [], stringify: [], decode: [], parse: [] };
  let octets = 0;
  let characters = 0;
  for (let trial = 0; trial < trials; trial++) {
    let bytes;
    let text;
    samples.encode.push(
      perSecond(ENTRIES, () => {
        bytes = encodeFlowState(records);
      }),
    );
    samples.stringify.push(
      perSecond(ENTRIES, () => {
        text = JSON.stringify(plain);
      }),
    );
    samples.decode.push(perSecond(ENTRIES, () => expectCount('decoded', decodeFlowState(bytes).length)));
    samples.parse.push(perSecond(ENTRIES, () => expectCount('parsed', JSON.parse(text).length)));
    octets = bytes.length / ENTRIES;
    characters = text.length / ENTRIES;
  }
  const figure = (name, unit, ours, reference) =>
    emit({ figure: name, unit, samples: ours, referenceSamples: reference, referenceName: 'JSON' });
  figure('flow state encoded', 'entries/s', samples.encode, samples.stringify);
  figure('flow state decoded', 'entries/s', samples.decode, samples.parse);
  figure('flow state, an entry', 'octets', [octets], [characters]);
}

export async function run({ emit, cleanup, say, options }) {
  const trials = options.trials === undefined ? TRIALS : Number(options.trials);
  const entries = Array.from({ length: ENTRIES }, (_, number) => connection(number));
  measureCodec({ emit, trials, entries });
  try {
    const namespace = createNamespace();
    cleanup.add(() => namespace.close());
    inNamespace(namespace.fd, () => new Conntrack()).close();
  } catch (error) {
    say(`skipped: no connection tracking in a namespace: ${error.message}`);
    return;
  }
  measureKernel({ emit, cleanup, say, trials, entries });
}
