// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { decodeEnrp, encodeEnrp } from '@vnfpool/wire/enrp';
import { decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';
import { decodeMobility, encodeMobility } from '@vnfpool/wire/mobility';
import { opsPerSecond } from '../lib/rounds.mjs';
import {
  asapRegistration,
  asapResolutionResponse,
  enrpTableResponse,
  leaseAccept,
  leaseHeader,
  leaseRenewals,
  mobilityRegistration,
} from './messages.mjs';

export const description = 'messages encoded and decoded a second, beside JSON of the same content as bytes';

export const limitMs = 5 * 60_000;

const decoder = new TextDecoder();

/** The content as JSON can say it; the conversion is not counted, which is in favour of JSON. */
function plain(value) {
  return JSON.parse(
    JSON.stringify(value, (_key, part) => {
      if (typeof part === 'bigint') return String(part);
      return part instanceof Uint8Array ? decoder.decode(part) : part;
    }),
  );
}

const encodeDatagram = ({ header, messages }) => encodeLeaseDatagram(header, messages);
const decodeDatagram = (bytes) => decodeLeaseDatagram(bytes);

const cases = [
  { name: 'ASAP registration', message: asapRegistration, encode: encodeAsap, decode: decodeAsap },
  {
    name: 'ASAP handle resolution response, 3 elements',
    message: asapResolutionResponse,
    encode: encodeAsap,
    decode: decodeAsap,
  },
  {
    name: 'ENRP handle table response, 23 elements',
    message: enrpTableResponse,
    encode: encodeEnrp,
    decode: decodeEnrp,
  },
  {
    name: 'mobility registration',
    message: mobilityRegistration,
    encode: encodeMobility,
    decode: decodeMobility,
  },
  {
    name: 'lease datagram, 8 renewals',
    message: { header: leaseHeader, messages: leaseRenewals },
    encode: encodeDatagram,
    decode: decodeDatagram,
  },
  {
    name: 'lease datagram, accept',
    message: { header: leaseHeader, messages: leaseAccept },
    encode: encodeDatagram,
    decode: decodeDatagram,
  },
];

export async function run({ options, emit, say, signal }) {
  for (const { name, message, encode, decode } of cases) {
    if (options.only !== undefined && !name.includes(options.only)) continue;
    signal.throwIfAborted();
    const bytes = encode(message);
    const decoded = decode(bytes);
    const again = encode(decoded.message ?? decoded);
    if (!isDeepStrictEqual(Buffer.from(again), Buffer.from(bytes)))
      throw new Error(`${name} is not the same again`);
    const content = plain(message);
    const text = Buffer.from(JSON.stringify(content));
    say(`${name}: ${bytes.length} bytes, as JSON ${text.length}`);
    const encoded = opsPerSecond({
      ours: () => encode(message).length,
      json: () => Buffer.from(JSON.stringify(content)).length,
    });
    const tell = (figure, { ours, json }, referenceName) => {
      emit({ figure, unit: 'messages/s', samples: ours, referenceSamples: json, referenceName });
      // Each by the octets of its own form: JSON has several times as many for the same content.
      const megabytes = (samples, size) => samples.map((perSecond) => (perSecond * size) / 1e6);
      emit({
        figure,
        unit: 'MB/s',
        samples: megabytes(ours, bytes.length),
        referenceSamples: megabytes(json, text.length),
        referenceName,
      });
    };
    tell(`${name}, encode`, encoded, 'JSON.stringify and UTF-8');
    const parsed = opsPerSecond({
      ours: () => (decode(bytes) ? 1 : 0),
      json: () => (JSON.parse(text.toString()) ? 1 : 0),
    });
    tell(`${name}, decode`, parsed, 'UTF-8 and JSON.parse');
    // A turn of the loop, for Ctrl-C.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
