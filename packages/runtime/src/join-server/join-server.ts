// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificateIdentity, type TlsCredentials } from '@vnfpool/transport/tls';
import { type Authority, AuthorityError, requestKeyFingerprint } from '../authority/authority.ts';
import { type Identity, IdentityError, parseIdentity } from '../certificates/identity.ts';
import {
  type JoinAnswer,
  type JoinRequest,
  type RegistrarAnnouncement,
  readAnnouncement,
  readJoinRequest,
  readRenewRequest,
} from '../join/documents.ts';
import { BodyError, parseObject, readBody } from '../join/http-body.ts';
import type { JoinDecision, RefusalReason, TokenLedger } from '../join/token-ledger.ts';
import { RateLimit } from './rate-limit.ts';

/** Something that the join port did, to be logged and counted. */
export type JoinEvent =
  | { readonly type: 'joined'; readonly identity: Identity; readonly address: string }
  | { readonly type: 'renewed'; readonly identity: Identity; readonly address: string }
  | { readonly type: 'registrar'; readonly identity: Identity; readonly at: RegistrarAnnouncement }
  | {
      readonly type: 'refused';
      readonly path: string;
      readonly address: string;
      readonly reason:
        | RefusalReason
        | 'malformed'
        | 'rate'
        | 'certificate'
        | 'role'
        | 'not-found'
        | 'removed';
      readonly message: string;
    }
  | { readonly type: 'failed'; readonly path: string; readonly error: unknown };

export interface JoinServerOptions {
  readonly host: string;
  readonly port: number;
  readonly authority: Authority;
  readonly ledger: TokenLedger;
  /** The manager's own, of the same authority. */
  readonly credentials: TlsCredentials;
  readonly onEvent: (event: JoinEvent) => void;
  /** Told to every joiner as `set`. */
  readonly describeSet?: (joined: Identity) => Readonly<Record<string, unknown>>;
  /** False: this one has been removed and gets no further certificate. */
  readonly mayRenew?: (identity: Identity) => boolean | Promise<boolean>;
  /** Default 24 h. */
  readonly validityMs?: number;
  /** Wall clock. */
  readonly nowMs?: () => number;
  /** Requests of one address. Default 16 a second, 256 at once. */
  readonly rate?: { readonly burst: number; readonly perSecond: number };
}

export interface JoinServer {
  readonly address: string;
  readonly port: number;
  /** Uses other credentials for handshakes from now on. */
  renew(credentials: TlsCredentials): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  readonly reason: Extract<JoinEvent, { type: 'refused' }>['reason'];

