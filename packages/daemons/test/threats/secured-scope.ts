// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type HandlespaceView,
  runStandaloneRegistrar,
  type StandaloneOptions,
} from '@vnfpool/daemons/registrar';
import { asapRule, readAsap } from '@vnfpool/runtime/asap';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { enrpRule, readEnrp } from '@vnfpool/runtime/enrp';
import { createLogger } from '@vnfpool/runtime/logging';
import { type PskKey, type PskScope, scopeGuard } from '@vnfpool/runtime/scope-security';
import type { CloseReason, Connection, StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { type EnrpMessage, encodeEnrp } from '@vnfpool/wire/enrp';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { expect, onTestFinished } from 'vitest';

/* A scope of shared keys on loopback: real registrars, and members that say what they like. */

export const CALC: Uint8Array = encodeUtf8('calc');
export const WEB: Uint8Array = encodeUtf8('web');

const names = [
  'registrar/r1',
  'registrar/r2',
  'element/calc-1',
  'element/calc-2',
  'element/web-1',
  'user/u',
  'user/calc-1',
];

function keyOf(identity: string): PskKey {
  const [role = '', name = ''] = identity.split('/');
  const at = names.indexOf(identity);
  const key = Uint8Array.from({ length: 32 }, (_, index) => 1 + at * 32 + index);
  return { identity, role: role as PskKey['role'], name, key };
}

/** What a member of the scope knows; a registrar holds all keys, the others their own. */
export function securityOf(identity: string): PskScope {
  const isRegistrar = identity.startsWith('registrar/');
  return {
    kind: 'psk',
    identity,
    keys: isRegistrar ? names.map(keyOf) : [keyOf(identity)],
    ...(isRegistrar
      ? {
          rules: [
            { who: 'element/calc-*', pools: ['calc'], addresses: ['10.0.0.0/24'] },
            { who: 'element/web-*', pools: ['web'], addresses: ['10.0.0.0/24'] },
          ],
        }
      : {}),
  };
}

export function element(id: number, change: Partial<PoolElement> = {}): PoolElement {
  return {
    id,
    homeRegistrar: 0,
    registrationLife: 300,
    userTransport: { type: 'tcp', port: 80, address: `10.0.0.${id}` },
    policy: { type: 'round-robin' },
    ...change,
  };
}

export interface TestRegistrar {
  readonly id: number;
  /** The first of `allAsap`. */
  readonly asap: ScopeEndpoint;
  readonly allAsap: readonly ScopeEndpoint[];
  readonly enrp: ScopeEndpoint;
  readonly lines: readonly Record<string, unknown>[];
  view(): Promise<HandlespaceView>;
  stop(): Promise<void>;
}

const loopback = (kind: 'tls' | 'tcp'): ScopeEndpoint => ({ kind, addresses: ['127.0.0.1'], port: 0 });

/** A registrar daemon, secured by shared keys unless said otherwise. */
export async function startRegistrar(
  identity: string,
  change: Partial<StandaloneOptions> = {},
): Promise<TestRegistrar> {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-threat-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines: Record<string, unknown>[] = [];
  const kind = change.security?.kind === 'open' ? 'tcp' : 'tls';
  const service = await runStandaloneRegistrar({
    folder,
    profile: 'rfc',
    security: securityOf(identity),
    asap: [loopback(kind)],
    enrp: [loopback(kind)],
    peers: [],
    announce: null,
    tuning: {},
    logger: createLogger({
      component: 'registrar',
      level: 'debug',
      to: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    }),
    ...change,
  });
  onTestFinished(() => service.stop());
  const [asap] = service.listening.asap;
  const [enrp] = service.listening.enrp;
  if (asap === undefined || enrp === undefined) throw new Error('it does not listen');
  return {
    id: service.id,
    asap,
    allAsap: service.listening.asap,
    enrp,
    lines,
    view: async () => JSON.parse(await get(service.statusSocket, '/v1/handlespace')) as HandlespaceView,
    stop: () => service.stop(),
  };
}

/** Waits until a registrar's view is as wanted. */
export async function until(
  registrar: TestRegistrar,
  wanted: (view: HandlespaceView) => boolean,
): Promise<HandlespaceView> {
  return await expect
    .poll(async () => registrar.view(), { timeout: 10_000, interval: 20 })
    .toSatisfy(wanted)
    .then(() => registrar.view());
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const out = request({ socketPath, path }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    out.once('error', reject);
    out.end();
  });
}

