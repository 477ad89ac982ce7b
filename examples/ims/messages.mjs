// SPDX-License-Identifier: Apache-2.0
// Parts of messages that a proxy makes.
import { isIP } from 'node:net';
import {
  formatVia,
  headerValue,
  headerValues,
  parseHostPort,
  parseNameAddress,
  parseVia,
  SIP_BRANCH_COOKIE,
  withHeader,
} from '@vnfpool/wire/sip';
import { digest } from './tables.mjs';

export const SIP_PORT = 5_060;

/** `{ address, port }` that datagrams go to, or null: a name, or another transport. */
export function targetOf(uri) {
  const address = uri.host.replaceAll(/[[\]]/g, '');
  const transport = uri.parameters.get('transport') ?? 'udp';
  if (isIP(address) === 0 || transport.toLowerCase() !== 'udp') return null;
  return { address, port: uri.port ?? SIP_PORT };
}

/** Where a response goes. @see RFC 3261 §18.2.2, RFC 3581 §4 */
export function returnPath(via) {
  const address = via.parameters.get('received') ?? via.host.replaceAll(/[[\]]/g, '');
  const port = Number(via.parameters.get('rport') ?? via.port ?? SIP_PORT);
  return isIP(address) === 0 || !(port >= 1 && port <= 65_535) ? null : { address, port };
}

/** The request with what its topmost Via says of its sender, by what we see. @see RFC 3261 §18.2.1, RFC 3581 §4 */
export function withSource(request, top, { address, port }) {
  const parameters = new Map(top.parameters);
  parameters.delete('received');
  if (parameters.has('rport')) parameters.set('rport', String(port));
  if (parameters.has('rport') || top.host.replaceAll(/[[\]]/g, '') !== address)
    parameters.set('received', address);
  const [, ...more] = headerValues(request, 'Via');
  return withHeader(request, 'Via', [formatVia({ ...top, parameters }), ...more]);
}

/** The same for a request, its retransmissions, the ACK of what was refused, and its CANCEL. @see RFC 3261 §17.2.3 */
export function transactionId(request, { vias: [top], from, callId, cseq }) {
  const method = ['ACK', 'CANCEL'].includes(request.method) ? 'INVITE' : request.method;
  const branch = top.parameters.get('branch') ?? '';
  const sentBy = `${top.host}:${top.port ?? SIP_PORT}`;
  return branch.startsWith(SIP_BRANCH_COOKIE)
    ? digest(method, branch, sentBy)
    : digest(method, sentBy, branch, request.uri, from.parameters.get('tag') ?? '', callId, cseq.number);
}

/** A proxy in between may have sent it on under another URI; the path it shall take is the same. @see RFC 3261 §16.6 item 8 */
export function loopDigest(request, { from, to, callId, cseq }) {
  const tags = [from, to].map(({ parameters }) => parameters.get('tag') ?? '');
  const routes = headerValues(request, 'Route');
  return digest(request.uri, tags, callId, cseq.number, routes, headerValues(request, 'Proxy-Require')).slice(
    0,
    8,
  );
}

/** What belongs to one Call-ID moves together. */
export const callOf = (callId) => digest('call', callId);

/** The same from both ends. */
export function dialogKey({ callId, from, to }) {
  const tags = [from, to].map(({ parameters }) => parameters.get('tag') ?? '');
  return digest(callId, ...tags.toSorted((x, y) => (x < y ? -1 : 1)));
}

export const hasTag = ({ parameters }) => parameters.has('tag');

/** A response of our own; `tag` for its To if it has none yet. */
export function responseTo(
  request,
  status,
  reason,
  { tag = '', headers = [], body = new Uint8Array() } = {},
) {
  const copied = request.headers.filter(({ name }) =>
    ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name),
  );
  const response = {
    type: 'response',
    status,
    reason,
    headers: [...copied, ...headers.map(([name, value]) => ({ name, value }))],
    body,
  };
  const to = headerValue(request, 'To') ?? '';
  return tag === '' || isTagged(to) ? response : withHeader(response, 'To', [`${to};tag=${tag}`]);
}

/** Also of what is refused because it cannot be read. */
function isTagged(to) {
  try {
    return hasTag(parseNameAddress(to));
  } catch {
    return true;
  }
}

/** ACK or CANCEL of our own for an INVITE that we sent on. @see RFC 3261 §9.1, §17.1.1.3 */
export function companionOf(invite, method, to = headerValue(invite, 'To')) {
  const kept = invite.headers.filter(({ name }) => ['From', 'Call-ID', 'Route'].includes(name));
  const [via] = headerValues(invite, 'Via');
  const [number] = headerValue(invite, 'CSeq').split(/\s/);
  const made = { Via: via, 'Max-Forwards': '70', To: to, CSeq: `${number} ${method}` };
  return {
    type: 'request',
    method,
    uri: invite.uri,
    headers: [...Object.entries(made).map(([name, value]) => ({ name, value })), ...kept],
    body: new Uint8Array(),
  };
}

/** The message without our Via, and where it goes then; null: there is no other. */
export function withoutTopVia(message) {
  const [, ...rest] = headerValues(message, 'Via');
  if (rest.length === 0) return null;
  const path = returnPath(parseVia(rest[0]));
  return path === null ? null : { message: withHeader(message, 'Via', rest), path };
}

/** `host` or `host:port`. */
export function parsePlace(text) {
  const { host, port } = parseHostPort(text);
  return { host, port: port ?? SIP_PORT };
}
