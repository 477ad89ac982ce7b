// SPDX-License-Identifier: Apache-2.0
export type { ContainerMountPlan, ContainerPlan } from './bundle.ts';
export { bundleConfig, processOf, rootOf } from './bundle.ts';
export { endCommand, readPidFile } from './pid-file.ts';
export type { ContainerProbe } from './probe.ts';
export { probeContainers } from './probe.ts';
export type { OwnRoot } from './runtime.ts';
export { OciRuntime, OWN_ROOT_FOLDERS, readLog } from './runtime.ts';
