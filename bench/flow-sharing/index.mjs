// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Conntrack, writeConntrackSetting } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import {
  addAddress,
  createVeth,
  findLink,
  NETLINK_ROUTE,
  NetlinkSocket,
  setLinkUp,
} from '@vnfpool/platform/netlink';
import { endChild } from '../lib/cleanup.mjs';
import { makeConntrackRoom } from '../lib/conntrack-room.mjs';
import { waitUntil } from '../lib/wait.mjs';
import { Conntrackd, conntrackdProgram } from './conntrackd.mjs';
import { TCP_FIN_WAIT } from './updates.mjs';

export const description =
  'connections of one kernel shared with a standby, and put into its kernel, beside conntrackd: a second, octets, processor, commit, events dropped; --sizes 100k,1m, --only sharing,commit,mix,lag';

export const limitMs = 20 * 60_000;

const SLOT = '00000000000000c7';
const [A, B] = ['10.9.0.1', '10.9.0.2'];
const LINK = 'sync0';
/** Made while it is measured, by the option's name; with those before it, the last makes a million. */
const SIZES = { '100k': 100_000, '1m': 960_000 };
/** Shared before anything is measured: both ends are as they are when they have run for a while. */
const WARM_UP = 40_000;
const TRIALS = 5;
const PROBES = 250;
/** None of those that are made amid the probes. */
const LAG_WARM_UP_FROM = 2_000_000;
const LAG_RATES = [1_000, 10_000, 50_000];
/** What is left of the warm-up when it is put into the other kernel. */
const COMMITTED = 10_000;
/**
 * Of the flows of the warm-up the first ones end, and those behind its middle are changed, of which some end later. One more begins in a step
 * than ends: so the count of the end is reached by the last one that begins, and by none before.
 */
const MIX = {
  steps: 165,
  ends: { from: 0, aStep: 200 },
  updates: { from: WARM_UP / 2, aStep: 200 },
  news: { from: WARM_UP, aStep: 201 },
};
const PARTS = ['sharing', 'commit', 'mix', 'lag'];
/** Netlink's protocol of netfilter, in the kernel's list of sockets. */
const NETFILTER = '12';

/** Two hosts with a link between them. */
function pair(cleanup) {
  const hosts = [createNamespace(), createNamespace()];
  for (const host of hosts) cleanup.add(() => host.close());
  const [a, b] = hosts;
  inNamespace(a.fd, () => {
    writeConntrackSetting('nf_conntrack_events', 1);
    const route = new NetlinkSocket(NETLINK_ROUTE);
    createVeth(route, { name: LINK }, { name: LINK, namespaceFd: b.fd });
    route.close();
  });
  for (const [host, address] of [
    [a, A],
    [b, B],
  ]) {
    inNamespace(host.fd, () => {
      const route = new NetlinkSocket(NETLINK_ROUTE);
      const { index } = findLink(route, LINK);
      setLinkUp(route, index, true);
      addAddress(route, index, { address, prefix: 24 });
      route.close();
    });
  }
  return { a, b };
}

/** Octets that the link of a host has sent and received. */
function wire(host) {
  const line = inNamespace(host.fd, () => readFileSync('/proc/thread-self/net/dev', 'utf8'))
    .split('\n')
    .find((each) => each.trim().startsWith(LINK));
  const fields = line.split(':')[1].trim().split(/\s+/).map(Number);
  return fields[0] + fields[8];
}

