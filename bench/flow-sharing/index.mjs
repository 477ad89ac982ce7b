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
import { makeConntrackRoom } from '../lib/conntrack-room.mjs';
import { Conntrackd, conntrackdProgram } from './conntrackd.mjs';

export const description =
  'connections of one kernel shared with a standby, and put into its kernel, beside conntrackd: a second, octets, processor, commit; --sizes 100k,1m';

export const limitMs = 15 * 60_000;

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

function child(cleanup, host, file, ...words) {
  const made = inNamespace(host.fd, () => fork(new URL(file, import.meta.url), words));
  cleanup.add(() => made.kill('SIGKILL'));
  return made;
}

async function ask(process, question) {
  process.send(question);
  const [answer] = await once(process, 'message');
  return answer;
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
  const [{ port }] = await once(standby, 'message');
  const holder = child(cleanup, a, 'holder.mjs', SLOT, B, String(port));
  await once(holder, 'message');
  return {
    has: async (count) => {
      const { flows, left } = await ask(holder, '?');
      return flows === count && left === 0;
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
  while (holder.count('internal') === null || standby.count('external') === null) await pause(50);
  const table = inNamespace(b.fd, () => new Conntrack());
  cleanup.add(() => table.close());
  return {
    has: (count) => Promise.resolve(standby.count('external') >= count),
    cpu: () => Promise.resolve([holder.cpuMs, standby.cpuMs]),
    overruns: () => Promise.resolve(0),
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
  while (!(await way.has(flows))) {
    await pause(2);
    if (performance.now() - begun > 120_000) throw new Error(`not all of ${flows} flows came`);
  }
}

/** One pair of hosts from its beginning to its take-over. */
function trial(start, { perSecond, count }, whole) {
  return whole.part(async (cleanup) => {
    makeConntrackRoom(WARM_UP + count, cleanup);
    const hosts = pair(cleanup);
    const generator = child(cleanup, hosts.a, 'generator.mjs');
    await once(generator, 'message');
    const way = await start(hosts, cleanup);
    await ask(generator, { from: count, count: WARM_UP, perSecond: 0 });
    await reached(way, WARM_UP);
    const [cpuA, cpuB] = await way.cpu();
    const octets = wire(hosts.a);
    const begun = performance.now();
    const { tookMs } = await ask(generator, { from: 0, count, perSecond });
    await reached(way, WARM_UP + count);
    const wholeMs = performance.now() - begun;
    const [endA, endB] = await way.cpu();
    const overruns = await way.overruns();
    const commit = await way.commit(WARM_UP + count);
    return {
      rate: (count * 1000) / wholeMs,
      made: (count * 1000) / tookMs,
      octets: (wire(hosts.a) - octets) / count,
      holderUs: ((endA - cpuA) * 1000) / count,
      standbyUs: ((endB - cpuB) * 1000) / count,
      overruns,
      commit: ((WARM_UP + count) * 1000) / commit.tookMs,
      commitUs: (commit.cpuMs * 1000) / (WARM_UP + count),
    };
  });
}

/** From the kernel's making of a flow to its octets at the standby's link, ms. */
function lags(start, perSecond, whole) {
  return whole.part(async (cleanup) => {
    const hosts = pair(cleanup);
    const generator = child(cleanup, hosts.a, 'generator.mjs');
    await once(generator, 'message');
    const way = await start(hosts, cleanup);
    await ask(generator, { from: LAG_WARM_UP_FROM, count: WARM_UP, perSecond: 0 });
    await reached(way, WARM_UP);
    const tap = child(cleanup, hosts.b, 'tap.mjs', String(PROBES));
    await once(tap, 'message');
    const seen = once(tap, 'message');
    const { madeAtMs } = await ask(generator, { count: PROBES, perSecond, isProbing: true });
    const [got] = await Promise.race([
      seen,
      pause(20_000).then(() => {
        throw new Error('not all that was looked for came by');
      }),
    ]);
    // The first ones are those of a beginning.
    return got
      .filter(([number]) => number >= PROBES / 5)
      .map(([number, atMs]) => Math.max(0, atMs - madeAtMs[number]));
  });
}

/** Sharing so many flows, and taking over, in turns. */
async function measureSharing(ways, count, { emit, say, signal, trials, cleanup }) {
  const got = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let turn = 0; turn < trials; turn++) {
    for (const [name, start] of Object.entries(ways)) {
      signal.throwIfAborted();
      const result = await trial(start, { perSecond: 0, count }, cleanup);
      got[name].push(result);
      say(
        `${name}: ${Object.entries(result)
          .map(([figure, value]) => `${figure} ${value.toFixed(1)}`)
          .join(', ')}`,
      );
    }
  }
  const of = `of ${WARM_UP + count} flows`;
  const figures = [
    [`flows made, until the standby has all ${of}`, 'flows/s', 'rate'],
    [`on the wire, both directions, ${of}`, 'octets a flow', 'octets'],
    [`processor of the holder, ${of}`, 'µs a flow', 'holderUs'],
    [`processor of the standby, ${of}`, 'µs a flow', 'standbyUs'],
    [`commit ${of}`, 'flows/s', 'commit'],
    [`processor of the commit ${of}`, 'µs a flow', 'commitUs'],
  ];
  for (const mode of ['FTFW', 'NOTRACK']) {
    for (const [figure, unit, name] of figures) {
      emit({
        figure,
        unit,
        samples: got.ours.map((each) => each[name]),
        referenceSamples: got[mode]?.map((each) => each[name]) ?? null,
        referenceName: got[mode] === undefined ? null : `conntrackd, ${mode}`,
      });
    }
    if (got[mode] === undefined) break;
  }
}

export async function run({ emit, say, options, signal, cleanup }) {
  const trials = options.trials === undefined ? TRIALS : Number(options.trials);
  const program = conntrackdProgram();
  if (program.reason) say(`without conntrackd beside: ${program.reason}`);
  const ways = {
    ours,
    ...(program.reason
      ? {}
      : {
          FTFW: (hosts, own) => theirs(hosts, own, program, 'FTFW'),
          NOTRACK: (hosts, own) => theirs(hosts, own, program, 'NOTRACK'),
        }),
  };
  const sizes = (options.sizes ?? '100k').toLowerCase().split(',');
  const unknown = sizes.filter((size) => !(size in SIZES));
  if (unknown.length > 0) throw new Error(`no size ${unknown.join(', ')}: ${Object.keys(SIZES).join(', ')}`);
  for (const size of sizes) await measureSharing(ways, SIZES[size], { emit, say, signal, trials, cleanup });
  if (!sizes.includes('100k')) return;
  for (const perSecond of LAG_RATES) {
    const samples = {};
    for (const [name, start] of Object.entries(ways)) {
      signal.throwIfAborted();
      samples[name] = await lags(start, perSecond, cleanup);
      say(`${name}: ${samples[name].length} of ${perSecond} flows/s looked for`);
    }
    emit({
      figure: `from the kernel to the standby's link, ${perSecond} flows/s`,
      unit: 'ms',
      samples: samples.ours,
      referenceSamples: samples.FTFW ?? null,
      referenceName: samples.FTFW === undefined ? null : 'conntrackd, FTFW',
    });
  }
}
