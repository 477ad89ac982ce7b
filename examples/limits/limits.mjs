// SPDX-License-Identifier: Apache-2.0
// Calls counted and limited by several instances that all serve at the same time. Each decides by what it knows, at once; what the others
// counted in the last moments it does not know yet, so that a limit can be passed by as much.
//
//     POST /calls/CUSTOMER             a call begins: 200 with how many there are, or 429
//     DELETE /calls/CUSTOMER           a call ends
//     PUT /limits/CUSTOMER/CALLS       how many there may be
//     GET /calls                       how many each has
//     GET /health
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { MergeableMap, StatefulFunction } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '0.0.0.0' }, port: { type: 'string', default: '8080' } },
});

const calls = new MergeableMap();
await StatefulFunction.start({ mergeable: calls, onEnd: () => process.exit(1) });

async function answer({ method, url }) {
  if (url === '/health') return [200, { joined: calls.isJoined }];
  if (method === 'GET' && url === '/calls') {
    // A limit alone makes a key, too.
    const counted = [...calls.keys()].map((customer) => [customer, calls.counter(customer)]);
    return [200, Object.fromEntries(counted)];
  }
  const [, what, customer, limit] =
    /^\/(calls|limits)\/([A-Za-z0-9_-]{1,64})(?:\/([0-9]{1,9}))?$/.exec(url) ?? [];
  if (method === 'PUT' && what === 'limits' && limit !== undefined) {
    await calls.write(customer, limit);
    return [200, { limit: Number(limit) }];
  }
  if (what !== 'calls' || limit !== undefined) return [404, { error: 'no such thing' }];
  if (method === 'DELETE') {
    await calls.count(customer, -1);
    return [200, { calls: calls.counter(customer) }];
  }
  if (method !== 'POST') return [404, { error: 'no such thing' }];
  if (calls.counter(customer) >= Number(calls.register(customer) ?? Number.POSITIVE_INFINITY))
    return [429, { error: 'as many calls as there may be' }];
  await calls.count(customer);
  return [200, { calls: calls.counter(customer) }];
}

const server = createServer((request, response) => {
  void answer(request)
    // Whether it counts is not known where the agent went away meanwhile.
    .catch((error) => [503, { error: error.message }])
    .then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
});
server.listen(Number(options.port), options.address, () =>
  console.log(JSON.stringify({ port: server.address().port })),
);
