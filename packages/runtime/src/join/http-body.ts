// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';

/** Largest request and answer of the join port. */
export const bodyBytesMax: number = 32 * 1024;

/** A body longer than admitted, or one that is no JSON object. */
export class BodyError extends Error {
  override readonly name: string = 'BodyError';
  readonly code = 'body';
}

/** @throws BodyError; nothing beyond the bound is kept */
export async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new BodyError(`more than ${bodyBytesMax} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws BodyError */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BodyError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BodyError('not a JSON object');
  return value as Record<string, unknown>;
}
