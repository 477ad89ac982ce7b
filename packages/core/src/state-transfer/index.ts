// SPDX-License-Identifier: Apache-2.0
export { aborted } from './abort-reasons.ts';
export { admission, answerStranger } from './admission.ts';
export { TransferDestination } from './destination.ts';
export { Forecast, type ForecastDecision } from './forecast.ts';
export { type DestinationTestimony, judge, type SourceTestimony, type Verdicts } from './judge.ts';
export { TransferRules } from './rules.ts';
export { TransferSource } from './source.ts';
export * from './types.ts';
