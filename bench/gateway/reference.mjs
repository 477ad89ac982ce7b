// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, host, start } from '../../examples/hosts.mjs';
import { configuration } from '../flow-sharing/conntrackd.mjs';
import { childrenOf } from '../lib/processes.mjs';
import { waitUntil } from '../lib/wait.mjs';
import { INSIDE, OUTSIDE } from './network.mjs';

const GATEWAY = join(import.meta.dirname, '../../examples/nat/gateway.sh');
const ADVERT_MS = 100;

/**
 * What people put together today: keepalived moves both addresses, and tells conntrackd to put the other's connections into the
 * kernel, by the commands of conntrackd's manual for a primary and a backup.
 */
const vrrp = (name, link, id, address) => `vrrp_instance ${name} {
  state BACKUP
  interface ${link}
  virtual_router_id ${id}
  priority 254
  advert_int ${ADVERT_MS / 1000}
  nopreempt
  virtual_ipaddress {
    ${address}/24 dev ${link}
  }
}
`;

const keepalivedConf = (folder) => `global_defs {
  vrrp_version 3
  vrrp_rt_priority 10
  vrrp_garp_master_repeat 2
  script_user root
}
vrrp_sync_group gateway {
  group {
    outside
    inside
  }
  notify_master ${join(folder, 'primary')}
  notify_backup ${join(folder, 'backup')}
}
${vrrp('outside', 'eth0', 51, OUTSIDE)}${vrrp('inside', 'eth1', 52, INSIDE)}`;

/**
 * What the other end of a flow sends between the address and the connections is for the gateway itself: were it let in, the kernel would track it
 * as a connection of its own, and give the flow that comes next another port, with which it is dead. Ours needs no such rule.
 */
const GUARD = `table inet guard {
  chain input {
    type filter hook input priority filter;
    ip daddr ${OUTSIDE} ct state new drop
  }
}
`;

class Gateway {
  #at;
  #folder;
  #conntrackd;
  #running = [];
  #states = new Map();

  constructor({ name, at, folder, conntrackd }) {
    this.name = name;
    this.#at = at;
    this.#folder = folder;
    this.#conntrackd = conntrackd;
  }

  get at() {
    return this.#at;
  }

  get isMaster() {
    return ['outside', 'inside'].every((name) => this.#states.get(name) === 'MASTER');
  }

  get isBackup() {
    return ['outside', 'inside'].every((name) => this.#states.get(name) === 'BACKUP');
  }

  start() {
    this.#states.clear();
    const file = (name) => join(this.#folder, name);
    // A killed one leaves them.
    for (const name of ['pid', 'vrrp.pid', 'conntrackd.lock', 'conntrackd.ctl'])
      rmSync(file(name), { force: true });
    const { path } = this.#conntrackd;
    this.#running = [
      this.#start(['sh', GATEWAY]),
      this.#start([path, '-C', file('conntrackd.conf')]),
      this.#start([
        'keepalived',
        '--dont-fork',
        '--log-console',
        '--vrrp',
        `--use-file=${file('keepalived.conf')}`,
        `--pid=${file('pid')}`,
        `--vrrp_pid=${file('vrrp.pid')}`,
      ]),
    ];
    const { child } = this.#running[2];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        for (const [, name, state] of text.matchAll(/\((\w+)\) Entering (\w+) STATE/g))
          this.#states.set(name, state);
      });
    }
  }

  /** Entries in the copy of the other's connections; null while it does not answer. */
  copied() {
    try {
      const text = this.ask('-s');
      const found = /cache external:\s+current active connections:\s+(\d+)/.exec(text);
      return found === null ? null : Number(found[1]);
    } catch {
      return null;
    }
  }

  ask(...words) {
    const { path, env } = this.#conntrackd;
    const at = ['env', `LD_LIBRARY_PATH=${env.LD_LIBRARY_PATH ?? ''}`, path];
    return command([...at, '-C', join(this.#folder, 'conntrackd.conf'), ...words], this.#at);
  }

  #start(words) {
    const { env } = this.#conntrackd;
    return start(['env', `LD_LIBRARY_PATH=${env.LD_LIBRARY_PATH ?? ''}`, ...words], this.#at, {
      isText: true,
    });
  }

  die() {
    const running = this.#running;
    // Read before: a stopped one would be there all the same, a dead one has no children.
    const pids = running.flatMap(({ child }) => [child.pid, ...childrenOf(child.pid)]);
    signalAll(pids, 'SIGSTOP');
    for (const link of ['eth1', 'eth0']) command(['ip', 'link', 'set', link, 'down'], this.#at);
    signalAll(pids, 'SIGKILL');
    return Promise.all(running.map(({ ended }) => ended));
  }

  comeBack() {
    command(['conntrack', '-F'], this.#at);
    for (const link of ['eth0', 'eth1']) command(['ip', 'link', 'set', link, 'up'], this.#at);
    this.start();
  }
}

function signalAll(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

export async function startReference({ folder, network, conntrackd, signal }) {
  const gateways = [];
  for (const [name, own, other] of [
    ['ka-a', 11, 12],
    ['ka-b', 12, 11],
  ]) {
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    const conf = join(place, 'conntrackd.conf');
    const ends = { own: `10.78.0.${own}`, other: `10.78.0.${other}`, link: 'eth0' };
    writeFileSync(conf, configuration({ mode: 'FTFW', ...ends, folder: place, name: 'conntrackd' }));
    writeFileSync(join(place, 'keepalived.conf'), keepalivedConf(place));
    writeFileSync(join(place, 'guard.nft'), GUARD);
    const library = `LD_LIBRARY_PATH=${conntrackd.env.LD_LIBRARY_PATH ?? ''}`;
    const script = (file, commands) => {
      const lines = commands.map((word) => `${library} ${conntrackd.path} -C ${conf} ${word}`);
      writeFileSync(join(place, file), `#!/bin/sh\n${lines.join('\n')}\n`);
      chmodSync(join(place, file), 0o755);
    };
    script('primary', ['-c', '-f', '-R', '-B']);
    script('backup', ['-t', '-n']);
    const at = await host(network.links(own));
    command(['nft', '-f', join(place, 'guard.nft')], at);
    gateways.push(new Gateway({ name, at, folder: place, conntrackd }));
  }
  for (const gateway of gateways) gateway.start();
  return {
    whole: (connections) =>
      waitUntil(
        `keepalived and conntrackd to be whole, with ${connections} connections`,
        () => {
          const master = gateways.find(({ isMaster }) => isMaster);
          const backup = gateways.find(({ isBackup }) => isBackup);
          return master && (backup?.copied() ?? -1) >= connections ? master : null;
        },
        { withinMs: 120_000, everyMs: 200, signal },
      ),
    die: (gateway) => gateway.die(),
    comeBack: (gateway) => gateway.comeBack(),
  };
}
