// SPDX-License-Identifier: Apache-2.0
import { Registrar, type RegistrarInput, type RegistrarOutput } from '@vnfpool/core/registrar';
import { asapRule, readAsap } from '@vnfpool/runtime/asap';
import { systemRandom } from '@vnfpool/runtime/random';
import { type ScopeGuard, type ScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import type { Connection, Listener } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { onTestFinished } from 'vitest';

/** A registrar: the core, on TCP; in an open scope, unless it is told otherwise. */
export class OpenRegistrar {
  readonly #guard: ScopeGuard;
  readonly #core: Registrar;
  readonly #connections = new Map<number, Connection>();
  #listener: Listener | null = null;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #stopped = false;

  constructor(registrarId: number, security: ScopeSecurity = { kind: 'open' }) {
    this.#guard = scopeGuard(security, 'registrar');
    this.#core = new Registrar(
      { registrarId, ...this.#guard.registrarOptions, associationGraceMs: 0 },
      systemRandom(),
      this.#guard.authorize,
    );
  }

  async listen(port = 0): Promise<this> {
    this.#listener = await this.#guard.transport({ protocol: 'asap' }).listen({
      host: '127.0.0.1',
      port,
      onConnection: (connection) => this.#accept(connection),
    });
    onTestFinished(() => this.stop());
    return this;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#listener?.address.port ?? 0 };
  }

  /** Identifiers of the elements that it has. */
  get elements(): number[] {
    const { pools } = this.#core.snapshot(performance.now());
    return pools.flatMap(({ elements }) => elements.map(({ id }) => id)).toSorted((a, b) => a - b);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#listener?.close();
  }

  #accept(connection: Connection): void {
    this.#last += 1;
    const association = this.#last;
    this.#connections.set(association, connection);
    const peer = { transport: 'tcp', addresses: [connection.peer.address] } as const;
    this.#take({
      type: 'association-opened',
      association,
      identity: this.#guard.identityOf(connection),
      peer,
    });
    connection.onFrame((frame) => this.#take({ association, ...readAsap(frame) }));
    connection.onClose(() => {
      this.#connections.delete(association);
      this.#take({ type: 'association-closed', association });
    });
  }

  #take(input: RegistrarInput): void {
    if (!this.#stopped) this.#carryOut(this.#core.handle(input, performance.now()));
  }

  #carryOut(outputs: readonly RegistrarOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'send') this.#connections.get(output.association)?.send(encodeAsap(output.message));
      else if (output.type === 'close') this.#connections.get(output.association)?.close();
    }
    clearTimeout(this.#timer);
    const at = this.#core.nextDeadline();
    if (at === undefined) return;
    const waitMs = Math.max(0, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#carryOut(this.#core.expire(performance.now())), waitMs);
  }
}

/** A registrar that says what the test tells it to. */
export async function scriptedRegistrar(
  answer: (message: AsapMessage, say: (message: AsapMessage) => void) => void,
): Promise<{ readonly host: string; readonly port: number }> {
  const listener = await new TcpTransport({ rule: asapRule }).listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) =>
      connection.onFrame((frame) => {
        const incoming = readAsap(frame);
        if (incoming.type === 'message')
          answer(incoming.message, (message) => connection.send(encodeAsap(message)));
      }),
  });
  onTestFinished(() => listener.close());
  return { host: '127.0.0.1', port: listener.address.port };
}

/** What comes over a connection, one after the other. */
export function messagesOf(connection: Connection): () => Promise<AsapMessage> {
  const come: AsapMessage[] = [];
  const waiting: ((message: AsapMessage) => void)[] = [];
  connection.onFrame((frame) => {
    const incoming = readAsap(frame);
    if (incoming.type !== 'message') return;
    const next = waiting.shift();
    if (next === undefined) come.push(incoming.message);
    else next(incoming.message);
  });
  return () => {
    const [message] = come.splice(0, 1);
    return message === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(message);
  };
}
