// SPDX-License-Identifier: Apache-2.0
// A pool element of ours that echoes: node element.mjs '{"id":…,"pool":…,"address":…,"registrars":[…]}'. It tells what
// becomes of it, a JSON object a line, and takes commands the same way: {"policy":…}, {"deregister":true}.
import { createInterface } from 'node:readline';
import { PoolElement } from '@vnfpool/client';
import { SctpTransport } from '@vnfpool/transport/sctp';

const asapProtocol = 11;
const options = JSON.parse(process.argv[2]);
const tell = (what) =>
  process.stdout.write(`${JSON.stringify({ atMs: Math.round(performance.now()), ...what })}\n`);

const service = new SctpTransport({
  rule: { frameBytesMax: 65_536 },
  limits: { frameTimeoutMs: 2 ** 31 - 1 },
});
const listener = await service.listen({
  host: options.address,
  port: options.port ?? 0,
  onConnection: (connection) => {
    tell({ user: connection.peer.address });
    connection.onFrame((frame, protocol) => {
      if (protocol === asapProtocol) return tell({ control: frame[0] });
      connection.send(Uint8Array.from(frame), protocol);
    });
    connection.onClose(() => {});
  },
});

const element = new PoolElement({
  registrars: options.registrars,
  announcements: options.announcements ?? false,
  security: 'open',
  profile: 'rsplib',
  poolHandle: options.pool,
  id: options.id,
  transport: {
    type: 'sctp',
    port: listener.address.port,
    use: 'data-and-control',
    addresses: [options.address],
  },
  policy: options.policy ?? { type: 'round-robin' },
  lifeMs: options.lifeMs ?? 30_000,
  onEvent: (event) => tell(event),
  onTrouble: (trouble) => tell({ trouble }),
});

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.policy) element.update(command.policy);
  if (command.deregister)
    element.deregister().then(
      () => process.exit(0),
      (error) => tell({ error: error.message }),
    );
});

await element.register({ timeoutMs: 60_000 });
tell({ inPool: true });
