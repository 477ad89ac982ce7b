// SPDX-License-Identifier: Apache-2.0
import { TransferRules, type Verdict } from '@vnfpool/core/state-transfer';
import type { TransferOutcome } from '@vnfpool/wire/state-channel';

/** Broken rules: the simulation has to find a violation for each of them. */
export const TRANSFER_MUTATIONS: ReadonlyMap<string, TransferRules> = new Map<string, TransferRules>([
  [
    'a source that resumes when the connection is lost behind commit',
    new (class extends TransferRules {
      override resumesInDoubt(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a source that forgets at a restart that commit was sent',
    new (class extends TransferRules {
      override remembersDoubt(): boolean {
        return false;
      }
    })(),
  ],
  [
    'a destination that forgets at a restart that commit came',
    new (class extends TransferRules {
      override remembersCommit(): boolean {
        return false;
      }
    })(),
  ],
  [
    'a destination that knows nothing, taken for a no',
    new (class extends TransferRules {
      override outcomeIn(outcome: TransferOutcome): Verdict | null {
        return outcome === 'committed' ? 'committed' : 'aborted';
      }
    })(),
  ],
  [
    'a commit after the destination gave up',
    new (class extends TransferRules {
      override mayCommit(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a last delta while the source still serves',
    new (class extends TransferRules {
      override quiescesBeforeLast(): boolean {
        return false;
      }
    })(),
  ],
  [
    'digests that nobody compares',
    new (class extends TransferRules {
      override isIntact(): boolean {
        return true;
      }
    })(),
  ],
  [
    'a silent node taken for gone',
    new (class extends TransferRules {
      override silenceMeansGone(): boolean {
        return true;
      }
    })(),
  ],
]);
