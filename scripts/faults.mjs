// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const KINDS = ['ipv4', 'ipv6', 'two-links', 'nft', 'same-mac'];

const USAGE = `npm run faults -- [--count N] [--seed S] [--from K] [--kind NAME]

Brings sets up in namespaces of their own and breaks them N times (default 500) by the faults of seed S (default 1), from
fault number K (default 1) on, one at a time. After four faults another kind of set has its turn, or it is always NAME: one of
${KINDS.join(', ')}. Probes ask its addresses, one datagram a millisecond, a capture on the bridges sees
who speaks for them. Ends with 1 when somebody speaks for one after somebody else took it, or when the set does not become
whole again. One fault can be done again: --from K --count 1. Needs root, nft, tcpdump, nsenter, unshare and perl.`;

let values;
try {
  ({ values } = parseArgs({
    options: {
      count: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '1' },
      kind: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }));
  for (const name of ['count', 'seed', 'from']) {
    if (!/^[1-9]\d{0,8}$/.test(values[name])) throw new Error(`--${name} takes a whole number above 0`);
  }
  if (values.kind !== undefined && !KINDS.includes(values.kind))
    throw new Error(`--kind takes one of ${KINDS.join(', ')}`);
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const child = spawn(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    'packages/cli/test/lab/random-faults/random-faults.lab.test.ts',
    '--project=lab',
    '--disableConsoleIntercept=true',
  ],
  {
    cwd: new URL('..', import.meta.url),
    stdio: 'inherit',
    env: {
      ...process.env,
      FAULTS_COUNT: values.count,
      FAULTS_SEED: values.seed,
      FAULTS_FROM: values.from,
      ...(values.kind !== undefined && { FAULTS_KIND: values.kind }),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
