// SPDX-License-Identifier: Apache-2.0
export type { LoadSampler } from './load.ts';
export { createLoadSampler } from './load.ts';
export type { OutputOptions } from './output.ts';
export { OutputRecorder } from './output.ts';
export { sendSignal } from './signal.ts';
export type { ProgramExit, ProgramOptions, RunningProgram } from './start.ts';
export { startProgram } from './start.ts';
export type { ProcessIdentity, ProcessStat } from './stat.ts';
export { isAlive, parseProcessStat, readProcessStat } from './stat.ts';
export { descendants, inNetworkNamespace, networkNamespaceOf } from './tree.ts';
