// SPDX-License-Identifier: Apache-2.0
export { type ApiEndpoint, type ApiLookup, ApiLookupError, findApi, parseApiAddress } from './find-api.ts';
export { type RunningSet, runningRegistrars, runningSets } from './running-sets.ts';
export {
  API_SOCKET,
  isRuntimeName,
  REGISTRAR_SOCKET,
  type RuntimeEnvironment,
  runtimeBase,
  runtimeFolder,
} from './runtime-folder.ts';
