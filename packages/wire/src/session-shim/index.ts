// SPDX-License-Identifier: Apache-2.0
export {
  decodeShim,
  encodeShim,
  SHIM_HEADER_BYTES,
  SHIM_PPID,
  type ShimFrame,
  shimFrameLength,
} from './session-shim.ts';
