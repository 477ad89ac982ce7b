// SPDX-License-Identifier: Apache-2.0
// What interworking is tried with: rsplib, and tshark as the judge. From Debian's packages, or from a folder that is given.
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { findProgram, libraryPath, unpackedPackages } from '../../scripts/debian-packages.mjs';

/** Only rsplib's picture of fractals and Wireshark's windows need these. */
const windows = /^(lib)?(qt|xcb|x11|gl|egl|input|wacom|md4c|mtdev|evdev|pcre2-16)/i;

const needed = ['rspregistrar', 'rspserver', 'rspterminal', 'pingpongclient', 'hsdump'];

/**
 * rsplib: { folders, libraries, version } or { reason }.
 * @param path A folder with its programs, in `bin` or anywhere one level below; undefined: Debian's packages
 */
export function rsplib(path) {
  if (path !== undefined) {
    const folders = ['', '/bin', '/usr/bin', '/src', '/rsplib'].map((name) => `${path}${name}`);
    const missing = needed.filter((name) => !folders.some((folder) => existsSync(`${folder}/${name}`)));
    if (missing.length > 0) return { reason: `${path} has no ${missing.join(', ')}` };
    const libraries = [
      '/lib',
      '/lib/x86_64-linux-gnu',
      '/usr/lib',
      '/usr/lib/x86_64-linux-gnu',
      '',
      '/src',
      '/.libs',
    ];
    return { folders, libraries: libraries.map((name) => `${path}${name}`).join(':'), version: `in ${path}` };
  }
  const packages = ['rsplib-registrar', 'rsplib-services', 'rsplib-tools'];
  const { root, versions, reason } = unpackedPackages('rsplib', packages, { leaveOut: windows });
  if (reason) return { reason };
  const missing = needed.filter((name) => !findProgram(name, root));
  if (missing.length > 0) return { reason: `the packages of rsplib have no ${missing.join(', ')}` };
  const version = versions['rsplib-registrar'] ?? 'installed';
  return { folders: [`${root}/usr/bin`], libraries: libraryPath(root), version };
}

/** tshark: { program, env, version } or { reason }. */
export function tshark() {
  const { root, versions, reason } = unpackedPackages('tshark', ['tshark'], { leaveOut: windows });
  if (reason) return { reason };
  const program = findProgram('tshark', root);
  if (!program) return { reason: 'the package tshark has no tshark' };
  const own = program.startsWith(root);
  if (own) linkLua(root);
  const env = own
    ? { LD_LIBRARY_PATH: libraryPath(root), WIRESHARK_DATA_DIR: `${root}/usr/share/wireshark` }
    : {};
  return { program, env, version: versions.tshark ?? 'installed' };
}

/** Without its init.lua, which the package links to by an absolute path, it runs no scripts, and says nothing of that. */
function linkLua(root) {
  const link = `${root}/usr/share/wireshark/init.lua`;
  const target = '../../../etc/wireshark/init.lua';
  if (existsSync(link) || !existsSync(`${root}/etc/wireshark/init.lua`)) return;
  rmSync(link, { force: true });
  try {
    symlinkSync(target, link);
  } catch (error) {
    // Somebody else did it just now.
    if (error.code !== 'EEXIST') throw error;
  }
}
