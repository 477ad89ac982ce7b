// SPDX-License-Identifier: Apache-2.0
// Elements run a script that a user hands over, in a process of its own, for so long, with so much memory and output.
// Whoever reaches such an element can run programs there as its user: therefore nothing runs without --allow.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';

const bounds = { runMs: 10_000, megabytes: 64, outputBytes: 64 * 1024, scriptBytes: 64 * 1024, atOnce: 4 };

/** Runs JavaScript from standard input in an empty folder; what it wrote, and how it ended. */
function run(script) {
  const folder = mkdtempSync(join(tmpdir(), 'script-'));
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${bounds.megabytes}`, '--input-type=module', '-'],
      {
        cwd: folder,
        env: {},
        timeout: bounds.runMs,
        killSignal: 'SIGKILL',
      },
    );
    let output = '';
    const take = (chunk) => {
      output += chunk;
      if (output.length > bounds.outputBytes) child.kill('SIGKILL');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.stdin.on('error', () => {});
    child.stdin.end(script);
    child.once('close', (code, signal) => {
      rmSync(folder, { recursive: true, force: true });
      resolve(JSON.stringify({ code, signal, output: output.slice(0, bounds.outputBytes) }));
    });
  });
}

export function serve(values) {
  let running = 0;
  const runner = async (session) => {
    for await (const message of session) {
      if (!values.allow) await session.send(JSON.stringify({ refused: 'started without --allow' }));
      else if (message.length > bounds.scriptBytes)
        await session.send(JSON.stringify({ refused: 'too long' }));
      else if (running >= bounds.atOnce) await session.send(JSON.stringify({ refused: 'busy' }));
      else {
        running += 1;
        const result = await run(message).finally(() => {
          running -= 1;
        });
        await session.send(result);
      }
    }
  };
  const element = { policy: { type: 'least-used', load: 0 }, capacity: bounds.atOnce };
  return serveUntilStopped(values, 'script', runner, {
    element,
    serve: { messageBytesMax: 2 * bounds.scriptBytes },
  });
}

export async function use(values, [file = '/dev/stdin'] = []) {
  const user = poolUser(values);
  // A script whose element died is run again by another: it must bear that.
  const session = await user.open(values.pool ?? 'script', { resend: 'unacknowledged', onEvent: tell });
  await session.send(readFileSync(file));
  const { value } = await session[Symbol.asyncIterator]().next();
  const { refused, code, signal, output } = JSON.parse(textOf(value));
  session.close();
  user.close();
  if (refused !== undefined) console.error(`refused: ${refused}`);
  else process.stdout.write(output);
  process.exitCode = refused !== undefined || signal !== null ? 1 : code;
}

await main(import.meta.url, { serve, use, options: { allow: { type: 'boolean', default: false } } });
