// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:http';
import { connect } from 'node:net';
import { type CommandCheck, checkCommand } from './command-check.ts';
import { failedConnection } from './failed-connection.ts';
import { afterOwnTime } from './own-time.ts';
import { checkSip } from './sip-check.ts';

/** What a function is asked, and how long it may take. */
export interface HealthQuestion {
  readonly type: 'tcp' | 'http' | 'command' | 'sip-options';
  /** Path of an HTTP check; a status from 200 to 399 is healthy. */
  readonly path?: string;
  /** What a `command` check runs. */
  readonly command?: CommandCheck;
  readonly timeoutMs: number;
}

/** Longest answer read of an HTTP check; a server that talks without end is not waited for. */
const ANSWER_BYTES_MAX = 64 * 1024;

export interface HealthResult {
  readonly ok: boolean;
  readonly reason: string;
  /** The port refused the connection, or reset it; absent: it did not. */
  readonly isRefused?: true;
}

/**
 * Makes one check. Always resolves, at the check's own deadline at the latest; time in which this process stood still does
 * not count.
 * @param port Null where the function has none; only a command can be run then.
 */
export function checkHealth(
  check: HealthQuestion,
  address: string,
  port: number | null,
): Promise<HealthResult> {
  if (check.type === 'command') {
    return check.command
      ? checkCommand(check.command, check.timeoutMs)
      : Promise.resolve({ ok: false, reason: 'the check names no command' });
  }
  if (port === null) return Promise.resolve({ ok: false, reason: 'the function has no port' });
  const host = address === '0.0.0.0' ? '127.0.0.1' : address;
  switch (check.type) {
    case 'tcp':
      return checkTcp(check, host, port);
    case 'http':
      return checkHttp(check, host, port);
    case 'sip-options':
      return checkSip(check.timeoutMs, host, port);
  }
}

function checkTcp({ timeoutMs }: HealthQuestion, host: string, port: number): Promise<HealthResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: HealthResult): void => {
      limit.cancel();
      socket.destroy();
      resolve(result);
    };
    const done = (ok: boolean, reason: string): void => end({ ok, reason });
    const limit = afterOwnTime(timeoutMs, () => done(false, `no connection within ${timeoutMs} ms`));
    socket.once('connect', () => done(true, 'connected'));
    socket.once('error', (error) => end(failedConnection(error)));
  });
}

function checkHttp(
  { timeoutMs, path = '/' }: HealthQuestion,
  host: string,
  port: number,
): Promise<HealthResult> {
  return new Promise((resolve) => {
    const outgoing = request({ host, port, path, agent: false, headers: { connection: 'close' } });
    const end = (result: HealthResult): void => {
      limit.cancel();
      outgoing.destroy();
      resolve(result);
    };
    const done = (ok: boolean, reason: string): void => end({ ok, reason });
    const limit = afterOwnTime(timeoutMs, () => done(false, `no answer within ${timeoutMs} ms`));
    outgoing.once('error', (error) => end(failedConnection(error)));
    outgoing.once('response', (answer) => {
      const status = answer.statusCode ?? 0;
      let octets = 0;
      answer.on('data', (chunk: Buffer) => {
        octets += chunk.length;
        if (octets > ANSWER_BYTES_MAX) done(false, `the answer is longer than ${ANSWER_BYTES_MAX} octets`);
      });
      answer.once('end', () => done(status >= 200 && status < 400, `status ${status}`));
      answer.once('error', (error) => end(failedConnection(error)));
    });
    outgoing.end();
  });
}
