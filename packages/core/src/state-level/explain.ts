// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '../declared/sharing.ts';
import type { Settlement } from './settle.ts';
import { levelWords, poolLossWords } from './words.ts';

/** A settlement of what a pool asks, for people: a few lines, then two for each level that is not used. */
export function explainSettlement({ level, reason, notTaken }: Settlement, sharing: DeclaredSharing): string {
  const head =
    level === null
      ? [`refused: ${reason}`]
      : [
          `used: ${levelWords(level)}`,
          `because: ${reason}`,
          `a failover loses: ${poolLossWords(level, sharing)}`,
        ];
  const rest = notTaken.flatMap(({ instance, level: words, rule, verdict }) => [
    `not used: ${words}${instance === null ? '' : ` (${instance})`}`,
    `  ${rule}: ${verdict}`,
  ]);
  return [...head, ...rest].join('\n');
}
