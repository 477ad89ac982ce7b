// SPDX-License-Identifier: Apache-2.0
// The direction of imports between packages, as docs/architecture.md has it.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** package → packages that its sources may import. */
const allowed = {
  wire: [],
  core: ['wire'],
  transport: ['platform'],
  platform: [],
  store: [],
  runtime: ['wire', 'core', 'transport', 'platform', 'store'],
  client: ['wire', 'core', 'transport', 'runtime'],
  daemons: ['wire', 'core', 'transport', 'platform', 'store', 'runtime', 'client', 'dashboard'],
  dashboard: ['core'],
  cli: ['wire', 'core', 'runtime', 'daemons', 'client'],
  testkit: ['wire', 'core', 'transport', 'platform', 'store', 'runtime', 'client'],
};
/** Packages that must not know the platform: no Node module, no dependency. */
const pure = new Set(['wire', 'core']);

function* sources(folder) {
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`;
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(name)) yield path;
  }
}

const faults = [];
for (const [name, may] of Object.entries(allowed)) {
  const declared = Object.keys(
    JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8')).dependencies ?? {},
  );
  for (const path of sources(`${root}packages/${name}/src`)) {
    const text = readFileSync(path, 'utf8');
    for (const [, from, bare, dynamic] of text.matchAll(
      /(?:^|[};]\s*)(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm,
    )) {
      const specifier = from ?? bare ?? dynamic;
      const place = path.slice(root.length);
      if (specifier.startsWith('.')) continue;
      const own = /^(?:@vnfpool\/([a-z]+)|(vnfpool))(?:\/|$)/.exec(specifier);
      if (own) {
        const target = own[1] ?? 'cli';
        if (target !== name && !may.includes(target))
          faults.push(`${place}: ${name} must not import ${specifier}`);
        const dependency = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        if (target !== name && !declared.includes(dependency))
          faults.push(`${place}: ${dependency} is not in ${name}'s package.json`);
      } else if (pure.has(name)) {
        faults.push(`${place}: ${name} must not import ${specifier}`);
      } else if (!specifier.startsWith('node:') && !specifier.startsWith('virtual:')) {
        const dependency = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        if (!declared.includes(dependency))
          faults.push(`${place}: ${dependency} is not in ${name}'s package.json`);
      }
    }
  }
}
for (const fault of faults) console.error(fault);
console.log(
  faults.length === 0 ? 'imports: one way only' : `imports: ${faults.length} against the direction`,
);
process.exit(faults.length === 0 ? 0 : 1);
