// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';

/** Where a request goes. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
}

/** Why a request failed whose answer did not come within its deadline. */
export const LATE = 'no answer in time';

const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * One HTTP request over a connection of its own, within its own deadline: a lost first packet then costs
 * this request and no other, where a shared connection would measure TCP's retransmission instead.
 *
 * Resolves with null when it was answered with a status below 500, else with the reason.
 */
export function probeOnce(target: ProbeTarget, path: string, deadlineMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port, noDelay: true });
    let answer = '';
    const done = (reason: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => done(LATE), deadlineMs);
    socket.setEncoding('latin1');
    socket.once('connect', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${target.address}:${target.port}\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > ANSWER_BYTES_MAX) done('the answer is too long');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('close', () => {
      const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1] ?? 0);
      done(
        status >= 100 && status < 500 ? null : status === 0 ? 'closed without an answer' : `status ${status}`,
      );
    });
  });
}
