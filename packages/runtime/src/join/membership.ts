// SPDX-License-Identifier: Apache-2.0
import { join as joinPath } from 'node:path';
import { type Credentials, renewAtMs } from '../certificates/credentials.ts';
import { readOptionalFile, writeSecretFile } from '../files/secret-file.ts';
import { pause, retry } from '../lifecycle/retry.ts';
import { type Joined, type JoinOptions, type JoinPortAddress, join, renew } from './join-client.ts';
import { JoinError, parseToken } from './token.ts';

export interface MembershipOptions extends Omit<JoinOptions, 'signal'> {
  readonly signal: AbortSignal;
  /** The manager does not answer; it is asked again. */
  readonly onRetry: (failure: {
    readonly what: 'join' | 'renew';
    readonly error: unknown;
    readonly waitMs: number;
  }) => void;
}

export interface Membership extends Joined {
  /** Where the manager's join port is. */
  readonly manager: JoinPortAddress;
}

const managerFile = 'manager.json';

/**
 * Joins, waiting for a manager that does not answer yet, and remembers where the manager is, so that a restart
 * needs no token.
 * @throws JoinError when the manager refuses, or there is neither token nor membership
 */
export async function becomeMember(options: MembershipOptions): Promise<Membership> {
  const { onRetry, signal, ...own } = options;
  const joined = await retry(() => join({ ...own, signal }), {
    signal,
    isFinal: (error) => !(error instanceof JoinError && error.code === 'unreachable'),
    onFailure: ({ error, waitMs }) => onRetry({ what: 'join', error, waitMs }),
  });
  const path = joinPath(options.folder, managerFile);
  if (joined.fresh && options.token !== undefined) {
    const { address, port } = parseToken(options.token);
    writeSecretFile(path, JSON.stringify({ address, port }));
  }
  const text = readOptionalFile(path);
  if (text === null) throw new JoinError('no-token', `${path} is missing: join anew with a token`);
  return { ...joined, manager: JSON.parse(text) as JoinPortAddress };
}

/**
 * Renews the certificate at two thirds of its life, again and again, until aborted. A refusal ends it: the
 * member was removed and runs out.
 * @param onRenewed Put the new credentials to use.
 */
export async function keepRenewed(
  member: Membership,
  options: MembershipOptions & {
    readonly onRenewed: (credentials: Credentials) => void;
    /** Where join ports are now, the likeliest first. Default: where we joined. */
    readonly managers?: () => readonly JoinPortAddress[];
  },
): Promise<void> {
  const nowMs = options.nowMs ?? Date.now;
  const { signal, onRetry, onRenewed, folder, addresses, managers = () => [member.manager] } = options;
  let { credentials } = member;
  // Where our clock is far ahead of the manager's, a fresh certificate looks old: no more than one a minute.
  for (let leastMs = 0; ; leastMs = 60_000) {
    await pause(Math.max(leastMs, renewAtMs(credentials.certificate) - nowMs()), signal);
    // A pause is cut at 24 days.
    if (nowMs() < renewAtMs(credentials.certificate)) continue;
    const renewed = await retry(
      () =>
        renewAtAny(managers(), {
          folder,
          credentials,
          nowMs,
          signal,
          ...(addresses === undefined ? {} : { addresses }),
        }),
      {
        signal,
        waitMsMax: 60_000,
        isFinal: (error) => !(error instanceof JoinError && error.code === 'unreachable'),
        onFailure: ({ error, waitMs }) => onRetry({ what: 'renew', error, waitMs }),
      },
    );
    credentials = renewed.credentials;
    onRenewed(credentials);
  }
}

/** The first that answers decides; those that cannot be reached leave it to the next. */
async function renewAtAny(
  managers: readonly JoinPortAddress[],
  options: Parameters<typeof renew>[1],
): Promise<Joined> {
  let failure: unknown = new JoinError('unreachable', 'no manager is known');
  for (const manager of managers) {
    try {
      return await renew(manager, options);
    } catch (error) {
      failure = error;
      if (!(error instanceof JoinError && error.code === 'unreachable')) throw error;
    }
  }
  throw failure;
}
