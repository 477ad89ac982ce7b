// SPDX-License-Identifier: Apache-2.0
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import {
  type Credentials,
  CredentialsError,
  checkCredentials,
  fingerprintOf,
  loadCredentials,
  loadKey,
  storeCredentials,
  storeKey,
} from '../certificates/credentials.ts';
import type { CertificateRole, Identity } from '../certificates/identity.ts';
import { createPrivateKeyPem, createRequestPem } from '../certificates/request.ts';
import { type JoinAnswer, type RegistrarAnnouncement, readJoinAnswer } from './documents.ts';
import { BodyError, parseObject, readBody } from './http-body.ts';
import { JoinError, type JoinToken, parseToken } from './token.ts';

export interface JoinOptions {
  /** Where key, certificate and authority are kept. */
  readonly folder: string;
  readonly role: CertificateRole;
  readonly name: string;
  /** A token's text; not needed while the folder holds valid credentials. */
  readonly token?: string;
  /** Public key of the lease datagrams, base64url; nodes. */
  readonly leaseKey?: string;
  /** IP addresses that our certificate shall name. */
  readonly addresses?: readonly string[];
  /** Wall clock. */
  readonly nowMs?: () => number;
  readonly signal?: AbortSignal;
}

export interface Joined {
  readonly identity: Identity;
  readonly credentials: Credentials;
  /** False: found on disk, the manager was not asked. */
  readonly fresh: boolean;
  /** What the manager told; null when not asked. */
  readonly set: Readonly<Record<string, unknown>> | null;
}

/**
 * Becomes a member of the set, or finds that we are one.
 *
 * The key is on disk before the token is spent, so a join that was cut short is repeated with the same key, and
 * the manager answers the same again.
 * @throws JoinError
 */
export async function join(options: JoinOptions): Promise<Joined> {
  const nowMs = options.nowMs ?? Date.now;
  const present = existing(options, nowMs());
  if (present !== null) return present;
  if (options.token === undefined) {
    throw new JoinError('no-token', `${options.folder} holds no valid credentials, and there is no token`);
  }
  const token = parseToken(options.token);
  const ca = await fetchAuthority(token, options.signal);
  const key = loadKey(options.folder) ?? createPrivateKeyPem();
  storeKey(options.folder, key);
  const answer = await call(token, { ca }, 'POST', '/join', options.signal, {
    tokenId: token.tokenId,
    secret: token.secret,
    role: options.role,
    name: options.name,
    csr: createRequestPem(key, options.name),
    addresses: options.addresses ?? [],
    ...(options.leaseKey === undefined ? {} : { leaseKey: options.leaseKey }),
  });
  return accept(options.folder, { key, ca }, answer, nowMs());
}

/** The manager's join port, as a member knows it. */
export interface JoinPortAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks for the next certificate, proving who we are by the present one. Key and certificate change together;
 * the folder gets them when the manager has answered.
 * @throws JoinError
 */
export async function renew(
  manager: JoinPortAddress,
  options: Pick<JoinOptions, 'folder' | 'addresses' | 'nowMs' | 'signal'> & {
    readonly credentials: Credentials;
  },
): Promise<Joined> {
  const nowMs = options.nowMs ?? Date.now;
  const identity = checkCredentials(options.credentials, nowMs());
  const key = createPrivateKeyPem();
  const answer = await call(manager, options.credentials, 'POST', '/renew', options.signal, {
    csr: createRequestPem(key, identity.name),
    addresses: options.addresses ?? [],
  });
  return accept(options.folder, { key, ca: options.credentials.ca }, answer, nowMs());
}

/**
 * Tells the manager where this registrar serves.
 * @throws JoinError
 */
export async function announceRegistrar(
  manager: JoinPortAddress,
  credentials: Credentials,
  at: RegistrarAnnouncement,
  signal?: AbortSignal,
): Promise<void> {
  await call(manager, credentials, 'POST', '/registrar', signal, at);
}

/** Fetches the authority without trust, and trusts it when the token's fingerprint fits. */
async function fetchAuthority(token: JoinToken, signal: AbortSignal | undefined): Promise<string> {
  const pem = await exchange(
    {
      ...destination(token),
      method: 'GET',
      path: '/ca',
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    },
    null,
    signal,
  );
  if (pem.status !== 200) throw new JoinError('unreachable', `GET /ca answered ${pem.status}`);
  let fingerprint: string;
  try {
    fingerprint = fingerprintOf(pem.text);
  } catch (error) {
    throw new JoinError('impostor', 'GET /ca gave no certificate', { cause: error });
  }
  if (!timingSafeEqual(Buffer.from(fingerprint, 'hex'), Buffer.from(token.caFingerprint, 'hex'))) {
    throw new JoinError(
      'impostor',
      `the authority at ${token.address}:${token.port} has fingerprint ${fingerprint}, the token says ${token.caFingerprint}`,
    );
  }
  return pem.text;
}

