// SPDX-License-Identifier: Apache-2.0
import { quantile } from '../lib/statistics.mjs';
import { Connections } from './connections.mjs';
import { alive, registration, resolution } from './messages.mjs';
import { hurried, startEcho, startRegistrar } from './processes.mjs';
import { Scope } from './scope.mjs';

export const description =
  'a registrar over loopback TCP: resolutions and registrations a second, beside a server that only answers; tables and takeovers';

export const limitMs = 10 * 60_000;

const ROUND_MS = 1_000;
const POOL = 'calc';
const ELEMENTS = 16;
/** Requests on the way at once, on each connection, when they are pipelined. */
const WINDOW = 512;
const USERS = [1, 100, 1_000];
const PACED = 100_000;
const KEPT_ALIVE = 10_000;
/** As many as one association may register. */
const PER_ASSOCIATION = 1_000;
const SCOPES = [10_000, 100_000];
const REFERENCE = 'a server that only answers';

/**
 * The registrar is a process of its own with one thread; so is the reference, a TCP server that answers each
 * request of the same size by octets of the same size, and writes once for each chunk that it reads: what sockets and
 * Node take by themselves. `--trials` sets the rounds, default 5.
 */
export async function run({ options, cleanup, signal, emit, say }) {
  const rounds = Number(options.trials ?? 5);
  const wanted = (figure) => options.only === undefined || figure.includes(options.only);
  say(hurried() ? 'at the highest priority' : 'at the priority of everything else');
  const registrar = await startRegistrar(cleanup, signal);
  const members = await Connections.open(registrar.port, 1, cleanup);
  const elements = Array.from({ length: ELEMENTS }, (_, at) => registration(POOL, at + 1));
  await members.askAll(0, elements, ELEMENTS);
  const question = resolution(POOL);
  const answer = await members.ask(0, question);
  say(`a resolution: ${question.length} octets, its answer ${answer.length}`);
  const echo = await startEcho(cleanup, signal, question.length, answer);

  /** Both by turns; `measure(server)` gives a number for each of `figures`. The first round warms up. */
  const compare = async (figures, measure) => {
    if (!figures.some(({ figure }) => wanted(figure))) return;
    const samples = figures.map(() => ({ ours: [], reference: [] }));
    for (let round = 0; round <= rounds; round++) {
      signal.throwIfAborted();
      const ours = await measure(registrar);
      const reference = await measure(echo);
      if (round === 0) continue;
      for (const [at, sample] of samples.entries()) {
        sample.ours.push(ours[at]);
        sample.reference.push(reference[at]);
      }
    }
    for (const [at, { figure, unit }] of figures.entries()) {
      const { ours, reference } = samples[at];
      emit({ figure, unit, samples: ours, referenceSamples: reference, referenceName: REFERENCE });
    }
  };
  /** By the clock, and by the processor time of the server: on a busy machine only the second means something. */
  const throughput = (figure, connections, load) =>
    compare(
      [
        { figure, unit: 'a second' },
        { figure, unit: 'a second of its processor' },
      ],
      async (server) => {
        const all = await Connections.open(server.port, connections);
        const before = server.processorSeconds();
        const { count, seconds } = await load(all, server);
        const used = server.processorSeconds() - before;
        all.close();
        return [count / seconds, count / used];
      },
    );

  await throughput('resolutions, pipelined on 4 connections', 4, (all) =>
    all.pipeline(question, WINDOW, ROUND_MS),
  );
  for (const users of USERS) {
    await throughput(`resolutions, request and response, users: ${users}`, users, (all) =>
      all.pipeline(question, 1, ROUND_MS),
    );
  }
  const paced = `resolutions at ${PACED} a second on 4 connections`;
  await compare(
    [
      { figure: `${paced}, p50`, unit: 'ms' },
      { figure: `${paced}, p99`, unit: 'ms' },
      { figure: `${paced}, answered`, unit: '%' },
    ],
    async (server) => {
      const all = await Connections.open(server.port, 4);
      const { latencies, asked } = await all.paced(question, PACED, ROUND_MS);
      all.close();
      return [quantile(latencies, 0.5), quantile(latencies, 0.99), (100 * latencies.length) / asked];
    },
  );
  const many = Array.from({ length: 64 }, (_, at) => registration('many', at + 1));
  // The reference takes questions, which are shorter.
  await throughput('registrations of elements that are there, pipelined', 1, (all, server) =>
    all.pipelineOf(server === registrar ? many : [question], WINDOW, ROUND_MS),
  );

  if (wanted('keep-alives')) await keepAlives({ cleanup, signal, emit, rounds });
  for (const size of SCOPES) {
    if (wanted('table') || wanted('takeover')) await scopes({ size, rounds, signal, emit });
  }
}

