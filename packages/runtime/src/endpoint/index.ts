// SPDX-License-Identifier: Apache-2.0
export {
  EndpointError,
  type EndpointKind,
  endpointKinds,
  endpointOfTransport,
  formatEndpoint,
  parseEndpoint,
  type ScopeEndpoint,
  transportOfEndpoint,
} from './endpoint.ts';
