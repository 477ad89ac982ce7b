// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { runHandManager } from '@vnfpool/daemons/hand-manager';
import { createPrivateKeyPem, createRequestPem } from '@vnfpool/runtime/certificates';
import { testSet } from '@vnfpool/testkit/certificates';
import { endChild } from '../lib/cleanup.mjs';
import { waitUntil } from '../lib/wait.mjs';
import { hurried } from '../registrar/processes.mjs';

export const description =
  'service mobility over TLS on loopback: a GET beside a bare ping-pong; a thousand nodes on one manager';

export const limitMs = 10 * 60_000;

const TRIPS = 1_000;
/** Rounds that do not count: the first thousands of trips take three times as long, until all is compiled. */
const WARM_UP = 6;
const NODES = 400;
const FUNCTIONS = 20;
/** Of those, in a process of its own that stops at once. */
const DYING = 40;
const KEEP_ALIVE_MS = 1_000;
const WATCHED_MS = 5_000;
/** Octets of a KEEP-ALIVE, and of its answer. */
const KEEP_ALIVE_BYTES = 16;
const WITHOUT = { referenceSamples: null, referenceName: null };

/** The manager's endpoint is in this process, nodes in others. `--trials` sets the rounds. */
export async function run({ options, cleanup, signal, emit, say }) {
  say(hurried() ? 'at the highest priority' : 'at the priority of everything else');
  const set = await testSet();
  const wanted = (figure) => options.only === undefined || figure.includes(options.only);
  const fresh = (kind) => startManager(set, cleanup, kind);
  if (wanted('GET'))
    await roundTrips({ set, fresh, cleanup, signal, emit, rounds: Number(options.trials ?? 11) });
  if (wanted('nodes'))
    await manyNodes({ set, fresh, cleanup, signal, emit, say, rounds: Number(options.trials ?? 3) });
}

/** One at a time, by turns with as many octets each way over a connection of the same two processes. */
async function roundTrips({ set, fresh, cleanup, signal, emit, rounds }) {
  const { manager, port } = await fresh();
  const [{ id, credentials }] = await nodesOf(set, 1, 1);
  const child = startNodes(cleanup);
  await said(child, { type: 'start', nodes: [{ id, credentials }], port, functions: 1 }, 'managed');
  const get = () => manager.order({ type: 'get', node: id, functionId: id * 100 + 1 });
  const { code, text } = await get();
  if (code >= 128) throw new Error(`GET: ${code} ${text}`);
  const { request, answer } = await said(child, { type: 'sizes' }, 'sizes');
  const bare = await startBare({ set, cleanup, child, credentials, request, answer });
  const samples = { ours: [], reference: [] };
  for (let round = 0; round < WARM_UP + rounds; round++) {
    signal.throwIfAborted();
    const ours = await microseconds(get);
    const reference = await microseconds(bare);
    if (round < WARM_UP) continue;
    samples.ours.push(ours);
    samples.reference.push(reference);
  }
  emit({
    figure: `GET of a function, ${request} octets, answered by ${answer}`,
    unit: 'µs',
    samples: samples.ours,
    referenceSamples: samples.reference,
    referenceName: 'TLS ping-pong of as many octets',
  });
  await endChild(child);
}

async function manyNodes({ set, fresh, cleanup, signal, emit, say, rounds }) {
  const [percents, bare, noticed, suspected, lost] = [[], [], [], [], []];
  const all = await nodesOf(set, 1, NODES);
  say(`${all.length} certificates made`);
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    const { manager, port, events, stop } = await fresh();
    const [dying, living] = [startNodes(cleanup), startNodes(cleanup)];
    const start = (child, nodes) =>
      said(child, { type: 'start', nodes, port, functions: FUNCTIONS }, 'managed');
    await Promise.all([start(dying, all.slice(0, DYING)), start(living, all.slice(DYING))]);
    await waitUntil(
      'all functions to be told',
      () =>
        manager.nodes().length === NODES &&
        manager.nodes().every(({ functions }) => functions.length === FUNCTIONS),
      { signal, everyMs: 200 },
    );
    await delay(2 * KEEP_ALIVE_MS);
    percents.push(await processorPercent());
    const seen = (type) => events.filter((event) => event.type === type && event.node <= DYING);
    const atLast = (type) => Math.max(...seen(type).map((event) => event.atMs));
    // Silent: the machine is gone, and nobody closes its connections.
    events.length = 0;
    const silentAt = performance.now();
    dying.kill('SIGSTOP');
    await waitUntil('silent nodes to be lost', () => seen('node-lost').length === DYING, { signal });
    suspected.push(atLast('node-suspect') - silentAt);
    lost.push(atLast('node-lost') - silentAt);
    const others = events.filter((event) => event.type === 'node-lost' && event.node > DYING);
    if (others.length > 0) throw new Error(`${others.length} nodes were lost that live`);
    dying.kill('SIGKILL');
    // Killed: the kernel closes their connections.
    const again = startNodes(cleanup);
    await start(again, all.slice(0, DYING));
    // On a busy machine one may be late with its first answer: who is suspect already cannot become so.
    const areWell = () => manager.nodes().every(({ state }) => state === 'registered');
    await waitUntil('all nodes to be well', areWell, { signal, everyMs: 200 });
    events.length = 0;
    const killedAt = performance.now();
    again.kill('SIGKILL');
    await waitUntil('killed nodes to be noticed', () => seen('node-suspect').length === DYING, { signal });
    noticed.push(atLast('node-suspect') - killedAt);
    await endChild(living);
    await stop();
    bare.push(await bareKeepAlives({ set, cleanup, nodes: all, signal }));
  }
  const figure = `${NODES} nodes of ${FUNCTIONS} functions`;
  emit({
    figure: `${figure}, manager's processor at keep-alive 1 s`,
    unit: '%',
    samples: percents,
    referenceSamples: bare,
    referenceName: 'as many TLS ping-pongs of as many octets',
  });
  const hundred = `${DYING} of ${NODES} nodes`;
  emit({
    figure: `${hundred} killed at once, until all are suspect`,
    unit: 'ms',
    samples: noticed,
    ...WITHOUT,
  });
  emit({
    figure: `${hundred} silent at once, until all are suspect`,
    unit: 'ms',
    samples: suspected,
    ...WITHOUT,
  });
  emit({ figure: `${hundred} silent at once, until all are lost`, unit: 'ms', samples: lost, ...WITHOUT });
}

