// SPDX-License-Identifier: Apache-2.0
// `npm run docs`: writes docs/reference from what is built; `--check` writes nothing and fails when a file differs.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = 'docs/reference';
const check = process.argv.includes('--check');

/** A package's built folder, in words that help when it is not there. */
async function built(path) {
  try {
    return await import(`../packages/${path}/index.js`);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error(`docs: ${error.message}\ndocs: build first: npm run build`);
    process.exit(1);
  }
}

const { declarationJsonSchema, declarationReference } = await built('runtime/dist/declaration');
const { buildProgram } = await built('cli/dist');
const { renderCommandReference } = await built('cli/dist/docs');

const made = 'Made by `npm run docs`; changes belong into the sources.';

/** Name below docs/reference → text. */
const files = new Map([
  ['commands.md', renderCommandReference(buildProgram()).replace('\n\n', `\n\n<!-- ${made} -->\n\n`)],
  ['configuration.md', configuration()],
  ['set.schema.json', `${JSON.stringify(declarationJsonSchema(), null, 2)}\n`],
]);

function configuration() {
  return `# Configuration

<!-- ${made} -->

One YAML file declares one set. \`vnfpool plan FILE\` checks it and shows what would change, \`vnfpool apply FILE\` does it,
\`vnfpool up FILE\` brings it up on this machine. Names have a lower-case letter first, then letters, digits and hyphens, at most 31
characters. Durations have a unit: \`250ms\`, \`1.5s\`, \`2m\`. \`NAME\` in a key stands for a name that you give, \`[]\` for each entry of
a list. An unknown key is a fault, and a file with a fault changes nothing.

Editors that know the YAML language server check while you type with this first line, the path being that of
[set.schema.json](set.schema.json):

\`\`\`yaml
# yaml-language-server: $schema=docs/reference/set.schema.json
\`\`\`

${declarationReference()}`;
}

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

mkdirSync(`${root}${folder}`, { recursive: true });
const differing = [...files].filter(([name, text]) => readOrNull(`${root}${folder}/${name}`) !== text);
const strangers = readdirSync(`${root}${folder}`).filter((name) => !files.has(name));
if (check) {
  for (const [name] of differing) console.error(`docs: ${folder}/${name} is not what the sources say`);
  for (const name of strangers) console.error(`docs: ${folder}/${name} is made by nothing`);
  const ok = differing.length + strangers.length === 0;
  console.log(ok ? `docs: ${folder} is up to date` : 'docs: run `npm run docs`');
  process.exit(ok ? 0 : 1);
}
for (const [name, text] of differing) writeFileSync(`${root}${folder}/${name}`, text);
for (const name of strangers) rmSync(`${root}${folder}/${name}`);
console.log(`docs: ${differing.length} written, ${strangers.length} removed, of ${files.size} in ${folder}`);
