// SPDX-License-Identifier: Apache-2.0
import { accessFault, accessOf, type StoreAccess } from './store-access.ts';
import { databaseOf } from './valkey/link.ts';

const KINDS =
  'must be file:///folder, redis://host:port/db, rediss://, redis+unix:///socket or etcd://host:port,host:port';

/** Members of a cluster that an address names, at most. */
const HOSTS_MAX = 16;

/** Where an etcd is: any of its members will do. */
export interface EtcdAddress {
  readonly isTls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  /** As the address has it; empty: none, or it is elsewhere. */
  readonly password: string;
  readonly access: StoreAccess;
}

/** What is wrong with the address of a store; null: nothing. */
export function storeAddressFault(address: string): string | null {
  // Several hosts are no URL.
  if (/^etcds?:/.test(address)) {
    const etcd = etcdAddressOf(address);
    return etcd === null
      ? KINDS
      : accessFault(queryOf(address), { tls: etcd.isTls, password: etcd.password !== '' });
  }
  if (!URL.canParse(address)) return KINDS;
  const url = new URL(address);
  switch (url.protocol) {
    case 'file:':
      if (url.host !== '') return 'must name a folder of this host: file:///folder, with three slashes';
      return url.pathname.length > 1 ? null : KINDS;
    case 'redis:':
    case 'rediss:':
      if (url.hostname === '') return KINDS;
      if (Number.isNaN(databaseOf(url))) return 'must end with the number of a database: /0';
      return accessFault(queryOf(address), {
        tls: url.protocol === 'rediss:',
        password: url.password !== '',
      });
    case 'redis+unix:':
      if (url.host !== '' || url.pathname.length < 2) return KINDS;
      if (Number.isNaN(databaseOf(url))) return 'must name its database by a number: ?db=0';
      return accessFault(queryOf(address), { tls: false, password: url.password !== '' }, ['db']);
    default:
      return KINDS;
  }
}

/** Why no objects can be kept at the address, which is one of a store; null: they can. */
export function objectStoreFault(address: string): string | null {
  return /^etcds?:/.test(address)
    ? 'must not be an etcd, whose values are too small for checkpoints: file:, redis:, rediss: or redis+unix:'
    : null;
}

/** Why no state can be shared at the address, which is one of a store; null: it can. */
export function sharedStateStoreFault(address: string): string | null {
  return address.startsWith('file:')
    ? 'must not be a folder, which cannot refuse what a stale holder writes: redis:, rediss:, redis+unix:, etcd: or etcds:'
    : null;
}

/** Of `etcd://[user[:password]@]host[:port][,host[:port]][?access]`, or `etcds:` for TLS; null: it is none. */
export function etcdAddressOf(address: string): EtcdAddress | null {
  const parts = /^etcd(s?):\/\/(?:([^/@?#]*)@)?([^/@?#]+)\/?(?:\?([^#]*))?$/.exec(address);
  const [, tls, access = '', names = '', query = ''] = parts ?? [];
  if (tls === undefined) return null;
  const hosts = names.split(',').map(hostOf);
  const [user = '', password = ''] = access.split(':', 2).map(decoded);
  const known = hosts.filter((each) => each !== null);
  if (known.length < hosts.length || hosts.length > HOSTS_MAX) return null;
  return { isTls: tls === 's', hosts: known, user, password, access: accessOf(query) };
}

/** What is behind the question mark. */
function queryOf(address: string): string {
  return /\?([^#]*)/.exec(address)?.[1] ?? '';
}

function hostOf(name: string): EtcdAddress['hosts'][number] | null {
  // Behind another scheme `URL` would keep a port that is none.
  if (name === '' || !URL.canParse(`ws://${name}`)) return null;
  const { hostname, port, pathname } = new URL(`ws://${name}`);
  const isPlain = hostname !== '' && pathname === '/';
  // 80 is what that scheme leaves out.
  const written = name.endsWith(':80') ? 80 : Number(port || 2379);
  return isPlain ? { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: written } : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
