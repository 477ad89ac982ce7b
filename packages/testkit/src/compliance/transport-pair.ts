// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import type {
  CloseReason,
  Connection,
  ConnectionLimits,
  Listener,
  ListenOptions,
  StreamTransport,
} from '@vnfpool/transport/stream';

/** Frames of the suite: 4 octets of length (of the whole frame), then anything; at most 64 KiB. */
export const complianceRule: FrameRule = {
  headerBytes: 4,
  frameBytes: (header) => new DataView(header.buffer, header.byteOffset, 4).getUint32(0),
  frameBytesMax: 65_536,
};

/** Makes the two ends to test: one listens, one connects. */
export type TransportFactory = (limits: Partial<ConnectionLimits>) => {
  readonly server: StreamTransport;
  readonly client: StreamTransport;
};

/** One promise of the interface. Throws when it is not kept. */
export interface TransportCase {
  readonly name: string;
  run(factory: TransportFactory): Promise<void>;
}

export interface Pair {
  readonly near: Connection;
  readonly far: Connection;
  readonly listener: Listener;
  readonly server: StreamTransport;
  readonly client: StreamTransport;
}

export async function withPair(
  factory: TransportFactory,
  limits: Partial<ConnectionLimits>,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  const { server, client } = factory({ closeTimeoutMs: 100, ...limits });
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await listen(server, { onConnection: (connection) => accept(connection) });
  const near = await client.connect(to(listener));
  try {
    await use({ near, far: await accepted, listener, server, client });
  } finally {
    near.close();
    await listener.close();
  }
}

export function listen(server: StreamTransport, options: Partial<ListenOptions> = {}): Promise<Listener> {
  return server.listen({ host: '127.0.0.1', port: 0, onConnection: () => {}, ...options });
}

export function to(listener: Listener): { host: string; port: number } {
  return { host: listener.address.address, port: listener.address.port };
}

export function closing(connection: Connection): Promise<CloseReason> {
  return new Promise((resolve) => {
    connection.onClose(resolve);
  });
}

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Takes over a connection's frames and hands them out. */
export function collect(connection: Connection): { take(count: number): Promise<Uint8Array[]> } {
  const frames: Uint8Array[] = [];
  let wake: (() => void) | null = null;
  connection.onFrame((each) => {
    frames.push(each.slice());
    wake?.();
  });
  return {
    take: async (count) => {
      while (frames.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return frames.splice(0, count).map((each) => new Uint8Array(each));
    },
  };
}

export function header(bytes: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, bytes);
  return octets;
}

export function frame(payloadBytes: number, fill: number): Uint8Array {
  return concat([header(4 + payloadBytes), new Uint8Array(payloadBytes).fill(fill)]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
