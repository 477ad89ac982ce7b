// SPDX-License-Identifier: Apache-2.0
// `npm test`: everything that must hold, stage by stage, each with its time; the last line counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nftModule } from './nft-module.mjs';
import { sctpKernel } from './sctp-machine.mjs';
import { ensurePrograms, forTests } from './system.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;
const only = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
/** What failed, told once more at the end, where it is found without reading half an hour of output. */
const failures = [];
const scratch = mkdtempSync(`${tmpdir()}/vnfpool-test-`);

function execute(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

/** Exit status of interop/run.mjs when nothing could run. */
const nothingRan = 75;

function skip(what, reason) {
  console.log(`skipped: ${what}: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

function stage(name, body) {
  if (only.length > 0 && !only.includes(name)) return;
  console.log(`\n== ${name}`);
  const started = performance.now();
  const result = body();
  const counted =
    typeof result === 'boolean' ? { passed: result ? 1 : 0, failed: result ? 0 : 1, skipped: 0 } : result;
  for (const key of Object.keys(totals)) totals[key] += counted[key];
  failures.push(...(counted.failures ?? (counted.failed > 0 ? [`${name}: see its output above`] : [])));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `== ${name}: ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped in ${seconds} s`,
  );
}

/** Runs vitest projects; a run that tells nothing counts as a failure. */
function vitest(projects, extra = []) {
  const ok = execute(`${bin}/vitest`, [...vitestArguments(projects), ...extra]);
  return vitestResult(projects, ok);
}

const reportOf = (projects) => `${scratch}/${projects.join('-')}.json`;

function vitestArguments(projects) {
  return [
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportOf(projects)}`,
  ];
}

function vitestResult(projects, ok) {
  try {
    const report = JSON.parse(readFileSync(reportOf(projects), 'utf8'));
    for (const suite of report.testResults) {
      for (const test of suite.assertionResults) {
        if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${test.fullName}`);
      }
    }
    const failures = report.testResults.flatMap(failuresOf);
    const failed = Math.max(report.numFailedTests, failures.length, ok ? 0 : 1);
    return {
      passed: report.numPassedTests,
      failed,
      skipped: report.numPendingTests + (report.numTodoTests ?? 0),
      ...(failures.length > 0 && { failures }),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Longest message of a failed test in the list at the end, in characters. */
const longestMessage = 2000;

/** The failed tests of one file, or the file itself where it could not be loaded. */
function failuresOf(file) {
  const path = relative(root, file.name);
  const told = (title, message) => `${path}: ${title}\n${message.slice(0, longestMessage)}`;
  const tests = file.assertionResults.filter((test) => test.status === 'failed');
  if (tests.length === 0 && file.status === 'failed') return [told('could not run', file.message)];
  return tests.map((test) => told(test.fullName, test.failureMessages.join('\n')));
}

stage('system', () => {
  ensurePrograms(forTests);
  return { passed: 0, failed: 0, skipped: 0 };
});
stage('build', () => execute(process.execPath, ['scripts/build.mjs']));
stage('format', () => execute(`${bin}/biome`, ['check', '.']));
stage('lint', () => execute(`${bin}/oxlint`, ['--type-aware', '--deny-warnings']));
stage('lock', () => execute(process.execPath, ['scripts/complete-lock.mjs', '--check']));
stage('imports', () => execute(process.execPath, ['scripts/check-imports.mjs']));
stage('types', () => execute(`${bin}/tsc`, ['-p', 'tsconfig.test.json']));
stage('docs', () => execute(process.execPath, ['scripts/generate-docs.mjs', '--check']));
stage('unit', () => vitest(['unit', 'property'], ['--coverage']));
stage('simulation', () => vitest(['sim']));
stage('lab', () => vitest(['lab']));
stage('sctp', () => {
  const { reason } = sctpKernel();
  if (reason) return skip('every test over kernel SCTP', reason);
  // Without it the tests that want nftables say that they are skipped.
  const { path, needs = [], reason: noModule } = nftModule();
  if (noModule) console.log(`no nftables in the user-mode kernel: ${noModule}`);
  const modules = [...needs, ...(path ? [path] : [])].flatMap((each) => ['--module', each]);
  const script = [`${root}scripts/sctp-machine.mjs`, '--memory', '2G', '--limit', '900', ...modules, '--'];
  const inside = [process.execPath, `${root}node_modules/vitest/vitest.mjs`, ...vitestArguments(['sctp'])];
  return vitestResult(['sctp'], execute(process.execPath, [...script, ...inside]));
});
stage('interop', () => {
  const { status, stdout } = spawnSync(process.execPath, ['interop/run.mjs'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  if (status === nothingRan) return skip('interworking with rsplib', 'see above');
  const [, passed, failed] = /interop: (\d+) passed, (\d+) failed/.exec(stdout) ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: Number(passed), failed: Number(failed), skipped: 0 };
});
stage('browser', () => vitest(['browser']));

rmSync(scratch, { recursive: true, force: true });
for (const failure of failures) console.log(`\nfailed: ${failure.replaceAll('\n', '\n  ')}`);
console.log('');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 ? 0 : 1);
