// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { findProgram, libraryPath, unpackedPackages } from '../../scripts/debian-packages.mjs';

const TICKS_A_SECOND = 100;

/** The program, or why it is not here. */
export function conntrackdProgram() {
  const installed = findProgram('conntrackd');
  if (installed) return { path: installed, env: process.env };
  const { root, reason } = unpackedPackages('conntrackd', ['conntrackd']);
  if (reason) return { reason };
  const path = findProgram('conntrackd', root);
  if (!path) return { reason: 'the package conntrackd has no conntrackd' };
  return { path, env: { ...process.env, LD_LIBRARY_PATH: libraryPath(root) } };
}

/** As its manual recommends, with buffers of our own size, and without a bound that these tests would meet. */
export function configuration({ mode, own, other, link, folder, name }) {
  return `
Sync {
  Mode ${mode} { ${mode === 'FTFW' ? 'StartupResync no' : ''} }
  UDP {
    IPv4_address ${own}
    IPv4_Destination_Address ${other}
    Port 3780
    Interface ${link}
    SndSocketBuffer 16777216
    RcvSocketBuffer 16777216
    Checksum on
  }
}
General {
  HashSize 131072
  HashLimit 2097152
  Syslog no
  LogFile no
  LockFile ${join(folder, `${name}.lock`)}
  UNIX { Path ${join(folder, `${name}.ctl`)} }
  NetlinkBufferSize 67108864
  NetlinkBufferSizeMaxGrowth 134217728
  NetlinkOverrunResync On
  NetlinkEventsReliable Off
  Filter From Userspace { Protocol Accept { TCP UDP } }
}
`;
}

/** One end of the peer, in a namespace. */
export class Conntrackd {
  #program;
  #namespace;
  #file;
  #child;

  constructor(program, namespace, options, cleanup) {
    this.#program = program;
    this.#namespace = namespace;
    this.#file = join(options.folder, `${options.name}.conf`);
    writeFileSync(this.#file, configuration(options));
    this.#child = inNamespace(namespace.fd, () =>
      cleanup.spawn([program.path, '-C', this.#file], { env: program.env, stdio: 'ignore' }),
    );
  }

  get process() {
    return this.#child;
  }

  get pid() {
    return this.#child.pid;
  }

  /** What it says to a command; null while it does not answer. */
  ask(...words) {
    const done = inNamespace(this.#namespace.fd, () =>
      spawnSync(this.#program.path, ['-C', this.#file, ...words], {
        env: this.#program.env,
        encoding: 'utf8',
      }),
    );
    return done.status === 0 ? done.stdout : null;
  }

  /** Entries in its cache of its own flows, or of the other's. */
  count(which) {
    const text = this.ask('-s') ?? '';
    const found = new RegExp(`cache ${which}:\\s+current active connections:\\s+(\\d+)`).exec(text);
    return found === null ? null : Number(found[1]);
  }

  /** How often it was told that the kernel dropped events; null while it does not answer. */
  get overruns() {
    const found = /netlink overrun:\s+(\d+)/.exec(this.ask('-s', 'runtime') ?? '');
    return found === null ? null : Number(found[1]);
  }

  get cpuMs() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
  }
}
