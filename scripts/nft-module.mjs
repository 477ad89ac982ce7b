// SPDX-License-Identifier: Apache-2.0
// nf_tables for the machine of sctp-machine.mjs. Debian's user-mode kernel has it for bridges only: NF_TABLES_INET and
// NF_TABLES_NETDEV are not set. The families are all within that one module, so it is built anew from the sources of the very
// same release, with its configuration and these; nothing else in the kernel differs.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { findProgram, unpackedPackages } from './debian-packages.mjs';
import { sctpKernel } from './sctp-machine.mjs';

const families = ['INET', 'NETDEV', 'IPV4', 'IPV6'];
/** Of the sources, what a module is built with: a tenth of them. */
const neededSources = [
  '*/Kbuild',
  '*/Kconfig*',
  '*/Makefile*',
  '*/arch/um/*',
  '*/arch/x86/*',
  '*/include/*',
  '*/scripts/*',
  '*/kernel/bounds.c',
  '*/kernel/time/*',
  '*/net/netfilter/*',
];

/** The module, and modules that it needs: { path, needs } or { reason }. The first use downloads 140 MB and builds for a minute. */
export function nftModule() {
  const { root: kernelRoot, modules, reason: noKernel } = sctpKernel();
  if (noKernel) return { reason: noKernel };
  const release = readdirSync(modules)[0];
  const source = `linux-source-${release.split('.').slice(0, 2).join('.')}`;
  const packages = [`${source}=${release}-*`, 'flex', 'bison', 'm4', 'bc'];
  const { root, reason } = unpackedPackages(`nf-tables-${release}`, packages, { leaveOut: /^lib/ });
  if (reason) return { reason };
  const built = { path: `${root}/nf_tables.ko`, needs: ['nfnetlink', 'ipv6'] };
  if (existsSync(built.path)) return built;
  for (const program of ['gcc', 'make', 'tar', 'xz'])
    if (!findProgram(program)) return { reason: `nf_tables is built with ${program}, which is not here` };
  const folder = mkdtempSync(`${root}/build-`);
  try {
    const archive = `${root}/usr/src/${source}.tar.xz`;
    const fault = build(folder, archive, `${kernelRoot}/usr/share/doc/user-mode-linux/config.gz`, root);
    if (fault) return { reason: `nf_tables cannot be built: ${fault}` };
    renameSync(`${folder}/module/nf_tables.ko`, built.path);
    rmSync(archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return built;
}

/** @returns what failed */
function build(folder, archive, config, root) {
  const tree = `${folder}/tree`;
  const env = {
    ...process.env,
    PATH: [`${root}/usr/bin`, process.env.PATH].join(delimiter),
    // Those two are told where they were unpacked.
    M4: findProgram('m4', root),
    ...(existsSync(`${root}/usr/share/bison`) && { BISON_PKGDATADIR: `${root}/usr/share/bison` }),
  };
  const run = (command, ...args) => {
    const done = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' });
    if (done.status === 0) return '';
    const told = (done.stderr || String(done.error)).trim().split('\n').slice(-3).join(' ');
    return `${command} ${args.slice(0, 2).join(' ')}: ${told}`;
  };
  const make = (...args) => run('make', '-C', tree, 'ARCH=um', `-j${availableParallelism()}`, ...args);
  const unpack = ['--strip-components=1', '--wildcards', '-C', tree, '-xJf', archive, ...neededSources];
  return (
    run('mkdir', '-p', tree, `${folder}/module`, `${tree}/Documentation`) ||
    run('tar', ...unpack) ||
    configure(tree, config) ||
    make('olddefconfig') ||
    make('modules_prepare') ||
    copySources(`${tree}/net/netfilter`, `${folder}/module`) ||
    // What the kernel exports is not known here, only there.
    make(`M=${folder}/module`, 'KBUILD_MODPOST_WARN=1', 'modules')
  );
}

function configure(tree, config) {
  const lines = gunzipSync(readFileSync(config))
    .toString()
    .split('\n')
    .filter((line) => !line.includes('CONFIG_DEBUG_INFO'));
  const added = families.map((family) => `CONFIG_NF_TABLES_${family}=y`);
  writeFileSync(`${tree}/.config`, [...lines, ...added, 'CONFIG_DEBUG_INFO_NONE=y', ''].join('\n'));
  // Named by another one; that folder is left out.
  if (!existsSync(`${tree}/Documentation/Kconfig`)) writeFileSync(`${tree}/Documentation/Kconfig`, '');
  return '';
}

function copySources(from, to) {
  for (const name of readdirSync(from).filter((each) => /\.[ch]$/.test(each)))
    copyFileSync(`${from}/${name}`, `${to}/${name}`);
  const [, objects] =
    /^nf_tables-objs := ((?:.*\\\n)*.*)\n/m.exec(readFileSync(`${from}/Makefile`, 'utf8')) ?? [];
  if (objects === undefined) return 'its Makefile does not say of what';
  writeFileSync(`${to}/Kbuild`, `obj-m := nf_tables.o\nnf_tables-objs := ${objects}\n`);
  return '';
}
