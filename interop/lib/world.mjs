// SPDX-License-Identifier: Apache-2.0
/* oxlint-disable no-console */
// The world of one scenario, inside the machine: hosts joined by a bridge, processes on them, and a capture of every frame.
// Nothing is taken away at the end: the machine ends with its command.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const bridge = 'scope';
/** One network; the second is that of the second links of hosts that have two. */
const prefixes = ['10.78.0.', '10.79.0.'];
const [prefix] = prefixes;
/** The scenario's own addresses: it asks registrars as a pool user would. */
const ownAddresses = prefixes.map((each) => `${each}254`);
export const [ownAddress] = ownAddresses;
/** Its own address in the network of another. */
export const ownAddressTowards = (address) =>
  ownAddresses.find((own) => address.startsWith(own.slice(0, -'254'.length)));
const pollMs = 100;
const discardPort = 9;
const ipv4 = /\d+(?:\.\d+){3}/g;

function ip(...arguments_) {
  const done = spawnSync('ip', arguments_, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ip ${arguments_.join(' ')}: ${done.stderr}`);
}

/**
 * The networks of two links share the bridge, so that one capture has all: nothing of one may go over the other, which a
 * kernel would else do for an address whose link is down.
 */
function keepApart(name) {
  const settings = ['arp_ignore', 'rp_filter'].map((each) => `/proc/sys/net/ipv4/conf/all/${each}`);
  ip('netns', 'exec', name, 'sh', '-c', settings.map((path) => `echo 1 > ${path}`).join(' && '));
}

export class World {
  #started = performance.now();
  #hosts = 0;
  #processes = [];
  #capture;
  steps = [];
  ours = [...ownAddresses];
  facts = {};

  constructor(folder, rsplib) {
    this.folder = folder;
    this.rsplib = rsplib;
    mkdirSync(folder, { recursive: true });
    ip('link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0');
    for (const own of ownAddresses) ip('addr', 'add', `${own}/24`, 'dev', bridge);
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

  /** A host with one link, or with two, each with an address of its own. */
  host(name, { ours = false, links = 1 } = {}) {
    this.#hosts += 1;
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    const own = prefixes.slice(0, links).map((each) => `${each}${this.#hosts}`);
    const cable = (index) => `v${index}-${name}`;
    for (const [index, address] of own.entries()) {
      const port = `eth${index}`;
      ip('link', 'add', cable(index), 'type', 'veth', 'peer', 'name', port, 'netns', name);
      ip('link', 'set', cable(index), 'master', bridge, 'up');
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', port);
      ip('-n', name, 'link', 'set', port, 'up');
    }
    ip('-n', name, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
    if (links > 1) keepApart(name);
    if (ours) this.ours.push(...own);
    return {
      name,
      address: own[0],
      addresses: own,
      /** Pulls the cable of a link: nothing that is sent over it arrives. */
      unplug: (link = 0) => ip('link', 'set', cable(link), 'down'),
      plug: (link = 0) => ip('link', 'set', cable(link), 'up'),
      /** The kernel's list of SCTP associations: { local, remote }, both with all addresses. */
      associations: () => {
        const path = '/proc/net/sctp/assocs';
        const done = spawnSync('ip', ['netns', 'exec', name, 'cat', path], { encoding: 'utf8' });
        return [...done.stdout.matchAll(/((?:\*?[\d.]+ )+)<-> ((?:\*?[\d.]+ )+)/g)].map(
          ([, local, remote]) => ({ local: local.match(ipv4), remote: remote.match(ipv4) }),
        );
      },
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

  /** Looks for as long as is said that something holds all the time; a text is why it does not. */
  async holds(what, look, forMs) {
    const began = performance.now();
    let looks = 0;
    while (performance.now() - began < forMs) {
      const seen = await look();
      if (!seen || typeof seen === 'string') {
        const why = typeof seen === 'string' ? `: ${seen}` : '';
        throw new Error(`did not hold after ${Math.round(performance.now() - began)} ms: ${what}${why}`);
      }
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
