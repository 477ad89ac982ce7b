#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/* oxlint-disable no-console */
// Interworking with rsplib, the C reference implementation, on SCTP in user-mode machines. See docs/interop.md.
//
//   node interop/run.mjs [--list] [--rsplib PATH] [--long] [--machines N] [--keep FOLDER] [SCENARIO]...
//
// A machine has one processor and waits most of the time: one more of them than the host has processors is the default.
// Exit status: 0 all passed, 1 one failed, 75 nothing could run (the reason is told).
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram } from '../scripts/debian-packages.mjs';
import { runInSctpMachine, sctpKernel } from '../scripts/sctp-machine.mjs';
import { dissect } from './lib/dissect.mjs';
import { rsplib, tshark } from './lib/programs.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const nothingRan = 75;
const shownFaults = 8;

const { values, positionals } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    rsplib: { type: 'string' },
    long: { type: 'boolean', default: false },
    machines: { type: 'string', default: String(Math.min(4, availableParallelism() + 1)) },
    keep: { type: 'string' },
  },
  allowPositionals: true,
});

async function scenarios() {
  const names = readdirSync(`${here}scenarios`)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -'.mjs'.length))
    .sort();
  return await Promise.all(
    names.map(async (name) => ({ name, ...(await import(`./scenarios/${name}.mjs`)).scenario })),
  );
}

const all = await scenarios();
if (values.list) {
  for (const { name, title, long } of all) console.log(`${name.padEnd(24)} ${title}${long ? ' (long)' : ''}`);
  process.exit(0);
}
for (const name of positionals) {
  if (!all.some((each) => each.name === name)) {
    console.error(`interop: no scenario ${name}; there are ${all.map((each) => each.name).join(', ')}`);
    process.exit(2);
  }
}

function skip(reason) {
  console.log(`interop: skipped: ${reason}`);
  process.exit(nothingRan);
}

const theirs = rsplib(values.rsplib ?? process.env.VNFPOOL_RSPLIB);
const kernel = theirs.reason ? theirs : sctpKernel();
const judge = kernel.reason ? kernel : tshark();
for (const { reason } of [theirs, kernel, judge]) if (reason) skip(reason);
if (!findProgram('tcpdump')) skip('tcpdump is missing (package tcpdump)');
if (!existsSync(`${here}../packages/client/dist`)) skip('the packages are not built: npm run build');

console.log(
  `interop: rsplib ${theirs.version}, tshark ${judge.version}, ${values.machines} machines at once`,
);
const folder = mkdtempSync(`${tmpdir()}/vnfpool-interop-`);
const chosen = all.filter(({ name, long }) =>
  positionals.length > 0 ? positionals.includes(name) : values.long || !long,
);

async function runOne({ name, limitMs = 180_000, mustDissect = [] }) {
  const own = `${folder}/${name}`;
  const lines = [];
  const collect = (chunk) => lines.push(chunk.toString());
  const arguments_ = [`${here}inside.mjs`, name, own, JSON.stringify(theirs)];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(NODE_OPTIONS|FORCE_COLOR|npm_)/.test(key)),
  );
  const { status, reason } = await runInSctpMachine([process.execPath, ...arguments_], {
    cwd: here,
    env,
    limitMs,
    onOutput: collect,
    onError: collect,
  });
  const output = lines.join('').trimEnd();
  if (!existsSync(`${own}/result.json`))
    return { name, passed: false, output, error: reason ?? `it ended with ${status} and left no result` };
  const result = JSON.parse(readFileSync(`${own}/result.json`, 'utf8'));
  const { counts, faults } = dissect(judge, `${own}/capture.pcap`, result.ours);
  if (faults.ours.length > 0 && result.passed) {
    const told = faults.ours
      .slice(0, shownFaults)
      .map(({ frame, info, what }) => `frame ${frame}: ${info}: ${what}`);
    Object.assign(result, { passed: false, error: `tshark objects to what we sent:\n${told.join('\n')}` });
  }
  const unseen = mustDissect.filter((type) => counts.ours[type] === undefined);
  if (unseen.length > 0 && result.passed)
    Object.assign(result, { passed: false, error: `tshark did not see of ours: ${unseen.join(', ')}` });
  return { name, ...result, output, counts, faults };
}

const results = [];
const waiting = [...chosen];
await Promise.all(
  Array.from({ length: Number(values.machines) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runOne(next);
      const { passed, tookMs, output, error, lastWords, counts, faults } = result;
      results.push(result);
      console.log(
        `\n${passed ? 'passed' : 'FAILED'} ${result.name}: ${next.title} (${((tookMs ?? 0) / 1000).toFixed(1)} s)`,
      );
      if (output !== '') console.log(output);
      if (counts) {
        const sum = Object.values(counts.ours).reduce((left, right) => left + right, 0);
        console.log(
          `  tshark: ${sum} messages of ours, ${faults.ours.length} objections; to rsplib's: ${faults.theirs.length}`,
        );
      }
      if (error) console.log(error);
      if (lastWords) console.log(lastWords);
    }
  }),
);

results.sort((left, right) => left.name.localeCompare(right.name));
writeFileSync(
  `${folder}/results.json`,
  JSON.stringify({ rsplib: theirs.version, tshark: judge.version, results }, null, 2),
);
const failed = results.filter(({ passed }) => !passed);
console.log('');
for (const { name, passed, tookMs } of results)
  console.log(
    `${passed ? 'passed' : 'FAILED'}  ${name.padEnd(24)} ${((tookMs ?? 0) / 1000).toFixed(1).padStart(6)} s`,
  );
console.log(
  `interop: ${results.length - failed.length} passed, ${failed.length} failed, ${all.length - results.length} not asked for`,
);
if (values.keep) cpSync(folder, values.keep, { recursive: true });
else if (failed.length > 0) console.log(`interop: captures and logs are in ${folder}`);
if (values.keep || failed.length === 0) rmSync(folder, { recursive: true, force: true });
process.exit(failed.length === 0 ? 0 : 1);