/** Events for which the kernel had no room at whoever listens on a host: each that it dropped, however often it told of that. */
function dropped(host) {
  const [, ...sockets] = inNamespace(host.fd, () => readFileSync('/proc/thread-self/net/netlink', 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const listeners = sockets.filter(
    ([, protocol, , groups]) => protocol === NETFILTER && Number.parseInt(groups, 16) > 0,
  );
  if (listeners.length === 0) throw new Error('nobody listens to events');
  return listeners.reduce((sum, fields) => sum + Number(fields[8]), 0);
}

function child(cleanup, host, file, ...words) {
  const made = inNamespace(host.fd, () => fork(new URL(file, import.meta.url), words));
  cleanup.add(() => endChild(made));
  return made;
}

/** What a process says next. */
async function told(process) {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(process, 'message', over).then(([message]) => message),
      once(process, 'exit', over).then(([code, signal]) => {
        throw new Error(`${process.spawnargs[1]} has ended: ${signal ?? code}`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

function ask(process, question) {
  if (!process.connected) throw new Error(`${process.spawnargs[1]} has ended`);
  process.send(question);
  return told(process);
}

/**
 * Who takes over does it as the other is no more. Here both are on one machine, and the kernel makes events for the listeners of any of its
 * namespaces: of the one that is gone there are none.
 */
async function gone(process) {
  const over = once(process, 'exit');
  process.kill('SIGKILL');
  await over;
}

/** Ours, made ready: how to see how far it is, what it costs, and how it takes over. */
async function ours({ a, b }, cleanup) {
  const standby = child(cleanup, b, 'standby.mjs', SLOT, B);
  const { port } = await told(standby);
  const holder = child(cleanup, a, 'holder.mjs', SLOT, B, String(port));
  await told(holder);
  return {
    lacks: async (count) => {
      const { flows, left, overruns } = await ask(holder, '?');
      if (flows === count && left === 0) return null;
      return `the holder knows ${flows}, ${left} are not told, ${overruns} overruns`;
    },
    cpu: async () => [(await ask(holder, '?')).cpuMs, (await ask(standby, '?')).cpuMs],
    overruns: async () => (await ask(holder, '?')).overruns,
    commit: async () => {
      await gone(holder);
      return ask(standby, 'take over');
    },
  };
}

async function theirs({ a, b }, cleanup, program, mode) {
  const folder = cleanup.folder();
  const one = (namespace, name, own, other) =>
    new Conntrackd(program, namespace, { mode, own, other, link: LINK, folder, name }, cleanup);
  const [holder, standby] = [one(a, 'a', A, B), one(b, 'b', B, A)];
  await waitUntil(
    'conntrackd',
    () => holder.count('internal') !== null && standby.count('external') !== null,
  );
  const table = inNamespace(b.fd, () => new Conntrack());
  cleanup.add(() => table.close());
  return {
    lacks: (count) => {
      const flows = standby.count('external');
      return Promise.resolve(flows === count ? null : `the standby has ${flows}`);
    },
    cpu: () => Promise.resolve([holder.cpuMs, standby.cpuMs]),
    overruns: async () => {
      const { overruns } = await waitUntil('what conntrackd counts', () => {
        const counted = holder.overruns;
        return counted === null ? null : { overruns: counted };
      });
      return overruns;
    },
    commit: async (count) => {
      await gone(holder.process);
      const { cpuMs } = standby;
      const start = performance.now();
      standby.ask('-c');
      while (table.count() < count) await pause(1);
      return { tookMs: performance.now() - start, cpuMs: standby.cpuMs - cpuMs };
    },
  };
}

async function reached(way, flows) {
  const begun = performance.now();
  for (;;) {
    const lack = await way.lacks(flows);
    if (lack === null) return;
    if (performance.now() - begun > 120_000) throw new Error(`not all of ${flows} flows came: ${lack}`);
    await pause(2);
  }
}

/** A pair of hosts that share the flows of the warm-up, from its beginning; `work` goes on from there. */
function shared(start, { room, from = 0 }, whole, work) {
  return whole.part(async (cleanup) => {
    makeConntrackRoom(WARM_UP + room, cleanup);
    const hosts = pair(cleanup);
    const generator = child(cleanup, hosts.a, 'generator.mjs');
    await told(generator);
    const way = await start(hosts, cleanup);
    await ask(generator, { work: 'make', from, count: WARM_UP, perSecond: 0 });
    await reached(way, WARM_UP);
    return work({ hosts, generator, way, cleanup });
  });
}

/** What sharing costs while `work` is done and until the standby has all; `events`: what it is counted by. */
async function measured({ hosts, way }, { events, flows }, work) {
  const [cpuA, cpuB] = await way.cpu();
  const octets = wire(hosts.a);
  const begun = performance.now();
  const { tookMs } = await work();
  await reached(way, flows);
  const wholeMs = performance.now() - begun;
  const [endA, endB] = await way.cpu();
  return {
    rate: (events * 1000) / wholeMs,
    made: (events * 1000) / tookMs,
    octets: (wire(hosts.a) - octets) / events,
    holderUs: ((endA - cpuA) * 1000) / events,
    standbyUs: ((endB - cpuB) * 1000) / events,
    dropped: dropped(hosts.a),
    overruns: await way.overruns(),
  };
}

async function committed(way, flows) {
  const { tookMs, cpuMs } = await way.commit(flows);
  return { commit: (flows * 1000) / tookMs, commitUs: (cpuMs * 1000) / flows };
}

/** One pair of hosts from its beginning to its take-over. */
function trial(start, count, whole) {
  return shared(start, { room: count, from: count }, whole, async (set) => {
    const flows = WARM_UP + count;
    const cost = await measured(set, { events: count, flows }, () =>
      ask(set.generator, { work: 'make', from: 0, count, perSecond: 0 }),
    );
    return { ...cost, ...(await committed(set.way, flows)) };
  });
}

/** A take-over with few flows, by processes that have run for a while. */
function smallCommit(start, whole) {
  return shared(start, { room: 0 }, whole, async ({ generator, way }) => {
    await ask(generator, { work: 'end', from: COMMITTED, count: WARM_UP - COMMITTED });
    await reached(way, COMMITTED);
    return committed(way, COMMITTED);
  });
}

/** Flows end, change and begin. What the standby then has is looked at in its kernel. */
function mixed(start, whole) {
  const { steps, ends, updates, news } = MIX;
  const flows = WARM_UP + steps * (news.aStep - ends.aStep);
  const events = steps * (ends.aStep + updates.aStep + news.aStep);
  const stillChanged = updates.from + steps * updates.aStep - Math.max(updates.from, steps * ends.aStep);
  return shared(start, { room: steps * news.aStep }, whole, async (set) => {
    const cost = await measured(set, { events, flows }, () => ask(set.generator, { work: 'mix', ...MIX }));
    await set.way.commit(flows);
    const table = inNamespace(set.hosts.b.fd, () => new Conntrack());
    set.cleanup.add(() => table.close());
    let changed = 0;
    for (const piece of table.dump())
      changed += piece.filter(({ tcp }) => tcp?.state === TCP_FIN_WAIT).length;
    if (changed !== stillChanged)
      throw new Error(`${changed} of ${stillChanged} changed flows are in the standby's kernel as they are`);
    return cost;
  });
}

/** From the kernel's making of a flow to its octets at the standby's link, ms; and what was dropped on the way. */
function lags(start, perSecond, whole) {
  const room = PROBES + (PROBES * perSecond) / 100;
  return shared(
    start,
    { room, from: LAG_WARM_UP_FROM },
    whole,
    async ({ hosts, generator, way, cleanup }) => {
      const tap = child(cleanup, hosts.b, 'tap.mjs', String(PROBES));
      await told(tap);
      const seen = told(tap);
      // Who waits for it may have failed before.
      seen.catch(() => {});
      const { madeAtMs } = await ask(generator, { work: 'probe', count: PROBES, perSecond });
      const over = new AbortController();
      const late = pause(20_000, null, over).then(() => {
        throw new Error('not all that was looked for came by');
      });
      late.catch(() => {});
      const got = await Promise.race([seen, late]).finally(() => over.abort());
      return {
        // The first ones are those of a beginning.
        lags: got
          .filter(([number]) => number >= PROBES / 5)
          .map(([number, atMs]) => Math.max(0, atMs - madeAtMs[number])),
        dropped: dropped(hosts.a),
        overruns: await way.overruns(),
      };
    },
  );
}

/** Those of a way that are of one figure; null: there are none. */
function samplesOf(results, figure) {
  const samples = (results ?? []).flatMap((each) => each[figure]);
  return samples.length === 0 ? null : samples;
}

const DROPS = [
  ['events that the kernel dropped', 'dropped'],
  ['times that the listener was told so', 'overruns'],
];

/** Everything of a run: ways take turns, and what fails in one turn leaves the others their figures. */
class Run {
  #ways;
  #context;
  failures = [];

  constructor(ways, context) {
    this.#ways = ways;
    this.#context = context;
  }

  /** What each way has given in so many turns. */
  async turns(what, trials, work) {
    const { signal, say, cleanup } = this.#context;
    const got = Object.fromEntries(Object.keys(this.#ways).map((name) => [name, []]));
    for (let turn = 0; turn < trials; turn++) {
      for (const [name, start] of Object.entries(this.#ways)) {
        signal.throwIfAborted();
        try {
          const result = await work(start, cleanup);
          got[name].push(result);
          say(`${name}, ${what}: ${describe(result)}`);
        } catch (error) {
          signal.throwIfAborted();
          this.failures.push(`${name}, ${what}: ${error.message}`);
          say(this.failures.at(-1));
        }
      }
    }
    return got;
  }

  /** A figure beside that of conntrackd, of each mode that took part, or of this one alone. */
  emit(got, figures, modes = ['FTFW', 'NOTRACK']) {
    for (const mode of modes) {
      for (const [figure, unit, name] of figures) {
        const samples = samplesOf(got.ours, name);
        const referenceSamples = samplesOf(got[mode], name);
        if (samples === null) continue;
        this.#context.emit({
          figure,
          unit,
          samples,
          referenceSamples,
          referenceName: referenceSamples === null ? null : `conntrackd, ${mode}`,
        });
      }
      if (got[mode] === undefined) break;
    }
  }
}

function describe(result) {
  return Object.entries(result)
    .map(([name, value]) =>
      Array.isArray(value) ? `${value.length} ${name}` : `${name} ${value.toFixed(1)}`,
    )
    .join(', ');
}

const costs = (of, event) => [
  [`on the wire, both directions, ${of}`, `octets ${event}`, 'octets'],
  [`processor of the holder, ${of}`, `µs ${event}`, 'holderUs'],
  [`processor of the standby, ${of}`, `µs ${event}`, 'standbyUs'],
];
const commits = (flows) => [
  [`commit of ${flows} flows`, 'flows/s', 'commit'],
  [`processor of the commit of ${flows} flows`, 'µs a flow', 'commitUs'],
];
const drops = (of) => DROPS.map(([figure, name]) => [`${figure}, ${of}`, 'count', name]);

function checked(words, known, what) {
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}: ${known.join(', ')}`);
  return words;
}

export async function run(context) {
  const { say, options } = context;
  const trials = options.trials === undefined ? TRIALS : Number(options.trials);
  const sizes = checked((options.sizes ?? '100k').toLowerCase().split(','), Object.keys(SIZES), 'size');
  // Who asks for other sizes has the rest already.
  const rest = sizes.includes('100k') ? PARTS : ['sharing'];
  const parts = checked(options.only?.toLowerCase().split(',') ?? rest, PARTS, 'part');
  const program = conntrackdProgram();
  if (program.reason) say(`without conntrackd beside: ${program.reason}`);
  const peer = (mode) => (hosts, own) => theirs(hosts, own, program, mode);
  const ways = program.reason ? { ours } : { ours, FTFW: peer('FTFW'), NOTRACK: peer('NOTRACK') };
  const all = new Run(ways, context);

  for (const size of parts.includes('sharing') ? sizes : []) {
    const count = SIZES[size];
    const of = `of ${WARM_UP + count} flows`;
    const got = await all.turns(of, trials, (start, cleanup) => trial(start, count, cleanup));
    all.emit(got, [
      [`flows made, until the standby has all ${of}`, 'flows/s', 'rate'],
      ...costs(of, 'a flow'),
      ...commits(WARM_UP + count),
      ...drops(`as fast as it goes, ${of}`),
    ]);
  }
  if (parts.includes('commit')) {
    const got = await all.turns(`${COMMITTED} flows`, trials, smallCommit);
    all.emit(got, commits(COMMITTED));
  }
  if (parts.includes('mix')) {
    const of = 'of ends, updates and new flows, a third each';
    const got = await all.turns('a mix', trials, mixed);
    all.emit(got, [
      [`events made, until the standby has all ${of}`, 'events/s', 'rate'],
      ...costs(of, 'an event'),
      ...drops(`as fast as it goes, ${of}`),
    ]);
  }
  for (const perSecond of parts.includes('lag') ? LAG_RATES : []) {
    const of = `${perSecond} flows/s`;
    const got = await all.turns(of, 1, (start, cleanup) => lags(start, perSecond, cleanup));
    all.emit(got, [[`from the kernel to the standby's link, ${of}`, 'ms', 'lags']], ['FTFW']);
    all.emit(got, drops(`at ${of}`));
  }
  const [first] = all.failures;
  if (first !== undefined) throw new Error(`${all.failures.length} turns failed, the first ${first}`);
}
