// SPDX-License-Identifier: Apache-2.0
import type { Credentials } from '@vnfpool/runtime/certificates';
import { loadCredentials, renewAtMs } from '@vnfpool/runtime/certificates';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { join, renew } from '@vnfpool/runtime/join';
import type { Logger } from '@vnfpool/runtime/logging';

/** What a manager tells whoever joins, kept beside the credentials. */
export interface ManagerPlace {
  readonly set: string;
  readonly mobility: { readonly address: string; readonly port: number };
  readonly join: { readonly address: string; readonly port: number };
}

export interface Membership {
  readonly nodeId: number;
  readonly name: string;
  /** The newest: they are renewed at two thirds of their life. */
  readonly credentials: () => Credentials;
  readonly manager: () => { readonly address: string; readonly port: number };
}

const RENEW_RETRY_MS = 60_000;
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Joins the set by a token, or goes on with what an earlier join left in the state folder. */
export async function joinSet(
  config: {
    readonly state: string;
    readonly name: string;
    readonly listen: string;
    readonly join: string | null;
  },
  leaseKey: string,
  logger: Logger,
): Promise<Membership> {
  const joined = await join({
    folder: config.state,
    role: 'node',
    name: config.name,
    leaseKey,
    addresses: [config.listen],
    ...(config.join === null ? {} : { token: config.join }),
  });
  const place = managerPlace(config.state, joined.set);
  let credentials = joined.credentials;
  renewLater();
  const { id } = joined.identity;
  if (id === undefined) throw new Error('the certificate names no node id');
  logger.info({ nodeId: id, name: joined.identity.name, fresh: joined.fresh }, 'member of the set');
  return {
    nodeId: id,
    name: joined.identity.name,
    credentials: () => credentials,
    manager: () => place.mobility,
  };

  function renewLater(waitMs: number = renewAtMs(credentials.certificate) - Date.now()): void {
    const timer = setTimeout(
      () => {
        renew(place.join, { folder: config.state, credentials, addresses: [config.listen] })
          .then((renewed) => {
            credentials = loadCredentials(config.state) ?? renewed.credentials;
            logger.info('certificate renewed');
            renewLater();
          })
          .catch((error: unknown) => {
            logger.warn({ reason: (error as Error).message }, 'the certificate could not be renewed');
            renewLater(RENEW_RETRY_MS);
          });
      },
      Math.min(TIMEOUT_MS_MAX, Math.max(0, waitMs)),
    );
    timer.unref();
  }
}

/** Where the manager is: told at a fresh join and kept, else read. */
export function managerPlace(folder: string, told: Readonly<Record<string, unknown>> | null): ManagerPlace {
  const file = `${folder}/manager.json`;
  if (told !== null) writeSecretFile(file, `${JSON.stringify(told)}\n`);
  const text = readOptionalFile(file);
  if (text === null) throw new Error(`${file} is missing: join anew by a token`);
  return JSON.parse(text) as ManagerPlace;
}
