// SPDX-License-Identifier: Apache-2.0
/* oxlint-disable no-console */
// The world of one scenario, inside the machine: hosts joined by a bridge, processes on them, and a capture of every frame.
// Nothing is taken away at the end: the machine ends with its command.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const bridge = 'scope';
const prefix = '10.78.0.';
/** The scenario's own address: it asks registrars as a pool user would. */
export const ownAddress = `${prefix}254`;
const pollMs = 100;
const discardPort = 9;

function ip(...arguments_) {
  const done = spawnSync('ip', arguments_, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ip ${arguments_.join(' ')}: ${done.stderr}`);
}

export class World {
  #started = performance.now();
  #hosts = 0;
  #processes = [];
  #capture;
  steps = [];
  ours = [ownAddress];
  facts = {};

  constructor(folder, rsplib) {
    this.folder = folder;
    this.rsplib = rsplib;
    mkdirSync(folder, { recursive: true });
    ip('link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0');
    ip('addr', 'add', `${ownAddress}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
  }

  async capture() {
    // To standard output: tcpdump would hand a file over to another user, which only root of the host may.
    const command = `exec tcpdump -i ${bridge} -U --immediate-mode -Z root -w - > '${this.folder}/capture.pcap'`;
    this.#capture = this.#spawn('tcpdump', ['sh', '-c', command], {});
    await this.until('tcpdump listens', () => this.#capture.output().includes('listening on'));
  }

  /** Ends the capture when everything sent so far is in it: a mark sent last is looked for in the file. */
  async endCapture() {
    const mark = `end of ${this.folder}`;
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, resolve));
    socket.setBroadcast(true);
    await this.until(
      'the capture is complete',
      () => {
        socket.send(mark, discardPort, `${prefix}255`);
        return readFileSync(`${this.folder}/capture.pcap`).includes(mark);
      },
      { quiet: true },
    ).catch(() => this.step('the capture may lack its end'));
    socket.close();
    this.#capture.kill('SIGINT');
    await this.#capture.ended;
  }

  /** A host with one address, or with two on the same link. */
  host(name, { ours = false, addresses = 1 } = {}) {
    this.#hosts += 1;
    ip('netns', 'add', name);
    ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', `v-${name}`, 'master', bridge, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    const own = [`${prefix}${this.#hosts}`, `${prefix}${this.#hosts + 100}`].slice(0, addresses);
    for (const address of own) ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
    if (ours) this.ours.push(...own);
    return {
      name,
      address: own[0],
      addresses: own,
      /** Pulls the cable: nothing it sends or is sent arrives. */
      unplug: () => ip('link', 'set', `v-${name}`, 'down'),
      plug: () => ip('link', 'set', `v-${name}`, 'up'),
    };
  }

  /** Starts a program on a host. Its output, both kinds, goes to one file. */
  start(host, label, command, env = {}) {
    return this.#spawn(label, ['ip', 'netns', 'exec', host.name, ...command], env);
  }

  #spawn(label, [program, ...arguments_], env) {
    const path = `${this.folder}/${label}.out`;
    const file = openSync(path, 'w');
    const child = spawn(program, arguments_, {
      stdio: ['pipe', file, file],
      env: { ...process.env, ...env },
    });
    closeSync(file);
    child.stdin.on('error', () => {});
    let end = null;
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve((end = error.message)));
      child.once('exit', (code, signal) => resolve((end = signal ?? code)));
    });
    const started = {
      label,
      pid: child.pid,
      ended,
      end: () => end,
      output: () => readFileSync(path, 'utf8'),
      write: (text) => child.stdin.write(text),
      kill: (signal = 'SIGKILL') => child.kill(signal),
    };
    this.#processes.push(started);
    return started;
  }

  /** Waits for something that can be observed; the step and its time are told. Returns what `look` returned. */
  async until(what, look, { withinMs = 20_000, quiet = false } = {}) {
    const began = performance.now();
    let seen;
    do {
      seen = await look();
      if (seen) {
        const tookMs = Math.round(performance.now() - began);
        if (!quiet) this.step(what, tookMs);
        return seen;
      }
      await pause(pollMs);
    } while (performance.now() - began < withinMs);
    throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }

  /** Looks for as long as is said that something holds all the time. */
  async holds(what, look, forMs) {
    const began = performance.now();
    let looks = 0;
    while (performance.now() - began < forMs) {
      if (!(await look()))
        throw new Error(`did not hold after ${Math.round(performance.now() - began)} ms: ${what}`);
      looks += 1;
      await pause(Math.min(1_000, forMs / 10));
    }
    this.step(`${what} (${looks} looks)`, Math.round(performance.now() - began));
  }

  step(what, tookMs) {
    this.steps.push({ what, tookMs });
    console.log(`  ${what}${tookMs === undefined ? '' : `: ${tookMs} ms`}`);
  }

  /** What must be so now. */
  check(what, isSo, detail = '') {
    if (!isSo) throw new Error(`${what}: it is not so${detail === '' ? '' : `: ${detail}`}`);
    this.step(what);
  }

  /** Why a scenario failed, from the ends of what its programs wrote. */
  lastWords() {
    return this.#processes
      .filter(({ label }) => label !== 'tcpdump')
      .map(
        ({ label, output, end }) =>
          `--- ${label} (${end() ?? 'running'})\n${output().trim().split('\n').slice(-12).join('\n')}`,
      )
      .join('\n');
  }

  finish(error) {
    const result = {
      passed: error === undefined,
      ...(error === undefined ? {} : { error: String(error.stack ?? error), lastWords: this.lastWords() }),
      steps: this.steps,
      facts: this.facts,
      ours: this.ours,
      tookMs: Math.round(performance.now() - this.#started),
    };
    writeFileSync(`${this.folder}/result.json`, JSON.stringify(result, null, 2));
    return result;
  }
}
