// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { Conntrack } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { commitFlows, FlowUpdates, flowKernel } from '@vnfpool/runtime/flow-sharing';
import { decodeSharedFlow, natOf, readSharedFlowKey } from '@vnfpool/wire/flow-state';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startClient, startServer } from './download.ts';
import { createGatewayLab } from './gateways.ts';

const missing = whyNoLab();
const PIECE = 1024 * 1024;

function whyNoLab(): string {
  try {
    createNamespace().close();
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
  return spawnSync('nft', ['--version']).error === undefined ? '' : 'nft is not installed';
}

describe.skipIf(missing !== '')(`flows that two gateways share ${missing}`, () => {
  test('a masqueraded download, known by events alone, goes on through the gateway that took over', async () => {
    const lab = createGatewayLab();
    onTestFinished(() => lab.close());
    lab.a.activate();
    // Before there is any flow: what is shared comes by events, from the first packet on.
    const copy = new Map<string, Uint8Array>();
    const kernel = inNamespace(lab.a.namespace.fd, () => flowKernel());
    onTestFinished(() => kernel.close());
    const updates = inNamespace(
      lab.a.namespace.fd,
      () =>
        new FlowUpdates({
          kernel,
          change: (changes) => {
            for (const { key, value } of changes) {
              if (value === null) copy.delete(key);
              else copy.set(key, value);
            }
            return Promise.resolve();
          },
        }),
    );
    onTestFinished(() => updates.close());
    const server = startServer(lab.server);
    onTestFinished(() => server.kill());
    await server.line(['ready']);
    const client = startClient(lab.client);
    onTestFinished(() => client.kill());
    await client.line(['got', 'lost'], ([, octets]) => Number(octets) > PIECE);
    await updates.settle();
    const download = [...copy]
      .map(([key, value]) => decodeSharedFlow(readSharedFlowKey(key), value))
      .find(({ original }) => original.protocol === 6);
    const [, , port] = await server.line(['peer']);
    expect(download && natOf(download).source).toEqual({
      address: Uint8Array.of(192, 0, 2, 1),
      port: Number(port),
    });
    expect(download?.tcp?.state).toBe(3);

    lab.a.retire();
    lab.a.cut();
    const table = inNamespace(lab.b.namespace.fd, () => new Conntrack());
    onTestFinished(() => table.close());
    expect(await commitFlows(table, copy)).toMatchObject({ flows: copy.size, refusedTotal: 0 });
    lab.b.activate();
    const before = client.got;
    const isFurther = ([, octets]: readonly string[]): boolean => Number(octets) > before + 2 * PIECE;
    expect((await client.line(['got', 'lost', 'end'], isFurther))[0]).toBe('got');
    server.tell('stop');
    const [, sent, digest] = await server.line(['sent', 'lost']);
    expect(await client.line(['end', 'lost'])).toEqual(['end', sent, digest]);
  });
});
