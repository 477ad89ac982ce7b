#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A machine with SCTP for one command, where the host's kernel has none: Debian's user-mode Linux, as an ordinary process.
//
//   node scripts/sctp-machine.mjs [--memory 1G] [--limit SECONDS] [--module NAME|PATH]... [--stdin] [--verbose] [--] COMMAND [ARGUMENT]...
//
// The host's root file system is the machine's (hostfs: read and write, with the rights that the calling user has there), so
// COMMAND finds its programs and leaves its files where it does on the host; it runs in the caller's folder, with the
// caller's environment, as the machine's root. /dev, /run and /dev/shm are the machine's own; so are the network, its
// namespaces, and UNIX sockets. lo is up; sctp, sctp_diag and sch_netem are loaded, others come on demand. A module is named
// or, where it is none of this kernel's own, given by its path; what that needs is named before it.
// Standard output and error are the caller's. Exit status: COMMAND's; 124 the time limit was reached, 125 no machine.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram, unpackedPackages } from './debian-packages.mjs';

const baseModules = ['sctp', 'sctp_diag', 'sch_netem', 'md5', 'hmac', 'sha1_generic'];
const killGraceMs = 5_000;

/** The kernel, its modules and their loader: { kernel, modules, kmod } or { reason }. The first use downloads 40 MB. */
export function sctpKernel() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return {
      reason: `a user-mode kernel is had on linux/x64 only, this is ${process.platform}/${process.arch}`,
    };
  // Their state is larger than a user-mode kernel of Linux 6.1 has room for: it ends at its first process (`ptrace set fp regs failed`).
  if (/^flags\s*:.*\bamx_tile\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')))
    return { reason: 'a user-mode kernel starts no process on a processor with AMX registers' };
  const { root, reason } = unpackedPackages('user-mode-linux', ['user-mode-linux', 'kmod', 'iproute2']);
  if (reason) return { reason };
  const kernel = findProgram('linux.uml', root);
  const kmod = findProgram('kmod', root);
  const modules = [`${root}/usr/lib/uml/modules`, '/usr/lib/uml/modules'].find((path) => existsSync(path));
  if (!kernel || !kmod || !modules)
    return { reason: 'the packages user-mode-linux and kmod lack what they should have' };
  return { kernel, kmod, modules, root };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function initScript({ folder, kmod, modules, root, extraModules, command, cwd, env, stdin }) {
  const environment = Object.entries(env)
    .filter(([name, value]) => /^[A-Za-z_]\w*$/.test(name) && value !== undefined)
    .map(([name, value]) => `export ${name}=${quoted(value)}`);
  const named = extraModules.filter((each) => !each.includes('/'));
  const foreign = extraModules.filter((each) => each.includes('/'));
  return `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${root}/sbin:${root}/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for link in fd:/proc/self/fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -sfn "\${link#*:}" "/dev/\${link%%:*}"; done
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock /run/modules/lib
ln -s ${quoted(modules)} /run/modules/lib/modules
ln -s ${quoted(kmod)} /run/modules/modprobe
ln -s ${quoted(kmod)} /run/modules/insmod
printf '#!/bin/sh\\nexec /run/modules/modprobe -d /run/modules "$@"\\n' > /run/modules/on-demand
chmod +x /run/modules/on-demand
echo /run/modules/on-demand > /proc/sys/kernel/modprobe
/run/modules/on-demand -a ${[...baseModules, ...named].map(quoted).join(' ')} || echo 'sctp-machine: a module was not loaded'
${foreign.map((path) => `/run/modules/insmod ${quoted(path)} || echo 'sctp-machine: a module was not loaded'`).join('\n')}
hostname sctp-machine
ip link set lo up
stty -F /dev/tty1 raw -echo
stty -F /dev/tty2 raw -echo
(
  ${environment.join('\n  ')}
  cd ${quoted(cwd)}
  exec setsid ${command.map(quoted).join(' ')}
) <${stdin ? '/dev/tty1' : '/dev/null'} >/dev/tty1 2>/dev/tty2 &
wait $!
echo $? > ${quoted(`${folder}/status`)}
sync
exec halt -f -f
`;
}

/**
 * Runs a command in a machine of its own. Options: cwd, env, memory ('1G'), limitMs, modules, stdin (pass ours on), verbose
 * (kernel's messages), onStarted(stop): `stop()` ends the machine; onOutput(chunk), onError(chunk): instead of ours.
 *
 * @returns { status } or { status: 124 | 125, reason }
 */
export async function runInSctpMachine(command, options = {}) {
  const { kernel, kmod, modules, root, reason } = sctpKernel();
  if (reason) return { status: 125, reason };
  const { memory = '1G', limitMs = 600_000, stdin = false, verbose = false } = options;
  const folder = mkdtempSync(`${tmpdir()}/sctp-machine-`);
  const log = openSync(`${folder}/log`, 'w');
  try {
    const script = initScript({
      folder,
      kmod,
      modules,
      root,
      extraModules: options.modules ?? [],
      command,
      cwd: options.cwd ?? process.cwd(),
      env: options.env ?? process.env,
      stdin,
    });
    writeFileSync(`${folder}/init`, script, { mode: 0o755 });
    const child = spawn(
      kernel,
      [
        `mem=${memory}`,
        `umid=machine${process.pid}`,
        `uml_dir=${folder}/`,
        'root=/dev/root',
        'rootfstype=hostfs',
        'hostfs=/',
        'rw',
        `init=${folder}/init`,
        'con=null',
        'con0=null,fd:1',
        stdin ? 'con1=fd:3,fd:4' : 'con1=null,fd:4',
        'con2=null,fd:5',
        'ssl=null',
        'random.trust_cpu=on',
        'quiet',
      ],
      // A group of its own: the machine's processes are host processes too, and must not outlive it.
      { stdio: ['ignore', log, log, stdin ? 'inherit' : 'ignore', 'pipe', 'pipe'], detached: true },
    );
    const group = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // it is gone
      }
    };
    const stop = () => {
      group('SIGTERM');
      setTimeout(() => group('SIGKILL'), killGraceMs).unref();
    };
    let limitReached = false;
    const limit = setTimeout(() => {
      limitReached = true;
      stop();
    }, limitMs);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);
    child.stdio[4].on('data', options.onOutput ?? ((chunk) => process.stdout.write(chunk)));
    child.stdio[5].on('data', options.onError ?? ((chunk) => process.stderr.write(chunk)));
    options.onStarted?.(stop);
    const ended = await new Promise((resolve) => {
      child.once('error', (error) => resolve(`the kernel does not start: ${error.message}`));
      child.once('close', (code, signal) => resolve(`the kernel ended with ${signal ?? code}`));
    });
    clearTimeout(limit);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
    group('SIGKILL');
    if (verbose) process.stderr.write(readFileSync(`${folder}/log`));
    if (existsSync(`${folder}/status`)) {
      const status = readFileSync(`${folder}/status`, 'utf8').trim();
      if (status !== '') return { status: Number(status) };
    }
    if (limitReached) return { status: 124, reason: `the time limit of ${limitMs / 1000} s was reached` };
    return { status: 125, reason: `${ended}; its messages:\n${readFileSync(`${folder}/log`, 'utf8')}` };
  } finally {
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: {
      memory: { type: 'string', default: '1G' },
      limit: { type: 'string', default: '600' },
      module: { type: 'string', multiple: true, default: [] },
      stdin: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    tokens: false,
  });
  if (positionals.length === 0) {
    console.error(
      'use: sctp-machine.mjs [--memory 1G] [--limit SECONDS] [--module NAME|PATH] [--stdin] [--verbose] -- COMMAND',
    );
    process.exit(125);
  }
  const { status, reason } = await runInSctpMachine(positionals, {
    memory: values.memory,
    limitMs: Number(values.limit) * 1000,
    modules: values.module,
    stdin: values.stdin,
    verbose: values.verbose,
  });
  if (reason) console.error(`sctp-machine: ${reason}`);
  process.exit(status);
}
