// SPDX-License-Identifier: Apache-2.0
import {
  EndpointError,
  endpointOfTransport,
  formatEndpoint,
  parseEndpoint,
  transportOfEndpoint,
} from '@vnfpool/runtime/endpoint';
import { describe, expect, test } from 'vitest';

describe('endpoints', () => {
  test.each([
    ['tcp://192.0.2.1:3863', 'tcp', ['192.0.2.1'], 3863],
    ['tls://[2001:DB8:0::1]:4000', 'tls', ['2001:db8::1'], 4000],
    ['tls://registrar.example.org', 'tls', ['registrar.example.org'], 3864],
    ['sctp://10.0.0.1,[fd00::1]:0', 'sctp', ['10.0.0.1', 'fd00::1'], 0],
    ['mptcp://127.0.0.1', 'mptcp', ['127.0.0.1'], 3863],
  ] as const)('%s', (text, kind, addresses, port) => {
    const endpoint = parseEndpoint(text, 'asap');
    expect(endpoint).toEqual({ kind, addresses, port });
    expect(parseEndpoint(formatEndpoint(endpoint), 'asap')).toEqual(endpoint);
  });

  test('the port of ENRP when none is said', () => {
    expect(parseEndpoint('sctp://192.0.2.1', 'enrp').port).toBe(9901);
    expect(parseEndpoint('tls://192.0.2.1', 'enrp').port).toBe(9902);
  });

  test.each([
    '192.0.2.1:3863',
    'udp://192.0.2.1',
    'tcp://192.0.2.256',
    'tcp://registrar.example.org',
    'tcp://192.0.2.1,192.0.2.2:1',
    'sctp://192.0.2.1:70000',
    'tcp://::1:3863',
    'tls://',
    'sctp://10.0.0.1,',
  ])('%s is refused', (text) => {
    expect(() => parseEndpoint(text, 'asap')).toThrow(EndpointError);
  });

  test('transport parameters and back', () => {
    const sctp = parseEndpoint('sctp://10.0.0.1,10.1.0.1:3863', 'asap');
    expect(endpointOfTransport(transportOfEndpoint(sctp), 'tcp')).toEqual(sctp);
    const tls = parseEndpoint('tls://192.0.2.1:3864', 'asap');
    expect(endpointOfTransport(transportOfEndpoint(tls), 'tls')).toEqual(tls);
  });
});
