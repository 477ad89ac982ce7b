// SPDX-License-Identifier: Apache-2.0
import { sctpMissing } from '@vnfpool/transport/sctp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerTo, HandLab } from './hand-lab.ts';
import { notBuilt } from './support.ts';

/* A manager in the hand and nodes without a set, as processes that speak over kernel SCTP. */

const missing = sctpMissing() ?? notBuilt;

describe.skipIf(missing !== '')(`service mobility over SCTP, as processes ${missing}`, () => {
  let lab: HandLab;

  beforeEach(() => {
    lab = new HandLab();
  });
  afterEach(() => lab.close());

  test('one manager for nodes over SCTP and over TCP; a function moves between them', async () => {
    // Without state: hooks are programs, and starting one takes longer in this machine than a move may pause.
    const spec = lab.file('sleeper.json', '{"command":["/bin/sleep","600"]}');
    const [manager, at] = await lab.serve(
      [
        'wait 1',
        'wait 2',
        `add 1 101 --spec ${spec}`,
        'wait 1 101 Running',
        'get 1 101',
        'move 1 101 --to 2',
        'wait 2 101 Running',
        'wait 1 101 gone',
        'delete 2 101',
        'nodes',
      ],
      '--plain',
      '--transport',
      'sctp',
      '--transport',
      'tcp',
      '--timeout',
      '60s',
    );
    lab.node('a', at, '--plain', '--transport', 'sctp', '--node-id', '1');
    lab.node('b', at, '--plain', '--node-id', '2');
    const { code, stderr } = await manager.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(answerTo(manager, 'get 1 101')).toMatchObject({
      result: { functions: [{ functionId: 101, information: { status: 'Running' } }] },
    });
  });
});
