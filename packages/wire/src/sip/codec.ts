// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8 } from '../bytes/index.ts';
import { SIP_HEAD_BYTES_MAX, SIP_HEADERS_MAX, SIP_MESSAGE_BYTES_MAX } from './bounds.ts';
import { canonicalHeaderName, type SipHeader, type SipMessage } from './message.ts';
import { refuse } from './refuse.ts';
import { TOKEN } from './split.ts';

const CR = 13;
const LF = 10;
/** Neither a header nor the start line may hold one; HT is white space. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * A datagram to a message: start line, header fields, body. What the fields mean is read by `readSipEssentials` and the
 * parsers of single headers. Lines end by CR LF; octets beyond Content-Length are left out, as UDP wants it.
 * @throws WireError `short` without an end of the header or with less body than promised, `unknown` for another version
 * than 2.0, `value`, `duplicate` (two different Content-Lengths), `utf8`, `limit`
 * @see RFC 3261 §7, §18.3
 */
export function decodeSipMessage(bytes: Uint8Array): SipMessage {
  if (bytes.length > SIP_MESSAGE_BYTES_MAX) refuse('limit', 'the message is too long', bytes.length);
  let start = 0;
  while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
  const end = endOfHead(bytes, start);
  const [startLine = '', ...lines] = unfold(decodeUtf8(bytes.subarray(start, end), start).split('\r\n'));
  const fields = lines.map((line) => parseField(line));
  const lengths = new Set(fields.filter(({ name }) => name === 'Content-Length').map(({ value }) => value));
  if (lengths.size > 1) refuse('duplicate', 'Content-Length stands twice');
  const headers = fields.filter(({ name }) => name !== 'Content-Length');
  const rest = bytes.subarray(end + 4);
  const [length] = lengths;
  if (length !== undefined && !/^\d{1,10}$/.test(length)) refuse('value', 'Content-Length is no number');
  const size = length === undefined ? rest.length : Number(length);
  if (size > rest.length) refuse('short', 'the body is shorter than Content-Length', bytes.length);
  const body = rest.slice(0, size);
  const response = /^SIP\/2\.0 ([1-6]\d\d) ([^]*)$/.exec(startLine);
  if (response)
    return { type: 'response', status: Number(response[1]), reason: response[2] ?? '', headers, body };
  if (startLine.startsWith('SIP/2.0 ')) refuse('value', 'the status is not of SIP');
  const request = /^(\S+) (\S+) (\S+)$/.exec(startLine);
  if (!request) refuse('value', 'the start line is neither of a request nor of a response');
  const [, method = '', uri = '', version = ''] = request;
  if (version.toUpperCase() !== 'SIP/2.0') refuse('unknown', 'not SIP/2.0');
  if (!TOKEN.test(method)) refuse('value', 'the method is no token');
  return { type: 'request', method, uri, headers, body };
}

/**
 * A message to a datagram; Content-Length is the last field.
 * @throws WireError `value` for what would not be read again as it is, `limit`, `utf8`
 */
export function encodeSipMessage(message: SipMessage): Uint8Array {
  if (message.headers.length >= SIP_HEADERS_MAX) refuse('limit', 'too many header fields');
  const lines = message.headers.map(({ name, value }) => {
    if (!TOKEN.test(name) || name === 'Content-Length' || canonicalHeaderName(name) !== name)
      refuse('value', `${name} is no name of a header to be written`);
    if (CONTROL.test(value) || value.trim() !== value)
      refuse('value', `the value of ${name} cannot be written`);
    return `${name}: ${value}`;
  });
  const text = `${[startLineOf(message), ...lines].join('\r\n')}\r\nContent-Length: ${message.body.length}\r\n\r\n`;
  const head = encodeUtf8(text);
  if (head.length > SIP_HEAD_BYTES_MAX) refuse('limit', 'the header is too long');
  if (head.length + message.body.length > SIP_MESSAGE_BYTES_MAX) refuse('limit', 'the message is too long');
  const bytes = new Uint8Array(head.length + message.body.length);
  bytes.set(head);
  bytes.set(message.body, head.length);
  return bytes;
}

function startLineOf(message: SipMessage): string {
  if (message.type === 'response') {
    const { status, reason } = message;
    if (!Number.isInteger(status) || status < 100 || status > 699)
      refuse('value', 'the status is not of SIP');
    if (CONTROL.test(reason)) refuse('value', 'the reason cannot be written');
    return `SIP/2.0 ${status} ${reason}`;
  }
  const { method, uri } = message;
  if (!TOKEN.test(method) || !/^\S+$/.test(uri) || CONTROL.test(uri))
    refuse('value', 'the request line cannot be written');
  return `${method} ${uri} SIP/2.0`;
}

function endOfHead(bytes: Uint8Array, start: number): number {
  const last = Math.min(bytes.length, start + SIP_HEAD_BYTES_MAX) - 3;
  for (let at = bytes.indexOf(CR, start); at >= 0 && at < last; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at;
  }
  const tooLong = bytes.length - start > SIP_HEAD_BYTES_MAX;
  return refuse(tooLong ? 'limit' : 'short', 'the header has no end', bytes.length);
}

/** Lines that begin with white space go on with the one before. @see RFC 3261 §7.3.1 */
function unfold(lines: readonly string[]): string[] {
  const whole: string[][] = [];
  for (const line of lines) {
    if (CONTROL.test(line)) refuse('value', 'a control character in the header');
    if (whole.length > 0 && /^[ \t]/.test(line)) {
      if (whole.length === 1) refuse('value', 'the start line is folded');
      whole.at(-1)?.push(line.trim());
    } else whole.push([line]);
    if (whole.length > SIP_HEADERS_MAX + 1) refuse('limit', `more than ${SIP_HEADERS_MAX} header fields`);
  }
  return whole.map((parts) => parts.join(' '));
}

function parseField(line: string): SipHeader {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trimEnd();
  if (!TOKEN.test(name)) refuse('value', 'a header field has no name');
  return { name: canonicalHeaderName(name), value: line.slice(colon + 1).trim() };
}
