// SPDX-License-Identifier: Apache-2.0
import { encodeAsap } from '@vnfpool/wire/asap';

const encoder = new TextEncoder();

export function resolution(pool) {
  return encodeAsap({ type: 'handle-resolution', sendUpdates: false, poolHandle: encoder.encode(pool) });
}

export function registration(pool, id) {
  return encodeAsap({
    type: 'registration',
    poolHandle: encoder.encode(pool),
    element: {
      id,
      homeRegistrar: 0,
      registrationLife: 3_600,
      userTransport: { type: 'tcp', port: 8080, address: '127.0.0.1' },
      policy: { type: 'round-robin' },
    },
  });
}
