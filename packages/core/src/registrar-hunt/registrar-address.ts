// SPDX-License-Identifier: Apache-2.0

/** Where a registrar is; only the driver reads it. */
export interface RegistrarAddress {
  readonly host: string;
  readonly port: number;
  /** What to connect over; absent: the driver's own kind. `tls`: TLS over TCP. */
  readonly transport?: RegistrarTransport;
  /** All addresses of a registrar over SCTP, `host` among them. */
  readonly addresses?: readonly string[];
}

export type RegistrarTransport = 'tcp' | 'tls' | 'sctp';

/** Two addresses with the same key are one. */
export function addressKey({ host, port, transport }: RegistrarAddress): string {
  return `${transport ?? 'any'}/${host}/${port}`;
}
