// SPDX-License-Identifier: Apache-2.0

/* One process of a run: the holder of the state, or a standby. It ends with the process that started it. */
import { machineMs } from '../clock.ts';
import { numberOf } from '../frames.ts';
import type { HolderEnd, Mechanism, Place, StandbyEnd } from '../mechanism.ts';
import { mechanismNamed } from '../mechanisms/index.ts';
import { CHILD_TASK, type ChildTask, type ChildWord, type Order } from '../orders.ts';
import { EvaluatedFunction } from './function.ts';
import { openLink } from './link.ts';
import { SocketMeter } from './socket-meter.ts';

const say = (word: ChildWord): void => {
  process.send?.(word);
};

/** Between two words of what was reached. */
const TELL_MS = 50;

async function main(task: ChildTask): Promise<void> {
  const meter = new SocketMeter();
  const mechanism = mechanismNamed(task.mechanism) as Mechanism;
  const place: Place = {
    folder: task.folder,
    secret: new Uint8Array(Buffer.from(task.secret, 'hex')),
    number: task.number,
    happened: (what) => say({ type: 'happened', what }),
  };
  let holder: HolderEnd | undefined;
  let standby: StandbyEnd | undefined;
  const reached: number[] = [];
  const tellReached = (): void => {
    if (reached.length > 0) say({ type: 'reached', reached: Float64Array.from(reached.splice(0)) });
  };
  const served = new EvaluatedFunction(
    () => holder,
    () => standby,
  );
  await served.listen();
  if (task.number > 0)
    standby = await mechanism.standby?.(place, (position) => reached.push(machineMs(), position));

  const orders: { readonly [Type in Order['type']]: (order: Order & { type: Type }) => Promise<ChildWord> } =
    {
      meet: async ({ standbys }) => {
        if (task.number > 0) await standby?.meet?.(standbys);
        else {
          holder = await mechanism.holder(place, standbys, (position) => reached.push(machineMs(), position));
          // A holder that was killed can report nothing.
          setInterval(tellReached, TELL_MS);
          served.begin();
        }
        return { type: 'meet' };
      },
      link: async ({ ports, delayMs }) => ({
        type: 'link',
        ports: await Promise.all(ports.map((port) => openLink(port, delayMs))),
      }),
      measure: async () => {
        const { user, system } = process.cpuUsage();
        return {
          type: 'measure',
          cpuUs: user + system,
          wireOctets: meter.writtenBut(served.port),
          cookieOctets: served.cookieOctets,
          fileOctets: holder?.fileOctets ?? 0,
        };
      },
      take: async () => {
        for (const [key, value] of (await standby?.takeOver()) ?? []) served.state.set(key, value);
        served.begin();
        return { type: 'take' };
      },
      report: async () => ({
        type: 'report',
        state: new Map(
          standby?.state?.() ?? [...served.state].map(([key, value]) => [key, numberOf(value)] as const),
        ),
        reached: Float64Array.from(reached),
        safe: Float64Array.from([...(standby?.safe?.() ?? [])].flat()),
      }),
    };
  process.on('message', (order: Order) => {
    const carryOut = orders[order.type] as (order: Order) => Promise<ChildWord>;
    carryOut(order).then(say, failed);
  });
  say({
    type: 'here',
    clients: served.port,
    ...(standby?.port !== undefined && { port: standby.port }),
  });
}

function failed(error: unknown): void {
  say({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}

const text = process.env[CHILD_TASK];
if (text !== undefined) {
  delete process.env[CHILD_TASK];
  // Who started it is gone, however it ended. A Ctrl-C in the terminal is for that process to answer.
  process.on('disconnect', () => process.exit());
  process.on('SIGINT', () => {});
  main(JSON.parse(text) as ChildTask).catch(failed);
}
