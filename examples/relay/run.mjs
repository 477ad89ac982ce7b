#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions of a relay move to another relay while their clients talk, and then that one is killed. All on this machine:
 *
 *   clients ── relay of node 1 (127.0.0.2:5300) ── two servers
 *                     ╎ packets of moved sessions
 *              relay of node 2 (127.0.0.3:5300)
 *
 *   node examples/relay/run.mjs [--sessions 300] [--ratio 0.3] [--seconds 3]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Clients, startServer } from './clients.mjs';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '300' },
    ratio: { type: 'string', default: '0.3' },
    seconds: { type: 'string', default: '3' },
    vnfpool: {
      type: 'string',
      default: fileURLToPath(new URL('../../packages/cli/bin/vnfpool.js', import.meta.url)),
    },
  },
});
const [sessions, seconds] = [Number(values.sessions), Number(values.seconds)];
const nodes = [
  { id: 1, address: '127.0.0.2', functionId: 101 },
  { id: 2, address: '127.0.0.3', functionId: 202 },
];
const PORT = 5300;
/** For anything that ought to happen. */
const WAIT_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'relay-'));
const children = [];
const print = (text) => process.stdout.write(`${text}\n`);

/** A child that speaks in lines of JSON; `next` waits for one that fits, and fails when the child ends before. */
function start(...words) {
  const child = spawn(process.execPath, [values.vnfpool, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = [];
  const reasons = [];
  let [errors, over, wake] = ['', false, () => {}];
  children.push(child);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line);
    if (said.reason) reasons.push(`node ${said.node}: ${said.reason}`);
    lines.push(said);
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-2_000);
  });
  child.stdin.on('error', () => {});
  child.once('close', () => {
    over = true;
    wake();
  });
  const next = async (fits) => {
    for (let at = 0; ; ) {
      for (; at < lines.length; at += 1) if (fits(lines[at])) return lines.splice(0, at + 1)[at];
      if (over) throw new Error(`vnfpool ${words[0]} has ended: ${errors}`);
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  };
  return { child, next, reasons };
}

/** What a relay says of itself. */
function statusOf({ address }) {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(folder, address), path: '/status' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(JSON.parse(text)));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function until(what, isSo) {
  const end = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${WAIT_MS / 1_000} s`);
    await pause(50);
  }
}

async function run() {
  const servers = [await startServer('a'), await startServer('b')];
  const relay = ['relay', '--listen', `udp:{address}:${PORT}`, '--forward', '{address}'];
  const to = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const specification = {
    command: [process.execPath, values.vnfpool, ...relay, '--to', to, '--status', join(folder, '{address}')],
    port: PORT,
    state: { via: 'socket', format: 'relay-udp/1' },
    health: { type: 'function', intervalMs: 1_000, timeoutMs: 800, rise: 1, fall: 3 },
    // Killed, it shall stay away for a while.
    restart: { backoffMsMin: 60_000, backoffMsMax: 60_000 },
  };
  const file = join(folder, 'relay.json');
  writeFileSync(file, JSON.stringify(specification));

  const manager = start(
    'mobility',
    'serve',
    '--plain',
    '--json',
    '--listen',
    '127.0.0.1:0',
    '--timeout',
    '60s',
  );
  const { port } = await manager.next(({ ready }) => ready);
  for (const { id, address } of nodes)
    start(
      'node',
      '--manager',
      `127.0.0.1:${port}`,
      '--plain',
      '--listen',
      address,
      '--node-id',
      `${id}`,
      '--state',
      join(folder, `node-${id}`),
    );
  const say = async (command) => {
    manager.child.stdin.write(`${command}\n`);
    const said = await manager.next((line) => line.command === command);
    if (!said.done) throw new Error(`${command}: ${JSON.stringify(said)}`);
    return said;
  };
  for (const { id, functionId } of nodes) {
    await say(`wait ${id}`);
    await say(`add ${id} ${functionId} --name relay --spec ${file}`);
  }
  for (const { id, functionId } of nodes) await say(`wait ${id} ${functionId} Running`);
  const [first, second] = nodes;
  const [here, there] = [() => statusOf(first), () => statusOf(second)];

  const clients = new Clients();
  await clients.start(sessions, { address: first.address, port: PORT });
  await until('every client is answered', () => clients.allServed);
  print(`${(await here()).sessions.served} clients talk by way of the relay of node 1`);

  await say(
    `move-session ${first.id} ${first.functionId} --to ${second.id} --as ${second.functionId} --ratio ${values.ratio}`,
  );
  await until('sessions have moved', async () => {
    const why = manager.reasons.find((each) => each.includes('not moved'));
    if (why) throw new Error(why);
    return (await here()).sessions.elsewhere > 0;
  });
  await pause(seconds * 1_000);
  await clients.rest();
  const [at1, at2] = [await here(), await there()];
  const moved = at2.sessions.fromElsewhere;
  print(
    `${moved} sessions have moved: node 1 serves ${at1.sessions.served}, node 2 ${at2.sessions.served} by way of node 1`,
  );
  const counted = { sent: clients.sent, lost: clients.lost, late: clients.late };
  const ports = servers.reduce((sum, { peers }) => sum + peers.size, 0);
  print(
    `${counted.sent} datagrams, ${counted.lost} lost, ${counted.late} late; the longest wait for an answer was ${Math.round(clients.longestMs)} ms`,
  );
  print(
    `packets that node 1 brought to node 2: ${at1.counters.forwarded}; servers know ${ports} ports of ${sessions} sessions`,
  );

  clients.goOn();
  const pid = await pidOf(manager, second);
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await until('node 1 has them again', async () => (await here()).sessions.served === sessions);
  const tookMs = performance.now() - killedAt;
  await pause(seconds * 1_000);
  await clients.rest();
  clients.close();
  print(
    `the relay of node 2 was killed: after ${(tookMs / 1_000).toFixed(1)} s node 1 serves all ${sessions} again`,
  );
  print(
    `${clients.sent - counted.sent} datagrams, ${clients.lost - counted.lost} lost, of the ${moved} sessions that it had`,
  );
  const kept = clients.servers.filter((each) => each.size === 1).length;
  print(`clients that kept their server through all of this: ${kept} of ${sessions}`);
  for (const server of servers) server.close();
}

/** The process of a function, as its agent told. */
async function pidOf({ child, next }, { id, functionId }) {
  child.stdin.write(`get ${id} ${functionId}\n`);
  const { result } = await next((line) => line.command === `get ${id} ${functionId}`);
  const { report } = result.functions?.[0] ?? result;
  return report.pid;
}

/** Those that we started, and no others; agents end their functions. */
async function stop() {
  const alive = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const ended = alive.map((child) => once(child, 'close'));
  for (const child of alive) child.kill('SIGTERM');
  await Promise.all(ended);
  rmSync(folder, { recursive: true, force: true });
}

// Who reads us may not be there any more; what we started is taken down all the same.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void stop().then(() => process.exit(1)));
try {
  await run();
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await stop();
}
