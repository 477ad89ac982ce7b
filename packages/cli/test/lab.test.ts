// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { FailoverView, LabRequest } from '@vnfpool/core/management';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failover } from '../../daemons/test/management-api/edge-state.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;
let ordered: LabRequest[];

beforeEach(async () => {
  bench = await Bench.make();
  ordered = [];
});

afterEach(() => bench.close());

const next: FailoverView = { ...failover, id: 'f2', epoch: epochOf(1, 8), from: 'web#1', to: 'web#2' };

/** A lab in which whatever is done has this effect. */
function lab(effect: () => void): Promise<void> {
  return bench.withLab((request) => {
    ordered.push(request);
    effect();
    return { status: 204 };
  });
}

function happen(...failovers: FailoverView[]): void {
  bench.backend.change({ failovers: [...failovers, failover] });
}

describe('kill and pause', () => {
  test('draws the failover of the slot that the instance held', async () => {
    await lab(() => happen(next));
    const done = await bench.run(['kill', 'web#1']);
    expect(ordered).toEqual([{ action: 'kill', target: 'web#1' }]);
    expect([done.code, done.err]).toEqual([0, '']);
    expect(done.out).toMatchSnapshot();
  });

  test('a node: of every slot that is held there', async () => {
    await lab(() => happen(next));
    const { out } = await bench.run(['pause', 'node-a']);
    expect(out).toMatch(/^node-a: paused\nweb\/0 {2}web#1 → web#2 {2}epoch 1\.8/);
  });

  test('waits until the record is whole: the steps come first, the outage later', async () => {
    await lab(() => {
      happen({ ...next, steps: next.steps.slice(0, 2), outageMs: null, failedRequests: null });
      setTimeout(() => happen({ ...next, outageMs: null, failedRequests: null }), 30);
      setTimeout(() => happen(next), 60);
    });
    const { out } = await bench.run(['kill', 'web#1']);
    expect(out).toContain('serving');
    expect(out).toContain('outage 126 ms, 10 requests failed');
  });

  test('without a traffic source nobody waits for an outage', async () => {
    bench.backend.change({ traffic: [] });
    await lab(() => happen({ ...next, outageMs: null, failedRequests: null }));
    const { out } = await bench.run(['kill', 'web#1', '--wait', '1h']);
    expect(out).toContain('no traffic source saw an outage');
  });

  test('says so when none came', async () => {
    await lab(() => undefined);
    expect(await bench.run(['kill', 'web#1', '--wait', '100ms'])).toEqual({
      code: 0,
      out: 'web#1: killed\nweb/0: no failover within 100 ms\n',
      err: '',
    });
  });

  test('a failover of another slot is not taken for it', async () => {
    await lab(() => happen({ ...next, pool: 'calc' }));
    const { out } = await bench.run(['kill', 'web#1', '--wait', '100ms']);
    expect(out).toBe('web#1: killed\nweb/0: no failover within 100 ms\n');
  });

  test('who held no slot leaves none', async () => {
    await lab(() => undefined);
    expect((await bench.run(['kill', 'web#2'])).out).toBe(
      'web#2: killed\nweb#2 held no slot: no failover is due\n',
    );
  });

  test('--no-wait does not', async () => {
    await lab(() => undefined);
    expect((await bench.run(['kill', 'web#1', '--no-wait'])).out).toBe('web#1: killed\n');
  });

  test('with the manager gone things can still be started', async () => {
    await lab(() => undefined);
    await bench.stop();
    expect(await bench.run(['start', 'manager'])).toEqual({ code: 0, out: 'manager: started\n', err: '' });
    expect(await bench.run(['kill', 'node-a'])).toEqual({ code: 0, out: 'node-a: killed\n', err: '' });
  });

  test('the lab’s own refusal is told', async () => {
    const body = { error: { code: 'not-found', message: 'there is no web#9 here' } };
    await bench.withLab(() => ({ status: 404, body }));
    expect(await bench.run(['resume', 'web#9'])).toEqual({
      code: 1,
      out: '',
      err: 'vnfpool: there is no web#9 here\n',
    });
  });

  test('without a lab it says where there is one', async () => {
    const { code, out, err } = await bench.run(['kill', 'web#1']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('faults on purpose exist only where `vnfpool up` runs the set');
  });
});

describe('handover', () => {
  test('orders it and draws it', async () => {
    const handover = bench.backend.handover.bind(bench.backend);
    bench.backend.handover = async (request) => {
      const answer = await handover(request);
      happen({ ...next, cause: 'hand-over ordered', fencedBy: 'release' });
      return answer;
    };
    const { code, out } = await bench.run(['handover', 'web/0', '--to', 'web#2']);
    expect(code).toBe(0);
    expect(bench.backend.asked).toEqual([{ what: 'handover', with: { pool: 'web', slot: 0, to: 'web#2' } }]);
    expect(out).toMatch(
      /^web\/0: hand-over ordered\nweb\/0 {2}web#1 → web#2 {2}epoch 1\.8: hand-over ordered \(fenced by release\)/,
    );
  });

  test('says what is lost where an operator accepts that', async () => {
    const words = 'web#2 lacked 3 updates (96 octets, 2 ms) when the holder told of it last, 7 s ago.';
    const at = { at: 1, toldAt: 1, lagUpdates: 3, lagBytes: 96, lagMs: 2, agreedAt: 1, heardAt: 1 };
    bench.backend.handoverAnswer = { acceptedLoss: { ...at, digests: 'agreed', words } };
    const command = ['handover', 'web/0', '--to', 'web#2', '--i-accept-the-loss', '--no-wait'];
    const { code, out } = await bench.run(command);
    expect([code, out]).toEqual([0, `web/0: hand-over ordered\n  accepted: ${words}\n`]);
  });
});
