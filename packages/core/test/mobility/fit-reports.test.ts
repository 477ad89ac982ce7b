// SPDX-License-Identifier: Apache-2.0
import { type FunctionReport, parseFunctionReport } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { cutText } from '../../src/mobility/answer.ts';
import { fitFunctionReport } from '../../src/mobility/fit-reports.ts';

const report: FunctionReport = {
  v: 1,
  pid: 7,
  address: null,
  port: null,
  incarnation: '0000000000000001',
  healthy: false,
  restarts: 0,
  failing: true,
  reason: 'exit 1',
  output: ['last words'],
};

test('a report that fits is told whole', () => {
  expect(parseFunctionReport(fitFunctionReport(report))).toEqual(report);
});

test('one that does not fit goes without output, with a short reason', () => {
  const large = { ...report, reason: 'é'.repeat(9000), output: ['x'.repeat(9000)] };
  const octets = fitFunctionReport(large);
  expect(octets.length).toBeLessThanOrEqual(16_384);
  expect(parseFunctionReport(octets)).toEqual({ ...report, reason: 'é'.repeat(512), output: [] });
});

test('text is cut between characters and made well-formed', () => {
  expect(cutText(`${'x'.repeat(1022)}é!`)).toBe(`${'x'.repeat(1022)}é`);
  expect(cutText(`${'x'.repeat(1023)}é`)).toBe('x'.repeat(1023));
  expect(cutText('a\ud800b')).toBe('a\ufffdb');
});
