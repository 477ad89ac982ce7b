// SPDX-License-Identifier: Apache-2.0
import { fromHex, WireError } from '@vnfpool/wire/bytes';
import { messageToJson, type WireProtocol } from '@vnfpool/wire/json';
import type { Line } from './lines.ts';

/** What is told of one line: a message, or an error with its place. */
export interface DecodedLine {
  readonly ok: boolean;
  /** One line of JSON, without a newline. */
  readonly json: string;
}

/** A line of hexadecimal digits as a line of JSON. `file`: said with an error, when there is one. */
export function decodeLine(protocol: WireProtocol, line: Line, file: string | undefined): DecodedLine {
  const told = { ...(file === undefined ? {} : { file }), line: line.number };
  if ('fault' in line) return failed({ ...told, error: line.fault, code: line.code, offset: 0 });
  try {
    return { ok: true, json: visible(messageToJson(protocol, fromHex(line.text))) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return failed({ ...told, error: error.message, code: error.code, offset: error.offset });
  }
}

function failed(told: object): DecodedLine {
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
