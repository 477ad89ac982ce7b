// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import { endChild } from '../lib/cleanup.mjs';
import { childrenOf } from '../lib/processes.mjs';
import { waitUntil } from '../lib/wait.mjs';
import { PORT, PROGRAMS } from './programs.mjs';
import { silence } from './silence.mjs';
import { monotonicMs } from './watch.mjs';

export const ADDRESS = '10.78.0.100';

/*
 * The reference: keepalived on two hosts of the same kind of network. Both have the highest priority, so that the time
 * a backup waits by its priority is the shortest (0.8 % of an advert). Whoever has the address keeps it (nopreempt).
 * A file tells keepalived whether the function lives, which is its quickest way to learn it; a shell that waits for
 * the function writes it. Real-time priority is asked for, as our agent does.
 */
function configuration(host, folder, advertMs) {
  return `global_defs {
  router_id ${host}
  vrrp_version 3
  vrrp_rt_priority 10
  vrrp_garp_master_repeat 2
}
vrrp_track_file function {
  file ${join(folder, 'fault')}
  weight 0
}
vrrp_instance service {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 254
  advert_int ${advertMs / 1000}
  nopreempt
  track_file {
    function
  }
  virtual_ipaddress {
    ${ADDRESS}/32 dev eth0
  }
}
`;
}

class Host {
  #options;
  #keepalived = null;
  #shell = null;
  #folder;
  #place;
  /** What keepalived said last: MASTER, BACKUP or FAULT. */
  state = null;

  constructor(options) {
    this.#options = options;
    this.name = options.name;
    this.#place = options.network.host(options.name).namespace;
    this.#folder = join(options.folder, options.name);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(
      join(this.#folder, 'keepalived.conf'),
      configuration(options.name, this.#folder, options.advertMs),
    );
  }

  get isWhole() {
    return this.#shell !== null && (this.state === 'MASTER' || this.state === 'BACKUP');
  }

  get #faultFile() {
    return join(this.#folder, 'fault');
  }

  tellFault(isFault) {
    writeFileSync(this.#faultFile, isFault ? '1\n' : '0\n');
  }

  #spawn(command, options) {
    const [program, ...rest] = command;
    return inNamespace(this.#place.fd, () => spawn(program, rest, options));
  }

  /** A shell runs the function and tells its end by the file. */
  startFunction() {
    const command = [...PROGRAMS[this.#options.program], String(PORT), this.name];
    const script = 'file="$1"; shift; "$@"; echo 1 >"$file"';
    const shell = this.#spawn(['sh', '-c', script, 'sh', this.#faultFile, ...command], { stdio: 'ignore' });
    this.#shell = shell;
    shell.once('exit', () => {
      if (this.#shell === shell) this.#shell = null;
    });
  }

  startKeepalived() {
    this.tellFault(false);
    const file = (name) => join(this.#folder, name);
    // A killed one leaves them, and it takes the dead child, which nobody in here collects, for a living one.
    for (const name of ['pid', 'vrrp.pid']) rmSync(file(name), { force: true });
    const child = this.#spawn(
      [
        'keepalived',
        '--dont-fork',
        '--log-console',
        '--vrrp',
        `--use-file=${file('keepalived.conf')}`,
        `--pid=${file('pid')}`,
        `--vrrp_pid=${file('vrrp.pid')}`,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#keepalived = child;
    this.state = null;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (this.#options.verbose) this.#options.say(`${this.name}: ${line}`);
        const entered = /Entering (\w+) STATE/.exec(line);
        if (entered && this.#keepalived === child) this.state = entered[1];
      });
    }
  }

  get functionPid() {
    return childrenOf(this.#shell.pid)[0];
  }

  /** The parent, and the child that speaks VRRP. */
  get keepalivedPids() {
    const { pid } = this.#keepalived;
    return [pid, ...childrenOf(pid)];
  }

  get everyPid() {
    return [...this.keepalivedPids, this.#shell.pid, this.functionPid];
  }

  async stop() {
    const pids = [this.#keepalived, this.#shell].flatMap((child) =>
      child?.pid ? childrenOf(child.pid) : [],
    );
    if (this.#keepalived) await endChild(this.#keepalived);
    if (this.#shell) await endChild(this.#shell);
    for (const pid of pids) signal(pid, 'SIGKILL');
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

export async function startKeepalived({ folder, advertMs, program, say, signal: aborted, verbose }) {
  const network = createNetwork({
    bridge: 'vnfref',
    hosts: [
      { name: 'user', address: '10.78.0.1/24' },
      { name: 'ka-a', address: '10.78.0.2/24' },
      { name: 'ka-b', address: '10.78.0.3/24' },
    ],
  });
  const hosts = ['ka-a', 'ka-b'].map(
    (name) => new Host({ name, folder, network, advertMs, program, say, verbose }),
  );
  const revive = (host) => {
    host.startFunction();
    host.startKeepalived();
  };
  for (const host of hosts) revive(host);

  const whole = async () =>
    await waitUntil(
      'keepalived to be whole',
      () => {
        const master = hosts.find(({ state }) => state === 'MASTER');
        const backup = hosts.find(({ state }) => state === 'BACKUP');
        return hosts.every(({ isWhole }) => isWhole) && master && backup ? master : null;
      },
      { signal: aborted },
    );

  return {
    whole,
    spawnUser: (command, options) => {
      const [first, ...rest] = command;
      return inNamespace(network.host('user').namespace.fd, () => spawn(first, rest, options));
    },
    faults: {
      'process killed': async (host) => {
        const pid = host.functionPid;
        const at = monotonicMs();
        process.kill(pid, 'SIGKILL');
        return {
          at,
          undo: async () => {
            await waitUntil('the shell to end', () => !host.isWhole, { signal: aborted });
            host.startFunction();
            host.tellFault(false);
          },
        };
      },
      'node killed': async (host) => {
        const pids = host.everyPid;
        const at = monotonicMs();
        for (const pid of pids) signal(pid, 'SIGKILL');
        network.cut(host.name);
        return {
          at,
          undo: async () => {
            await host.stop();
            network.heal(host.name);
            revive(host);
          },
        };
      },
      'agent paused': async (host) => {
        const pids = host.keepalivedPids;
        const at = monotonicMs();
        for (const pid of pids) signal(pid, 'SIGSTOP');
        return {
          at,
          undo: async () => {
            for (const pid of pids) signal(pid, 'SIGCONT');
          },
        };
      },
      'node paused': async (host) => {
        const pids = host.everyPid;
        const at = monotonicMs();
        for (const pid of pids) signal(pid, 'SIGSTOP');
        return {
          at,
          undo: async () => {
            for (const pid of pids) signal(pid, 'SIGCONT');
          },
        };
      },
      'node silent': async (host) => {
        const at = monotonicMs();
        const end = silence('vnfref', 1 + hosts.indexOf(host));
        return { at, undo: async () => end() };
      },
      'link lost': async (host) => {
        const at = monotonicMs();
        network.cut(host.name);
        return { at, undo: async () => network.heal(host.name) };
      },
      'planned hand-over': async (host) => {
        const at = monotonicMs();
        host.tellFault(true);
        return { at, undo: async () => host.tellFault(false) };
      },
    },
    stop: async () => {
      for (const host of hosts) await host.stop();
      network.close();
    },
  };
}
