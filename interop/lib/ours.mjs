// SPDX-License-Identifier: Apache-2.0
// Our registrar, element and user, as a scenario starts and watches them.
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';

const program = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const cli = program('../packages/cli/bin/vnfpool.js');
const hex = (id) => `0x${id.toString(16).padStart(8, '0')}`;
/** A Node program takes its time to start in the machine. */
export const startMs = 40_000;

function jsonLines(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line));
}

/** GET on the status socket; null: it does not answer. */
function status(socketPath, path) {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path, timeout: 3_000 }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => {
        try {
          resolve(JSON.parse(text));
        } catch {
          resolve(null);
        }
      });
    });
    asked.on('error', () => resolve(null));
    asked.on('timeout', () => asked.destroy(new Error('late')));
    asked.end();
  });
}

/** Our registrar in the profile that rsplib understands. */
export async function registrar(
  world,
  host,
  { id, peers = [], multicast = false, untilRunning = true, options = [] },
) {
  const all = host.addresses.join(',');
  const running = world.start(host, `vnfpool-registrar-${host.name}`, [
    process.execPath,
    cli,
    'registrar',
    '--open',
    '--profile',
    'rsplib',
    '--name',
    host.name,
    '--id',
    hex(id),
    '--state',
    `/run/${host.name}`,
    '--asap',
    `sctp://${all}:3863`,
    '--enrp',
    `sctp://${all}:9901`,
    ...peers.flatMap(({ address }) => ['--peer', `sctp://${address}:9901`]),
    ...(multicast
      ? ['--announce-interface', host.address]
      : ['--announce', 'none', '--enrp-announce', 'none']),
    ...options,
  ]);
  const facts = await world.until(
    `our registrar at ${host.name} serves`,
    () => {
      if (running.end() !== null) throw new Error(`our registrar ended: ${running.end()}`);
      return jsonLines(running.output()).find(({ ready }) => ready);
    },
    { withinMs: startMs, quiet: true },
  );
  const view = () => status(facts.statusSocket, '/v1/handlespace');
  const isRunning = async () => (await view())?.state === 'running';
  if (untilRunning)
    await world.until(`our registrar at ${host.name} is in the scope`, isRunning, { withinMs: startMs });
  /** `view`: what it knows: pools, elements, peers with their checksums. */
  return { ...running, host, id, view };
}

/** Whether it is in the scope with exactly these peers, all active, and agrees with each about what that one owns. */
export async function agrees(running, peers) {
  const view = await running.view();
  if (view === null || view.state !== 'running' || view.peers.length !== peers.length) return false;
  return peers.every((id) =>
    view.peers.some(
      (peer) =>
        Number(peer.id) === id && peer.state === 'active' && peer.checksum.told === peer.checksum.computed,
    ),
  );
}

const registrarsOf = (hosts) =>
  hosts?.map(({ address, addresses }) => ({ host: address, port: 3863, transport: 'sctp', addresses }));

function client(world, host, label, path, options) {
  const running = world.start(host, `${label}-${host.name}`, [
    process.execPath,
    program(path),
    JSON.stringify(options),
  ]);
  return { ...running, host, told: () => jsonLines(running.output()) };
}

/** Our pool element with an echo service. `registrars` absent: it listens for announcements. */
export function element(world, host, { id, pool, registrars, policy, lifeMs }) {
  const running = client(world, host, 'our-element', 'programs/element.mjs', {
    id,
    pool,
    address: host.address,
    addresses: host.addresses.slice(1),
    policy,
    lifeMs,
    ...(registrars === undefined ? { announcements: true } : { registrars: registrarsOf(registrars) }),
  });
  return {
    ...running,
    id,
    command: (what) => running.write(`${JSON.stringify(what)}\n`),
    inPool: () => running.told().some(({ inPool }) => inPool),
  };
}

/** Our pool user with one session. */
export function user(world, host, { pool, registrars, updates = false }) {
  const running = client(world, host, 'our-user', 'programs/user.mjs', {
    pool,
    updates,
    ...(registrars === undefined ? { announcements: true } : { registrars: registrarsOf(registrars) }),
  });
  return {
    ...running,
    opened: () => running.told().some(({ open }) => open),
    answers: () =>
      running
        .told()
        .filter(({ answer }) => answer !== undefined)
        .map(({ answer, from }) => ({ text: answer, from })),
    /** With `updates`: what registrars told of the pool: identifiers, and whether that answered a question. */
    poolsTold: () => running.told().filter(({ pool: ids }) => ids !== undefined),
    failovers: () => running.told().filter(({ event }) => event === 'failed-over'),
  };
}

/** Options of our registrar and element: where to send component status reports. */
export const reportTo = (host, everyMs) => [
  '--report-to',
  `${host.address}:2960`,
  '--report-every',
  `${everyMs}ms`,
];

/** `vnfpool element` for a server that runs elsewhere. */
export function announcedElement(world, host, { id, pool, registrars, options = [] }) {
  return world.start(host, `vnfpool-element-${host.name}`, [
    process.execPath,
    cli,
    'element',
    '--open',
    '--profile',
    'rsplib',
    ...registrars.flatMap(({ address }) => ['--registrar', `sctp://${address}:3863`]),
    '--pool',
    pool,
    '--id',
    hex(id),
    '--address',
    host.address,
    '--port',
    '7',
    '--protocol',
    'sctp',
    ...options,
  ]);
}

/** `vnfpool monitor`; `reports`: all that came, oldest first. */
export async function monitor(world, host) {
  const running = world.start(host, `vnfpool-monitor-${host.name}`, [
    process.execPath,
    cli,
    'monitor',
    '--listen',
    host.address,
    '--json',
  ]);
  await world.until('our monitor listens', () => running.output().includes('listening on'), {
    withinMs: startMs,
    quiet: true,
  });
  return { ...running, reports: () => jsonLines(running.output()) };
}
