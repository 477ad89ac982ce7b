// SPDX-License-Identifier: Apache-2.0
export type { Privilege } from './enter.ts';
export { ENTER_COMMAND } from './enter.ts';
export type { NamespaceCapability, ProbeOptions } from './probe.ts';
export { probeNamespaces } from './probe.ts';
