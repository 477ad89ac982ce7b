// SPDX-License-Identifier: Apache-2.0
export { ApiError } from './api-error.ts';
export type { BackendChange, ManagementBackend, WantedSlots } from './backend.ts';
export {
  type ApiLog,
  createManagementApi,
  type ManagementApi,
  type ManagementApiCounters,
  type ManagementApiOptions,
  type TcpAddress,
} from './management-api.ts';
