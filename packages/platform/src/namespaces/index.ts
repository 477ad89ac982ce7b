// SPDX-License-Identifier: Apache-2.0
export type { Network, NetworkHost, NetworkPlan } from './lab-network.ts';
export { createNetwork } from './lab-network.ts';
export { limitsRefusal } from './link-limits.ts';
export type { NetworkNamespace } from './namespace.ts';
export {
  createNamespace,
  inNamespace,
  openNamespaceOf,
  openOwnNamespace,
  setLoopbackUp,
} from './namespace.ts';
export type { NetworkStep } from './network-step.ts';
export type { PrivateNetwork, PrivateNetworkPlan } from './private-network.ts';
export {
  adoptPrivateNetwork,
  createPrivateNetwork,
  hostEndsOf,
  linkAlias,
  networkSteps,
  removeLeftLinks,
} from './private-network.ts';