  constructor(status: number, reason: Refusal['reason'], message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * The port by which others join the set. Clients verify the manager; the manager asks for a certificate and
 * wants one for everything but `GET /ca` and `POST /join`.
 *
 * - `GET /ca`: the authority's certificate, PEM. Worth nothing until compared with a token's fingerprint.
 * - `POST /join` JoinRequest → JoinAnswer
 * - `POST /renew` {csr, addresses} → JoinAnswer, for the identity of the certificate shown
 * - `POST /registrar` RegistrarAnnouncement → 204, for registrars
 *
 * A refusal is `{ "error": { "reason", "message" } }` with 400, 403, 404, 409 or 429.
 */
export async function startJoinServer(options: JoinServerOptions): Promise<JoinServer> {
  const port = new JoinPort(options);
  const server = createServer(
    {
      ...tlsOptions(options.credentials),
      requestCert: true,
      // Joiners have no certificate yet: each path judges for itself.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      handshakeTimeout: 5_000,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 1_000,
      maxHeaderSize: 8_192,
    },
    (request, response) => void port.serve(request, response),
  );
  server.maxConnections = 128;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  server.on('error', (error) => options.onEvent({ type: 'failed', path: '', error }));
  const at = server.address() as AddressInfo;
  return {
    address: at.address,
    port: at.port,
    renew: (credentials) => server.setSecureContext(tlsOptions(credentials)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function tlsOptions(credentials: TlsCredentials): {
  key: string;
  cert: string;
  ca: string;
  minVersion: 'TLSv1.3';
} {
  return {
    key: credentials.key,
    cert: credentials.certificate,
    ca: credentials.ca,
    minVersion: 'TLSv1.3',
  };
}

class JoinPort {
  readonly #options: JoinServerOptions;
  readonly #rate: RateLimit;
  readonly #nowMs: () => number;

  constructor(options: JoinServerOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.rate ?? { burst: 256, perSecond: 16 });
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').slice(0, 64);
    const address = request.socket.remoteAddress ?? '';
    try {
      if (!this.#rate.admit(address, this.#nowMs())) throw new Refusal(429, 'rate', 'too many requests');
      await this.#answer(request, response, address);
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal === null) this.#options.onEvent({ type: 'failed', path, error });
      else {
        const { reason, message } = refusal;
        this.#options.onEvent({ type: 'refused', path, address, reason, message });
      }
      if (response.destroyed) return;
      const body =
        refusal === null
          ? { reason: 'failed', message: 'the manager could not do it' }
          : { reason: refusal.reason, message: refusal.message };
      // What is left of an over-long body is not read.
      response.setHeader('connection', 'close');
      reply(response, refusal?.status ?? 500, { error: body });
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, address: string): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case 'GET /ca':
        response.writeHead(200, { 'content-type': 'application/x-pem-file' });
        response.end(this.#options.authority.certificatePem);
        return;
      case 'POST /join':
        reply(
          response,
          200,
          await this.#join(readJoinRequest(parseObject(await readBody(request))), address),
        );
        return;
      case 'POST /renew':
        reply(response, 200, await this.#renew(request, address));
        return;
      case 'POST /registrar': {
        const identity = this.#identity(request);
        if (identity.role !== 'registrar')
          throw new Refusal(403, 'role', `a ${identity.role} is no registrar`);
        const at = readAnnouncement(parseObject(await readBody(request)));
        this.#options.onEvent({ type: 'registrar', identity, at });
        response.writeHead(204).end();
        return;
      }
      default:
        throw new Refusal(
          404,
          'not-found',
          `there is no ${request.method} ${(request.url ?? '').slice(0, 64)}`,
        );
    }
  }

  async #join(request: JoinRequest, address: string): Promise<JoinAnswer> {
    const { authority, ledger } = this.#options;
    // Before the token is used up: a broken request must not cost one.
    const keyFingerprint = await requestKeyFingerprint(request.csr);
    const decision: JoinDecision = await ledger.consume({
      tokenId: request.tokenId,
      secret: request.secret,
      role: request.role,
      name: request.name,
      keyFingerprint,
      ...(request.leaseKey === undefined ? {} : { leaseKey: request.leaseKey }),
    });
    if (!decision.accepted) {
      const status = decision.reason === 'name-in-use' ? 409 : 403;
      throw new Refusal(status, decision.reason, refusalTexts[decision.reason]);
    }
    const { nodeId } = decision;
    const identity: Identity = {
      domain: authority.domain,
      role: request.role,
      name: request.name,
      ...(nodeId === undefined ? {} : { id: nodeId }),
    };
    const answer = await this.#issue(identity, request.csr, request.addresses ?? []);
    this.#options.onEvent({ type: 'joined', identity, address });
    return { ...answer, ...(nodeId === undefined ? {} : { nodeId }) };
  }

  async #renew(request: IncomingMessage, address: string): Promise<JoinAnswer> {
    const identity = this.#identity(request);
    const { csr, addresses } = readRenewRequest(parseObject(await readBody(request)));
    if ((await this.#options.mayRenew?.(identity)) === false) {
      throw new Refusal(403, 'removed', `${identity.role} ${identity.name} is no member any more`);
    }
    const answer = await this.#issue(identity, csr, addresses);
    this.#options.onEvent({ type: 'renewed', identity, address });
    return { ...answer, ...(identity.id === undefined ? {} : { nodeId: identity.id }) };
  }

  async #issue(identity: Identity, csr: string, addresses: readonly string[]): Promise<JoinAnswer> {
    const { authority, validityMs, describeSet } = this.#options;
    const serves = identity.role !== 'user' && identity.role !== 'element';
    const { domain: _, ...named } = identity;
    const certificate = await authority.issue(
      csr,
      {
        identity: named,
        addresses: serves ? addresses : [],
        ...(validityMs === undefined ? {} : { validityMs }),
      },
      this.#nowMs(),
    );
    const set = describeSet?.(identity);
    return { certificate, ca: authority.certificatePem, ...(set === undefined ? {} : { set }) };
  }

  /** Who the client's verified certificate speaks for. */
  #identity(request: IncomingMessage): Identity {
    const socket = request.socket as TLSSocket;
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    if (certificate === undefined) {
      throw new Refusal(
        403,
        'certificate',
        `a certificate of the set is needed: ${String(socket.authorizationError)}`,
      );
    }
    return parseIdentity(certificateIdentity(certificate), this.#options.authority.domain);
  }
}

const refusalTexts: Readonly<Record<RefusalReason, string>> = {
  'unknown-token': 'the token is not known here',
  'wrong-secret': 'the token is not known here',
  used: 'the token has been used',
  expired: 'the token has expired',
  'role-mismatch': 'the token is for another role',
  'name-mismatch': 'the token is for another name',
  'name-in-use': 'the name is taken',
};

/** Null: not the client's fault. */
function asRefusal(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof BodyError) return new Refusal(400, 'malformed', error.message);
  if (error instanceof AuthorityError && error.code === 'request')
    return new Refusal(400, 'malformed', error.message);
  if (error instanceof IdentityError) return new Refusal(403, 'certificate', error.message);
  return null;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
