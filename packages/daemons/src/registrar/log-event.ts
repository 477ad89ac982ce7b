// SPDX-License-Identifier: Apache-2.0
import { poolName } from '@vnfpool/core/handlespace';
import type { RegistrarEvent } from '@vnfpool/core/registrar';
import { endpointOfTransport, formatEndpoint } from '@vnfpool/runtime/endpoint';
import type { FloodGuard, Logger } from '@vnfpool/runtime/logging';
import type { SctpTransport, TcpTransport } from '@vnfpool/wire/parameters';
import { identifier } from './views.ts';

/** Events of everyday life, by name and reason; what is not here is a warning. */
const LEVELS: Readonly<Record<string, 'debug' | 'info'>> = {
  'element-registered renewed': 'debug',
  'element-registered': 'info',
  'element-removed deregistered': 'debug',
  'element-moved': 'info',
  'peer-found': 'info',
  'peer-back': 'info',
  joined: 'info',
  'takeover-won': 'info',
  'takeover-off': 'info',
  'audit-settled': 'info',
};

/** Refusals, and what is lost, are for people to see; the rest is routine. */
export function logEvent(
  { logger, guard }: { readonly logger: Logger; readonly guard: FloodGuard },
  event: RegistrarEvent,
): void {
  const { type: _, event: what, reason, ...rest } = event;
  const level = LEVELS[`${what} ${reason}`] ?? LEVELS[what];
  const fields = { ...readable(rest), reason };
  if (level === undefined) guard.warn(what, fields, what);
  else logger[level](fields, what);
}

/** Identifiers and handles as people write them. */
function readable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const identifiers = ['elementId', 'registrarId', 'from', 'to', 'by'];
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (name === 'poolHandle' && value instanceof Uint8Array) return ['pool', poolName(value)];
      if (name === 'mentor' && value !== null)
        return [name, formatEndpoint(endpointOfTransport(value as SctpTransport | TcpTransport, 'tcp'))];
      if (name === 'elementId') return ['element', identifier(value as number)];
      return [name, identifiers.includes(name) ? identifier(value as number) : value];
    }),
  );
}
