// SPDX-License-Identifier: Apache-2.0
// A small computing service: GET /primes?below=N answers how many primes there are below N.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { port: { type: 'string', default: '9090' } } });
const limit = 200_000;

function primesBelow(n) {
  const composite = new Uint8Array(n);
  let count = 0;
  for (let i = 2; i < n; i += 1) {
    if (composite[i]) continue;
    count += 1;
    for (let j = i * i; j < n; j += i) composite[j] = 1;
  }
  return count;
}

createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://calc');
  if (url.pathname === '/health') {
    response.end('ok\n');
    return;
  }
  const below = Number(url.searchParams.get('below') ?? 20_000);
  if (!Number.isInteger(below) || below < 0 || below > limit) {
    response.statusCode = 400;
    response.end(`below must be an integer from 0 to ${limit}\n`);
    return;
  }
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ below, primes: primesBelow(below), process: process.pid })}\n`);
}).listen(Number(values.port), '0.0.0.0', () => console.log(`serving on port ${values.port}`));
