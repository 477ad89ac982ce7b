// SPDX-License-Identifier: Apache-2.0
import { type DestinationTestimony, judge, type SourceTestimony } from '@vnfpool/core/state-transfer';
import { describe, expect, test } from 'vitest';

const SOURCES: readonly SourceTestimony[] = [
  'transferring',
  'doubt',
  'committed',
  'aborted',
  'gone',
  'silent',
];

/** What the source is told, and what the destination, by testimony of the destination and then of the source. */
const TABLE: Readonly<Record<DestinationTestimony, readonly string[]>> = {
  //           transferring doubt          committed      aborted        gone           silent
  open: ['- -', '- aborted', '- -', '- aborted', '- aborted', '- -'],
  ready: ['- -', '- committed', '- committed', '- aborted', '- committed', '- -'],
  committed: ['- -', 'committed -', '- -', '- -', '- -', '- -'],
  aborted: ['- -', 'aborted -', '- -', '- -', '- -', '- -'],
  gone: ['- -', 'aborted -', '- -', '- -', '- -', '- -'],
  silent: ['- -', '- -', '- -', '- -', '- -', '- -'],
};

describe.each(Object.entries(TABLE))('a destination that is %s', (destination, verdicts) => {
  test.each(SOURCES.map((source, at) => [source, verdicts[at]]))(
    'and a source that is %s',
    (source, expected) => {
      const told = judge(source as SourceTestimony, destination as DestinationTestimony);
      expect(`${told.source ?? '-'} ${told.destination ?? '-'}`).toBe(expected);
    },
  );
});
