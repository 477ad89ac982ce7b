// SPDX-License-Identifier: Apache-2.0
// Programs of Debian and Ubuntu packages, unpacked into a folder of the user: nothing is installed on the host.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';

/** Where unpacked packages are kept: one folder for each set and release of the distribution. */
export function cacheFolder() {
  return `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/vnfpool`;
}

function release() {
  try {
    const fields = Object.fromEntries(
      readFileSync('/etc/os-release', 'utf8')
        .split('\n')
        .map((line) => line.split('='))
        .map(([key, value]) => [key, value?.replaceAll('"', '')]),
    );
    return `${fields.ID}-${fields.VERSION_CODENAME ?? fields.VERSION_ID}`;
  } catch {
    return 'unknown';
  }
}

/** Lists of our own, so that neither root nor the host's lists are needed. */
function apt(arguments_, { ownLists, cwd }) {
  const own = `${cacheFolder()}/apt`;
  if (ownLists) mkdirSync(`${own}/lists/partial`, { recursive: true });
  const options = ownLists
    ? ['-o', `Dir::State::Lists=${own}/lists`, '-o', `Dir::Cache=${own}`, '-o', 'Debug::NoLocking=true']
    : [];
  return spawnSync('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', ...options, ...arguments_], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
}

const lastLines = (text) => text.trim().split('\n').slice(-3).join(' ');

/** The packages that an installation of `packages` would add to this host, as name=version, or null. */
function closure(packages, leaveOut, ownLists) {
  const plan = apt(['install', '--simulate', '--no-install-recommends', ...packages], { ownLists });
  if (plan.status !== 0) return { fault: lastLines(plan.stderr || plan.stdout || String(plan.error)) };
  const found = [...plan.stdout.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)];
  const wanted = found.filter(([, name]) => !leaveOut.test(name));
  return { names: wanted.map(([, name, version]) => `${name}=${version}`) };
}

function download(packages, leaveOut, folder, ownLists) {
  const { names, fault } = closure(packages, leaveOut, ownLists);
  if (fault) return fault;
  if (names.length === 0) return null;
  const done = apt(['download', ...names], { ownLists, cwd: folder });
  return done.status === 0 ? null : lastLines(done.stderr);
}

/**
 * The packages and what they need beyond what the host has, unpacked once under the cache folder. To renew them,
 * remove that folder. `leaveOut` names dependencies that the programs in question do without.
 *
 * @returns { root, versions } or { reason }: why it cannot be had here.
 */
export function unpackedPackages(set, packages, { leaveOut = /^$/ } = {}) {
  const home = `${cacheFolder()}/${release()}`;
  const root = `${home}/${set}`;
  if (!existsSync(root)) {
    for (const program of ['apt-get', 'dpkg-deb'])
      if (!findProgram(program)) return { reason: `${packages[0]} comes by ${program}, which is not here` };
    mkdirSync(home, { recursive: true });
    const folder = mkdtempSync(`${home}/.${set}-`);
    try {
      let fault = download(packages, leaveOut, folder, false);
      if (fault !== null) {
        const update = apt(['update'], { ownLists: true });
        fault = update.status === 0 ? download(packages, leaveOut, folder, true) : lastLines(update.stderr);
      }
      if (fault !== null)
        return { reason: `apt-get does not give ${packages.join(' ')} (offline?): ${fault}` };
      const archives = readdirSync(folder).filter((name) => name.endsWith('.deb'));
      mkdirSync(`${folder}/root`);
      for (const archive of archives) {
        const done = spawnSync('dpkg-deb', ['-x', `${folder}/${archive}`, `${folder}/root`]);
        if (done.status !== 0) return { reason: `dpkg-deb cannot unpack ${archive}: ${String(done.stderr)}` };
      }
      writeFileSync(`${folder}/root/packages.txt`, `${archives.sort().join('\n')}\n`);
      // Two that unpack at once: the first one's folder stays, the other's goes.
      try {
        renameSync(`${folder}/root`, root);
      } catch (error) {
        if (!existsSync(root)) throw error;
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const versions = Object.fromEntries(
    readFileSync(`${root}/packages.txt`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('_'))
      .map(([name, version]) => [name, decodeURIComponent(version ?? '')]),
  );
  return { root, versions };
}

const programFolders = (root) => ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((folder) => `${root}/${folder}`);

/** A program of an unpacked set, or else of the host; null: neither. */
export function findProgram(name, root) {
  const folders = root ? programFolders(root) : [];
  folders.push(...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin');
  for (const folder of folders) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // the next folder may have it
    }
  }
  return null;
}

/** LD_LIBRARY_PATH for programs of an unpacked set. */
export function libraryPath(root) {
  const folders = [];
  for (const base of [`${root}/usr/lib`, `${root}/lib`]) {
    if (!existsSync(base)) continue;
    folders.push(
      ...readdirSync(base)
        .filter((name) => name.includes('-linux-gnu'))
        .map((name) => `${base}/${name}`),
      base,
    );
  }
  return folders.join(':');
}
