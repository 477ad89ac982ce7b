// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { certificateIdentity } from '@vnfpool/transport/tls';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadCredentials } from '../certificates/credentials.ts';
import { IdentityError, parseIdentity, roles } from '../certificates/identity.ts';
import type { ScopeSecurity } from './description.ts';
import { ScopeSecurityError } from './errors.ts';
import { readPrivateFile, readPublicFile } from './private-file.ts';
import { parseSharedKeys } from './shared-key-file.ts';

const path = z.string().min(1);
const role = z.enum(roles);
const secured = {
  rules: z
    .array(
      z.strictObject({
        who: z.string(),
        pools: z.array(z.string()).min(1),
        addresses: z.array(z.string()).min(1).optional(),
      }),
    )
    .optional(),
  unsecuredUsers: z.boolean().optional(),
};
const versions = {
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).optional(),
  obsoleteSuite: z.boolean().optional(),
};

const schema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open') }),
  z.strictObject({
    kind: z.literal('certificates'),
    ...secured,
    ca: path,
    certificate: path.optional(),
    key: path.optional(),
    crl: path.optional(),
    identities: z
      .array(
        z.strictObject({
          role,
          name: z.string().optional(),
          commonName: z.string().optional(),
          dnsName: z.string().optional(),
          uri: z.string().optional(),
          fingerprint: z.string().optional(),
        }),
      )
      .optional(),
    domain: z.string().optional(),
    revoked: z.array(z.string()).optional(),
    ...versions,
  }),
  z.strictObject({
    kind: z.literal('psk'),
    ...secured,
    identity: z.string(),
    keys: path,
    identities: z.array(z.strictObject({ identity: z.string(), role, name: z.string() })).optional(),
    certificate: path.optional(),
    key: path.optional(),
    ...versions,
  }),
  z.strictObject({
    kind: z.literal('set'),
    ...secured,
    folder: path.describe('Where a joined member keeps key.pem, certificate.pem and ca.pem'),
  }),
]);

/**
 * Reads the security of a scope from a file in YAML: `ScopeSecurity` with paths in place of PEM texts, relative to
 * the file. Files that hold keys must be their owner's alone.
 * @throws ScopeSecurityError
 */
export function loadScopeSecurity(file: string): ScopeSecurity {
  const at = (name: string): string => resolve(dirname(file), name);
  let parsed: unknown;
  try {
    parsed = parse(readPublicFile(file));
  } catch (error) {
    if (error instanceof ScopeSecurityError) throw error;
    throw new ScopeSecurityError('description', `${file} is no YAML: ${String(error)}`, error);
  }
  const result = schema.safeParse(parsed);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
    throw new ScopeSecurityError('description', `${file}: ${faults.join('; ')}`);
  }
  const { data } = result;
  switch (data.kind) {
    case 'open':
      return data;
    case 'certificates': {
      const { ca, certificate, key, crl, ...rest } = data;
      return present({
        ...rest,
        ca: readPublicFile(at(ca)),
        own: readPair(file, at, certificate, key),
        crl: crl === undefined ? undefined : readPublicFile(at(crl)),
      }) as ScopeSecurity;
    }
    case 'psk': {
      const { keys, identities, certificate, key, ...rest } = data;
      return present({
        ...rest,
        keys: parseSharedKeys(readPrivateFile(at(keys)), at(keys), identities),
        own: readPair(file, at, certificate, key),
      }) as ScopeSecurity;
    }
    case 'set': {
      const { folder, ...rest } = data;
      readPrivateFile(resolve(at(folder), 'key.pem'));
      const credentials = loadCredentials(at(folder));
      if (credentials === null) throw new ScopeSecurityError('file', `${at(folder)} holds no credentials`);
      return present({ ...rest, credentials, domain: domainOf(credentials.certificate) }) as ScopeSecurity;
    }
  }
}

function readPair(
  file: string,
  at: (name: string) => string,
  certificate: string | undefined,
  key: string | undefined,
): { certificate: string; key: string } | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined)
    throw new ScopeSecurityError('description', `${file}: certificate and key go together`);
  return { certificate: readPublicFile(at(certificate)), key: readPrivateFile(at(key)) };
}

function domainOf(certificate: string): string {
  try {
    return parseIdentity(certificateIdentity(new X509Certificate(certificate))).domain;
  } catch (error) {
    const why = error instanceof IdentityError ? error.message : 'it cannot be read';
    throw new ScopeSecurityError('description', `the certificate is of no set: ${why}`, error);
  }
}

/** Without what is undefined: optional is not the same as undefined. */
function present<T extends object>(value: T): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
