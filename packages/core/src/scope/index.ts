// SPDX-License-Identifier: Apache-2.0
export { PROFILES, type ProfileName, type ScopeProfile } from './profiles.ts';
export {
  type RegistrarRate,
  type RegistrarTuning,
  type RegistrarVariable,
  registrarRates,
  registrarVariables,
} from './registrar-variables.ts';
