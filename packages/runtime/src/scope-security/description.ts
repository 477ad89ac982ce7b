// SPDX-License-Identifier: Apache-2.0

import type { Credentials } from '../certificates/credentials.ts';
import type { CertificateRole } from '../certificates/identity.ts';

/**
 * How the members of a scope know each other; all members of a scope have the same kind.
 *
 * - `open`: nobody is known. For closed networks only: whoever reaches a port is believed
 * - `certificates`: TLS with certificates of an authority that the operator names
 * - `psk`: TLS with keys shared beforehand; who holds an identity's key is that identity
 * - `set`: the members of a vnfpool set, by the certificates that its manager gives
 * @see RFC 5355 §3, RFC 5352 §9.2, RFC 5353 §6
 */
export type ScopeSecurity = OpenScope | CertificateScope | PskScope | SetScope;

export interface OpenScope {
  readonly kind: 'open';
}

/** What the secured kinds have in common. */
export interface SecuredScope {
  /** Who may register where. None: nobody may (in a `set`: its nodes and elements may register anywhere). */
  readonly rules?: readonly RegistrationRule[];
  /**
   * Whether registrars also answer users over unsecured transports, and over TLS users that show nothing. They
   * get answers only: whatever would change the handlespace is refused with cause 0xa. Default false.
   */
  readonly unsecuredUsers?: boolean;
}

export interface CertificateScope extends SecuredScope {
  readonly kind: 'certificates';
  /** PEM text of the only authorities believed. */
  readonly ca: string;
  /** PEM texts of our own; a user may be without. */
  readonly own?: { readonly certificate: string; readonly key: string };
  /** Whose certificate means what; the first that fits counts, and who fits none is refused. */
  readonly identities?: readonly CertificateMapping[];
  /** Certificates that name themselves `spiffe://DOMAIN/ROLE/NAME` with this domain need no mapping. */
  readonly domain?: string;
  /** SHA-256 of certificates that are not believed any more, hexadecimal. */
  readonly revoked?: readonly string[];
  /** PEM text of certificate revocation lists; one of each authority is needed then, and not an old one. */
  readonly crl?: string;
  /** Versions offered: `TLSv1.2` means 1.2 and 1.3. Default `TLSv1.3`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** With 1.2, also the suite that RFC 5355 makes mandatory, which has no forward secrecy. Default false. */
  readonly obsoleteSuite?: boolean;
}

/** A certificate of the authority that has all of what is said here is this role. */
export interface CertificateMapping {
  readonly role: CertificateRole;
  /** Who it is. Default: the name that fitted, without one the common name. */
  readonly name?: string;
  /** Common name of the subject. Patterns here and below: `*` stands for any run of characters. */
  readonly commonName?: string;
  readonly dnsName?: string;
  readonly uri?: string;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint?: string;
}

export interface PskScope extends SecuredScope {
  readonly kind: 'psk';
  /** Our own identity; its key is among `keys`. Others that show it to us are refused. */
  readonly identity: string;
  /** A registrar holds everybody's, an element its own only. */
  readonly keys: readonly PskKey[];
  /**
   * For registrars: shown to users without key, who check the registrar by it. They get answers only, see
   * `unsecuredUsers`, which this implies for TLS.
   */
  readonly own?: { readonly certificate: string; readonly key: string };
  /** Versions offered: `TLSv1.2` means 1.2 and 1.3. Default `TLSv1.3`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** With 1.2, also the suite that RFC 5355 makes mandatory, which has no forward secrecy. Default false. */
  readonly obsoleteSuite?: boolean;
}

export interface PskKey {
  /** 1…64 visible ASCII characters, as it goes over the wire in the clear. */
  readonly identity: string;
  readonly role: CertificateRole;
  readonly name: string;
  /** 16…64 octets from a good source of randomness; no passwords. */
  readonly key: Uint8Array;
}

export interface SetScope extends SecuredScope {
  readonly kind: 'set';
  readonly credentials: Credentials;
  readonly domain: string;
}

/** Who may register in which pools, with which addresses. */
export interface RegistrationRule {
  /** `ROLE/NAME`, `*` for any run of characters: `element/calc-*`. */
  readonly who: string;
  /** Patterns of pool handles as text, or `0x…` for one handle in hexadecimal. */
  readonly pools: readonly string[];
  /**
   * Addresses and ranges (`10.0.0.0/24`, `2001:db8::/64`) that its user transport may have, `*`: any. Default:
   * those it connects from.
   */
  readonly addresses?: readonly string[];
}
