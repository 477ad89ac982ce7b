// SPDX-License-Identifier: Apache-2.0
export type { Network, NetworkHost, NetworkPlan } from './lab-network.ts';
export { createNetwork } from './lab-network.ts';
export type { NetworkNamespace } from './namespace.ts';
export { createNamespace, inNamespace, openOwnNamespace, setLoopbackUp } from './namespace.ts';
