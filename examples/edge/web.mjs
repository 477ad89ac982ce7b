// SPDX-License-Identifier: Apache-2.0
// An ordinary HTTP server. It knows nothing of vnfpool.
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8080' }, greeting: { type: 'string', default: 'hello' } },
});
let served = 0;

createServer((request, response) => {
  if (request.url === '/health') {
    response.end('ok\n');
    return;
  }
  served += 1;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${values.greeting} from process ${process.pid} on ${hostname()}, request ${served}\n`);
}).listen(Number(values.port), '0.0.0.0', () => console.log(`serving on port ${values.port}`));
