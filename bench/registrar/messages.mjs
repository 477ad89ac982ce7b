// SPDX-License-Identifier: Apache-2.0
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';

const encoder = new TextEncoder();

/** An element of a pool that goes by turns. */
export function element(id) {
  return {
    id,
    homeRegistrar: 0,
    registrationLife: 3_600,
    userTransport: { type: 'tcp', port: 8080, address: '127.0.0.1' },
    policy: { type: 'round-robin' },
  };
}

export function poolHandle(pool) {
  return encoder.encode(pool);
}

export function resolution(pool) {
  return encodeAsap({ type: 'handle-resolution', sendUpdates: false, poolHandle: encoder.encode(pool) });
}

export function registration(pool, id) {
  return encodeAsap({ type: 'registration', poolHandle: encoder.encode(pool), element: element(id) });
}

/** The answer to a keep-alive; undefined when it is none. */
export function alive(bytes) {
  const { message } = decodeAsap(bytes);
  if (message.type !== 'endpoint-keep-alive') return undefined;
  const { poolHandle: handle, elementId } = message;
  return encodeAsap({ type: 'endpoint-keep-alive-ack', poolHandle: handle, elementId });
}
