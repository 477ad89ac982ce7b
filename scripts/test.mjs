// SPDX-License-Identifier: Apache-2.0
// `npm test`: everything that must hold, stage by stage, each with its time; the last line counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensurePrograms, forTests } from './system.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;
const only = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(`${tmpdir()}/vnfpool-test-`);

function execute(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function stage(name, body) {
  if (only.length > 0 && !only.includes(name)) return;
  console.log(`\n== ${name}`);
  const started = performance.now();
  const result = body();
  const counted =
    typeof result === 'boolean' ? { passed: result ? 1 : 0, failed: result ? 0 : 1, skipped: 0 } : result;
  for (const key of Object.keys(totals)) totals[key] += counted[key];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `== ${name}: ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped in ${seconds} s`,
  );
}

/** Runs vitest projects; a run that tells nothing counts as a failure. */
function vitest(projects, extra = []) {
  const file = `${scratch}/${projects.join('-')}.json`;
  const args = [
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ];
  const ok = execute(`${bin}/vitest`, [...args, ...extra]);
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    for (const suite of report.testResults) {
      for (const test of suite.assertionResults) {
        if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${test.fullName}`);
      }
    }
    const failed = report.numFailedTests + (ok || report.numFailedTests > 0 ? 0 : 1);
    return {
      passed: report.numPassedTests,
      failed,
      skipped: report.numPendingTests + (report.numTodoTests ?? 0),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
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
stage('browser', () => vitest(['browser']));

rmSync(scratch, { recursive: true, force: true });
console.log('');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 ? 0 : 1);
