// SPDX-License-Identifier: Apache-2.0
export { PROFILES, type ProfileName, type ScopeProfile } from './profiles.ts';
export { type RegistrarTuning, type RegistrarVariable, registrarVariables } from './registrar-variables.ts';
