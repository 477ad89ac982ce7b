// SPDX-License-Identifier: Apache-2.0

import { PoolElement, PoolUser, type SessionHandler } from '@vnfpool/client';
import { Registrar, type RegistrarInput } from '@vnfpool/core/registrar';
import { asapPpid, asapRule, readAsap } from '@vnfpool/runtime/asap';
import { systemRandom } from '@vnfpool/runtime/random';
import { SctpTransport, sctpAvailable, sctpMissing } from '@vnfpool/transport/sctp';
import type { Connection } from '@vnfpool/transport/stream';
import { encodeAsap } from '@vnfpool/wire/asap';
import { describe, expect, onTestFinished, test } from 'vitest';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A registrar of an open scope over SCTP. */
async function registrar(): Promise<{
  readonly host: string;
  readonly port: number;
  readonly transport: 'sctp';
}> {
  const core = new Registrar({ registrarId: 1, openRegistration: true }, systemRandom(), () => true);
  const connections = new Map<number, Connection>();
  const take = (input: RegistrarInput): void => {
    for (const output of core.handle(input, performance.now()))
      if (output.type === 'send')
        connections.get(output.association)?.send(encodeAsap(output.message), asapPpid);
  };
  let last = 0;
  const listener = await new SctpTransport({ rule: asapRule, protocol: asapPpid }).listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      last += 1;
      const association = last;
      connections.set(association, connection);
      const { addresses } = connection.peer;
      take({
        type: 'association-opened',
        association,
        identity: null,
        peer: { transport: 'sctp', addresses },
      });
      connection.onFrame((frame) => take({ association, ...readAsap(frame) }));
      connection.onClose(() => take({ type: 'association-closed', association }));
    },
  });
  onTestFinished(() => listener.close());
  return { host: '127.0.0.1', port: listener.address.port, transport: 'sctp' };
}

describe.skipIf(!sctpAvailable())(`sessions over SCTP (${sctpAvailable() ? 'here' : sctpMissing()})`, () => {
  test('cookies go by their payload protocol, and a session goes on at another element', async () => {
    const registrars = [await registrar()];
    const counter: SessionHandler = async (session) => {
      let count = session.restored === null ? 0 : Number(text(session.restored));
      for await (const _ of session) {
        count += 1;
        session.saveState(`${count}`);
        await session.send(`${count}`);
      }
    };
    const element = async (priority: number) => {
      const made = new PoolElement({
        registrars,
        security: 'open',
        poolHandle: 'count',
        listen: { kind: 'sctp', host: '127.0.0.1' },
        policy: { type: 'priority', priority },
      });
      onTestFinished(() => made.close());
      await made.serve(counter);
      return made;
    };
    const first = await element(2);
    const second = await element(1);
    const user = new PoolUser({ registrars, security: 'open' });
    onTestFinished(() => user.close());
    const session = await user.open('count', { resend: 'unacknowledged', pauseMs: 10 });
    const answers = session[Symbol.asyncIterator]();
    const ask = async () => {
      const number = await session.send('?');
      const { value } = await answers.next();
      session.acknowledge(number);
      return text(value as Uint8Array);
    };
    expect([await ask(), await ask()]).toEqual(['1', '2']);
    first.close();
    await expect.poll(() => session.element?.id).toBe(second.id);
    expect(await ask()).toBe('3');
  });
});
