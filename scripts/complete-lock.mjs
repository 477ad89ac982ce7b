// SPDX-License-Identifier: Apache-2.0
// Optional packages for other platforms must stand in the lock file, or `npm ci` refuses it. A registry that does not
// serve all of them leaves holes; this fills them from what the packages that want them say. `--check` only looks.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(path, 'utf8'));

/** Platform and processor by the words of a package's name. */
const systems = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  openharmony: 'openharmony',
  win32: 'win32',
};
const processors = {
  arm: 'arm',
  arm64: 'arm64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
};
const libraries = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

const missing = [];
for (const [place, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] || lock.packages[`${place}/node_modules/${name}`]) continue;
    // A range names no version; such a dependency is not one of a platform.
    if (!/^\d/.test(version)) continue;
    missing.push(name);
    const words = name.split(/[/-]/);
    const of = (table) =>
      words
        .map((word) => table[word])
        .filter(Boolean)
        .slice(0, 1);
    const libc = of(libraries);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(of(processors).length > 0 ? { cpu: of(processors) } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc.length > 0 ? { libc } : {}),
      license: entry.license,
      optional: true,
      ...(of(systems).length > 0 ? { os: of(systems) } : {}),
    };
  }
}

if (missing.length === 0) console.log('lock: complete');
else if (process.argv.includes('--check')) {
  console.error(
    `lock: ${missing.length} optional packages are missing (node scripts/complete-lock.mjs adds them): ${missing.join(', ')}`,
  );
  process.exit(1);
} else {
  const [root, ...rest] = Object.keys(lock.packages);
  const sorted = [root, ...rest.sort((a, b) => (a < b ? -1 : 1))];
  lock.packages = Object.fromEntries(sorted.map((key) => [key, lock.packages[key]]));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`lock: added ${missing.length}`);
}
