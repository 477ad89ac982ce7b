// SPDX-License-Identifier: Apache-2.0
import { fromHex, WireError } from '@vnfpool/wire/bytes';
import { messageToJson, type WireProtocol } from '@vnfpool/wire/json';
import { PFSYNC_IP_PROTOCOL } from '@vnfpool/wire/pfsync';
import { carriedBy } from './carried.ts';
import type { Line } from './lines.ts';
import type { CapturedPacket } from './pcap.ts';

/** What is told of one line, or of one packet: a message, or an error with its place. */
export interface Decoded {
  readonly ok: boolean;
  /** One line of JSON, without a newline. */
  readonly json: string;
}

/** Those whose messages lie in IP, one a packet: numbers of the protocol there. All others are carried by streams and datagrams. */
export const IP_PROTOCOLS: ReadonlyMap<WireProtocol, number> = new Map([['pfsync', PFSYNC_IP_PROTOCOL]]);

/** A line of hexadecimal digits as a line of JSON. `file`: said with an error, when there is one. */
export function decodeLine(protocol: WireProtocol, line: Line, file: string | undefined): Decoded {
  const place = { ...named(file), line: line.number };
  if ('fault' in line) return failed({ ...place, error: line.fault, code: line.code, offset: 0 });
  return decoded(protocol, place, () => fromHex(line.text));
}

/**
 * The message of a packet as a line of JSON; null: it has none of this protocol. `file`: said with an error, when there is one. Offsets count
 * from the message on.
 */
export function decodePacket(
  protocol: WireProtocol,
  packet: CapturedPacket,
  file: string | undefined,
): Decoded | null {
  const place = { ...named(file), packet: packet.number };
  const carried = 'fault' in packet ? packet : carriedBy(packet, IP_PROTOCOLS.get(protocol) ?? -1);
  if (carried === null) return null;
  if ('fault' in carried) return failed({ ...place, error: carried.fault, code: carried.code, offset: 0 });
  return decoded(protocol, place, () => carried.octets);
}

function decoded(protocol: WireProtocol, place: object, octets: () => Uint8Array): Decoded {
  try {
    return { ok: true, json: visible(messageToJson(protocol, octets())) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return failed({ ...place, error: error.message, code: error.code, offset: error.offset });
  }
}

function named(file: string | undefined): object {
  return file === undefined ? {} : { file };
}

function failed(told: object): Decoded {
  return { ok: false, json: visible(told) };
}

/** JSON in which characters that are not seen are escaped: what a peer sent cannot steer the terminal. */
function visible(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
