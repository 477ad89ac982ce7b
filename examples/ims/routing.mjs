// SPDX-License-Identifier: Apache-2.0
// Where a request goes, and what of it is ours (RFC 3261 §16.4 to §16.6).
import { WireError } from '@vnfpool/wire/bytes';
import {
  addressOfRecord,
  headerValues,
  parseNameAddress,
  parseSipUri,
  SIP_BRANCH_COOKIE,
} from '@vnfpool/wire/sip';
import { hasTag, SIP_PORT } from './messages.mjs';
import { Refusal } from './registrar.mjs';

export class Routing {
  #domain;
  #advertised;
  #registrar;
  #dialogs;

  constructor({ domain, advertised }, registrar, dialogs) {
    this.#domain = domain;
    this.#advertised = advertised;
    this.#registrar = registrar;
    this.#dialogs = dialogs;
  }

  /**
   * Throws Refusal; gives `{ uri, routes, to }`: request line, Route, and the URI of the next hop. `own`: what we are known by in
   * this call.
   */
  route(request, essentials, asked, own, now) {
    let uri = request.uri;
    let parsed = asked;
    let routes = routesOf(request);
    // A predecessor that routes strictly has put the last Route into the request line.
    if (this.isOurs(parsed, own) && parsed.parameters.has('lr') && routes.length > 0) {
      uri = routes.at(-1).text;
      parsed = parseRequestUri(uri);
      routes = routes.slice(0, -1);
    }
    if (routes.length > 0 && this.isOurs(routes[0].uri, own)) routes = routes.slice(1);
    const known = hasTag(essentials.to) && this.#dialogs.knows(essentials);
    // An ACK of no call is of nothing; nobody is told, as it is an ACK.
    if ((hasTag(essentials.to) || request.method === 'ACK') && !known)
      throw new Refusal(481, 'Call/Transaction Does Not Exist');
    // Strangers shall not send through us to anywhere.
    if (!known && (routes.length > 0 || !this.isHere(parsed, own))) throw new Refusal(403, 'Not Relayed');
    if (this.isHere(parsed, own)) {
      if (parsed.user === null) throw new Refusal(404, 'Not Found');
      uri = this.#registrar.locate(this.aor(parsed), now);
      if (uri === undefined) throw new Refusal(480, 'Not Registered');
      parsed = parseRequestUri(uri);
    }
    if (routes.length === 0) return { uri, routes: [], to: parsed };
    const [first, ...more] = routes;
    if (first.uri.parameters.has('lr'))
      return { uri, routes: routes.map(({ value }) => value), to: first.uri };
    // The next one routes strictly.
    return { uri: first.text, routes: [...more.map(({ value }) => value), `<${uri}>`], to: first.uri };
  }

  /** What users are known by, whichever of our names stands in the URI. */
  aor(uri) {
    return addressOfRecord({ ...uri, host: this.#domain });
  }

  isOurs({ host, port }, own = this.#advertised) {
    return host === own.host && (port ?? SIP_PORT) === own.port;
  }

  /** Of our domain, or ourselves. */
  isHere(uri, own = this.#advertised) {
    return uri.host === this.#domain || this.isOurs(uri, own);
  }

  recordRoute({ host, port }) {
    return `<sip:${host}:${port};lr>`;
  }

  /** Our Via: the branch says which transaction it is, and by which path the request went. */
  via(id, loop, { host, port }) {
    const parameters = new Map([['branch', `${SIP_BRANCH_COOKIE}${id}.${loop}`]]);
    return { transport: 'UDP', host, port, parameters };
  }

  /** `{ id, loop }` of a Via of ours, else null. */
  branchOf(via, own) {
    const branch = via.parameters.get('branch') ?? '';
    const match = this.isOurs(via, own) ? /^z9hG4bK([\w-]{22})\.([\w-]{8})$/.exec(branch) : null;
    return match ? { id: match[1], loop: match[2] } : null;
  }
}

/** Values of Route: as they stand, their URI as text, and taken apart. */
export function routesOf(request) {
  return headerValues(request, 'Route').map((value) => {
    const { uri: text } = parseNameAddress(value);
    return { value, text, uri: parseSipUri(text) };
  });
}

/** Throws Refusal for a URI that is not `sip:`. */
export function parseRequestUri(text) {
  let uri;
  try {
    uri = parseSipUri(text);
  } catch (error) {
    if (error instanceof WireError && error.code === 'unknown')
      throw new Refusal(416, 'Unsupported URI Scheme');
    throw error;
  }
  if (uri.scheme === 'sips') throw new Refusal(416, 'Unsupported URI Scheme');
  return uri;
}