/** Says messages and takes answers, over one connection. */
export class Speaker<M extends AsapMessage | EnrpMessage> {
  readonly connection: Connection;
  readonly closed: Promise<CloseReason>;
  readonly #encode: (message: M) => Uint8Array;
  readonly #heard: M[] = [];
  #wake: () => void = () => {};

  constructor(
    connection: Connection,
    encode: (message: M) => Uint8Array,
    decode: (frame: Uint8Array) => { readonly type: string; readonly message?: AsapMessage | EnrpMessage },
  ) {
    this.connection = connection;
    this.#encode = encode;
    connection.onFrame((frame) => {
      const { message } = decode(frame);
      if (message !== undefined) this.#heard.push(message as M);
      this.#wake();
    });
    this.closed = new Promise((resolve) => connection.onClose(resolve));
    void this.closed.then(() => this.#wake());
    onTestFinished(() => connection.close());
  }

  say(message: M): void {
    this.connection.send(this.#encode(message));
  }

  /** The next answer of this type; others are passed over. @throws when the connection ends first */
  async hears<T extends M['type']>(type: T): Promise<Extract<M, { type: T }>> {
    for (;;) {
      const next = this.#heard.shift();
      if (next?.type === type) return next as Extract<M, { type: T }>;
      if (next !== undefined) continue;
      if (this.connection.closed !== null) throw new Error(`closed: ${this.connection.closed.message}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What has come and was not asked for. */
  get heard(): readonly M[] {
    return this.#heard;
  }
}

type Where = ScopeEndpoint;
const at = ({ addresses, port }: Where) => ({ host: addresses[0] ?? '', port });

export async function asapSpeaker(transport: StreamTransport, where: Where): Promise<Speaker<AsapMessage>> {
  return new Speaker<AsapMessage>(await transport.connect(at(where)), encodeAsap, readAsap);
}

export async function enrpSpeaker(transport: StreamTransport, where: Where): Promise<Speaker<EnrpMessage>> {
  return new Speaker<EnrpMessage>(await transport.connect(at(where)), encodeEnrp, readEnrp);
}

/** A member of the scope that speaks ASAP to a registrar. */
export function member(identity: string, where: Where): Promise<Speaker<AsapMessage>> {
  const as = identity.startsWith('user/') ? 'user' : 'element';
  return asapSpeaker(scopeGuard(securityOf(identity), as).transport({ protocol: 'asap' }), where);
}

/** A transport that is not secured, for ASAP or ENRP. */
export function plain(protocol: 'asap' | 'enrp'): TcpTransport {
  return new TcpTransport({ rule: protocol === 'asap' ? asapRule : enrpRule });
}

/** Registers and says how it went: `accepted`, or the cause. */
export async function register(
  speaker: Speaker<AsapMessage>,
  registered: PoolElement,
  poolHandle: Uint8Array = CALC,
): Promise<'accepted' | number | undefined> {
  speaker.say({ type: 'registration', poolHandle, element: registered });
  const { rejected, causes } = await speaker.hears('registration-response');
  return rejected ? causes[0]?.code : 'accepted';
}

/** Identifiers in a pool, as a registrar answers. */
export async function resolve(
  speaker: Speaker<AsapMessage>,
  poolHandle: Uint8Array = CALC,
): Promise<number[]> {
  speaker.say({ type: 'handle-resolution', sendUpdates: false, poolHandle, items: 100 });
  const { elements } = await speaker.hears('handle-resolution-response');
  return elements.map(({ id }) => id).sort((a, b) => a - b);
}
