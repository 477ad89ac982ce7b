// SPDX-License-Identifier: Apache-2.0
import { recommend } from '@vnfpool/daemons/evaluate';
import { expect, test } from 'vitest';
import { drawEvaluation } from '../../src/evaluate/drawing.ts';
import { pictureOf } from '../../src/evaluate/picture.ts';
import { renderEvaluation, renderRecommendation } from '../../src/evaluate/report.ts';
import { painter } from '../../src/output/paint.ts';
import { evaluation } from './results.ts';

const paint = painter(false);

test('the table, with what else happened', () => {
  expect(renderEvaluation(evaluation, paint)).toMatchSnapshot();
});

test('the drawing', () => {
  expect(drawEvaluation(evaluation.results, paint)).toMatchSnapshot();
});

test('a recommendation, in short and with what speaks against the others', () => {
  const told = recommend(evaluation.results, 'survives-all');
  expect(renderRecommendation(told, paint, false)).toMatchSnapshot();
  expect(renderRecommendation(told, paint, true)).toMatchSnapshot();
  const none = recommend([], 'no-loss');
  expect(renderRecommendation(none, paint, true)).toContain('no-loss: none of them');
});

test('the picture has a bar for each figure that there is, and is well-formed', () => {
  const svg = pictureOf(evaluation);
  // Six figures of three, two bars each; one of them has no lag.
  expect(svg.match(/<rect x=/g)).toHaveLength(2 * (6 * 3 - 1));
  expect(svg).toContain('nat: flows &amp; more');
  expect(svg).not.toMatch(/NaN|undefined/);
});
