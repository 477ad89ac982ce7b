// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';

/** Where a manager may be reached. That it is one is for its certificate to say, wherever this came from. */
export interface ManagerAddress {
  /** An address; a name only where the connection resolves and checks it. */
  readonly host: string;
  readonly port: number;
}

/** What a source has: addresses, the best first, and what of it could not be used, for the log. */
export interface FoundManagers {
  readonly addresses: readonly ManagerAddress[];
  readonly faults: readonly string[];
}

/** One way to learn of managers. */
export interface ManagerSource {
  /** For the log. */
  readonly name: string;
  /** @throws Error when nothing can be learned now */
  find(signal: AbortSignal): Promise<FoundManagers>;
}

/** Two addresses with the same key are one. */
export function managerKey({ host, port }: ManagerAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `HOST`, `HOST:PORT`, `ADDRESS6` or `[ADDRESS6]:PORT`; null: it is none of these. */
export function parseManagerAddress(text: string, defaultPort: number): ManagerAddress | null {
  if (isIP(text) === 6) return { host: text, port: defaultPort };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return null;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : null;
  return plain !== undefined && isHost(plain) ? { host: plain, port } : null;
}

/** Digits and dots alone are an address or a mistake, never a name. */
function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIP(text) === 4;
  return text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?\.?$/i.test(text);
}
