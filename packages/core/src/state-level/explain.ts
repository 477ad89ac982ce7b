// SPDX-License-Identifier: Apache-2.0
import { lossOf } from './level.ts';
import type { Settlement } from './settle.ts';
import { levelWords, lossWords } from './words.ts';

/** A settlement for people: a few lines, then two for each level that is not used. */
export function explainSettlement({ level, reason, notTaken }: Settlement): string {
  const head =
    level === null
      ? [`refused: ${reason}`]
      : [`used: ${levelWords(level)}`, `because: ${reason}`, `a failover loses: ${lossWords(lossOf(level))}`];
  const rest = notTaken.flatMap(({ instance, level: words, rule, verdict }) => [
    `not used: ${words}${instance === null ? '' : ` (${instance})`}`,
    `  ${rule}: ${verdict}`,
  ]);
  return [...head, ...rest].join('\n');
}
