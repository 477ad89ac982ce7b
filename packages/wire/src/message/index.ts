// SPDX-License-Identifier: Apache-2.0
export { MessageBody, type MessageCodec } from './message-codec.ts';
export { type Decoded, frameLength, type MessageCodecs, MessageSet } from './message-set.ts';
