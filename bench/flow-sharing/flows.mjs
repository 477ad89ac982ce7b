// SPDX-License-Identifier: Apache-2.0
import { IPS_ASSURED, IPS_SEEN_REPLY } from '@vnfpool/platform/conntrack';

/** First octets of the addresses of connections that are looked for on the wire; nothing else there has them. */
export const MARK = [203, 117];

/** One of 2^16 that a tap finds. */
export function marked(number) {
  const client = Uint8Array.of(...MARK, number >> 8, number & 0xff);
  const flow = connection(0xf0_0000 + number);
  return { ...flow, original: { ...flow.original, source: client } };
}

/** An established TCP connection behind a gateway, one of 2^24. */
export function connection(number) {
  const client = Uint8Array.of(10, number >> 16, (number >> 8) & 0xff, number & 0xff);
  const server = Uint8Array.of(198, 51, 100, 80);
  const gateway = Uint8Array.of(192, 0, (number >> 20) + 2, 1 + (Math.floor(number / 40_000) % 250));
  const ports = (source, destination) => ({ kind: 'ports', source, destination });
  return {
    original: { source: client, destination: server, protocol: 6, layer4: ports(40_000, 443) },
    reply: {
      source: server,
      destination: gateway,
      protocol: 6,
      layer4: ports(443, 20_000 + (number % 40_000)),
    },
    status: IPS_SEEN_REPLY | IPS_ASSURED,
    timeoutSeconds: 432_000,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
}
