// SPDX-License-Identifier: Apache-2.0
// Where users are: REGISTER, with bindings and their expiry (RFC 3261 §10.3).
import { isIP } from 'node:net';
import { formatSipUri, headerValues, parseNameAddress, parseSipUri, readSipNumber } from '@vnfpool/wire/sip';

const DEFAULT_EXPIRES_S = 3_600;
const CONTACTS_MAX = 5;

/** An answer that is not 200. */
export class Refusal extends Error {
  constructor(status, reason, headers = []) {
    super(reason);
    this.status = status;
    this.headers = headers;
  }
}

export class Registrar {
  #users;
  #expiresMinS;

  /** @param users A table: address of record → its bindings. Times are of the wall clock, as they move to other machines. */
  constructor(users, { expiresMinS = 60 } = {}) {
    this.#users = users;
    this.#expiresMinS = expiresMinS;
  }

  /** Changes the bindings, all or none; gives the values of Contact for the answer. Throws Refusal and WireError. */
  register(aor, request, { callId, cseq }, { expiresMaxS = 86_400, contactsMax = CONTACTS_MAX }, now) {
    let bindings = this.#bindingsOf(aor, now);
    const contacts = headerValues(request, 'Contact');
    const expires = readSipNumber(request, 'Expires');
    if (contacts.includes('*')) {
      if (contacts.length > 1 || expires !== 0) throw new Refusal(400, 'Wildcard Needs Expires 0');
      if (bindings.some((each) => isOlder(each, callId, cseq))) throw new Refusal(500, 'Out Of Order');
      bindings = [];
    }
    for (const text of contacts) {
      if (text === '*') continue;
      const { uri, parameters } = parseNameAddress(text);
      const address = formatSipUri(parseContact(uri));
      const asked = parameters.get('expires');
      const seconds = Math.min(
        /^\d{1,10}$/.test(asked ?? '') ? Number(asked) : (expires ?? DEFAULT_EXPIRES_S),
        expiresMaxS,
      );
      if (seconds > 0 && seconds < this.#expiresMinS)
        throw new Refusal(423, 'Interval Too Brief', [['Min-Expires', String(this.#expiresMinS)]]);
      const before = bindings.find((each) => each.uri === address);
      if (before && isOlder(before, callId, cseq)) throw new Refusal(500, 'Out Of Order');
      bindings = bindings.filter((each) => each !== before);
      if (seconds === 0) continue;
      const q = Number(parameters.get('q') ?? 1);
      bindings.push({
        uri: address,
        expiresAt: now + seconds * 1_000,
        callId,
        cseq: cseq.number,
        q: q >= 0 && q <= 1 ? q : 1,
        at: now,
      });
    }
    if (bindings.length > contactsMax) throw new Refusal(403, 'Too Many Contacts');
    if (bindings.length === 0) this.#users.delete(aor);
    else if (contacts.length > 0) {
      if (this.#users.full && !this.#users.get(aor)) throw new Refusal(503, 'Full', [['Retry-After', '60']]);
      this.#users.set(aor, { bindings });
    }
    return bindings.map(({ uri, expiresAt }) => `<${uri}>;expires=${Math.ceil((expiresAt - now) / 1_000)}`);
  }

  /** The contact with the greatest q, of equal ones the latest; undefined: nowhere. */
  locate(aor, now) {
    return this.#bindingsOf(aor, now).toSorted((x, y) => y.q - x.q || y.at - x.at)[0]?.uri;
  }

  /** Forgets what has expired. */
  sweep(now) {
    for (const [aor, { bindings }] of this.#users.entries()) {
      const left = this.#bindingsOf(aor, now);
      if (left.length === 0) this.#users.delete(aor);
      else if (left.length < bindings.length) this.#users.set(aor, { bindings: left });
    }
  }

  #bindingsOf(aor, now) {
    return (this.#users.get(aor)?.bindings ?? []).filter(({ expiresAt }) => expiresAt > now);
  }
}

const isOlder = (binding, callId, cseq) => binding.callId === callId && cseq.number <= binding.cseq;

/** Only what we can send to: UDP, and an address, as names are not resolved. */
function parseContact(text) {
  const uri = parseSipUri(text);
  const transport = uri.parameters.get('transport') ?? 'udp';
  if (
    uri.scheme !== 'sip' ||
    transport.toLowerCase() !== 'udp' ||
    isIP(uri.host.replaceAll(/[[\]]/g, '')) === 0
  )
    throw new Refusal(400, 'Contact Needs An Address And UDP');
  return uri;
}