async function startManager(set, cleanup) {
  const events = [];
  const running = await runHandManager({
    host: '127.0.0.1',
    port: 0,
    security: {
      kind: 'tls',
      credentials: await set.credentials({ role: 'manager', name: 'm' }),
      nodes: new Map(),
    },
    keepAliveIntervalMs: KEEP_ALIVE_MS,
    onEvent: ({ type, node }) => {
      if (type.startsWith('node-')) events.push({ type, node, atMs: performance.now() });
    },
    onFault: (error) => {
      throw error;
    },
  });
  const stop = () => running.stop();
  cleanup.add(stop);
  const { manager, address } = running;
  return { manager, port: address.port, events, stop };
}

/** Credentials of `count` nodes, all with one key: keys are what takes time. */
async function nodesOf(set, first, count) {
  const key = createPrivateKeyPem();
  const nodes = [];
  for (let id = first; id < first + count; id++) {
    const identity = { role: 'node', name: `node-${id}`, id };
    const order = { addresses: ['127.0.0.1'], identity };
    const certificate = await set.authority.issue(createRequestPem(key, identity.name), order, Date.now());
    nodes.push({ id, credentials: { key, certificate, ca: set.authority.certificatePem } });
  }
  return nodes;
}

function startNodes(cleanup) {
  const child = fork(join(import.meta.dirname, 'nodes.mjs'));
  cleanup.add(() => endChild(child));
  return child;
}

/** Asks a process and waits for its answer of type `type`. */
async function said(child, message, type) {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the nodes ended with ${code}`);
  });
  ended.catch(() => {});
  child.send(message);
  for (;;) {
    const [answer] = await Promise.race([once(child, 'message'), ended]);
    if (answer.type === type) return answer;
  }
}

/** A ping-pong of as many octets between the same two processes. */
async function startBare({ set, cleanup, child, credentials, request, answer }) {
  const { key, certificate: cert, ca } = await set.credentials({ role: 'manager', name: 'bare' });
  const server = createServer({ key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.add(() => server.close());
  child.send({ type: 'echo', port: server.address().port, credentials, request, answer });
  const [socket] = await once(server, 'secureConnection');
  cleanup.add(() => socket.destroy());
  socket.setNoDelay(true);
  const octets = Buffer.alloc(request, 1);
  let left = 0;
  let settle = () => {};
  socket.on('data', (chunk) => {
    left -= chunk.length;
    if (left === 0) settle();
  });
  socket.on('error', () => {});
  return () =>
    new Promise((resolve) => {
      settle = resolve;
      left = answer;
      socket.write(octets);
    });
}

/** Processor time of this process in the next seconds. */
async function processorPercent() {
  const [before, at] = [process.cpuUsage(), performance.now()];
  await delay(WATCHED_MS);
  const { user, system } = process.cpuUsage(before);
  return (100 * (user + system)) / 1_000 / (performance.now() - at);
}

/** What it takes to send each node one message a second and to read its answer, over TLS and by nothing but sockets. */
async function bareKeepAlives({ set, cleanup, nodes, signal }) {
  const { key, certificate: cert, ca } = await set.credentials({ role: 'manager', name: 'bare' });
  const sockets = [];
  const server = createServer({ key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' }, (socket) => {
    socket.setNoDelay(true);
    socket.on('data', () => {});
    socket.on('error', () => {});
    sockets.push(socket);
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: NODES });
  await once(server, 'listening');
  const child = startNodes(cleanup);
  const { port } = server.address();
  for (const [at, { credentials }] of nodes.entries()) {
    child.send({ type: 'echo', port, credentials, request: KEEP_ALIVE_BYTES, answer: KEEP_ALIVE_BYTES });
    // A few at a time, as nodes are started.
    if (at % 16 === 15) await waitUntil('connections', () => sockets.length > at, { signal });
  }
  await waitUntil('all connections', () => sockets.length === nodes.length, { signal });
  const octets = Buffer.alloc(KEEP_ALIVE_BYTES, 1);
  const begun = performance.now();
  let sent = 0;
  const pinging = setInterval(() => {
    const due = ((performance.now() - begun) * nodes.length) / KEEP_ALIVE_MS;
    for (; sent < due; sent += 1) sockets[sent % sockets.length].write(octets);
  }, 1);
  await delay(2 * KEEP_ALIVE_MS);
  const percent = await processorPercent();
  clearInterval(pinging);
  await endChild(child);
  server.close();
  return percent;
}

/** Of one trip, in a row of many. */
async function microseconds(trip) {
  const started = performance.now();
  for (let count = 0; count < TRIPS; count++) await trip();
  return ((performance.now() - started) * 1_000) / TRIPS;
}
