// SPDX-License-Identifier: Apache-2.0
import './reflect-metadata.ts';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  type X509Certificate as PeculiarCertificate,
  X509Certificate as PeculiarX509Certificate,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type Identity, identityUri } from '../certificates/identity.ts';
import { readOptionalFile, writeSecretFile } from '../files/secret-file.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;

/** Ten years. */
export const authorityValidityMs: number = 3653 * dayMs;
export const defaultValidityMs: number = dayMs;
/**
 * Certificates begin this much earlier, for joiners whose clocks are behind: 5 minutes, less for short lives, so
 * that two thirds of a life are never over when it begins.
 */
function clockSlackMs(validityMs: number): number {
  return Math.min(5 * 60_000, validityMs / 4);
}

export class AuthorityError extends Error {
  override readonly name: string = 'AuthorityError';
  readonly code: 'request' | 'state';

  constructor(code: 'request' | 'state', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What a certificate shall say. */
export interface IssueOrder {
  readonly identity: Omit<Identity, 'domain'>;
  /** IP addresses for the subjectAltName. */
  readonly addresses?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Default 24 h. Cut at the authority's own end. */
  readonly validityMs?: number;
}

/** The set's own certificate authority: one key, ECDSA P-256, that signs leaves and nothing else. */
export class Authority {
  readonly domain: string;
  readonly certificatePem: string;
  /** SHA-256 of the certificate, lower-case hexadecimal; what a join token pins. */
  readonly fingerprint: string;
  readonly #certificate: PeculiarCertificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(domain: string, certificate: PeculiarCertificate, key: webcrypto.CryptoKey) {
    this.domain = domain;
    this.#certificate = certificate;
    this.#key = key;
    this.certificatePem = `${certificate.toString('pem')}\n`;
    this.fingerprint = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
  }

  /**
   * The authority kept in `folder` (`ca.pem`, `ca.key`, both 0600), made on the first call.
   * @param nowMs Wall clock.
   * @throws AuthorityError `state` when the folder holds half of one, or another set's.
   */
  static async open(folder: string, domain: string, nowMs: number): Promise<Authority> {
    const certificateFile = join(folder, 'ca.pem');
    const keyFile = join(folder, 'ca.key');
    const certificatePem = readOptionalFile(certificateFile);
    const keyPem = readOptionalFile(keyFile);
    // The key is written first: a key alone is a creation that was cut short and that nobody has seen.
    if (certificatePem === null) {
      const { authority, keyPem: fresh } = await Authority.create(domain, nowMs);
      writeSecretFile(keyFile, fresh);
      writeSecretFile(certificateFile, authority.certificatePem);
      return authority;
    }
    if (keyPem === null) throw new AuthorityError('state', `${certificateFile} has no key beside it`);
    return Authority.restore(domain, certificatePem, keyPem);
  }

  static async create(domain: string, nowMs: number): Promise<{ authority: Authority; keyPem: string }> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: new Name([{ CN: [`${domain} authority`] }]).toString(),
      keys,
      notBefore: new Date(nowMs - clockSlackMs(authorityValidityMs)),
      notAfter: new Date(nowMs + authorityValidityMs),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${domain}` }]),
      ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const keyPem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      .export({ type: 'pkcs8', format: 'pem' })
      .toString();
    return { authority: new Authority(domain, certificate, keys.privateKey), keyPem };
  }

  static async restore(domain: string, certificatePem: string, keyPem: string): Promise<Authority> {
    const key = createPrivateKey(keyPem);
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.checkPrivateKey(key))
      throw new AuthorityError('state', 'ca.key does not belong to ca.pem');
    if (certificate.subjectAltName !== `URI:spiffe://${domain}`) {
      throw new AuthorityError(
        'state',
        `the authority is for ${certificate.subjectAltName}, not for ${domain}`,
      );
    }
    const usable = await webcrypto.subtle.importKey(
      'pkcs8',
      key.export({ type: 'pkcs8', format: 'der' }),
      algorithm,
      false,
      ['sign'],
    );
    return new Authority(domain, new PeculiarX509Certificate(certificatePem), usable);
  }

  /**
   * Signs a leaf for the request's key. Only the key is taken from the request; its possession is verified.
   * @param nowMs Wall clock.
   * @returns PEM
   * @throws AuthorityError `request`; IdentityError
   */
  async issue(requestPem: string, order: IssueOrder, nowMs: number): Promise<string> {
    const uri = identityUri({ ...order.identity, domain: this.domain });
    const request = await verifiedRequest(requestPem);
    const addresses = order.addresses ?? [];
    for (const address of addresses) {
      if (isIP(address) === 0)
        throw new AuthorityError('request', `${JSON.stringify(address)} is no IP address`);
    }
    const dnsNames = order.dnsNames ?? [];
    for (const name of dnsNames) {
      if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(name)) {
        throw new AuthorityError('request', `${JSON.stringify(name)} is no host name`);
      }
    }
    const end = Math.min(
      nowMs + (order.validityMs ?? defaultValidityMs),
      this.#certificate.notAfter.getTime(),
    );
    const leaf = await X509CertificateGenerator.create({
      subject: new Name([{ CN: [order.identity.name] }]).toString(),
      issuer: this.#certificate.subject,
      publicKey: request.publicKey,
      signingKey: this.#key,
      signingAlgorithm: algorithm,
      notBefore: new Date(nowMs - clockSlackMs(end - nowMs)),
      notAfter: new Date(end),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([
          { type: 'url', value: uri },
          ...addresses.map((value) => ({ type: 'ip' as const, value })),
          ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ]),
      ],
    });
    return `${leaf.toString('pem')}\n`;
  }
}

/** SHA-256 of the requested public key, lower-case hexadecimal: tells one joiner from another. */
export async function requestKeyFingerprint(requestPem: string): Promise<string> {
  const request = await verifiedRequest(requestPem);
  return createHash('sha256').update(new Uint8Array(request.publicKey.rawData)).digest('hex');
}

async function verifiedRequest(requestPem: string): Promise<Pkcs10CertificateRequest> {
  try {
    const request = new Pkcs10CertificateRequest(requestPem);
    const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
    if (name !== 'ECDSA' || namedCurve !== 'P-256') {
      throw new AuthorityError('request', `keys must be ECDSA P-256, not ${name} ${namedCurve ?? ''}`);
    }
    if (!(await request.verify()))
      throw new AuthorityError('request', 'the signature of the request is wrong');
    return request;
  } catch (error) {
    if (error instanceof AuthorityError) throw error;
    throw new AuthorityError('request', 'not a certification request', error);
  }
}
