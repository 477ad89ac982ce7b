// SPDX-License-Identifier: Apache-2.0
// Hosts of an example: network namespaces of this machine, joined by bridges, with programs that speak in lines of JSON.
import { spawn, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';

const children = [];

/** Runs the example again in a network namespace of its own, once; ends this process then. */
export function inOwnNamespace(file) {
  if (process.env.VNFPOOL_EXAMPLE_INSIDE === '1') return;
  const env = { ...process.env, VNFPOOL_EXAMPLE_INSIDE: '1' };
  const words = ['--net', process.execPath, file, ...process.argv.slice(2)];
  const { status, error } = spawnSync('unshare', words, { stdio: 'inherit', env });
  if (error) throw error;
  process.exit(status ?? 1);
}

export function command(words, host = null) {
  const [first, ...rest] = [...enter(host), ...words];
  const { status, stdout, stderr, error } = spawnSync(first, rest, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

export function ip(...words) {
  command(['ip', ...words]);
}

export function bridge(name) {
  ip('link', 'add', name, 'type', 'bridge');
  ip('link', 'set', name, 'up');
}

/**
 * A program on a host; `next` waits for a line that fits, and fails when the program ends before, `said` counts those that fit, whether
 * they were waited for or not. `isText`: it speaks no JSON.
 */
export function start(words, host = null, { isText = false } = {}) {
  const [first, ...rest] = [...enter(host), ...words];
  const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = [];
  let [errors, over, wake] = ['', false, () => {}];
  children.push(child);
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(isText ? line : JSON.parse(line));
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-1_000_000);
  });
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => {
    child.once('close', (code) => {
      over = true;
      wake();
      resolve(code);
    });
  });
  let at = 0;
  const next = async (fits) => {
    for (;;) {
      for (; at < lines.length; at++) if (fits(lines[at])) return lines[at++];
      if (over) throw new Error(`${words.slice(0, 3).join(' ')} has ended: ${errors.slice(-2000)}`);
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  };
  const said = (fits) => lines.filter(fits).length;
  return { child, next, said, ended, errors: () => errors };
}

/** A namespace of its own, held by a process, with a link for each bridge: `{ eth0: ['br0', '10.0.0.1/24'] }`. */
export async function host(links) {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  children.push(holder);
  await new Promise((resolve) => holder.once('spawn', resolve));
  // `unshare` has its own namespace a moment after it was started.
  const netOf = (pid) => readlinkSync(`/proc/${pid}/ns/net`);
  for (let left = 100; netOf('self') === netOf(holder.pid); left--) {
    if (left === 0) throw new Error('no namespace for a host');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const at = holder.pid;
  command(['ip', 'link', 'set', 'lo', 'up'], at);
  for (const [name, [to, address]] of Object.entries(links)) {
    const port = `${name}-${at}`;
    ip('link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', `${at}`);
    ip('link', 'set', port, 'master', to, 'up');
    command(['ip', 'address', 'add', address, 'dev', name], at);
    command(['ip', 'link', 'set', name, 'up'], at);
  }
  return at;
}

/** Ends whatever was started, the first ones first. */
export async function endAll() {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const late = setTimeout(() => child.kill('SIGKILL'), 12_000);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(late);
  }
}

function enter(at) {
  return at === null ? [] : ['nsenter', '-t', String(at), '-n'];
}
