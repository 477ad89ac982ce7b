// SPDX-License-Identifier: Apache-2.0
export { ForwardLinks } from './forward-links.ts';
export {
  DEFAULT_FORWARD_LIMITS,
  type ForwardLimits,
  type ForwardLinkState,
  type ForwardOutput,
  type ForwardPlace,
} from './types.ts';
