// SPDX-License-Identifier: Apache-2.0
// A set on the hosts of an example: its manager, nodes that die and come back, and what the manager says of its only slot.
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { command, endAll, host, start } from './hosts.mjs';

export const VNFPOOL = fileURLToPath(new URL('../packages/cli/bin/vnfpool.js', import.meta.url));
const DEADLINE_MS = 60_000;

/** What may follow is the same for equal seeds. */
export function dice(seed) {
  let at = Number(seed);
  return () => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    return at / 2 ** 32;
  };
}

/** The SHA-256 of a file, in hexadecimal. */
export async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Runs an example with a folder of its own, ends all that it started, and this process: `run` gives the exit code. */
export async function conclude(name, run) {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  let code = 1;
  try {
    code = await run(folder);
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
  } finally {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit(code);
}

/** As a machine that has lost its power: its links are dead, and it comes back with nothing that its kernel knew. */
class Node {
  #links;
  #words;
  #folder;

  constructor({ name, at, links, vnfpool, folder }) {
    this.name = name;
    this.at = at;
    this.#links = links;
    this.#folder = folder;
    const member = ['--state', folder, '--name', name, '--listen', 'eth0', '--interface', 'eth0'];
    this.#words = [process.execPath, vnfpool, 'node', ...member];
  }

  start(...more) {
    this.agent = start([...this.#words, ...more], this.at);
    return this.agent.next((line) => line.ready !== undefined);
  }

  die() {
    const functions = JSON.parse(readFileSync(join(this.#folder, 'functions.json'), 'utf8'));
    // All at once: an agent that saw one link go before the others would hand over.
    this.agent.child.kill('SIGSTOP');
    this.#turn('down');
    this.agent.child.kill('SIGKILL');
    for (const { pid } of functions) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
    }
    return this.agent.ended;
  }

  /** Only the agent does: functions and kernel go on, as long as the fence lets them. */
  dieAlone() {
    this.agent.child.kill('SIGKILL');
    return this.agent.ended;
  }

  /** `forget`: commands by which its kernel forgets. */
  async comeBack(...forget) {
    for (const words of forget) command(words, this.at);
    this.#turn('up');
    await this.start();
  }

  #turn(to) {
    // On the side of its clients first: a gateway whose way out is gone would tell them so, as no dead machine does.
    const links = to === 'down' ? this.#links.toReversed() : this.#links;
    for (const link of links) command(['ip', 'link', 'set', link, to], this.at);
  }
}

export class Site {
  nodes = new Map();
  #folder;
  #vnfpool;

  constructor({ folder, vnfpool = VNFPOOL }) {
    this.#folder = folder;
    this.#vnfpool = vnfpool;
  }

  /**
   * Starts manager and nodes, each on a host with these links, and declares the set; `files`: programs that the declaration names, which
   * are beside it.
   */
  async build({ set, manager, nodes, declaration, files }) {
    const [, address] = manager.eth0;
    const words = ['manager', '--state', this.#stateOf('manager'), '--set', set];
    const listen = ['--listen', address.replace(/\/.*/, '')];
    const running = start([process.execPath, this.#vnfpool, ...words, ...listen], await host(manager));
    await running.next((line) => line.ready !== undefined);
    for (const [name, links] of Object.entries(nodes)) {
      const node = new Node({
        name,
        at: await host(links),
        links: Object.keys(links),
        vnfpool: this.#vnfpool,
        folder: this.#stateOf(name),
      });
      this.nodes.set(name, node);
      await node.start('--join', this.cli('token', 'create', '--role', 'node', '--name', name).trim());
    }
    let text = readFileSync(declaration, 'utf8');
    for (const file of files) text = text.replace(file, join(declaration, '..', file));
    const path = join(this.#folder, 'set.yaml');
    writeFileSync(path, text);
    this.cli('apply', path);
  }

  cli(...words) {
    return command([process.execPath, this.#vnfpool, ...words, '--state', this.#stateOf('manager')]);
  }

  /** The state of the set, as the manager tells it. */
  state() {
    return new Promise((resolve, reject) => {
      const socketPath = join(this.#stateOf('manager'), 'api.sock');
      const asked = request({ socketPath, path: '/v1/state' }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        answer.on('end', () => resolve(JSON.parse(text)));
      });
      asked.on('error', reject).end();
    });
  }

  /** The slot, as soon as it is so. */
  async until(what, isSo) {
    for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(50)) {
      const [slot] = (await this.state().catch(() => ({ slots: [] }))).slots;
      if (slot !== undefined && isSo(slot)) return slot;
    }
    throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
  }

  /** The slot, as soon as its standby may take over at any moment. */
  untilProtected() {
    return this.until(
      'the standby has the state',
      ({ holder, sharing }) => holder !== null && sharing?.isProtected === true,
    );
  }

  /** The slot, as soon as another node than this one holds it. */
  untilElsewhere(name) {
    return this.until('another node holds the slot', ({ node }) => node !== null && node !== name);
  }

  /** Failovers so far, as the manager has recorded them. */
  async records() {
    return (await this.state()).failovers.filter(({ from }) => from !== null);
  }

  #stateOf(name) {
    return join(this.#folder, name);
  }
}
