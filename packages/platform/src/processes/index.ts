// SPDX-License-Identifier: Apache-2.0
export { exitNow } from './exit-now.ts';
export { watchEnd, watchExit } from './exit-watch.ts';
export type { LoadSampler } from './load.ts';
export { createLoadSampler } from './load.ts';
export type { OutputOptions } from './output.ts';
export { OutputRecorder } from './output.ts';
export type { OutputFileOptions } from './output-file.ts';
export { OUTPUT_FILE_BYTES_MAX, OutputFile } from './output-file.ts';
export { sendSignal } from './signal.ts';
export type { AdoptedProgram, ProgramExit, ProgramOptions, RunningProgram } from './start.ts';
export { adoptProgram, startProgram } from './start.ts';
export type { ProcessIdentity, ProcessStat } from './stat.ts';
export { isAlive, parseProcessStat, readProcessStat } from './stat.ts';
export { descendants, inNetworkNamespace, networkNamespaceOf } from './tree.ts';
