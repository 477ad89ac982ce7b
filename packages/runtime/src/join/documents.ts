// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { type CertificateRole, isIdentityName, roles } from '../certificates/identity.ts';
import { BodyError } from './http-body.ts';

/*
 * The bodies of the join port. They are checked by hand: the joiner side is part of every daemon and stays
 * without a schema library.
 */

/** POST /join */
export interface JoinRequest {
  readonly tokenId: string;
  readonly secret: string;
  readonly role: CertificateRole;
  readonly name: string;
  /** Certification request, PEM. */
  readonly csr: string;
  /** Public key of the lease datagrams, base64url of 32 octets; nodes only. */
  readonly leaseKey?: string;
  /** IP addresses that the certificate shall name; not for users and elements. At most 16. */
  readonly addresses?: readonly string[];
}

/** Answer to POST /join and POST /renew. */
export interface JoinAnswer {
  readonly certificate: string;
  readonly ca: string;
  /** Given to a node. */
  readonly nodeId?: number;
  /** What the manager tells a joiner about the set, such as where to find it. */
  readonly set?: Readonly<Record<string, unknown>>;
}

/** POST /registrar, with a registrar's certificate: where it serves ASAP. */
export interface RegistrarAnnouncement {
  readonly address: string;
  readonly port: number;
}

type Fields = Readonly<Record<string, unknown>>;

const addressesMax = 16;

/** @throws BodyError naming the first fault */
export function readJoinRequest(body: Fields): JoinRequest {
  const role = text(body, 'role', 16);
  if (!roles.includes(role as CertificateRole))
    throw new BodyError(`role ${JSON.stringify(role)} is unknown`);
  const name = text(body, 'name', 63);
  if (!isIdentityName(name)) throw new BodyError(`name ${JSON.stringify(name)} is not usable`);
  const leaseKey = body['leaseKey'] === undefined ? null : text(body, 'leaseKey', 64);
  if (leaseKey !== null && Buffer.from(leaseKey, 'base64url').length !== 32) {
    throw new BodyError('leaseKey is not 32 octets in base64url');
  }
  return {
    tokenId: text(body, 'tokenId', 64),
    secret: text(body, 'secret', 128),
    role: role as CertificateRole,
    name,
    csr: text(body, 'csr', 8192),
    addresses: readAddresses(body),
    ...(leaseKey === null ? {} : { leaseKey }),
  };
}

/** @throws BodyError */
export function readRenewRequest(body: Fields): { csr: string; addresses: readonly string[] } {
  return { csr: text(body, 'csr', 8192), addresses: readAddresses(body) };
}

/** @throws BodyError */
export function readAnnouncement(body: Fields): RegistrarAnnouncement {
  const address = text(body, 'address', 64);
  const port = body['port'];
  if (isIP(address) === 0) throw new BodyError(`address ${JSON.stringify(address)} is no IP address`);
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new BodyError('port is not in 1…65535');
  }
  return { address, port };
}

/** @throws BodyError */
export function readJoinAnswer(body: Fields): JoinAnswer {
  const { nodeId, set } = body as { nodeId?: unknown; set?: unknown };
  if (nodeId !== undefined && (typeof nodeId !== 'number' || !Number.isInteger(nodeId))) {
    throw new BodyError('nodeId is not a number');
  }
  return {
    certificate: text(body, 'certificate', 16_384),
    ca: text(body, 'ca', 16_384),
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(typeof set === 'object' && set !== null ? { set: set as Record<string, unknown> } : {}),
  };
}

function readAddresses(body: Fields): readonly string[] {
  const list = body['addresses'] ?? [];
  if (!Array.isArray(list) || list.length > addressesMax) {
    throw new BodyError(`addresses is not a list of at most ${addressesMax}`);
  }
  for (const each of list as unknown[]) {
    if (typeof each !== 'string' || isIP(each) === 0) {
      throw new BodyError(`addresses: ${JSON.stringify(each)} is no IP address`);
    }
  }
  return list as string[];
}

function text(body: Fields, key: string, charactersMax: number): string {
  const value = body[key];
  if (typeof value !== 'string' || value === '') throw new BodyError(`${key} is missing`);
  if (value.length > charactersMax) throw new BodyError(`${key} is longer than ${charactersMax} characters`);
  return value;
}
