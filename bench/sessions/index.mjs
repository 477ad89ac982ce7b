// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { testSet } from '@vnfpool/testkit/certificates';
import { endChild } from '../lib/cleanup.mjs';

export const description =
  'single sessions move between two functions that run, beside a dump of them as one text of JSON over TLS; the pause';

export const limitMs = 10 * 60_000;

const COUNTS = [1, 1_000, 100_000];
/** Sessions of the source, of which the first so many move. */
const ALL = 100_000;

/**
 * Two processes move, as agents do, and the functions are processes of their own: four for two processors. The reference
 * has no functions: the two processes make the text and read it by themselves, nobody goes on meanwhile, and nothing is
 * decided. `--trials`.
 */
export async function run({ options, cleanup, signal, emit, say }) {
  const rounds = Number(options.trials ?? 5);
  const set = await testSet();
  const open = async (id, count) => {
    const site = startSite(cleanup);
    const credentials = await set.credentials({ role: 'node', name: `node-${id}`, id });
    return { id, ...site, ...(await site.ask('open', { credentials, folder: cleanup.folder(), count })) };
  };
  const [source, destination] = await Promise.all([open(10, ALL), open(11, 0)]);
  for (const count of COUNTS) {
    const samples = { total: [], dump: [], pause: [], select: [] };
    let octets = 0;
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      samples.dump.push((await source.ask('dump', { port: destination.dumpPort, count })).ms);
      const moved = await move({ source, destination, count });
      samples.total.push(moved.ms);
      samples.pause.push(moved.end.pauseMs);
      samples.select.push(moved.selectMs);
      octets = moved.bytes;
    }
    const figure = `move of ${count.toLocaleString('en')} of ${ALL.toLocaleString('en')} sessions`;
    const without = { unit: 'ms', referenceName: null, referenceSamples: null };
    emit({
      figure,
      unit: 'ms',
      samples: samples.total,
      referenceName: 'JSON dump over TLS',
      referenceSamples: samples.dump,
    });
    emit({ figure: `${figure}, their pause`, samples: samples.pause, ...without });
    emit({ figure: `${figure}, to select them`, samples: samples.select, ...without });
    say(`${octets} octets of state`);
  }
}

/** One, and then both functions are as they were. */
async function move({ source, destination, count }) {
  const order = {
    token: randomBytes(16).toString('hex'),
    source: source.id,
    destination: destination.id,
    functionId: 101,
    targetFunctionId: 202,
    mode: 'sessions',
  };
  await destination.ask('receive', { order });
  const moved = await source.ask('send', { order, port: destination.port, count });
  if (moved.end.outcome !== 'committed') throw new Error(JSON.stringify(moved.end));
  const [left, came] = await Promise.all([source.ask('again'), destination.ask('again')]);
  if (moved.selected !== count || came !== count || left !== ALL - count)
    throw new Error(`${came} of ${count} sessions came, ${left} stayed`);
  return moved;
}

function startSite(cleanup) {
  const child = fork(join(import.meta.dirname, 'site.mjs'));
  const waiting = new Map();
  let last = 0;
  child.on('message', ({ id, ok, result, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (ok) resolve(result);
    else reject(new Error(error));
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`a site ended with ${code}`));
  });
  // By the end of its channel, so that it takes its function along.
  cleanup.add(async () => {
    const gone = child.exitCode === null ? once(child, 'exit') : null;
    if (child.connected) child.disconnect();
    await Promise.race([gone, delay(5_000)]);
    await endChild(child);
  });
  const ask = (type, order) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      child.send({ id: last, type, ...order });
    });
  return { ask };
}
