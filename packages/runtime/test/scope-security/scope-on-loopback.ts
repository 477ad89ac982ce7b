// SPDX-License-Identifier: Apache-2.0
import type { Identity } from '@vnfpool/core/registrar';
import type { CertificateRole } from '@vnfpool/runtime/certificates';
import { type ScopeGuard, type ScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import { testSet } from '@vnfpool/testkit/certificates';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { encodeAsap } from '@vnfpool/wire/asap';
import { onTestFinished } from 'vitest';

/** Any whole message: ASAP and ENRP are framed alike. */
export const frame: Uint8Array = encodeAsap({ type: 'error', causes: [] });

export interface Listening {
  readonly accepted: readonly Connection[];
  readonly identities: readonly (Identity | null)[];
  readonly refusals: readonly string[];
  readonly port: number;
}

/** A member that listens on loopback and sends back whatever it gets. */
export async function listening(
  guard: ScopeGuard,
  protocol: 'asap' | 'enrp',
  kind?: 'tcp' | 'tls',
): Promise<Listening> {
  const refusals: string[] = [];
  const accepted: Connection[] = [];
  const identities: (Identity | null)[] = [];
  const transport = guard.transport({
    protocol,
    ...(kind === undefined ? {} : { kind }),
    onHandshakeFailure: ({ reason }) => refusals.push(reason),
    limits: { closeTimeoutMs: 50 },
  });
  const listener = await transport.listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      accepted.push(connection);
      identities.push(guard.identityOf(connection));
      connection.onFrame((each) => void connection.send(each.slice()));
    },
  });
  onTestFinished(() => listener.close());
  return { accepted, identities, refusals, port: listener.address.port };
}

/** Connects and says something: `echo` when it came back, else why not. */
export async function greet(
  transport: StreamTransport,
  port: number,
  host = '127.0.0.1',
): Promise<'echo' | 'refused by us' | 'refused by the server'> {
  let connection: Connection;
  try {
    connection = await transport.connect({ host, port });
  } catch {
    return 'refused by us';
  }
  return await new Promise((resolve) => {
    connection.onFrame(() => {
      resolve('echo');
      connection.close();
    });
    connection.onClose(() => resolve('refused by the server'));
    connection.send(frame);
  });
}

/** Keys of a scope in which everybody has one. */
export function sharedKey(role: CertificateRole, name: string, octet: number) {
  const key = Uint8Array.from({ length: 32 }, (_, index) => octet + index);
  return { identity: `${role}/${name}`, role, name, key } as const;
}

/** A scope of certificates of somebody's own authority: registrars are known by name, elements by name too. */
export async function certificateScope(
  change: Partial<Extract<ScopeSecurity, { kind: 'certificates' }>> = {},
) {
  const authority = await testSet('elsewhere');
  const member = async (
    dnsName: string | null,
    addresses: readonly string[] = ['127.0.0.1'],
  ): Promise<Extract<ScopeSecurity, { kind: 'certificates' }>> => {
    const { key, certificate, ca } = await authority.credentials(
      { role: 'user', name: dnsName ?? 'nobody' },
      { addresses, dnsNames: dnsName === null ? [] : [dnsName] },
    );
    return {
      kind: 'certificates',
      ca,
      own: { key, certificate },
      identities: [
        { dnsName: '*.registrars.example', role: 'registrar' },
        { dnsName: '*.elements.example', role: 'element' },
        { dnsName: '*.users.example', role: 'user' },
      ],
      rules: [{ who: 'element/calc.*', pools: ['calc'], addresses: ['10.0.0.0/8'] }],
      ...change,
    };
  };
  return { authority, member, guardOf: scopeGuard };
}
