// SPDX-License-Identifier: Apache-2.0
export type { RunInContainer } from './container-plan.ts';
export { FunctionContainer } from './function-container.ts';
export { FunctionContainers } from './function-containers.ts';
