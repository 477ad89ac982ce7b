// SPDX-License-Identifier: Apache-2.0
export { type RegistrarConfig, registrarConfig } from './config.ts';
export { registrarMain } from './main.ts';
export { type RunningRegistrar, type RunRegistrarOptions, runRegistrar } from './run-registrar.ts';
export type { ElementView, HandlespaceView } from './views.ts';
