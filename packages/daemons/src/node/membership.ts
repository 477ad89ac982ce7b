// SPDX-License-Identifier: Apache-2.0
import type { Credentials } from '@vnfpool/runtime/certificates';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { becomeMember, JoinError, keepRenewed } from '@vnfpool/runtime/join';
import type { Logger } from '@vnfpool/runtime/logging';

/** What a manager tells whoever joins; kept beside the credentials. */
export interface SetPlace {
  readonly set: string;
  /** Port of the service-mobility protocol, at the manager's address. */
  readonly mobilityPort: number;
}

export interface NodeMembership {
  readonly nodeId: number;
  readonly name: string;
  /** The newest: they are renewed at two thirds of their life. */
  readonly credentials: () => Credentials;
  /** Called back each time that there are newer ones. */
  readonly onRenewed: (listener: () => void) => void;
  /** Where the manager speaks the service-mobility protocol. */
  readonly manager: { readonly host: string; readonly port: number };
  /** Domain of the set's certificates. */
  readonly domain: string;
  /** Where our manager is now: it is asked for the next certificate, at the port at which we joined. */
  managedBy(host: string): void;
  /** The node has another address, which its next certificate names. */
  readdress(address: string): void;
}

export interface JoinSetOptions {
  readonly folder: string;
  readonly name: string;
  readonly address: string;
  readonly token: string | null;
  readonly leaseKey: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Joins the set by a token, or goes on with what an earlier join left in the folder.
 *
 * @throws JoinError when the manager refuses, or there is neither token nor membership
 */
export async function joinSet(options: JoinSetOptions): Promise<NodeMembership> {
  const { folder, name, address, token, leaseKey, logger, signal } = options;
  const addresses = [address];
  const membership = {
    folder,
    role: 'node',
    name,
    leaseKey,
    addresses,
    signal,
    onRetry: ({ what, error, waitMs }: { what: string; error: unknown; waitMs: number }) =>
      logger.warn({ what, reason: (error as Error).message, waitMs }, 'the manager does not answer'),
    ...(token === null ? {} : { token }),
  } as const;
  const member = await becomeMember(membership);
  const { id } = member.identity;
  if (id === undefined) throw new JoinError('no-token', 'the certificate names no node id');
  const place = setPlace(folder, member.set);
  let { credentials } = member;
  let managerHost = member.manager.address;
  const listeners: (() => void)[] = [];
  keepRenewed(member, {
    ...membership,
    managers: () => [{ ...member.manager, address: managerHost }, member.manager],
    onRenewed: (renewed) => {
      credentials = renewed;
      logger.info('certificate renewed');
      for (const listener of listeners) listener();
    },
  }).catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'the certificate will run out');
  });
  logger.info({ nodeId: id, name, set: place.set, fresh: member.fresh }, 'member of the set');
  return {
    nodeId: id,
    name,
    credentials: () => credentials,
    onRenewed: (listener) => void listeners.push(listener),
    manager: { host: member.manager.address, port: place.mobilityPort },
    domain: member.identity.domain,
    managedBy: (host) => {
      managerHost = host;
    },
    readdress: (moved) => void addresses.splice(0, 1, moved),
  };
}

function setPlace(folder: string, told: Readonly<Record<string, unknown>> | null): SetPlace {
  const file = `${folder}/set.json`;
  if (told !== null) writeSecretFile(file, `${JSON.stringify(told)}\n`);
  const text = readOptionalFile(file);
  if (text === null) throw new JoinError('no-token', `${file} is missing: join anew with a token`);
  return JSON.parse(text) as SetPlace;
}
