// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import {
  decodeSharedExpectation,
  decodeSharedFlow,
  type FlowEntry,
  type FlowExpectation,
  invertTuple,
  isSharedExpectationKey,
  readSharedFlowKey,
} from '@vnfpool/wire/flow-state';

/** TCP from 10.0.*.* to a server, translated to a port of the gateway. */
export function tcp(number: number, more: Partial<FlowEntry> = {}): FlowEntry {
  const original = {
    source: Uint8Array.of(10, 0, number >> 8, number & 0xff),
    destination: Uint8Array.of(198, 51, 100, 7),
    protocol: 6,
    layer4: { kind: 'ports' as const, source: 40_000, destination: 443 },
  };
  return {
    original,
    reply: {
      ...invertTuple(original),
      destination: Uint8Array.of(192, 0, 2, 1),
      layer4: { kind: 'ports', source: 443, destination: 20_000 + number },
    },
    status: 0x6,
    timeoutSeconds: 3600,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp: established,
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
    ...more,
  };
}

export const established = { state: 3, originalScale: 7, replyScale: 9, originalFlags: 3, replyFlags: 3 };

/** Not translated. */
export function udp(number: number, more: Partial<FlowEntry> = {}): FlowEntry {
  const { layer4, ...addresses } = tcp(number).original;
  const original = { ...addresses, protocol: 17, layer4 };
  return { ...tcp(number), original, reply: invertTuple(original), timeoutSeconds: 30, tcp: null, ...more };
}

/** A connection from 10.0.*.* to a port of the server, whatever its own port, as the master announced it. */
export function expected(
  number: number,
  { original: master }: FlowEntry,
  more: Partial<FlowExpectation> = {},
): FlowExpectation {
  const { original: tuple } = tcp(number);
  const ones = Uint8Array.of(255, 255, 255, 255);
  return {
    master,
    tuple: { ...tuple, layer4: { kind: 'ports', source: 0, destination: 4021 } },
    mask: {
      source: ones,
      destination: ones,
      protocol: tuple.protocol,
      layer4: { kind: 'ports', source: 0, destination: 0xffff },
    },
    timeoutSeconds: 300,
    flags: 0,
    class: 0,
    zone: 0,
    helper: 'ftp',
    translation: null,
    function: null,
    ...more,
  };
}

/** What the other side has after these updates. */
export class Copy {
  readonly values = new Map<string, Uint8Array>();

  take(updates: readonly KeyUpdate[]): void {
    for (const { key, value } of updates) {
      if (value === null) this.values.delete(key);
      else this.values.set(key, value);
    }
  }

  get flows(): FlowEntry[] {
    return [...this.values]
      .filter(([key]) => !isSharedExpectationKey(key))
      .map(([key, value]) => decodeSharedFlow(readSharedFlowKey(key), value));
  }

  get expectations(): FlowExpectation[] {
    return [...this.values]
      .filter(([key]) => isSharedExpectationKey(key))
      .map(([key, value]) => decodeSharedExpectation(key, value));
  }

  /** Sources of its flows. */
  get sources(): string[] {
    return this.flows.map(({ original }) => original.source.join('.')).toSorted();
  }
}
