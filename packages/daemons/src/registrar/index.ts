// SPDX-License-Identifier: Apache-2.0
export { type RegistrarConfig, registrarConfig } from './config.ts';
export { registrarMain } from './main.ts';
export { type RunningRegistrar, type RunRegistrarOptions, runRegistrar } from './run-registrar.ts';
export type { RegistrarService } from './service.ts';
export { runStandaloneRegistrar, type StandaloneOptions } from './standalone.ts';
export type { ElementView, HandlespaceView, PeerView } from './views.ts';
