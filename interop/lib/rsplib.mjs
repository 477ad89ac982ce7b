// SPDX-License-Identifier: Apache-2.0
// Programs of rsplib, as a scenario starts and watches them.
import { existsSync, readFileSync } from 'node:fs';

const hex = (id) => `0x${id.toString(16).padStart(8, '0')}`;
/** Its log has colours. */
// oxlint-disable-next-line no-control-regex
const plain = (text) => text.replaceAll(/\x1b\[[0-9;]*m/g, '');

function pathOf(world, program) {
  const path = world.rsplib.folders.map((folder) => `${folder}/${program}`).find((each) => existsSync(each));
  if (path === undefined) throw new Error(`this rsplib has no ${program}`);
  return path;
}

function start(world, host, label, program, options) {
  const { libraries } = world.rsplib;
  const path = pathOf(world, program);
  const logFile = `${world.folder}/${label}.log`;
  const log = ['-loglevel=4', '-logcolor=off', `-logfile=${logFile}`];
  // Line by line, so that what it says can be seen when it says it.
  const command = ['stdbuf', '-oL', path, ...options, ...log];
  const running = world.start(host, label, command, { LD_LIBRARY_PATH: libraries });
  return { ...running, host, log: () => (existsSync(logFile) ? plain(readFileSync(logFile, 'utf8')) : '') };
}

/** Its registrar. `peers`: hosts of other registrars; `options`: more of its own. */
export async function registrar(world, host, { id, peers = [], multicast = false, options = [] }) {
  const running = start(world, host, `rspregistrar-${host.name}`, 'rspregistrar', [
    `-identifier=${hex(id)}`,
    `-asap=${host.addresses.length === 1 ? `${host.address}:3863` : `${host.address}:3863,${host.addresses[1]}`}`,
    `-enrp=${host.addresses.length === 1 ? `${host.address}:9901` : `${host.address}:9901,${host.addresses[1]}`}`,
    ...(multicast
      ? ['-asapannounce=auto', '-enrpannounce=auto']
      : ['-asapannounce=off', '-enrpannounce=off']),
    ...peers.map(({ address }) => `-peer=${address}:9901`),
    ...options,
  ]);
  await world.until(`rspregistrar ${host.name} starts`, () => running.log().includes('Registrar started'), {
    quiet: true,
  });
  return { ...running, id };
}

/** Ready: it found a mentor, or nobody for as long as it waits. */
export const registrarReady = (running) => running.log().includes('The registrar is ready');

/** Its server, one of the services that it has: echo, pingpong, … */
export function element(
  world,
  host,
  { id, pool, registrars, service = 'echo', policy = 'RoundRobin', reregistrationMs = 3_000, options = [] },
) {
  const running = start(world, host, `rspserver-${host.name}`, 'rspserver', [
    `-${service}`,
    `-local=${host.addresses.join(',')}`,
    ...(pool === undefined ? [] : [`-poolhandle=${pool}`]),
    ...(id === undefined ? [] : [`-identifier=${hex(id)}`]),
    `-policy=${policy}`,
    `-rereginterval=${reregistrationMs}`,
    ...registrarOptions(registrars),
    ...options,
  ]);
  return { ...running, id };
}

/** Without a list it waits for announcements. */
function registrarOptions(registrars) {
  if (registrars === undefined) return ['-asapannounce=auto'];
  return ['-asapannounce=off', ...registrars.map(({ address }) => `-registrar=${address}:3863`)];
}

/** Its terminal: a pool user that sends lines and shows what the element answers. */
export function terminal(world, host, { pool, registrars, options = [] }) {
  const running = start(world, host, `rspterminal-${host.name}`, 'rspterminal', [
    `-poolhandle=${pool}`,
    ...registrarOptions(registrars),
    ...options,
  ]);
  return {
    ...running,
    /** Everything that was answered: { from, text }. */
    answers: () =>
      [...plain(running.output()).matchAll(/from PE \$([0-9a-f]{8})> (.*)/g)].map(([, from, text]) => ({
        from: Number.parseInt(from, 16),
        text,
      })),
  };
}

/** Its client of the ping-pong service, which fails over by cookies. */
export function pingpong(world, host, { pool, registrars, options = [] }) {
  return start(world, host, `pingpong-${host.name}`, 'pingpongclient', [
    `-poolhandle=${pool}`,
    ...registrarOptions(registrars),
    ...options,
  ]);
}

/** Its dump of a registrar's handlespace. It says that it is a peer, and is then taken for dead: for the end of a scenario. */
export async function handlespace(world, host, of) {
  const { libraries } = world.rsplib;
  const path = pathOf(world, 'hsdump');
  const running = world.start(
    host,
    `hsdump-${host.name}-${of.host.name}`,
    [path, `${of.host.address}:9901`],
    {
      LD_LIBRARY_PATH: libraries,
    },
  );
  await running.ended;
  const text = plain(running.output());
  return {
    text,
    elements: [
      ...text.matchAll(
        /idx:#\d+: \$([0-9a-f]{8}) flags[^\n]*\n\s+chsum=\$([0-9a-f]+) home=\$([0-9a-f]{8}) life=(\d+)ms/g,
      ),
    ].map(([, id, , home, life]) => ({
      id: Number.parseInt(id, 16),
      home: Number.parseInt(home, 16),
      lifeMs: Number(life),
    })),
  };
}

/** Options of its programs: where to send component status reports. */
export const reportTo = (host, everyMs) => [`-cspserver=${host.address}:2960`, `-cspinterval=${everyMs}`];

/** Its monitor of component status reports. */
export function monitor(world, host) {
  const command = [
    pathOf(world, 'cspmonitor'),
    `-localaddress=${host.address}:2960`,
    '-full',
    '-updateinterval=200',
  ];
  const running = world.start(host, `cspmonitor-${host.name}`, command, {
    LD_LIBRARY_PATH: world.rsplib.libraries,
  });
  // It draws the whole screen each time, from the top.
  const screen = () => plain(running.output()).split('Current Component Status').at(-1);
  return { ...running, screen };
}
