// SPDX-License-Identifier: Apache-2.0
import { poolName } from '@vnfpool/core/handlespace';
import type { RegistrarEvent, RegistrarSnapshot } from '@vnfpool/core/registrar';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Policy, Transport } from '@vnfpool/wire/parameters';

/** GET /v1/handlespace */
export interface HandlespaceView {
  readonly registrarId: string;
  readonly associations: number;
  readonly pools: readonly {
    readonly name: string;
    /** Hexadecimal. */
    readonly handle: string;
    readonly policy: string;
    readonly elements: readonly ElementView[];
  }[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface ElementView {
  /** `0x` and eight hexadecimal digits. */
  readonly id: string;
  readonly homeRegistrar: string;
  readonly transport: string;
  readonly port: number | null;
  readonly addresses: readonly string[];
  readonly policy: Readonly<Record<string, unknown>>;
  /** Null: for ever. */
  readonly lifeLeftMs: number | null;
  readonly owner: string | null;
  readonly attached: boolean;
  readonly badReports: number;
  readonly silentMs: number;
}

export function handlespaceView(snapshot: RegistrarSnapshot): HandlespaceView {
  return {
    registrarId: identifier(snapshot.registrarId),
    associations: snapshot.associations,
    pools: snapshot.pools.map((pool) => ({
      name: pool.name,
      handle: Buffer.from(pool.handle).toString('hex'),
      policy: pool.policyType,
      elements: pool.elements.map(({ id, homeRegistrar, userTransport, policy, ...rest }) => ({
        id: identifier(id),
        homeRegistrar: identifier(homeRegistrar),
        ...transportView(userTransport),
        policy: policyView(policy),
        ...rest,
      })),
    })),
    counters: { ...snapshot.counters },
  };
}

/** Refusals and lost elements are for people to see; the rest is routine. */
export function logEvent(logger: Logger, event: RegistrarEvent): void {
  if (event.event === 'peer-error') {
    const { association, reason } = event;
    logger.warn({ association, reason }, event.event);
    return;
  }
  const { event: what, reason, poolHandle, elementId } = event;
  const fields = { pool: poolName(poolHandle), element: identifier(elementId), reason };
  const routine =
    (what === 'element-registered' && reason === 'renewed') ||
    (what === 'element-removed' && reason === 'deregistered');
  if (routine) logger.debug(fields, what);
  else if (what === 'element-registered') logger.info(fields, what);
  else logger.warn(fields, what);
}

function transportView(transport: Transport): Pick<ElementView, 'transport' | 'port' | 'addresses'> {
  if (transport.type === 'opaque') return { transport: 'opaque', port: null, addresses: [] };
  const addresses = transport.type === 'sctp' ? transport.addresses : [transport.address];
  return { transport: transport.type, port: transport.port, addresses };
}

function policyView(policy: Policy): Readonly<Record<string, unknown>> {
  return policy.type === 'other' ? { type: 'other', code: identifier(policy.code) } : { ...policy };
}

function identifier(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}
