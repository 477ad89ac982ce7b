// SPDX-License-Identifier: Apache-2.0
export { EvaluationError } from './child-process.ts';
export { type Evaluation, type EvaluationOptions, evaluate } from './evaluate.ts';
export type { Mechanism, Method } from './mechanism.ts';
export { MECHANISMS, mechanismNamed } from './mechanisms/index.ts';
export { type Judged, OBJECTIVES, type Objective, type Recommendation, recommend } from './recommend.ts';
export { RecordingError, recordedWorkload } from './recorded.ts';
export type { MechanismResult, Promised } from './result.ts';
export { type Run, type RunOptions, runOnce } from './run-once.ts';
export { median, quantile, type Spread, spreadOf } from './statistics.ts';
export {
  WORKLOAD_NAMES,
  type Workload,
  type WorkloadName,
  type WorkloadOptions,
  workloadOf,
} from './workload.ts';
