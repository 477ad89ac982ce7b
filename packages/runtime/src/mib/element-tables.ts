// SPDX-License-Identifier: Apache-2.0
import type { Policy, Transport } from '@vnfpool/wire/parameters';
import {
  addressRows,
  identifier,
  type MibTable,
  policyColumns,
  table,
  timeTicks,
  userAddressRows,
  userTransportColumns,
} from './values.ts';

/** What is told of one pool element of this process. */
export interface ElementFacts {
  readonly scope: string;
  readonly pool: string;
  readonly id: number;
  readonly description: string;
  readonly uptimeMs: number;
  readonly userTransport: Transport;
  readonly policy: Policy;
  /** Null: for ever. */
  readonly lifeMs: number | null;
  /** 0: none yet. */
  readonly homeRegistrar: number;
  /** Where its ASAP endpoint listens; port 0: nowhere. */
  readonly asap: { readonly addresses: readonly string[]; readonly port: number };
}

const P = 'rserpoolPE';

/** The PE group of the MIB. @see RFC 5525 §4 */
export function elementTables(elements: readonly ElementFacts[]): Readonly<Record<string, MibTable>> {
  const indexed = elements.map((element, at) => ({ element, row: { [`${P}Index`]: at + 1 } }));
  const asapAddresses = {
    index: `${P}ASAPAddrTableIndex`,
    type: `${P}ASAPL3Type`,
    address: `${P}ASAPL3Addr`,
  };
  return {
    [`${P}Table`]: table(
      '2.1',
      indexed.map(({ element, row }) => ({
        ...row,
        [`${P}OperationScope`]: element.scope,
        [`${P}PoolHandle`]: element.pool,
        [`${P}Identifier`]: identifier(element.id),
        [`${P}Description`]: element.description,
        [`${P}Uptime`]: timeTicks(element.uptimeMs),
        [`${P}ASAPTransportPort`]: element.asap.port,
        ...userTransportColumns(P, element.userTransport),
        ...policyColumns(P, element.policy),
        [`${P}RegistrationLife`]: timeTicks(element.lifeMs),
        [`${P}HomeENRPServer`]: identifier(element.homeRegistrar),
      })),
    ),
    [`${P}ASAPAddrTable`]: table(
      '2.2',
      indexed.flatMap(({ element, row }) => addressRows(row, asapAddresses, element.asap.addresses)),
    ),
    [`${P}UserAddrTable`]: table(
      '2.6',
      indexed.flatMap(({ element, row }) => userAddressRows(row, P, element.userTransport)),
    ),
  };
}
