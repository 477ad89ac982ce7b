// SPDX-License-Identifier: Apache-2.0
// Accounts over HTTP that survive their server. What was answered is true whatever fails next: an answer waits until the standbys
// have what it tells of.
//
//     POST /accounts/NAME/add     adds 1; the answer is the new balance
//     GET /accounts               all balances
//     GET /health
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { jsonValues, SharedMap, StatefulFunction } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '0.0.0.0' }, port: { type: 'string', default: '8080' } },
});

const accounts = new SharedMap({ values: jsonValues(), entriesMax: 100_000 });
const made = await StatefulFunction.start({ shared: accounts, onEnd: () => process.exit(1) });

async function answer(request) {
  if (request.url === '/health') return [200, { role: made.role }];
  if (!accounts.isHolder) return [503, { error: 'another instance has the accounts' }];
  const name = /^\/accounts\/([A-Za-z0-9_-]{1,64})\/add$/.exec(request.url)?.[1];
  if (request.method === 'POST' && name !== undefined) {
    const balance = (accounts.get(name) ?? 0) + 1;
    await accounts.set(name, balance);
    return [200, { balance }];
  }
  if (request.method === 'GET' && request.url === '/accounts') {
    // What is read may be newer than what the standbys have.
    const balances = Object.fromEntries(accounts.entries());
    await accounts.settled();
    return [200, balances];
  }
  return [404, { error: 'no such thing' }];
}

const server = createServer((request, response) => {
  void answer(request)
    // The slot went before the standbys had it: whether it counts, the next holder knows.
    .catch((error) => [503, { error: error.message }])
    .then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
});
server.listen(Number(options.port), options.address);
