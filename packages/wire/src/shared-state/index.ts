// SPDX-License-Identifier: Apache-2.0
export { decodeStateMark, encodeStateMark, type StateMark } from './mark.ts';
