// SPDX-License-Identifier: Apache-2.0
export type { SessionEvent, SessionInput, SessionOptions, SessionOutput } from './messages.ts';
export type { ResendRule, ReturnedMessage } from './send-buffer.ts';
export { SessionCore } from './session-core.ts';
