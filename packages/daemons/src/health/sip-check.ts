// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { failedConnection } from './failed-connection.ts';
import type { HealthResult } from './health-check.ts';
import { afterOwnTime } from './own-time.ts';

/** First interval of the retransmissions over UDP, doubled each time (RFC 3261 §17.1.2.2, T1). */
const T1_MS = 500;

/**
 * Asks a SIP element for its capabilities by OPTIONS over UDP: a final status from 200 to 299 is healthy. Provisional answers
 * and those to other requests are not waited by.
 *
 * @see RFC 3261 §11
 */
export function checkSip(timeoutMs: number, host: string, port: number): Promise<HealthResult> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const branch = `z9hG4bK${randomBytes(12).toString('hex')}`;
    let again: NodeJS.Timeout | undefined;
    let isOver = false;
    const end = (result: HealthResult): void => {
      if (isOver) return;
      isOver = true;
      limit.cancel();
      clearTimeout(again);
      socket.close();
      resolve(result);
    };
    const done = (ok: boolean, reason: string): void => end({ ok, reason });
    const limit = afterOwnTime(timeoutMs, () => done(false, `no answer within ${timeoutMs} ms`));
    socket.on('error', (error) => end(failedConnection(error)));
    socket.on('message', (datagram) => {
      const status = finalStatus(datagram.toString('latin1'), branch);
      if (status !== null) done(status >= 200 && status < 300, `status ${status}`);
    });
    // Connected: only this peer's datagrams come in, and a closed port is an error.
    socket.connect(port, host, () => {
      if (isOver) return;
      const request = optionsRequest(host, port, socket.address(), branch);
      const send = (intervalMs: number): void => {
        socket.send(request, (error) => {
          if (error) end(failedConnection(error));
        });
        again = setTimeout(() => send(intervalMs * 2), intervalMs);
      };
      send(T1_MS);
    });
  });
}

function optionsRequest(
  host: string,
  port: number,
  own: { readonly address: string; readonly port: number },
  branch: string,
): string {
  const uri = `sip:${bracketed(host)}:${port}`;
  const from = `${bracketed(own.address)}:${own.port}`;
  return [
    `OPTIONS ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${from};branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: <sip:health@${from}>;tag=${branch.slice(-8)}`,
    `To: <${uri}>`,
    `Call-ID: ${branch}@${bracketed(own.address)}`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:health@${from}>`,
    'Accept: application/sdp',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** The status of a final response to the request with this branch; null for anything else. */
function finalStatus(text: string, branch: string): number | null {
  const [, digits] = /^SIP\/2\.0 ([1-6]\d\d)[ \r]/.exec(text) ?? [];
  const head = text.split('\r\n\r\n', 1)[0] ?? '';
  const isOurs = new RegExp(`^(?:via|v)[ \\t]*:.*;[ \\t]*branch=${branch}(?:[;,\\s]|$)`, 'im').test(head);
  const status = Number(digits);
  return digits === undefined || !isOurs || status < 200 ? null : status;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
