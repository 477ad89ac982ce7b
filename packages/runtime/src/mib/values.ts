// SPDX-License-Identifier: Apache-2.0
import { type Policy, policyCode, type Transport } from '@vnfpool/wire/parameters';

/** One row: column names of RFC 5525 to values. Identifiers are `0x` and eight digits, octet strings hexadecimal. */
export type MibRow = Readonly<Record<string, number | string>>;

/** A table, with its object identifier. */
export interface MibTable {
  readonly oid: string;
  readonly rows: readonly MibRow[];
}

/** `rserpoolMIB`'s objects. @see RFC 5525 §4 */
const objects = '1.3.6.1.3.125.1';

export function table(branch: string, rows: readonly MibRow[]): MibTable {
  return { oid: `${objects}.${branch}`, rows };
}

export function identifier(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}

/** Hundredths of a second, as many as the type holds; null: for ever. */
export function timeTicks(ms: number | null): number {
  return ms === null ? 0xffffffff : Math.min(0xffffffff, Math.max(0, Math.round(ms / 10)));
}

/** InetAddressType: ipv4(1), ipv6(2). */
export function addressType(address: string): number {
  return address.includes(':') ? 2 : 1;
}

/** IP protocol numbers; 0 where there is none. */
const protocols: { readonly [T in Transport['type']]: number } = {
  sctp: 132,
  tcp: 6,
  udp: 17,
  'udp-lite': 136,
  dccp: 33,
  opaque: 0,
};

/** Columns of a user transport, under the table's prefix. */
export function userTransportColumns(prefix: string, transport: Transport): MibRow {
  const use = 'use' in transport && transport.use === 'data-and-control' ? 2 : 1;
  return {
    [`${prefix}UserTransportProto`]: protocols[transport.type],
    [`${prefix}UserTransportPort`]: transport.type === 'opaque' ? 0 : transport.port,
    [`${prefix}UserTransportUse`]: use,
  };
}

/** Columns of a policy, under the table's prefix; a value that the policy does not have is 0. */
export function policyColumns(prefix: string, policy: Policy): MibRow {
  const value = (name: string): number => {
    const found = (policy as unknown as Readonly<Record<string, unknown>>)[name];
    return typeof found === 'number' ? found : 0;
  };
  return {
    [`${prefix}PolicyID`]: identifier(policyCode(policy)),
    [`${prefix}PolicyDescription`]: policy.type,
    [`${prefix}PolicyWeight`]: value('weight'),
    [`${prefix}PolicyLoad`]: value('load'),
    [`${prefix}PolicyLoadDeg`]: value('degradation'),
  };
}

/** Rows of an address table: the index columns of the owner, then ours, then type and address. */
export function addressRows(
  owner: MibRow,
  names: { readonly index: string; readonly type: string; readonly address: string },
  addresses: readonly string[],
): MibRow[] {
  return addresses.map((address, at) => ({
    ...owner,
    [names.index]: at + 1,
    [names.type]: addressType(address),
    [names.address]: address,
  }));
}

/** Rows of a user address table; an opaque transport is one row without address. */
export function userAddressRows(owner: MibRow, prefix: string, transport: Transport): MibRow[] {
  const names = {
    index: `${prefix}UserAddrTableIndex`,
    type: `${prefix}UserL3Type`,
    address: `${prefix}UserL3Addr`,
  };
  const opaque = `${prefix}UserL3Opaque`;
  if (transport.type === 'opaque') {
    const data = Array.from(transport.data, (octet) => octet.toString(16).padStart(2, '0')).join('');
    return [{ ...owner, [names.index]: 1, [names.type]: 0, [names.address]: '', [opaque]: data }];
  }
  const addresses = transport.type === 'sctp' ? transport.addresses : [transport.address];
  return addressRows(owner, names, addresses).map((row) => ({ ...row, [opaque]: '' }));
}