function existing(options: JoinOptions, nowMs: number): Joined | null {
  const credentials = loadCredentials(options.folder);
  if (credentials === null) return null;
  try {
    const identity = checkCredentials(credentials, nowMs);
    if (identity.role === options.role && identity.name === options.name) {
      return { identity, credentials, fresh: false, set: null };
    }
    if (options.token !== undefined) return null;
    throw new JoinError(
      'no-token',
      `${options.folder} is of ${identity.role} ${identity.name}, not of ${options.role} ${options.name}`,
    );
  } catch (error) {
    // A run-out certificate needs a token, or the manager's operator to give one.
    if (error instanceof CredentialsError) return null;
    throw error;
  }
}

function accept(
  folder: string,
  own: { readonly key: string; readonly ca: string },
  body: Readonly<Record<string, unknown>>,
  nowMs: number,
): Joined {
  let answer: JoinAnswer;
  let identity: Identity;
  const { key, ca } = own;
  try {
    answer = readJoinAnswer(body);
    // The authority stays the pinned one, whatever the answer carries.
    identity = checkCredentials({ key, ca, certificate: answer.certificate }, nowMs);
  } catch (error) {
    throw new JoinError('unreachable', 'the manager gave a certificate that does not fit', { cause: error });
  }
  const credentials = { key, ca, certificate: answer.certificate };
  storeCredentials(folder, credentials);
  return { identity, credentials, fresh: true, set: answer.set ?? null };
}

function destination(at: JoinPortAddress): RequestOptions {
  return {
    host: at.address,
    port: at.port,
    minVersion: 'TLSv1.3',
    agent: false,
    // An IP address is no server name (RFC 6066 §3).
    ...(isIP(at.address) === 0 ? {} : { servername: '' }),
  };
}

async function call(
  at: JoinPortAddress,
  tls: { readonly ca: string; readonly key?: string; readonly certificate?: string },
  method: string,
  path: string,
  signal: AbortSignal | undefined,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await exchange(
    {
      ...destination(at),
      method,
      path,
      ca: tls.ca,
      ...(tls.key === undefined ? {} : { key: tls.key, cert: tls.certificate }),
      headers: { 'content-type': 'application/json' },
      // The chain is the set's own; what counts is the manager's role, not where a token says it lives.
      checkServerIdentity: (_host, certificate) => managerFault(certificate),
    },
    JSON.stringify(body),
    signal,
  );
  if (answer.status === 204) return {};
  let parsed: Readonly<Record<string, unknown>>;
  try {
    parsed = parseObject(answer.text);
  } catch (error) {
    throw new JoinError('unreachable', `${method} ${path} answered ${answer.status} and no JSON`, {
      cause: error,
    });
  }
  if (answer.status === 200) return parsed;
  const { reason, message } = (parsed['error'] ?? {}) as { reason?: unknown; message?: unknown };
  const text = `${method} ${path}: ${typeof message === 'string' ? message : answer.status}`;
  if (answer.status === 429 || answer.status >= 500) throw new JoinError('unreachable', text);
  throw new JoinError('refused', text, {
    reason: typeof reason === 'string' ? reason : String(answer.status),
  });
}

function managerFault(certificate: PeerCertificate): Error | undefined {
  const uris = (certificate.subjectaltname ?? '').split(', ').filter((each) => each.startsWith('URI:'));
  const [uri] = uris;
  if (uris.length === 1 && uri !== undefined && /^URI:spiffe:\/\/[^/"]+\/manager\/[^/"]+$/.test(uri))
    return undefined;
  return new JoinError('impostor', `who answers is not the manager: ${certificate.subjectaltname}`);
}

function exchange(
  options: RequestOptions,
  body: string | null,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const where = `${options.method} https://${options.host}:${options.port}${options.path}`;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      request.destroy();
      reject(error instanceof JoinError ? error : classify(where, error));
    };
    const request = httpsRequest(
      { ...options, ...(signal === undefined ? {} : { signal }) },
      (response: IncomingMessage) => {
        readBody(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), fail);
      },
    );
    request.setTimeout(10_000, () => fail(new JoinError('unreachable', `${where}: no answer within 10 s`)));
    request.once('error', fail);
    request.end(body ?? undefined);
  });
}

function classify(where: string, error: unknown): JoinError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const distrust = error instanceof BodyError || /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
  return new JoinError(distrust ? 'impostor' : 'unreachable', `${where}: ${message}`, { cause: error });
}
