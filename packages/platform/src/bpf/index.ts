// SPDX-License-Identifier: Apache-2.0
export type { Comparison, Register, Width } from './assembler.ts';
export { Assembler } from './assembler.ts';
export type { MapShape } from './map.ts';
export { BpfMap, readMapShape } from './map.ts';
export type { Direction, LinkProgram, ProgramInfo } from './program.ts';
export {
  attachedPrograms,
  attachProgram,
  detachProgram,
  loadProgram,
  openById,
  readInfo,
  runProgram,
} from './program.ts';
