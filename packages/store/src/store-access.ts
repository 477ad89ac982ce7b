// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** How a store is reached, behind the `?` of its address: files of the host that asks, and never what is in them. Empty: not said. */
export interface StoreAccess {
  /** Certificates of who signs the store's; empty: what Node trusts. */
  readonly ca: string;
  /** What the store is shown, where it asks for one, and its key. */
  readonly certificate: string;
  readonly key: string;
  readonly passwordFile: string;
  /** Of the environment. */
  readonly passwordVariable: string;
}

/** What a connection over TLS is made with. */
export interface StoreTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Absent: the store is named by an address, for which there is no SNI. */
  readonly servername?: string;
}

const FILES = ['ca', 'certificate', 'key'] as const;
const PASSWORDS = ['passwordFile', 'passwordVariable'] as const;
const NAMES: readonly string[] = [...FILES, ...PASSWORDS];
/** Of a file with certificates; one with a password is far below. */
const FILE_OCTETS_MAX = 1024 ** 2;

/** @param query `ca=/etc/ca.pem&passwordFile=/run/password`; a plus is a plus there */
export function accessOf(query: string): StoreAccess {
  const said = wordsOf(query);
  const of = (name: string): string => said.get(name) ?? '';
  return {
    ca: of('ca'),
    certificate: of('certificate'),
    key: of('key'),
    passwordFile: of('passwordFile'),
    passwordVariable: of('passwordVariable'),
  };
}

/** What is wrong with it; null: nothing. @param own names that this kind of address has beside these */
export function accessFault(
  query: string,
  is: { readonly tls: boolean; readonly password: boolean },
  own: readonly string[] = [],
): string | null {
  const said = wordsOf(query);
  const names = [...own, ...(is.tls ? NAMES : PASSWORDS)];
  for (const name of new Set(said.keys())) {
    if (said.getAll(name).length > 1) return `must say ${name} once`;
    if (names.includes(name)) continue;
    return NAMES.includes(name)
      ? `must be rediss: or etcds:, which are TLS, to have ${name}`
      : `must not say ${name} behind the question mark: ${names.join(', ')}`;
  }
  for (const name of [...FILES, 'passwordFile'])
    if (said.has(name) && !/^\/./.test(said.get(name) as string))
      return `must name the file of ${name} from the root: ?${name}=/etc/…`;
  if (said.has('certificate') !== said.has('key')) return 'must name certificate and key together';
  const variable = said.get('passwordVariable');
  if (variable !== null && !/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(variable))
    return 'must name a variable of the environment by passwordVariable';
  const passwords = Number(is.password) + PASSWORDS.filter((name) => said.has(name)).length;
  return passwords > 1 ? 'must say its password in one way: itself, passwordFile or passwordVariable' : null;
}

/** Files are read each time: whoever renews them changes nothing else. @throws Error which file, and why */
export function tlsOf({ ca, certificate, key }: StoreAccess, host: string): StoreTls {
  const tls = {
    ...(ca === '' ? {} : { ca: fileOf('ca', ca) }),
    ...(certificate === '' ? {} : { cert: fileOf('certificate', certificate), key: fileOf('key', key) }),
  };
  // Node takes what is none for no authority at all.
  if (tls.ca !== undefined && !tls.ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`its ca, ${ca}, has no certificate in PEM`);
  try {
    createSecureContext(tls);
  } catch (error) {
    const files = [ca, certificate, key].filter((each) => each !== '').join(', ');
    throw new Error(`${files}: ${(error as Error).message}`, { cause: error });
  }
  return isIP(host) === 0 ? { ...tls, servername: host } : tls;
}

/** @param written in the address itself @throws Error where it should be, and is not */
export function passwordOf({ passwordFile, passwordVariable }: StoreAccess, written: string): string {
  if (passwordFile !== '') {
    const password = fileOf('passwordFile', passwordFile).replace(/\r?\n$/, '');
    if (password === '') throw new Error(`its passwordFile, ${passwordFile}, is empty`);
    return password;
  }
  if (passwordVariable === '') return written;
  const password = process.env[passwordVariable];
  if (!password) throw new Error(`its passwordVariable, ${passwordVariable}, is not set`);
  return password;
}

/** Why no connection came about, for a person: what OpenSSL says names neither end. */
export function connectFault(error: Error, { ca, certificate }: StoreAccess): string {
  const { message } = error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (/^(?:SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_|CERT_SIGNATURE_FAILURE)/.test(code))
    return `its certificate is not of ${ca === '' ? 'an authority that is trusted here' : ca}: ${message}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code.startsWith('CERT_'))
    return `its certificate is not accepted: ${message}`;
  if (/ALERT_(?:BAD_|UNKNOWN_|CERTIFICATE_|NO_CERT)|_UNKNOWN_CA|ALERT_HANDSHAKE_FAILURE/.test(code))
    return certificate === ''
      ? `it asks for a certificate, and the address names none: ${message}`
      : `it does not accept ${certificate}: ${message}`;
  return message;
}

function wordsOf(query: string): URLSearchParams {
  return new URLSearchParams(query.replaceAll('+', '%2B'));
}

function fileOf(what: string, path: string): string {
  try {
    if (statSync(path).size > FILE_OCTETS_MAX) throw new Error(`more than ${FILE_OCTETS_MAX} octets`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`its ${what} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
