// SPDX-License-Identifier: Apache-2.0
export { type CliIo, processIo } from './io.ts';
export { buildProgram } from './program.ts';
export { run } from './run.ts';
