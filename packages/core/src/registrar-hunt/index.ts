// SPDX-License-Identifier: Apache-2.0
export {
  type HuntInput,
  type HuntOptions,
  type HuntOutput,
  type RegistrarAddress,
  RegistrarHunt,
} from './registrar-hunt.ts';
