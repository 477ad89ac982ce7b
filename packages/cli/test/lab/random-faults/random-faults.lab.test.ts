// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { labMissing } from '../../../../platform/test/support/lab.ts';
import { has, notBuilt } from '../support.ts';
import { noOtherClock } from './echo-set.ts';
import { IMPOSTOR } from './impostor.ts';
import { runFaults, summaryOf } from './run-faults.ts';
import { kindNamed } from './set-kinds.ts';

const missing =
  labMissing ||
  notBuilt ||
  [
    ['nsenter', '--version'],
    ['tcpdump', '--version'],
    ['perl', '-v'],
  ]
    .filter(([program = '', ...args]) => !has(program, ...args))
    .map(([program]) => `${program} is not installed`)
    .join(', ') ||
  noOtherClock;

/** What `npm run faults` asks for; without it the standard run. */
const { FAULTS_SEED: seed = '1', FAULTS_FROM: from = '1', FAULTS_COUNT, FAULTS_KIND } = process.env;
const count = FAULTS_COUNT ?? '20';
const only = FAULTS_KIND === undefined ? {} : { kind: kindNamed(FAULTS_KIND) };

/** With the wait for a set that is whole again, on a machine that does much else. */
const A_FAULT_MS = 120_000;

describe.skipIf(missing !== '')(`random faults in a running set ${missing}`, () => {
  test.skipIf(FAULTS_COUNT !== undefined)(
    'somebody who speaks for it without holding it is seen',
    async () => {
      // By its port alone: he has the hardware address of the holder.
      const kind = kindNamed('same-mac');
      const [result] = await runFaults({
        seed: 1,
        from: 1,
        count: 1,
        kind,
        faults: [IMPOSTOR],
        say: () => {},
      });
      expect(result?.violation).toMatch(/^1 frames of registrar from .* out of the order node-.$/);
    },
    2 * A_FAULT_MS,
  );

  test(
    `${count} faults of seed ${seed}: nobody speaks for an address after somebody else took it`,
    async () => {
      const lines: string[] = [];
      const results = await runFaults({
        seed: Number(seed),
        from: Number(from),
        count: Number(count),
        ...only,
        say: (line) => {
          lines.push(line);
          if (FAULTS_COUNT !== undefined) console.log(line);
        },
      });
      console.log(summaryOf(results).join('\n'));
      expect(
        results.filter(({ violation }) => violation !== undefined),
        lines.join('\n'),
      ).toEqual([]);
      expect(results).toHaveLength(Number(count));
    },
    (Number(count) + 1) * A_FAULT_MS,
  );
});
