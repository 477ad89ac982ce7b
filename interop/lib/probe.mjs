// SPDX-License-Identifier: Apache-2.0
// Asks a registrar, whoever wrote it, for the members of a pool: as a pool user, which changes nothing there but whose turn it is.
import { SctpTransport } from '@vnfpool/transport/sctp';
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { ownAddressTowards } from './world.mjs';

const asapProtocol = 11;
const asapPort = 3863;
const answerMs = 3_000;
const transport = new SctpTransport({ rule: { frameBytesMax: 65_536 }, protocol: asapProtocol });
const open = new Map();

async function connection(address, onGone) {
  const existing = open.get(address);
  if (existing && existing.closed === null) return existing;
  const made = await transport.connect({
    host: address,
    port: asapPort,
    localAddress: ownAddressTowards(address),
  });
  made.onFrame((frame) => made.answer?.(decodeAsap(frame).message));
  made.onClose(() => {
    open.delete(address);
    onGone();
  });
  open.set(address, made);
  return made;
}

let unanswered = '';

/** Why the last request had no answer, for people. */
export const whyUnanswered = () => unanswered;

/** One request, one answer; null: no answer. Requests to one registrar follow one another. */
export async function ask(address, message) {
  return await new Promise((resolve) => {
    const end = (value, why = '') => {
      clearTimeout(late);
      unanswered = why;
      resolve(value);
    };
    const late = setTimeout(() => end(null, `none within ${answerMs} ms`), answerMs);
    connection(address, () => end(null, 'the connection has ended')).then(
      (made) => {
        made.answer = end;
        made.send(encodeAsap(message));
      },
      (error) => end(null, error.message),
    );
  });
}

/** Elements of a pool as a registrar tells them, by identifier; null: it does not answer; empty: no such pool. */
export async function members(host, pool) {
  const answer = await ask(host.address, {
    type: 'handle-resolution',
    sendUpdates: false,
    poolHandle: new TextEncoder().encode(pool),
    items: 128,
  });
  if (answer === null) return null;
  if (answer.type !== 'handle-resolution-response') {
    unanswered = `it says ${answer.type}`;
    return null;
  }
  return new Map((answer.elements ?? []).map((element) => [element.id, element]));
}

/** Whether these identifiers, and no others, are in a pool. */
export async function has(host, pool, ids) {
  const found = await members(host, pool);
  return found !== null && found.size === ids.length && ids.every((id) => found.has(id)) ? found : false;
}