/** Elements that answer each keep-alive at once. */
async function keepAlives({ cleanup, signal, emit, rounds }) {
  const registrar = await startRegistrar(cleanup, signal, {
    '--keep-alive-period': '1s',
    '--keep-alive-timeout': '30s',
  });
  const all = await Connections.open(registrar.port, KEPT_ALIVE / PER_ASSOCIATION, cleanup);
  // The first ones are asked while the last ones register, and answer a little later.
  for (let at = 0; at < KEPT_ALIVE / PER_ASSOCIATION; at++) {
    const ids = Array.from({ length: PER_ASSOCIATION }, (_, index) => at * PER_ASSOCIATION + index + 1);
    await all.askAll(
      at,
      ids.map((id) => registration(POOL, id)),
      WINDOW,
    );
  }
  const [asked, used] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    signal.throwIfAborted();
    const [started, before] = [performance.now(), registrar.processorSeconds()];
    const count = await all.answerFor(2 * ROUND_MS, alive);
    const seconds = (performance.now() - started) / 1000;
    if (round === 0) continue;
    asked.push(count / seconds);
    used.push((100 * (registrar.processorSeconds() - before)) / seconds);
  }
  const figure = `keep-alives to ${KEPT_ALIVE} elements each second`;
  const without = { referenceSamples: null, referenceName: null };
  emit({ figure: `${figure}, answered`, unit: 'a second', samples: asked, ...without });
  emit({ figure: `${figure}, its processor`, unit: '%', samples: used, ...without });
}

/** Processor time of all registrars of a scope together, which run in this thread. */
async function scopes({ size, rounds, signal, emit }) {
  const [downloads, takeovers] = [[], []];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    signal.throwIfAborted();
    const scope = new Scope();
    scope.add();
    scope.fill(size);
    // The first joins by one that has elements; then there are three.
    downloads.push(processorSeconds(() => scope.add()));
    scope.add();
    takeovers.push(
      processorSeconds(() => {
        scope.killFirst();
        scope.run(() => scope.events.some(({ event }) => event === 'takeover-won'));
      }),
    );
    agree(scope.owners(), size);
    // A turn of the loop, for Ctrl-C.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const without = { referenceSamples: null, referenceName: null };
  emit({ figure: `handle table of ${size} elements, joining`, unit: 's', samples: downloads, ...without });
  const rate = downloads.map((seconds) => size / seconds);
  emit({ figure: `handle table of ${size} elements`, unit: 'elements a second', samples: rate, ...without });
  const takeover = `takeover of ${size} elements until both others agree`;
  emit({ figure: takeover, unit: 's', samples: takeovers, ...without });
}

function processorSeconds(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** @param {Record<number, string>[]} owners for each registrar: elements and checksum of each registrar that it knows */
function agree(owners, size) {
  const views = owners.map((view) => JSON.stringify(Object.entries(view).toSorted(([a], [b]) => a - b)));
  const isWhole = Object.values(owners[0]).some((owned) => owned.startsWith(`${size}/`));
  if (!isWhole || new Set(views).size !== 1)
    throw new Error(`the registrars do not agree: ${views.join(' · ')}`);
}
