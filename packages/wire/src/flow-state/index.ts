// SPDX-License-Identifier: Apache-2.0
export { HELPER_BYTES_MAX, LABEL_BYTES_MAX } from './fields.ts';
export type {
  FlowCounters,
  FlowEntry,
  FlowExpectation,
  FlowKey,
  FlowLayer4,
  FlowRecord,
  FlowSctp,
  FlowSequenceShift,
  FlowTcp,
  FlowTuple,
  FlowZoneDirection,
} from './flow.ts';
export { type FlowNat, type FlowTranslation, invertTuple, natOf } from './inverse.ts';
export { flowKeyOfText, flowKeyText } from './key-text.ts';
export { PLAIN_FLOW_WORDS, readPlainFlow } from './plain-flow.ts';
export {
  decodeSharedExpectation,
  isSharedExpectationKey,
  sharedExpectationBody,
  sharedExpectationKey,
} from './shared-expectation.ts';
export {
  decodeSharedFlow,
  flowOfBody,
  type SharedFlowView,
  sharedFlowBody,
  sharedFlowParts,
  sharedFlowValue,
  viewSharedFlow,
} from './shared-flow.ts';
export {
  protocolOfSharedKey,
  readSharedFlowKey,
  sharedFlowKey,
  sharedKeyInZone,
  sharedKeyWithoutZone,
  zoneOfSharedKey,
} from './shared-key.ts';
export {
  decodeFlowState,
  encodeFlowState,
  FLOW_RECORD_BYTES_MAX,
  FLOW_STATE_VERSION,
  FlowStateDecoder,
  FlowStateEncoder,
} from './stream.ts';
